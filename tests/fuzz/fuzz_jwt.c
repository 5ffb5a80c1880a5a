/* Tokens: the first byte says whether the rest is a compact serialisation, or the JSON of a header or of claims. No input
 * carries a good signature of the key that nobody here signs with. */
#include "../../lib/jose/jwt.h"

#include "../../lib/base/base64url.h"
#include "../material.h"
#include "fuzz.h"

enum { ARENA = 262144, ENCODED = 131072 };

static struct arena arena;
static struct secret_hasher hasher;
static EVP_PKEY *keys[MATERIALS];

static int open_all(void)
{
    if (arena.block) return 0;
    for (int i = 0; i < MATERIALS; i++) keys[i] = material_open((enum material)i);
    return secret_hasher_open(&hasher) || arena_open(&arena, ARENA) ? -1 : 0;
}

static void judge_header(struct text encoded)
{
    struct jwt_header header;
    if (jwt_header_read(encoded, &arena, &header)) return;
    HOLDS(header.algorithm < JWS_PUBLIC_ALGORITHMS);
    HOLDS(header.kid.size == 0 || !memchr(header.kid.data, '\0', header.kid.size));
}

static void judge_claims(struct text encoded)
{
    static struct jwt_claims claims;
    if (jwt_claims_read(encoded, &arena, &claims)) return;
    HOLDS(claims.audience_count <= JWT_AUDIENCES);
    HOLDS(claims.expires_at >= -1 && claims.not_before >= -1 && claims.issued_at >= -1);
    HOLDS(claims.jti.size == 0 || !memchr(claims.jti.data, '\0', claims.jti.size));
}

static void judge_compact(struct text compact)
{
    struct jws jws;
    if (jws_split(compact, &jws)) return;
    HOLDS(jws.header.size + jws.payload.size + jws.signature.size + 2 == compact.size);
    judge_header(jws.header);
    judge_claims(jws.payload);
    for (int i = 0; i < JWS_ALGORITHMS; i++)
        HOLDS(jws_verify(keys[material_for((enum jws_algorithm)i)], (enum jws_algorithm)i, &hasher, &jws) == 0);
    HOLDS(jws_verify(keys[MATERIAL_other], JWS_ES256, &hasher, &jws) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[ENCODED];
    struct buffer encoded = { bytes, 0, sizeof bytes, false };
    if (size == 0 || open_all()) return 0;
    struct text rest = { (const char *)data + 1, size - 1 };
    arena_reset(&arena);
    base64url_put(&encoded, rest);
    if (data[0] == 'h') judge_header(buffer_text(&encoded));
    else if (data[0] == 'c') judge_claims(buffer_text(&encoded));
    else judge_compact(rest);
    return 0;
}

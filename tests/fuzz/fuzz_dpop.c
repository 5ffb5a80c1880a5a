/* DPoP proofs through the whole server. The first byte says what follows: `s` header and claims as JSON, a NUL between
 * them, which are signed here with the key of the RFC 7515 A.3; anything else is the header field as it is.
 *
 * Without that key's signature there is no token; with it, only by claims that name method, URL and an id, and once. A
 * token that came with a proof is bound to its key. */
#include "../../lib/base/base64url.h"
#include "../world.h"
#include "fuzz.h"

enum { PROOF = 32768 };

#define JKT "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"

static struct world world;
static EVP_PKEY *pair;
static EVP_PKEY_CTX *signer;

static int furnish(void)
{
    if (signer) return 0;
    if (world_open(&world)) return -1;
    struct world_client *svc = world_client(&world, TEXT("svc"));
    pair = material_open(MATERIAL_ec);
    signer = pair ? jws_signer(pair, JWS_ES256) : NULL;
    return !signer || world_add_secret(&world, svc, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT("s3cret") }) ||
           world_add_grant(&world, svc, &(struct client_grant){ .audience = TEXT("https://api.example"), .scope = TEXT("read"),
                                                                .audience_algorithm = JWS_NONE });
}

static void put_signed(struct buffer *b, struct text header, struct text claims)
{
    char bytes[JWS_SIGNATURE_BYTES];
    struct buffer signature = { bytes, 0, sizeof bytes, false };
    base64url_put(b, header);
    buffer_put_char(b, '.');
    base64url_put(b, claims);
    if (jws_sign(signer, JWS_ES256, &world.hasher, buffer_text(b), &signature)) abort();
    buffer_put_char(b, '.');
    base64url_put(b, buffer_text(&signature));
}

/* The claims of the token in the answer. */
static struct text claims_of(struct text answer)
{
    static char bytes[PROOF];
    struct buffer claims = { bytes, 0, sizeof bytes, false };
    const char *start = memmem(answer.data, answer.size, "\"access_token\":\"", 16);
    struct jws jws;
    HOLDS(start != NULL);
    struct text token = { start + 16, strcspn(start + 16, "\"") };
    HOLDS(jws_split(token, &jws) == 0 && base64url_decode(jws.payload, &claims) == 0);
    return buffer_text(&claims);
}

static bool says(struct text t, const char *what) { return memmem(t.data, t.size, what, strlen(what)) != NULL; }

static int ask(struct text proof)
{
    static struct response response;
    const struct request request = {
        .method = TEXT("POST"), .path = TEXT("/oauth/token"), .content_type = TEXT("application/x-www-form-urlencoded"),
        .body = TEXT("grant_type=client_credentials&client_id=svc&client_secret=s3cret&scope=read"), .dpop = proof,
    };
    struct text answer = world_handle(&world, &request, &response);
    HOLDS(response.status == 200 || response.status == 400);
    HOLDS((response.status == 200) == says(answer, "\"token_type\":\"DPoP\""));
    HOLDS(response.status == 200 || says(answer, "\"invalid_dpop_proof\""));
    if (response.status == 200) HOLDS(says(claims_of(answer), "\"cnf\":{\"jkt\":\"" JKT "\"}"));
    return response.status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[PROOF];
    struct buffer proof = { bytes, 0, sizeof bytes, false };
    struct text rest = { (const char *)data + 1, size - 1 }, header;
    if (furnish()) abort();
    if (size < 2) return 0;
    bool is_signed = data[0] == 's';
    if (!is_signed) buffer_put(&proof, rest);
    else if (text_split(&rest, '\0', &header)) put_signed(&proof, header, rest);
    if (proof.full || proof.size == 0) return 0;
    world.seen_count = 0;
    if (ask(buffer_text(&proof)) != 200) return 0;
    HOLDS(is_signed && text_present(rest) && says(header, "\"jwk\""));
    HOLDS(says(rest, "\"htm\"") && says(rest, "\"htu\"") && says(rest, "\"jti\"") && says(rest, "\"iat\""));
    HOLDS(world.seen_count == 1 && ask(buffer_text(&proof)) == 400);
    return 0;
}

/* The public vectors of tests/vectors/jws.txt, each line one test: RFCs 7515, 7517, 7520, 7638, 8037, 8705, 9449, and
 * signatures that only look like some (PROTOCOL B7 B8 B12 B13). */
#include <openssl/x509.h>

#include "../../lib/base/base64url.h"
#include "../../lib/jose/jwk.h"
#include "../../lib/jose/jwt.h"
#include "../check.h"

enum { FILE_BYTES = 131072, ARENA_BYTES = 65536, KEYS = 32, BYTES = 1024 };

static struct secret_hasher hasher;
static struct arena arena;
static struct {
    struct text name, json;
} keys[KEYS];
static size_t key_count;

static struct text word(struct text *rest)
{
    struct text found;
    return text_split(rest, ' ', &found) ? found : (struct text){ NULL, 0 };
}

/* NULL, or why the key that is named so is not taken. */
static const char *open_key(struct text name, struct jwk *jwk_r)
{
    for (size_t i = 0; i < key_count; i++)
        if (text_equal(keys[i].name, name)) return jwk_read(keys[i].json, jwk_r);
    return "there is no such key in the file";
}

static bool holds(const struct jwk *jwk, enum jws_algorithm algorithm, const struct jws *jws)
{
    return (jwk->algorithm == JWS_NONE || jwk->algorithm == algorithm) && jwk_suits(jwk->key, algorithm) &&
           jws_verify(jwk->key, algorithm, &hasher, jws) == 1;
}

/* `valid`, `signature` or `refused`, as the file has it. */
static struct text judge(struct text name, struct text token)
{
    struct jws jws;
    struct jwk jwk;
    struct jwt_header header;
    if (jws_split(token, &jws) || open_key(name, &jwk)) return TEXT("refused");
    const char *header_refused = jwt_header_read(jws.header, &arena, &header);
    bool good = !header_refused && holds(&jwk, header.algorithm, &jws), any = false;
    for (int i = 0; header_refused && i < JWS_ALGORITHMS; i++) any = any || holds(&jwk, i, &jws);
    jwk_close(&jwk);
    arena_reset(&arena);
    return good ? TEXT("valid") : any ? TEXT("signature") : TEXT("refused");
}

static bool is_thumbprint(struct text name, struct text value)
{
    char bytes[JWK_THUMBPRINT];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    struct jwk jwk;
    if (open_key(name, &jwk)) return false;
    int bad = jwk_put_thumbprint(&b, &hasher, jwk.key);
    jwk_close(&jwk);
    return !bad && text_equal(buffer_text(&b), value);
}

static bool is_sha256(struct text value, struct text form, struct text encoded)
{
    char bytes[BYTES], printed[JWK_THUMBPRINT];
    unsigned char digest[SECRET_DIGEST];
    struct buffer decoded = { bytes, 0, sizeof bytes, false }, b = { printed, 0, sizeof printed, false };
    if (text_equal(form, TEXT("base64"))) {
        if (base64url_decode_basic(encoded, &decoded)) return false;
        encoded = buffer_text(&decoded);
    }
    if (secret_digest(&hasher, &encoded, 1, digest)) return false;
    base64url_put(&b, (struct text){ (const char *)digest, sizeof digest });
    return text_equal(buffer_text(&b), value);
}

static bool is_payload(struct text token, struct text said)
{
    char bytes[BYTES];
    struct buffer decoded = { bytes, 0, sizeof bytes, false };
    struct jws jws;
    return !jws_split(token, &jws) && !base64url_decode(jws.payload, &decoded) && text_equal(buffer_text(&decoded), said);
}

static bool is_certificate(struct text name, struct text encoded)
{
    char bytes[BYTES];
    struct buffer decoded = { bytes, 0, sizeof bytes, false };
    struct jwk jwk;
    if (open_key(name, &jwk)) return false;
    bool good = !base64url_decode_basic(encoded, &decoded);
    const unsigned char *der = (const unsigned char *)bytes, *end = der + decoded.size;
    X509 *certificate = good ? d2i_X509(NULL, &der, (long)decoded.size) : NULL;
    good = certificate && der == end && EVP_PKEY_eq(X509_get0_pubkey(certificate), jwk.key) == 1;
    X509_free(certificate);
    jwk_close(&jwk);
    return good;
}

static bool is_key(struct text name, struct text json)
{
    if (key_count == KEYS) return false;
    keys[key_count].name = name;
    keys[key_count++].json = json;
    return true;
}

static bool is_so(struct text verb, struct text rest)
{
    struct jwk jwk;
    struct text first = word(&rest);
    if (text_equal(verb, TEXT("key"))) return is_key(first, rest);
    if (text_equal(verb, TEXT("unfit"))) return open_key(first, &jwk) != NULL;
    if (text_equal(verb, TEXT("thumbprint"))) return is_thumbprint(first, rest);
    if (text_equal(verb, TEXT("sha256"))) {
        struct text form = word(&rest);
        return is_sha256(first, form, rest);
    }
    if (text_equal(verb, TEXT("payload"))) return is_payload(first, rest);
    if (text_equal(verb, TEXT("certificate"))) return is_certificate(first, rest);
    return text_equal(judge(first, rest), verb);
}

/* One line of output for each title, with the number of the first line that does not hold. */
static void report(struct text title, unsigned broken)
{
    if (title.size == 0 && broken == 0) return;
    if (broken == 0) printf("ok - %.*s\n", (int)title.size, title.data);
    else printf("not ok - %.*s # tests/vectors/jws.txt:%u\n", (int)title.size, title.data, broken);
    check_failures += broken > 0;
}

static void run(struct text file)
{
    struct text line, title = TEXT("");
    unsigned number = 0, broken = 0;
    while (text_split(&file, '\n', &line)) {
        number++;
        if (line.size == 0 || text_begins(line, TEXT("##"))) continue;
        if (text_begins(line, TEXT("# "))) {
            report(title, broken);
            title = text_slice(line, 2, line.size);
            broken = 0;
            continue;
        }
        struct text verb = word(&line);
        if (!is_so(verb, line) && broken == 0) broken = number;
    }
    report(title, broken);
}

int main(void)
{
    static char bytes[FILE_BYTES];
    char path[BYTES];
    const char *source = getenv("srcdir");
    (void)snprintf(path, sizeof path, "%s/tests/vectors/jws.txt", source ? source : ".");
    FILE *file = fopen(path, "r");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file) (void)fclose(file);
    if (size == 0 || size == sizeof bytes || secret_hasher_open(&hasher) || arena_open(&arena, ARENA_BYTES)) {
        printf("not ok - %s # it cannot be read, is empty or too long\n", path);
        return EXIT_FAILURE;
    }
    run((struct text){ bytes, size });
    arena_close(&arena);
    secret_hasher_close(&hasher);
    return CHECK_EXIT();
}

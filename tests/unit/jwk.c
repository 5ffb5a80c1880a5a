/* RFC 7517, RFC 7638, RFC 8037: keys that are taken, and the reasons why others are not. */
#include "../../lib/jose/jwk.h"

#include "../../lib/base/base64url.h"
#include "../check.h"
#include "../material.h"

static struct secret_hasher hasher;

#define EC_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define EC_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define RSA_N "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMst" \
    "n64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO" \
    "pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define OKP "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static struct text thumbprint(struct text json)
{
    static char bytes[64];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    struct jwk jwk;
    if (jwk_read(json, &jwk)) return (struct text){ NULL, 0 };
    int bad = jwk_put_thumbprint(&b, &hasher, jwk.key);
    jwk_close(&jwk);
    return bad ? (struct text){ NULL, 0 } : buffer_text(&b);
}

static void rfc7638_3_1(void)
{
    CHECK_TEXT(thumbprint(TEXT("{" RSA ",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}")), TEXT("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    CHECK_TEXT(thumbprint(TEXT("{\"e\":\"AQAB\",\"n\":\"" RSA_N "\",\"kty\":\"RSA\"}")), TEXT("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
}

static void rfc8037_a3(void)
{
    CHECK_TEXT(thumbprint(TEXT("{" OKP "}")), TEXT("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
}

struct seen {
    size_t keys, refused;
    struct jwk first;
};

static int take(void *context, struct jwk *jwk, const char *refused)
{
    struct seen *seen = context;
    if (refused) seen->refused++;
    else if (seen->keys++ == 0) seen->first = *jwk;
    else jwk_close(jwk);
    return 0;
}

/* The EC key of A.1 is for encryption, the RSA one is one of ours. */
static void rfc7517_a1(void)
{
    struct seen seen = { 0 };
    CHECK(jwk_read_set(TEXT("{\"keys\":[{" EC ",\"use\":\"enc\",\"kid\":\"1\"},{" RSA ",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}]}"), take, &seen) == 0);
    CHECK(seen.keys == 1 && seen.refused == 1);
    CHECK(!strcmp(seen.first.kid, "2011-04-29") && seen.first.algorithm == JWS_RS256);
    CHECK(EVP_PKEY_get_bits(seen.first.key) == 2048);
    jwk_close(&seen.first);
}

static void sets_and_what_is_none(void)
{
    struct seen seen = { 0 };
    CHECK(jwk_read_set(TEXT("{" EC "}"), take, &seen) == 0 && seen.keys == 1);
    jwk_close(&seen.first);
    seen = (struct seen){ 0 };
    CHECK(jwk_read_set(TEXT("{\"keys\":[]}"), take, &seen) == 0 && seen.keys == 0 && seen.refused == 0);
    CHECK(jwk_read_set(TEXT("{\"keys\":[null,1,\"x\",[],{}]}"), take, &seen) == 0 && seen.keys == 0 && seen.refused == 5);
    CHECK(jwk_read_set(TEXT("{\"keys\":{}}"), take, &seen) == -1);
    CHECK(jwk_read_set(TEXT("{\"keys\":null}"), take, &seen) == -1);
    CHECK(jwk_read_set(TEXT("[]"), take, &seen) == -1);
    CHECK(jwk_read_set(TEXT(""), take, &seen) == -1);
    CHECK(jwk_read_set(TEXT("{\"keys\":[{" EC "}],\"keys\":[]}"), take, &seen) == -1);
}

static void good_keys(void)
{
    static const struct { struct text json; enum jws_algorithm algorithm; const char *kid; } keys[] = {
        { TEXT("{" EC "}"), JWS_NONE, "" },
        { TEXT("{" EC ",\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"k\"}"), JWS_ES256, "k" },
        { TEXT("{" EC ",\"key_ops\":[\"sign\",\"verify\"]}"), JWS_NONE, "" },
        { TEXT("{" RSA ",\"alg\":\"PS256\"}"), JWS_PS256, "" },
        { TEXT("{" OKP ",\"alg\":\"EdDSA\",\"x5t\":\"ignored\",\"nested\":{\"a\":[1]}}"), JWS_EdDSA, "" },
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct jwk jwk;
        CHECK(jwk_read(keys[i].json, &jwk) == NULL);
        CHECK(jwk.key && jwk.algorithm == keys[i].algorithm && !strcmp(jwk.kid, keys[i].kid));
        jwk_close(&jwk);
    }
}

#define ZERO32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void refused_keys(void)
{
    static const struct { struct text json; const char *reason; } keys[] = {
        { TEXT("{" EC ",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}"), "private" },
        { TEXT("{" RSA ",\"p\":\"AQAB\"}"), "private" },
        { TEXT("{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ\"}"), "private" },
        { TEXT("{\"kty\":\"oct\"}"), "kty" },
        { TEXT("{\"crv\":\"P-256\"}"), "kty" },
        { TEXT("{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}"), "curve" },
        { TEXT("{\"kty\":\"EC\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}"), "curve" },
        { TEXT("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08\"}"), "curve" },
        { TEXT("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ\"}"), "x is not" },
        { TEXT("{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}"), "x is not" },
        { TEXT("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"}"), "point" },
        { TEXT("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" ZERO32 "\",\"y\":\"" ZERO32 "\"}"), "point" },
        { TEXT("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyA\"}"), "point" },
        { TEXT("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFw\"}"), "y is not" },
        { TEXT("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X EC_X "\",\"y\":\"" EC_Y "\"}"), "x is not" },
        { TEXT("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "=\",\"y\":\"" EC_Y "\"}"), "x is not" },
        { TEXT("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1,\"y\":\"" EC_Y "\"}"), "x is not" },
        { TEXT("{" EC ",\"alg\":\"RS256\"}"), "suit" },
        { TEXT("{" RSA ",\"alg\":\"ES256\"}"), "suit" },
        { TEXT("{" OKP ",\"alg\":\"ES256\"}"), "suit" },
        { TEXT("{" RSA ",\"alg\":\"HS256\"}"), "alg" },
        { TEXT("{" RSA ",\"alg\":\"none\"}"), "alg" },
        { TEXT("{" RSA ",\"alg\":1}"), "not a string" },
        { TEXT("{" RSA ",\"use\":[\"enc\"]}"), "not a string" },
        { TEXT("{" RSA ",\"kid\":null}"), "not a string" },
        { TEXT("{" RSA ",\"use\":\"enc\"}"), "use" },
        { TEXT("{" RSA ",\"key_ops\":[\"sign\"]}"), "key_ops" },
        { TEXT("{" RSA ",\"key_ops\":[]}"), "key_ops" },
        { TEXT("{" RSA ",\"key_ops\":\"verify\"}"), "key_ops" },
        { TEXT("{" RSA ",\"key_ops\":[null,1,{}]}"), "key_ops" },
        { TEXT("{" RSA ",\"kid\":\"12345678901234567890123456789012345678901234567890123456789012345\"}"), "kid" },
        { TEXT("{" EC ",\"kty\":\"EC\"}"), "twice" },
        { TEXT("{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}"), "exponent" },
        { TEXT("{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAA\"}"), "exponent" },
        { TEXT("{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AAAA\"}"), "exponent" },
        { TEXT("{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAAAAE\"}"), "exponent" },
        { TEXT("{\"kty\":\"RSA\",\"n\":\"" RSA_N "\"}"), "n or e" },
        { TEXT("{\"kty\":\"RSA\",\"n\":\"" RSA_N "=\",\"e\":\"AQAB\"}"), "n or e" },
        { TEXT("{\"kty\":\"RSA\",\"e\":\"AQAB\"}"), "n or e" },
        { TEXT("[]"), "object" }, { TEXT(""), "object" }, { TEXT("{"), "object" },
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct jwk jwk = { .key = NULL };
        const char *refused = jwk_read(keys[i].json, &jwk);
        if (!refused || !strstr(refused, keys[i].reason)) printf("# %.*s: %s\n", (int)keys[i].json.size, keys[i].json.data, refused ? refused : "taken");
        CHECK(refused && strstr(refused, keys[i].reason));
    }
}

static bool says(const char *refused, const char *word)
{
    return refused && strstr(refused, word);
}

static const char *read_ed(const unsigned char x[32])
{
    static char json[200];
    struct buffer b = { json, 0, sizeof json, false };
    struct jwk jwk;
    buffer_put(&b, TEXT("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\""));
    base64url_put(&b, (struct text){ (const char *)x, 32 });
    buffer_put(&b, TEXT("\"}"));
    const char *refused = jwk_read(buffer_text(&b), &jwk);
    if (!refused) jwk_close(&jwk);
    return refused;
}

/* An RSA key of a modulus of bytes 0xff, the last of which is given. */
static const char *read_rsa(size_t size, unsigned char last)
{
    static unsigned char n[2048];
    static char json[4096];
    struct buffer b = { json, 0, sizeof json, false };
    struct jwk jwk;
    memset(n, 0xff, size);
    n[size - 1] = last;
    buffer_put(&b, TEXT("{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""));
    base64url_put(&b, (struct text){ (const char *)n, size });
    buffer_put(&b, TEXT("\"}"));
    const char *refused = jwk_read(buffer_text(&b), &jwk);
    if (!refused) jwk_close(&jwk);
    return refused;
}

static void B17_H5_rsa_of_other_sizes(void)
{
    CHECK(says(read_rsa(128, 0xff), "2048"));
    CHECK(says(read_rsa(255, 0xff), "2048"));
    CHECK(read_rsa(256, 0xff) == NULL);
    CHECK(says(read_rsa(256, 0xfe), "even"));
    CHECK(read_rsa(512, 0xff) == NULL);
    CHECK(says(read_rsa(513, 0xff), "4096"));
    CHECK(says(read_rsa(2048, 0xff), "4096"));
}

/* Whether a signature that nobody made, R the base point and S one, verifies for one of 64 messages. */
static bool anybody_can_sign(EVP_PKEY *key)
{
    static const char input[] = "eyJhbGciOiJFZERTQSJ9.";
    unsigned char raw[64] = { 0x58 };
    char compact[200];
    bool verified = false;
    memset(raw + 1, 0x66, 31);
    raw[32] = 1;
    for (int n = 0; n < 64 && !verified; n++) {
        struct buffer b = { compact, 0, sizeof compact, false };
        struct jws jws;
        buffer_put(&b, text_of(input));
        buffer_put_char(&b, (char)('0' + n));
        buffer_put_char(&b, '.');
        base64url_put(&b, (struct text){ (const char *)raw, sizeof raw });
        verified = jws_split(buffer_text(&b), &jws) == 0 && jws_verify(key, JWS_EdDSA, &hasher, &jws) == 1;
    }
    return verified;
}

/* RFC 8725 3.4. Each x as it is and with the sign of its point turned. */
static void J12_ed25519_keys_that_anybody_signs_for(void)
{
    static const unsigned char weak[][32] = {
        { 0 }, { 1 },
        { 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
          0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
        { 0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
          0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a },
    };
    for (int n = 0; n < 2 * (4 + 3); n++) {
        unsigned char x[32];
        memset(x, 0xff, sizeof x);
        if (n < 8) memcpy(x, weak[n / 2], sizeof x);
        else x[0] = (unsigned char)(0xec + (n - 8) / 2);        /* p - 1, and p and p + 1, which stand for 0 and 1 */
        x[31] = (unsigned char)((x[31] & 0x7f) | (n % 2) << 7);
        EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x, sizeof x);
        CHECK(key && anybody_can_sign(key));
        EVP_PKEY_free(key);
        CHECK(says(read_ed(x), "small order"));
    }
}

/* RFC 8032 5.1.3: y is below p. Two, the first y above those of small order, and the last below p - 1 are let be. */
static void ed25519_keys_at_the_bounds(void)
{
    unsigned char x[32] = { 2 };
    CHECK(read_ed(x) == NULL);
    memset(x, 0xff, sizeof x);
    x[31] = 0x7f;
    CHECK(says(read_ed(x), "canonical"));
    x[0] = 0xeb;
    CHECK(read_ed(x) == NULL);
    x[0] = 0xff;
    x[17] = 0xfe;
    CHECK(read_ed(x) == NULL);
}

static void what_is_put_is_read_again(void)
{
    for (int m = 0; m < MATERIAL_secret; m++) {
        static const enum jws_algorithm of[MATERIALS] = { JWS_ES256, JWS_ES256, JWS_PS256, JWS_EdDSA };
        char json[2048];
        struct buffer b = { json, 0, sizeof json, false };
        EVP_PKEY *key = material_open((enum material)m);
        struct jwk jwk;
        CHECK(jwk_put(&b, key, of[m], TEXT("kid-1")) == 0);
        CHECK(jwk_read(buffer_text(&b), &jwk) == NULL);
        CHECK(EVP_PKEY_eq(key, jwk.key) == 1);
        CHECK(jwk.algorithm == of[m] && !strcmp(jwk.kid, "kid-1"));
        jwk_close(&jwk);
        EVP_PKEY_free(key);
    }
}

static void a_full_buffer_is_a_failure(void)
{
    char json[100];
    struct buffer b = { json, 0, sizeof json, false };
    EVP_PKEY *key = material_open(MATERIAL_ec);
    CHECK(jwk_put(&b, key, JWS_ES256, TEXT("kid")) == -1);
    EVP_PKEY_free(key);
}

int main(void)
{
    if (secret_hasher_open(&hasher)) return EXIT_FAILURE;
    RUN(rfc7638_3_1);
    RUN(rfc8037_a3);
    RUN(rfc7517_a1);
    RUN(sets_and_what_is_none);
    RUN(good_keys);
    RUN(refused_keys);
    RUN(B17_H5_rsa_of_other_sizes);
    RUN(J12_ed25519_keys_that_anybody_signs_for);
    RUN(ed25519_keys_at_the_bounds);
    RUN(what_is_put_is_read_again);
    RUN(a_full_buffer_is_a_failure);
    secret_hasher_close(&hasher);
    return CHECK_EXIT();
}

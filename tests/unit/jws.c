/* RFC 7515, RFC 8037: vectors, and signatures that only look like some. */
#include "../../lib/jose/jws.h"

#include "../../lib/base/base64url.h"
#include "../check.h"
#include "../material.h"

static struct secret_hasher hasher;

/* RFC 7515 A.3.1 */
#define ES256_INPUT "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define ES256_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

/* RFC 7515 A.2.1 */
#define RS256_INPUT "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define RS256_SIGNATURE "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU" \
    "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e" \
    "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

/* RFC 8037 A.4 */
#define EDDSA_INPUT "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define EDDSA_SIGNATURE "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

/* An enum answer, or -2 if compact is not a JWS. */
static int verify(enum material material, enum jws_algorithm algorithm, struct text compact)
{
    struct jws jws;
    if (jws_split(compact, &jws)) return -2;
    EVP_PKEY *key = material_open(material);
    enum answer good = jws_verify(key, algorithm, &hasher, &jws);
    EVP_PKEY_free(key);
    return good;
}

/* The compact form of input and a signature of raw bytes. */
static struct text with_signature(struct text input, struct text raw)
{
    static char bytes[4096];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    buffer_put(&b, input);
    buffer_put_char(&b, '.');
    base64url_put(&b, raw);
    return buffer_text(&b);
}

static struct text sign(enum material material, enum jws_algorithm algorithm, struct text input)
{
    static char bytes[JWS_SIGNATURE_BYTES];
    struct buffer signature = { bytes, 0, sizeof bytes, false };
    EVP_PKEY *key = material_open(material);
    EVP_PKEY_CTX *signer = jws_signer(key, algorithm);
    int bad = !signer || jws_sign(signer, algorithm, &hasher, input, &signature);
    EVP_PKEY_CTX_free(signer);
    EVP_PKEY_free(key);
    return bad ? (struct text){ NULL, 0 } : buffer_text(&signature);
}

static void rfc7515_a3_es256(void)
{
    CHECK(verify(MATERIAL_ec, JWS_ES256, TEXT(ES256_INPUT "." ES256_SIGNATURE)) == 1);
    CHECK(verify(MATERIAL_other, JWS_ES256, TEXT(ES256_INPUT "." ES256_SIGNATURE)) == 0);
    CHECK(verify(MATERIAL_ec, JWS_ES256, TEXT("f" ES256_INPUT "." ES256_SIGNATURE)) == 0);
}

static void rfc7515_a2_rs256(void)
{
    CHECK(verify(MATERIAL_rsa, JWS_RS256, TEXT(RS256_INPUT "." RS256_SIGNATURE)) == 1);
    CHECK(verify(MATERIAL_rsa, JWS_RS256, TEXT(ES256_INPUT "." RS256_SIGNATURE)) == 0);
    CHECK_TEXT(with_signature(TEXT(RS256_INPUT), sign(MATERIAL_rsa, JWS_RS256, TEXT(RS256_INPUT))),
               TEXT(RS256_INPUT "." RS256_SIGNATURE));
}

static void rfc8037_a4_eddsa(void)
{
    CHECK(verify(MATERIAL_ed, JWS_EdDSA, TEXT(EDDSA_INPUT "." EDDSA_SIGNATURE)) == 1);
    CHECK(verify(MATERIAL_ed, JWS_EdDSA, TEXT(ES256_INPUT "." EDDSA_SIGNATURE)) == 0);
    CHECK_TEXT(with_signature(TEXT(EDDSA_INPUT), sign(MATERIAL_ed, JWS_EdDSA, TEXT(EDDSA_INPUT))),
               TEXT(EDDSA_INPUT "." EDDSA_SIGNATURE));
}

/* RFC 7515 A.1.1; the key is the one of its JWK, of 64 bytes. */
#define HS256_KEY "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define HS256_INPUT "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define HS256_SIGNATURE "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

static int verify_mac(EVP_MAC_CTX *mac, struct text compact)
{
    struct jws jws;
    return jws_split(compact, &jws) ? -2 : (int)jws_mac_verify(mac, &jws);
}

static void B20_rfc7515_a1_hs256(void)
{
    char bytes[64], made[JWS_SIGNATURE_BYTES];
    struct buffer key = { bytes, 0, sizeof bytes, false }, signature = { made, 0, sizeof made, false };
    CHECK(!base64url_decode(TEXT(HS256_KEY), &key) && key.size == 64);
    EVP_MAC_CTX *mac = jws_mac(buffer_text(&key));
    CHECK(mac != NULL);
    for (int i = 0; i < 3; i++) {       /* the context is used again as if it were new */
        signature.size = 0;
        CHECK(jws_mac_sign(mac, TEXT(HS256_INPUT), &signature) == 0);
        CHECK_TEXT(with_signature(TEXT(HS256_INPUT), buffer_text(&signature)), TEXT(HS256_INPUT "." HS256_SIGNATURE));
        CHECK(verify_mac(mac, TEXT(HS256_INPUT "." HS256_SIGNATURE)) == 1);
        CHECK(verify_mac(mac, TEXT("f" HS256_INPUT "." HS256_SIGNATURE)) == 0);
    }
    bytes[63] ^= 1;
    EVP_MAC_CTX *other = jws_mac(buffer_text(&key));
    CHECK(verify_mac(other, TEXT(HS256_INPUT "." HS256_SIGNATURE)) == 0);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_CTX_free(other);
}

static void B20_an_hs256_signature_is_32_bytes_and_all_of_them_count(void)
{
    static const char secret[JWS_MAC_KEY_LEAST] = { 7 };
    char made[JWS_SIGNATURE_BYTES] = { 0 };
    struct buffer signature = { made, 0, sizeof made, false };
    EVP_MAC_CTX *mac = jws_mac((struct text){ secret, sizeof secret });
    CHECK(mac && jws_mac_sign(mac, TEXT("a.b"), &signature) == 0 && signature.size == 32);
    for (size_t size = 1; size <= 64; size++)
        CHECK(verify_mac(mac, with_signature(TEXT("a.b"), (struct text){ made, size })) == (size == 32));
    for (size_t bit = 0; bit < 256; bit++) {
        made[bit / 8] ^= (char)(1 << bit % 8);
        CHECK(verify_mac(mac, with_signature(TEXT("a.b"), (struct text){ made, 32 })) == 0);
        made[bit / 8] ^= (char)(1 << bit % 8);
    }
    signature = (struct buffer){ made, 0, 31, false };
    CHECK(jws_mac_sign(mac, TEXT("a.b"), &signature) == -1);
    EVP_MAC_CTX_free(mac);
    CHECK(jws_mac((struct text){ secret, JWS_MAC_KEY_LEAST - 1 }) == NULL);
    CHECK(jws_mac((struct text){ NULL, 0 }) == NULL);
}

static void B7_no_key_pair_signs_or_verifies_hs256(void)
{
    for (int m = 0; m < MATERIALS; m++) {
        EVP_PKEY *key = material_open((enum material)m);
        CHECK(key && jws_signer(key, JWS_HS256) == NULL);
        EVP_PKEY_free(key);
        CHECK(verify((enum material)m, JWS_HS256, TEXT(HS256_INPUT "." HS256_SIGNATURE)) == 0);
    }
}

static void every_algorithm_signs_and_verifies(void)
{
    for (int i = 0; i < JWS_PUBLIC_ALGORITHMS; i++) {
        enum jws_algorithm algorithm = (enum jws_algorithm)i;
        struct text raw = sign(material_for(algorithm), algorithm, TEXT("a.b"));
        CHECK(raw.size == (material_for(algorithm) == MATERIAL_rsa ? 256u : 64u));
        CHECK(verify(material_for(algorithm), algorithm, with_signature(TEXT("a.b"), raw)) == 1);
        CHECK(verify(material_for(algorithm), algorithm, with_signature(TEXT("a.c"), raw)) == 0);
    }
}

static void B8_rs256_and_ps256_are_not_each_other(void)
{
    struct text raw = sign(MATERIAL_rsa, JWS_PS256, TEXT("a.b"));
    CHECK(verify(MATERIAL_rsa, JWS_RS256, with_signature(TEXT("a.b"), raw)) == 0);
    raw = sign(MATERIAL_rsa, JWS_RS256, TEXT("a.b"));
    CHECK(verify(MATERIAL_rsa, JWS_PS256, with_signature(TEXT("a.b"), raw)) == 0);
}

/* n of P-256 (FIPS 186-4 D.1.2.3). */
static const char order[32] = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
                              "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";

static void B12_halves_out_of_range(void)
{
    static const char zero[32], one[32] = { [31] = 1 };
    const char *const halves[] = { zero, order, one };
    char raw[64];
    struct text good = sign(MATERIAL_ec, JWS_ES256, TEXT("a.b"));
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        memcpy(raw, good.data, 64);
        memcpy(raw, halves[i], 32);
        CHECK(verify(MATERIAL_ec, JWS_ES256, with_signature(TEXT("a.b"), (struct text){ raw, 64 })) == 0);
        memcpy(raw, good.data, 64);
        memcpy(raw + 32, halves[i], 32);
        CHECK(verify(MATERIAL_ec, JWS_ES256, with_signature(TEXT("a.b"), (struct text){ raw, 64 })) == 0);
        memcpy(raw, halves[i], 32);
        CHECK(verify(MATERIAL_ec, JWS_ES256, with_signature(TEXT("a.b"), (struct text){ raw, 64 })) == 0);
    }
    memset(raw, 0xff, 64);
    CHECK(verify(MATERIAL_ec, JWS_ES256, with_signature(TEXT("a.b"), (struct text){ raw, 64 })) == 0);
    CHECK(verify(MATERIAL_ec, JWS_ES256, with_signature(TEXT("a.b"), good)) == 1);
}

static void B12_lengths_and_the_der_form(void)
{
    struct text good = sign(MATERIAL_ec, JWS_ES256, TEXT("a.b"));
    char longer[96] = { 0 };
    memcpy(longer, good.data, 64);
    for (size_t size = 1; size < sizeof longer; size++)
        CHECK(verify(MATERIAL_ec, JWS_ES256, with_signature(TEXT("a.b"), (struct text){ longer, size })) == (size == 64));

    unsigned char der[80];
    size_t der_size = sizeof der;
    unsigned char digest[SECRET_DIGEST];
    EVP_PKEY *key = material_open(MATERIAL_ec);
    EVP_PKEY_CTX *signer = jws_signer(key, JWS_ES256);
    CHECK(secret_digest(&hasher, &TEXT("a.b"), 1, digest) == 0);
    CHECK(EVP_PKEY_sign(signer, der, &der_size, digest, sizeof digest) == 1);
    CHECK(verify(MATERIAL_ec, JWS_ES256, with_signature(TEXT("a.b"), (struct text){ (char *)der, der_size })) == 0);
    EVP_PKEY_CTX_free(signer);
    EVP_PKEY_free(key);
}

/* What a good signature left on the stack must not make up for what the next one lacks. */
static void B12_a_short_signature_after_a_good_one(void)
{
    char compact[128];
    struct jws whole, cut;
    struct text good = with_signature(TEXT("a.b"), sign(MATERIAL_ec, JWS_ES256, TEXT("a.b")));
    memcpy(compact, good.data, good.size);
    /* 86 letters are 64 bytes, 84 are the first 63 of them. */
    CHECK(!jws_split((struct text){ compact, good.size }, &whole) && !jws_split((struct text){ compact, good.size - 2 }, &cut));
    EVP_PKEY *key = material_open(MATERIAL_ec);
    enum answer first = jws_verify(key, JWS_ES256, &hasher, &whole), second = jws_verify(key, JWS_ES256, &hasher, &cut);
    EVP_PKEY_free(key);
    CHECK(first == 1 && second == 0);
}

static void rsa_and_eddsa_lengths(void)
{
    static char raw[JWS_SIGNATURE_BYTES];
    struct text good = sign(MATERIAL_rsa, JWS_RS256, TEXT("a.b"));
    memcpy(raw, good.data, good.size);
    CHECK(verify(MATERIAL_rsa, JWS_RS256, with_signature(TEXT("a.b"), (struct text){ raw, good.size - 1 })) == 0);
    CHECK(verify(MATERIAL_rsa, JWS_RS256, with_signature(TEXT("a.b"), (struct text){ raw, good.size + 1 })) == 0);
    memset(raw, 0, sizeof raw);
    CHECK(verify(MATERIAL_rsa, JWS_RS256, with_signature(TEXT("a.b"), (struct text){ raw, 256 })) == 0);
    CHECK(verify(MATERIAL_rsa, JWS_PS256, with_signature(TEXT("a.b"), (struct text){ raw, 256 })) == 0);
    CHECK(verify(MATERIAL_ed, JWS_EdDSA, with_signature(TEXT("a.b"), (struct text){ raw, 64 })) == 0);
    memset(raw, 0xff, sizeof raw);
    CHECK(verify(MATERIAL_rsa, JWS_RS256, with_signature(TEXT("a.b"), (struct text){ raw, 256 })) == 0);
    CHECK(verify(MATERIAL_ed, JWS_EdDSA, with_signature(TEXT("a.b"), (struct text){ raw, 64 })) == 0);
}

static void a_signer_suits_its_algorithm(void)
{
    static const enum jws_algorithm of[MATERIALS] = { JWS_ES256, JWS_ES256, JWS_RS256, JWS_EdDSA };
    for (int m = 0; m < MATERIAL_secret; m++) {
        EVP_PKEY *key = material_open((enum material)m);
        EVP_PKEY_CTX *signer = jws_signer(key, of[m]);
        CHECK(key && signer);
        EVP_PKEY_CTX_free(signer);
        if (m != MATERIAL_rsa) CHECK(jws_signer(key, JWS_RS256) == NULL);
        if (m != MATERIAL_rsa) CHECK(jws_signer(key, JWS_PS256) == NULL);
        EVP_PKEY_free(key);
    }
}

static void exactly_two_dots(void)
{
    static char large[JWS_BYTES + 1];
    struct jws jws;
    static const struct text refused[] = {
        TEXT(""), TEXT("."), TEXT(".."), TEXT("a"), TEXT("a.b"), TEXT("a.b."), TEXT("a..c"), TEXT(".b.c"), TEXT("a.b.c."),
        TEXT("a.b.c.d"), TEXT("a.b.c.d.e"), TEXT("....."),
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) CHECK(jws_split(refused[i], &jws) == -1);
    CHECK(jws_split((struct text){ NULL, 0 }, &jws) == -1);
    CHECK(jws_split_any(TEXT("aa..cc"), &jws) == 0 && jws.payload.size == 0);
    CHECK_TEXT(jws.input, TEXT("aa."));
    CHECK(jws_split_any(TEXT("..cc"), &jws) == -1 && jws_split_any(TEXT("aa.."), &jws) == -1);
    CHECK(jws_split_any(TEXT("aa...cc"), &jws) == -1 && jws_split_any(TEXT("aa.cc"), &jws) == -1);
    CHECK(jws_split(TEXT("aa..cc"), &jws) == -1);
    CHECK(jws_split(TEXT("aa.bb.cc"), &jws) == 0);
    CHECK_TEXT(jws.header, TEXT("aa"));
    CHECK_TEXT(jws.payload, TEXT("bb"));
    CHECK_TEXT(jws.signature, TEXT("cc"));
    CHECK_TEXT(jws.input, TEXT("aa.bb"));
    memset(large, 'a', sizeof large);
    large[1] = large[3] = '.';
    CHECK(jws_split((struct text){ large, JWS_BYTES }, &jws) == 0);
    CHECK(jws_split((struct text){ large, JWS_BYTES + 1 }, &jws) == -1);
}

static void algorithm_names_are_exact(void)
{
    for (int i = 0; i < JWS_ALGORITHMS; i++) {
        struct text name = jws_algorithm_name((enum jws_algorithm)i);
        CHECK(jws_algorithm_find_own(name) == (enum jws_algorithm)i);
        CHECK(jws_algorithm_find(name) == (i == JWS_HS256 ? JWS_NONE : (enum jws_algorithm)i));       /* B7: nobody else names it */
    }
    static const struct text foreign[] = { TEXT(""), TEXT("none"), TEXT("None"), TEXT("HS256"), TEXT("es256"), TEXT("ES256 "), TEXT("ES256\0"),
                                           TEXT("ES384"), TEXT("RS512"), TEXT("EDDSA") };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) CHECK(jws_algorithm_find(foreign[i]) == JWS_NONE);
    CHECK(jws_algorithm_find(TEXT("Ed25519")) == JWS_EdDSA && jws_algorithm_find(TEXT("ed25519")) == JWS_NONE);    /* RFC 9864 2.2 */
    CHECK(jws_algorithm_find_own(TEXT("hs256")) == JWS_NONE && jws_algorithm_find_own(TEXT("HS384")) == JWS_NONE);
}

int main(void)
{
    if (secret_hasher_open(&hasher)) return EXIT_FAILURE;
    RUN(rfc7515_a3_es256);
    RUN(rfc7515_a2_rs256);
    RUN(rfc8037_a4_eddsa);
    RUN(B20_rfc7515_a1_hs256);
    RUN(B20_an_hs256_signature_is_32_bytes_and_all_of_them_count);
    RUN(B7_no_key_pair_signs_or_verifies_hs256);
    RUN(every_algorithm_signs_and_verifies);
    RUN(B8_rs256_and_ps256_are_not_each_other);
    RUN(B12_halves_out_of_range);
    RUN(B12_lengths_and_the_der_form);
    RUN(B12_a_short_signature_after_a_good_one);
    RUN(rsa_and_eddsa_lengths);
    RUN(a_signer_suits_its_algorithm);
    RUN(exactly_two_dots);
    RUN(algorithm_names_are_exact);
    secret_hasher_close(&hasher);
    return CHECK_EXIT();
}

#include "jws.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "../base/base64url.h"

enum { ES256_HALF = 32 };

static const struct text names[JWS_ALGORITHMS] = {
#define ALGORITHM_NAME(name, kty, size) TEXT(#name),
    JWS_ALGORITHM_LIST(ALGORITHM_NAME)
#undef ALGORITHM_NAME
};

static const size_t fixed_sizes[JWS_ALGORITHMS] = {
#define ALGORITHM_SIZE(name, kty, size) size,
    JWS_ALGORITHM_LIST(ALGORITHM_SIZE)
#undef ALGORITHM_SIZE
};

struct text jws_algorithm_name(enum jws_algorithm algorithm)
{
    assert(algorithm < JWS_ALGORITHMS); /* JWS_NONE has no name */
    return names[algorithm];
}

static enum jws_algorithm find(struct text name, enum jws_algorithm count)
{
    for (int i = 0; i < (int)count; i++)
        if (text_equal(names[i], name)) return (enum jws_algorithm)i;
    return JWS_NONE;
}

enum jws_algorithm jws_algorithm_find(struct text name)
{
    if (text_equal(name, TEXT("Ed25519")))
        return JWS_EdDSA; /* RFC 9864 2.2; Ed25519 is the only curve supported for EdDSA */
    return find(name, JWS_PUBLIC_ALGORITHMS);
}

enum jws_algorithm jws_algorithm_find_own(struct text name) { return find(name, JWS_ALGORITHMS); }

int jws_split_any(struct text compact, struct jws *jws_r)
{
    struct text rest = compact;
    if (compact.size == 0 || compact.size > JWS_BYTES) return -1;
    if (!text_split(&rest, '.', &jws_r->header) || !text_split(&rest, '.', &jws_r->payload)) return -1;
    if (!text_split(&rest, '.', &jws_r->signature) || text_present(rest)) return -1;
    if (jws_r->header.size == 0 || jws_r->signature.size == 0) return -1;
    jws_r->input = text_slice(compact, 0, jws_r->header.size + 1 + jws_r->payload.size);
    return 0;
}

int jws_split(struct text compact, struct jws *jws_r)
{
    return jws_split_any(compact, jws_r) || jws_r->payload.size == 0 ? -1 : 0;
}

/* RFC 7518 3.3 and 3.5: RSASSA with SHA-256; for PSS the salt is as long as the hash. */
static int set_up_rsa(EVP_PKEY_CTX *context, enum jws_algorithm algorithm)
{
    int padding = algorithm == JWS_PS256 ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    if (EVP_PKEY_CTX_set_rsa_padding(context, padding) <= 0) return -1;
    if (EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) <= 0) return -1;
    if (algorithm == JWS_PS256 && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) <= 0) return -1;
    return 0;
}

EVP_PKEY_CTX *jws_signer(EVP_PKEY *key, enum jws_algorithm algorithm)
{
    EVP_PKEY_CTX *context = algorithm < JWS_PUBLIC_ALGORITHMS ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    int bad = !context;
    if (!bad && algorithm != JWS_EdDSA) bad = EVP_PKEY_sign_init(context) <= 0;
    if (!bad && (algorithm == JWS_RS256 || algorithm == JWS_PS256)) bad = set_up_rsa(context, algorithm);
    if (!bad) return context;
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

/* RFC 8032 5.1.6 hashes the message itself, twice, so it cannot be given as a digest. */
static int sign_eddsa(EVP_PKEY_CTX *signer, struct text input, unsigned char *signature, size_t *size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = context && EVP_DigestSignInit(context, NULL, NULL, NULL, EVP_PKEY_CTX_get0_pkey(signer)) > 0 &&
               EVP_DigestSign(context, signature, size, (const unsigned char *)input.data, input.size) > 0;
    EVP_MD_CTX_free(context);
    return good ? 0 : -1;
}

/* RFC 7518 3.4: replaces the DER form by R || S, each 32 bytes. */
static int der_to_raw(unsigned char *signature, size_t *size)
{
    const unsigned char *der = signature;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)*size);
    int good = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, ES256_HALF) == ES256_HALF &&
               BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + ES256_HALF, ES256_HALF) == ES256_HALF;
    ECDSA_SIG_free(pair);
    *size = 2 * ES256_HALF;
    return good ? 0 : -1;
}

int jws_sign(EVP_PKEY_CTX *signer, enum jws_algorithm algorithm, struct secret_hasher *hasher, struct text input,
             struct buffer *signature)
{
    unsigned char digest[SECRET_DIGEST], bytes[JWS_SIGNATURE_BYTES];
    size_t size = sizeof bytes;
    int bad;
    if (algorithm == JWS_EdDSA) bad = sign_eddsa(signer, input, bytes, &size);
    else
        bad = secret_digest(hasher, &input, 1, digest) ||
              EVP_PKEY_sign(signer, bytes, &size, digest, sizeof digest) <= 0;
    if (!bad && algorithm == JWS_ES256) bad = der_to_raw(bytes, &size);
    if (bad) {
        ERR_clear_error();
        return -1;
    }
    buffer_put(signature, (struct text){ (const char *)bytes, size });
    return signature->full ? -1 : 0;
}

/* The DER form of R || S. The verification checks that both are in [1, n-1]. */
static int raw_to_der(const unsigned char *raw, unsigned char *der_r, size_t *size_r)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(raw, ES256_HALF, NULL), *s = BN_bin2bn(raw + ES256_HALF, ES256_HALF, NULL);
    if (!pair || !r || !s || !ECDSA_SIG_set0(pair, r, s)) {
        ECDSA_SIG_free(pair);
        BN_free(r);
        BN_free(s);
        return -1;
    }
    int size = i2d_ECDSA_SIG(pair, &der_r);
    ECDSA_SIG_free(pair);
    *size_r = (size_t)size;
    return size > 0 ? 0 : -1;
}

static enum answer verify_eddsa(EVP_PKEY *key, struct text input, struct text signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    enum answer good = ANSWER_CANNOT_SAY;
    if (context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) > 0)
        good = answer_of(EVP_DigestVerify(context, (const unsigned char *)signature.data, signature.size,
                                          (const unsigned char *)input.data, input.size) == 1);
    EVP_MD_CTX_free(context);
    return good;
}

static enum answer verify_digest(EVP_PKEY *key, enum jws_algorithm algorithm, const unsigned char digest[SECRET_DIGEST],
                                 struct text signature)
{
    unsigned char der[2 * ES256_HALF + 16]; /* two INTEGERs of at most 33 bytes in a SEQUENCE */
    const unsigned char *bytes = (const unsigned char *)signature.data;
    size_t size = signature.size;
    if (algorithm == JWS_ES256) {
        if (raw_to_der(bytes, der, &size)) return ANSWER_CANNOT_SAY;
        bytes = der;
    }
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    enum answer good = ANSWER_CANNOT_SAY;
    if (context && EVP_PKEY_verify_init(context) > 0 && (algorithm == JWS_ES256 || set_up_rsa(context, algorithm) == 0))
        good = answer_of(EVP_PKEY_verify(context, bytes, size, digest, SECRET_DIGEST) == 1);
    EVP_PKEY_CTX_free(context);
    return good;
}

enum answer jws_verify(EVP_PKEY *key, enum jws_algorithm algorithm, struct secret_hasher *hasher, const struct jws *jws)
{
    char bytes[JWS_SIGNATURE_BYTES];
    unsigned char digest[SECRET_DIGEST];
    struct buffer signature = { bytes, 0, sizeof bytes, false };
    if (algorithm >= JWS_PUBLIC_ALGORITHMS) return ANSWER_NO;
    size_t expected = fixed_sizes[algorithm] > 0 ? fixed_sizes[algorithm] : (size_t)EVP_PKEY_get_size(key);
    if (base64url_decode(jws->signature, &signature) || signature.size != expected) return ANSWER_NO;

    enum answer good;
    if (algorithm == JWS_EdDSA) good = verify_eddsa(key, jws->input, buffer_text(&signature));
    else if (secret_digest(hasher, &jws->input, 1, digest)) good = ANSWER_CANNOT_SAY;
    else good = verify_digest(key, algorithm, digest, buffer_text(&signature));
    ERR_clear_error();
    return good;
}

EVP_MAC_CTX *jws_mac(struct text key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                      OSSL_PARAM_construct_end() };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = hmac && key.size >= JWS_MAC_KEY_LEAST ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);
    if (context && EVP_MAC_init(context, (const unsigned char *)key.data, key.size, parameters)) return context;
    EVP_MAC_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

/* EVP_MAC_init() without a key restarts with the key that is set, at a third of the cost of setting it again. */
static int compute(EVP_MAC_CTX *mac, struct text input, unsigned char digest_r[SECRET_DIGEST])
{
    size_t size = 0;
    bool good = EVP_MAC_init(mac, NULL, 0, NULL) &&
                EVP_MAC_update(mac, (const unsigned char *)input.data, input.size) &&
                EVP_MAC_final(mac, digest_r, &size, SECRET_DIGEST) && size == SECRET_DIGEST;
    if (!good) ERR_clear_error();
    return good ? 0 : -1;
}

int jws_mac_sign(EVP_MAC_CTX *mac, struct text input, struct buffer *signature)
{
    unsigned char digest[SECRET_DIGEST];
    if (compute(mac, input, digest)) return -1;
    buffer_put(signature, (struct text){ (const char *)digest, sizeof digest });
    return signature->full ? -1 : 0;
}

enum answer jws_mac_verify(EVP_MAC_CTX *mac, const struct jws *jws)
{
    char bytes[JWS_SIGNATURE_BYTES];
    unsigned char digest[SECRET_DIGEST];
    struct buffer signature = { bytes, 0, sizeof bytes, false };
    if (base64url_decode(jws->signature, &signature) || signature.size != fixed_sizes[JWS_HS256]) return ANSWER_NO;
    if (compute(mac, jws->input, digest)) return ANSWER_CANNOT_SAY;
    return answer_of(CRYPTO_memcmp(digest, bytes, sizeof digest) == 0);
}

#include "keypair.h"

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "../../lib/base/base64url.h"
#include "../../lib/jose/jwk.h"

static EVP_PKEY *generate(enum jws_algorithm algorithm)
{
    switch (algorithm) {
    case JWS_ES256: return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    case JWS_EdDSA: return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    case JWS_HS256: return EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    default: return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)KEYPAIR_RSA_BITS);
    }
}

static int describe(EVP_PKEY *key, enum jws_algorithm algorithm, struct keypair *keypair)
{
    char thumbprint[JWK_THUMBPRINT];
    struct buffer t = { thumbprint, 0, sizeof thumbprint, false };
    struct buffer jwk = { keypair->jwk, 0, sizeof keypair->jwk - 1, false };
    struct secret_hasher hasher;
    if (secret_hasher_open(&hasher)) return -1;
    int failed = jwk_put_thumbprint(&t, &hasher, key);
    secret_hasher_close(&hasher);
    struct text kid = { thumbprint, KEYPAIR_KID };
    while (kid.data[0] == '-') kid.data++;
    if (failed || jwk_put(&jwk, key, algorithm, kid)) return -1;
    memcpy(keypair->kid, kid.data, kid.size);
    return 0;
}

/* The kid is random: a kid derived from the secret would allow guesses to be checked against it. */
static int describe_secret(struct keypair *keypair)
{
    unsigned char random[KEYPAIR_KID / 4 * 3];
    struct buffer kid = { keypair->kid, 0, KEYPAIR_KID, false };
    if (RAND_bytes(random, sizeof random) != 1) return -1;
    random[0] &= 0x7f; /* the first character is then alphabetic */
    base64url_put(&kid, (struct text){ (const char *)random, sizeof random });
    memcpy(keypair->jwk, KEYPAIR_SECRET_JWK, sizeof KEYPAIR_SECRET_JWK);
    return kid.full ? -1 : 0;
}

int keypair_encrypt(EVP_PKEY *key, struct text passphrase, char pem_r[KEYPAIR_PEM_BYTES])
{
    assert(passphrase.size > 0); /* an empty one would store the key as good as unencrypted */
    PKCS8_PRIV_KEY_INFO *clear = EVP_PKEY2PKCS8(key);
    X509_ALGOR *scheme = PKCS5_pbe2_set_iv_ex(EVP_aes_256_cbc(), KEYPAIR_ROUNDS, NULL, SECRET_SALT, NULL,
                                              NID_hmacWithSHA256, NULL);
    X509_SIG *sealed = NULL;
    BIO *pem = BIO_new(BIO_s_mem());
    int size = -1;
    if (clear && scheme) sealed = PKCS8_set0_pbe(passphrase.data, (int)passphrase.size, clear, scheme);
    if (sealed) scheme = NULL; /* now sealed's */
    if (sealed && pem && PEM_write_bio_PKCS8(pem, sealed)) size = BIO_read(pem, pem_r, KEYPAIR_PEM_BYTES - 1);
    BIO_free(pem);
    X509_SIG_free(sealed);
    X509_ALGOR_free(scheme);
    PKCS8_PRIV_KEY_INFO_free(clear);
    pem_r[size > 0 ? size : 0] = '\0';
    return size > 0 && size < KEYPAIR_PEM_BYTES - 1 ? 0 : -1;
}

int keypair_new(enum jws_algorithm algorithm, struct text passphrase, struct keypair *keypair_r)
{
    *keypair_r = (struct keypair){ .kid = "" };
    EVP_PKEY *key = generate(algorithm);
    int failed = !key || (algorithm == JWS_HS256 ? describe_secret(keypair_r) : describe(key, algorithm, keypair_r)) ||
                 keypair_encrypt(key, passphrase, keypair_r->pem);
    EVP_PKEY_free(key);
    return failed ? -1 : 0;
}

static const char *refusal(EVP_PKEY *key, enum jws_algorithm algorithm)
{
    char group[32] = "";
    bool ec = EVP_PKEY_is_a(key, "EC"), rsa = EVP_PKEY_is_a(key, "RSA");
    if (!ec && !rsa && !EVP_PKEY_is_a(key, "ED25519")) return "it is not an EC P-256, RSA or Ed25519 key";
    (void)EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
    if (ec && strcmp(group, "prime256v1") != 0) return "its curve is not P-256";
    if (rsa && EVP_PKEY_get_bits(key) < 2048) return "its RSA modulus has fewer than 2048 bits";
    if (rsa && EVP_PKEY_get_bits(key) > 4096) return "its RSA modulus has more than 4096 bits";
    if (jwk_suits(key, algorithm)) return NULL;
    if (ec) return "an EC key signs with ES256 only";
    return rsa ? "an RSA key signs with RS256 or PS256 only" : "an Ed25519 key signs with EdDSA only";
}

/* The JWK is read back as each worker will read it, so that no key is stored that workers reject. */
const char *keypair_take(EVP_PKEY *key, enum jws_algorithm algorithm, struct keypair *keypair_r)
{
    struct jwk jwk;
    *keypair_r = (struct keypair){ .kid = "" };
    const char *refused = refusal(key, algorithm);
    if (refused) return refused;
    if (describe(key, algorithm, keypair_r)) return "its public half cannot be read";
    refused = jwk_read(text_of(keypair_r->jwk), &jwk);
    if (refused) return refused;
    bool pair = EVP_PKEY_eq(jwk.key, key) == 1;
    jwk_close(&jwk);
    return pair ? NULL : "its halves are not a pair";
}

/* keypair: a new signing key, ready for its row: the public half as a JWK, the private half as encrypted PKCS#8. Of HS256 there
 * is no public half: its JWK is bare, and its kid made up (keyring.h has what the private half is).
 *
 * PBES2 (RFC 8018 6.2) with PBKDF2-HMAC-SHA256 and AES-256-CBC, which `openssl pkey` reads. The passphrase is a random
 * one of 256 bits, so the rounds add nothing: they are the least that RFC 8018 4.2 recommends, because each worker pays them
 * between two requests. */
#ifndef APP_KEYS_KEYPAIR_H
#define APP_KEYS_KEYPAIR_H

#include <openssl/evp.h>

#include "../../lib/jose/jws.h"

enum {
    KEYPAIR_KID = 16,
    KEYPAIR_PEM_BYTES = 8192,
    KEYPAIR_JWK_BYTES = 2048,
    KEYPAIR_ROUNDS = 1000,
    KEYPAIR_RSA_BITS = 3072
};

#define KEYPAIR_SECRET_JWK "{\"kty\":\"oct\"}" /* RFC 7518 6.4, without its k */

struct keypair {
    char kid[KEYPAIR_KID + 1]; /* of the RFC 7638 thumbprint, or random; never begins like an option */
    char jwk[KEYPAIR_JWK_BYTES];
    char pem[KEYPAIR_PEM_BYTES]; /* empty: the private half lies elsewhere */
};

/* 0, or -1 when the library failed. The clear private key never leaves the function. */
int keypair_new(enum jws_algorithm algorithm, struct text passphrase, struct keypair *keypair_r);

/* The private half as it is kept in its row. 0, or -1 when the library failed. */
int keypair_encrypt(EVP_PKEY *key, struct text passphrase, char pem_r[KEYPAIR_PEM_BYTES]);

/* Describes a pair whose private half lies elsewhere. NULL, or why it is not taken for the algorithm: a literal for an
 * operator's eyes. */
const char *keypair_take(EVP_PKEY *key, enum jws_algorithm algorithm, struct keypair *keypair_r);

#endif

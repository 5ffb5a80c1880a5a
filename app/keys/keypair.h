/* keypair: generates a signing key in the form of its row: the public half as a JWK, the private half as encrypted PKCS#8. It
 * does not write the row. An HS256 key has no public half: its JWK has only kty, and its kid is random (keyring.h describes
 * its private half).
 *
 * PBES2 (RFC 8018 6.2) with PBKDF2-HMAC-SHA256 and AES-256-CBC, which `openssl pkey` reads. The passphrase should be random
 * with 256 bits, to which rounds add nothing: their number is the minimum that RFC 8018 4.2 recommends, because each worker
 * computes them between two requests. */
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
    char kid[KEYPAIR_KID + 1]; /* from the RFC 7638 thumbprint, or random; never begins with `-`, like an option */
    char jwk[KEYPAIR_JWK_BYTES];
    char pem[KEYPAIR_PEM_BYTES]; /* empty: the row names the private half by a URI */
};

/* Generates a key pair. Returns 0, or -1 if OpenSSL failed. The unencrypted private key never leaves the function. The
 * passphrase must not be empty. */
int keypair_new(enum jws_algorithm algorithm, struct text passphrase, struct keypair *keypair_r);

/* Encrypts the private half as it is stored in its row, NUL-terminated. Returns 0, or -1 if OpenSSL failed. The passphrase must
 * not be empty. */
int keypair_encrypt(EVP_PKEY *key, struct text passphrase, char pem_r[KEYPAIR_PEM_BYTES]);

/* Describes a pair whose private half is named by a URI. Returns NULL, or why it is refused for the algorithm: a literal for
 * the operator. */
const char *keypair_take(EVP_PKEY *key, enum jws_algorithm algorithm, struct keypair *keypair_r);

#endif

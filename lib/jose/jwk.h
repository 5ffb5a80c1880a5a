/* jwk: reads and writes public asymmetric keys as JSON Web Keys (RFC 7517), and computes their thumbprints (RFC 7638).
 *
 * Refused are: private members, RSA moduli under 2048 or over 4096 bits and even or trivial exponents, P-256 points
 * that are not on the curve, Ed25519 points of small order, other curves, `use` other than sig, key_ops without verify,
 * an alg that does not suit the key, and repeated members. Private and symmetric keys are not supported. */
#ifndef JOSE_JWK_H
#define JOSE_JWK_H

#include <openssl/evp.h>

#include "../base/arena.h"
#include "../base/buffer.h"
#include "jws.h"

enum { JWK_THUMBPRINT = 43, JWK_KID_BYTES = 64 };

struct jwk {
    EVP_PKEY *key;                /* owned; freed by jwk_close() */
    enum jws_algorithm algorithm; /* JWS_NONE if the JWK has no alg */
    char kid[JWK_KID_BYTES + 1];  /* NUL-terminated; empty if the JWK has no kid */
};

/* Reads one JWK. Returns NULL, and the caller closes *jwk_r; otherwise the reason, a literal for an operator, and
 * nothing needs closing. */
const char *jwk_read(struct text json, struct jwk *jwk_r);
void jwk_close(struct jwk *jwk);

/* Calls take for each key of a JWK Set (RFC 7517 5), or once if json is a single JWK. take owns jwk->key; for a refused
 * key it gets the reason and no key. A non-zero result of take stops the loop. Returns 0, or -1 if json is neither or
 * take stopped it. */
int jwk_read_set(struct text json, int (*take)(void *context, struct jwk *jwk, const char *refused), void *context);

/* Appends the public JWK of key: kty, key members, use, alg and kid. Returns 0, or -1 if b is full or the library
 * failed. */
int jwk_put(struct buffer *b, EVP_PKEY *key, enum jws_algorithm algorithm, struct text kid);

/* Appends the SHA-256 thumbprint (RFC 7638), JWK_THUMBPRINT bytes of base64url. Returns 0, or -1 if b is full or the
 * library failed. */
int jwk_put_thumbprint(struct buffer *b, struct secret_hasher *hasher, EVP_PKEY *key);

/* Whether key has the type, curve and size that algorithm requires. False for HS256. */
bool jwk_suits(EVP_PKEY *key, enum jws_algorithm algorithm);

#endif

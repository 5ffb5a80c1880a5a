/* jwk: JSON Web Key (RFC 7517), public asymmetric keys, and their thumbprints (RFC 7638).
 *
 * Refused at the door: private members in a public key, RSA under 2048 or over 4096 bits or with an even or tiny
 * exponent, a point of P-256 that is not on the curve, one of Ed25519 that is of small order, other curves, `use` other
 * than sig, key_ops that do not verify, an alg that does not suit the key, a member that stands twice. */
#ifndef JOSE_JWK_H
#define JOSE_JWK_H

#include <openssl/evp.h>

#include "../base/arena.h"
#include "../base/buffer.h"
#include "jws.h"

enum { JWK_THUMBPRINT = 43, JWK_KID_BYTES = 64 };

struct jwk {
    EVP_PKEY *key;               /* owned: jwk_close() */
    int algorithm;               /* enum jws_algorithm; -1 when the JWK names none */
    char kid[JWK_KID_BYTES + 1]; /* empty when the JWK names none */
};

/* Why a key was refused, or NULL when it was read. The text is a literal for an operator's eyes. */
const char *jwk_read(struct text json, struct jwk *jwk_r);
void jwk_close(struct jwk *jwk);

/* Calls take for each key of a JWK Set (RFC 7517 5), or for the one JWK that json is; the callee owns the key. Keys
 * that were refused come with the reason and no key. 0, or -1 when json is neither. */
int jwk_read_set(struct text json, int (*take)(void *context, struct jwk *jwk, const char *refused), void *context);

/* Appends the public JWK of key: kty, key members, use, alg and kid. 0, or -1. */
int jwk_put(struct buffer *b, EVP_PKEY *key, enum jws_algorithm algorithm, struct text kid);

/* Appends the RFC 7638 SHA-256 thumbprint, base64url. 0, or -1. */
int jwk_put_thumbprint(struct buffer *b, struct secret_hasher *hasher, EVP_PKEY *key);

/* Whether a key of this kind can be used with algorithm. */
bool jwk_suits(EVP_PKEY *key, enum jws_algorithm algorithm);

#endif

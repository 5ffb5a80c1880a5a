/* jws: JSON Web Signature (RFC 7515), compact serialisation, asymmetric algorithms only.
 *
 * Not in here: `none`, HMAC, JSON serialisation, encryption, and any choice of key or algorithm by what a token says:
 * the algorithm belongs to the key (RFC 8725 3.1). */
#ifndef JOSE_JWS_H
#define JOSE_JWS_H

#include <openssl/evp.h>

#include "../base/buffer.h"
#include "../base/secret.h"

/* RFC 7518 3.1, RFC 8037 3.1.  name, kty, signature size of a fixed-size form (0: that of the key) */
#define JWS_ALGORITHM_LIST(X) \
    X(ES256, "EC",  64) \
    X(RS256, "RSA", 0) \
    X(PS256, "RSA", 0) \
    X(EdDSA, "OKP", 64)

enum jws_algorithm {
#define JWS_ALGORITHM_NAME(name, kty, size) JWS_##name,
    JWS_ALGORITHM_LIST(JWS_ALGORITHM_NAME)
#undef JWS_ALGORITHM_NAME
    JWS_ALGORITHMS
};

enum { JWS_BYTES = 8192, JWS_SIGNATURE_BYTES = 512 };

/* The parts of a compact serialisation, as they stand in it (base64url). */
struct jws {
    struct text header;
    struct text payload;
    struct text signature;
    struct text input;          /* header "." payload: what is signed */
};

/* Exactly two dots, no empty part, at most JWS_BYTES. 0, or -1. */
int jws_split(struct text compact, struct jws *jws_r);

/* Text of the algorithm; and the way back: -1 when it is not one of ours (exact, case matters). */
struct text jws_algorithm_name(enum jws_algorithm algorithm);
int jws_algorithm_find(struct text name);

/* Appends the raw signature (RFC 7518 3.4: R || S) over input. 0, or -1 when the library failed. */
int jws_sign(EVP_PKEY_CTX *signer, enum jws_algorithm algorithm, struct secret_hasher *hasher, struct text input,
             struct buffer *signature);

/* 1 when jws.signature is key's over jws.input, 0 when not, -1 when the library failed. */
int jws_verify(EVP_PKEY *key, enum jws_algorithm algorithm, struct secret_hasher *hasher, const struct jws *jws);

/* A context that is set up once and signs many times; NULL when the key does not suit the algorithm. Freed with
 * EVP_PKEY_CTX_free(). For EdDSA it only carries the key. */
EVP_PKEY_CTX *jws_signer(EVP_PKEY *key, enum jws_algorithm algorithm);

#endif

/* jws: JSON Web Signature (RFC 7515), compact serialisation, asymmetric algorithms, and HS256 for our own tokens.
 *
 * Not in here: `none`, JSON serialisation, encryption, and any choice of key or algorithm by what a token says: the
 * algorithm belongs to the key (RFC 8725 3.1). HS256 has functions and keys of another type, and no name that comes from
 * outside finds it, so no public key is ever taken for its secret. */
#ifndef JOSE_JWS_H
#define JOSE_JWS_H

#include <openssl/evp.h>

#include "../base/buffer.h"
#include "../base/secret.h"

/* RFC 7518 3.1, RFC 8037 3.1.  name, kty, signature size of a fixed-size form (0: that of the key). Those with a public half
 * come first: they are all that a header, a JWK or the key of a client may name. */
#define JWS_ALGORITHM_LIST(X) \
    X(ES256, "EC", 64) \
    X(RS256, "RSA", 0) \
    X(PS256, "RSA", 0) \
    X(EdDSA, "OKP", 64) \
    X(HS256, "oct", 32)

enum jws_algorithm {
#define JWS_ALGORITHM_NAME(name, kty, size) JWS_##name,
    JWS_ALGORITHM_LIST(JWS_ALGORITHM_NAME)
#undef JWS_ALGORITHM_NAME
        JWS_ALGORITHMS,
    JWS_PUBLIC_ALGORITHMS = JWS_HS256
};

enum { JWS_BYTES = 8192, JWS_SIGNATURE_BYTES = 512, JWS_MAC_KEY_LEAST = 32 };

/* The parts of a compact serialisation, as they stand in it (base64url). */
struct jws {
    struct text header;
    struct text payload;
    struct text signature;
    struct text input; /* header "." payload: what is signed */
};

/* Exactly two dots, no empty part, at most JWS_BYTES. 0, or -1. */
int jws_split(struct text compact, struct jws *jws_r);

/* The same, but the payload may be empty: a JWS may sign nothing (RFC 7515 3.1), and no JWT does. */
int jws_split_any(struct text compact, struct jws *jws_r);

/* Text of the algorithm; and the way back: -1 when it is not one of ours (exact, case matters). Names that others give find
 * the algorithms with a public half only, EdDSA also by its newer name Ed25519; of our own configuration and keys, any. */
struct text jws_algorithm_name(enum jws_algorithm algorithm);
int jws_algorithm_find(struct text name);
int jws_algorithm_find_own(struct text name);

/* Appends the raw signature (RFC 7518 3.4: R || S) over input. 0, or -1 when the library failed. */
int jws_sign(EVP_PKEY_CTX *signer, enum jws_algorithm algorithm, struct secret_hasher *hasher, struct text input,
             struct buffer *signature);

/* 1 when jws.signature is key's over jws.input, 0 when not, -1 when the library failed. No key has one by HS256. */
int jws_verify(EVP_PKEY *key, enum jws_algorithm algorithm, struct secret_hasher *hasher, const struct jws *jws);

/* A context that is set up once and signs many times; NULL when the key does not suit the algorithm. Freed with
 * EVP_PKEY_CTX_free(). For EdDSA it only carries the key. */
EVP_PKEY_CTX *jws_signer(EVP_PKEY *key, enum jws_algorithm algorithm);

/* HS256 (RFC 7518 3.2): a context that has taken the key, of JWS_MAC_KEY_LEAST bytes or more, and signs and verifies many
 * times. NULL when the key is too short or the library failed. Freed with EVP_MAC_CTX_free(). */
EVP_MAC_CTX *jws_mac(struct text key);

/* As jws_sign() and jws_verify(). */
int jws_mac_sign(EVP_MAC_CTX *mac, struct text input, struct buffer *signature);
int jws_mac_verify(EVP_MAC_CTX *mac, const struct jws *jws);

#endif

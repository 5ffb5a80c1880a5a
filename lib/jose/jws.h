/* jws: JSON Web Signature (RFC 7515) in compact serialisation, with asymmetric algorithms, and HS256 for this issuer's
 * tokens.
 *
 * Not supported: `none`, JSON serialisation and encryption. Key and algorithm are never chosen by a token; the
 * algorithm belongs to the key (RFC 8725 3.1). HS256 has functions and keys of another type, and jws_algorithm_find()
 * does not find it, so a public key cannot be used as its secret. */
#ifndef JOSE_JWS_H
#define JOSE_JWS_H

#include <openssl/evp.h>

#include "../base/answer.h"
#include "../base/buffer.h"
#include "../base/secret.h"

/* RFC 7518 3.1, RFC 8037 3.1: name, kty, size of the signature in bytes (0: that of the key). The asymmetric ones come
 * first: only they may be named by a header, a JWK or a client's key. */
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
        JWS_ALGORITHMS,        /* how many */
    JWS_NONE = JWS_ALGORITHMS, /* none is named or known; suits no key and verifies nothing */
    JWS_PUBLIC_ALGORITHMS = JWS_HS256
};

enum { JWS_BYTES = 8192, JWS_SIGNATURE_BYTES = 512, JWS_MAC_KEY_LEAST = 32 };

/* The parts of a compact serialisation, still base64url; views of it. */
struct jws {
    struct text header;
    struct text payload;
    struct text signature;
    struct text input; /* the signing input: header "." payload */
};

/* Splits compact at its two dots. Returns 0, or -1 if it has other than two, an empty part, or more than JWS_BYTES. */
int jws_split(struct text compact, struct jws *jws_r);

/* The same, but allows an empty payload, which a JWS may have (RFC 7515 3.1) and a JWT may not. */
int jws_split_any(struct text compact, struct jws *jws_r);

/* The name of an algorithm, a literal. The algorithm of a name, case-sensitive, or JWS_NONE: jws_algorithm_find() is
 * for names from outside and finds the asymmetric ones only, EdDSA also by Ed25519 (RFC 9864 2.2);
 * jws_algorithm_find_own() is for this server's configuration and keys and finds all. */
struct text jws_algorithm_name(enum jws_algorithm algorithm);
enum jws_algorithm jws_algorithm_find(struct text name);
enum jws_algorithm jws_algorithm_find_own(struct text name);

/* Appends the raw signature (ES256: R || S, RFC 7518 3.4) over input. signer is of jws_signer() with the same
 * algorithm. Returns 0, or -1 if the library failed or signature is full. */
int jws_sign(EVP_PKEY_CTX *signer, enum jws_algorithm algorithm, struct secret_hasher *hasher, struct text input,
             struct buffer *signature);

/* Whether jws->signature is a signature by key over jws->input. No for HS256 and JWS_NONE. Cannot say: the library
 * failed. RFC 7515 5.2. */
enum answer jws_verify(EVP_PKEY *key, enum jws_algorithm algorithm, struct secret_hasher *hasher,
                       const struct jws *jws);

/* Returns a context for any number of signatures, or NULL if the key does not suit the algorithm. The caller frees it
 * with EVP_PKEY_CTX_free(). For EdDSA it only carries the key. */
EVP_PKEY_CTX *jws_signer(EVP_PKEY *key, enum jws_algorithm algorithm);

/* HS256 (RFC 7518 3.2): returns a context for any number of signatures and verifications with key, of at least
 * JWS_MAC_KEY_LEAST bytes, or NULL if it is shorter or the library failed. The caller frees it with
 * EVP_MAC_CTX_free(). */
EVP_MAC_CTX *jws_mac(struct text key);

/* As jws_sign() and jws_verify(), with HS256; the comparison takes constant time. */
int jws_mac_sign(EVP_MAC_CTX *mac, struct text input, struct buffer *signature);
enum answer jws_mac_verify(EVP_MAC_CTX *mac, const struct jws *jws);

#endif

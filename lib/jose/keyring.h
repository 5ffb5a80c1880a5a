/* keyring: the issuer's signing keys and their life cycle: published (in the JWK Set), active (signs), retired (only
 * verifies) and removed.
 *
 * Verification finds a key by the exact header that this issuer writes, so the header of a token is never parsed: any
 * other header matches no key (RFC 8725 3.1, 3.11).
 *
 * An HS256 key is secret and is never in the JWK Set. Its 32 bytes are stored as a private X25519 key, so that they are
 * encrypted and stored like the other keys (PKCS#8); no X25519 operation is performed.
 *
 * When keys are made, activated and removed is decided in rotation.h. */
#ifndef JOSE_KEYRING_H
#define JOSE_KEYRING_H

#include "jwk.h"
#include "jws.h"

enum { KEYRING_KEYS = 16, KEYRING_HEADER_BYTES = 192 };

/* The kinds of JWT that its keys sign, distinguished by `typ`: RFC 9068 2.1, RFC 9701 5. Only access tokens are
 * verified. */
enum keyring_kind { KEYRING_ACCESS_TOKEN, KEYRING_INTROSPECTION, KEYRING_KINDS };

/* Seconds since 1970; 0: `activate` is not scheduled yet, `retire` and `remove` are not planned. */
struct keyring_times {
    int64_t publish;
    int64_t activate;
    int64_t retire;
    int64_t remove;
};

struct keyring_key {
    struct text kid;
    enum jws_algorithm algorithm;
    struct keyring_times times;
    EVP_PKEY *public_key;               /* NULL for HS256 */
    EVP_PKEY_CTX *signer;               /* NULL: this process cannot sign with it */
    EVP_MAC_CTX *mac;                   /* HS256: signs and verifies; NULL: this process can do neither */
    bool unproven;                      /* added by keyring_add_unproven() */
    struct text headers[KEYRING_KINDS]; /* base64url of {"typ":...,"alg":...,"kid":...} */
    char kid_text[JWK_KID_BYTES + 1];
    char header_texts[KEYRING_KINDS][KEYRING_HEADER_BYTES];
};

struct keyring {
    uint64_t generation; /* changes whenever the keys do; part of the fingerprint of verified tokens */
    bool incomplete;     /* keys are missing, so a token with an unknown header may be valid */
    size_t count;
    struct keyring_key keys[KEYRING_KEYS];
};

/* Adds a key. private_key may be NULL; public_key is NULL for HS256. Returns NULL, and owns both keys; otherwise
 * returns the reason, a literal for an operator, and the caller keeps both. */
const char *keyring_add(struct keyring *keyring, struct text kid, enum jws_algorithm algorithm,
                        const struct keyring_times *times, EVP_PKEY *public_key, EVP_PKEY *private_key);

/* Adds a key that may be the issuer's but is not proven to be: it does not sign and is not in the JWK Set, and
 * keyring_verify() cannot say whether a signature by it is valid. Returns as keyring_add(). */
const char *keyring_add_unproven(struct keyring *keyring, struct text kid, enum jws_algorithm algorithm,
                                 const struct keyring_times *times);

/* Whether keys exist and none is proven to be the issuer's, so that no JWK Set may be published. */
bool keyring_is_unproven(const struct keyring *keyring);

/* Frees and removes all keys, and clears `incomplete`; the generation does not change. */
void keyring_clear(struct keyring *keyring);

/* The key to sign with at now: the latest activated of the active keys of this algorithm; without one, the latest of
 * any algorithm (a token of another algorithm is better than none). NULL if no key is active or this process has no
 * private key. */
const struct keyring_key *keyring_signer(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now);

/* Whether keys of this algorithm are active at now, but this process can sign with none of them. */
bool keyring_lacks_signer(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now);

/* The key whose access token header is exactly header, if it is published and not removed at now; otherwise NULL. */
const struct keyring_key *keyring_find(const struct keyring *keyring, struct text header, int64_t now);

/* Appends the raw signature (RFC 7515 5.1). Returns 0, or -1 if the library failed, signature is full, or this process
 * cannot sign with the key. */
int keyring_sign(const struct keyring_key *key, struct secret_hasher *hasher, struct text input,
                 struct buffer *signature);

/* Whether jws->signature is a signature by key over jws->input. Cannot say: the key is unproven or this process lacks
 * it, or the library failed. */
enum answer keyring_verify(const struct keyring_key *key, struct secret_hasher *hasher, const struct jws *jws);

/* Appends the JWK Set (RFC 7517 5) of the keys published and not removed at now. Returns 0, or -1 if b is full or the
 * library failed. */
int keyring_put_jwks(const struct keyring *keyring, int64_t now, struct buffer *b);

/* Whether that JWK Set contains a key of this algorithm. */
bool keyring_publishes(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now);

#endif

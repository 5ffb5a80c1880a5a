/* keyring: the issuer's keys and the times of their lives.
 *
 * A key is published (in the JWKS), active (signs), retired (verifies only) and removed (as if it had never been).
 * Verification finds a key by the exact header text that this issuer writes, so nothing in a token's header is ever
 * interpreted: a header that we did not write belongs to no key (RFC 8725 3.1, 3.11).
 *
 * A key of HS256 is a secret: it stands in no JWK Set. Its 32 bytes are those of a private X25519 key, so that they are stored
 * and sealed as the others are (PKCS#8); nothing is ever computed on that curve. */
#ifndef JOSE_KEYRING_H
#define JOSE_KEYRING_H

#include "jwk.h"
#include "jws.h"

enum { KEYRING_KEYS = 16, KEYRING_HEADER_BYTES = 192 };

/* What its keys sign, told apart by `typ`: RFC 9068 2.1, RFC 9701 5. Only the key of an access token is ever looked for. */
enum keyring_kind { KEYRING_ACCESS_TOKEN, KEYRING_INTROSPECTION, KEYRING_KINDS };

/* Seconds since 1970; 0 for `activate` means never yet, for `retire` and `remove` not planned. */
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
    EVP_PKEY *public_key;               /* NULL of HS256 */
    EVP_PKEY_CTX *signer;               /* NULL: this process cannot sign with it */
    EVP_MAC_CTX *mac;                   /* HS256: signs and verifies; NULL: this process can do neither */
    bool unproven;                      /* keyring_add_unproven() */
    struct text headers[KEYRING_KINDS]; /* base64url of {"typ":...,"alg":...,"kid":...} */
    char kid_text[JWK_KID_BYTES + 1];
    char header_texts[KEYRING_KINDS][KEYRING_HEADER_BYTES];
};

struct keyring {
    uint64_t generation; /* changes when the keys do; part of every fingerprint of a verified token */
    bool incomplete;     /* there are keys that it lacks: an unknown one may be ours */
    size_t count;
    struct keyring_key keys[KEYRING_KEYS];
};

/* Adds a key. private_key may be NULL, public_key is NULL of HS256; neither reference is kept by the caller after success.
 * NULL, or why not (a literal for an operator's eyes; the caller keeps both keys). */
const char *keyring_add(struct keyring *keyring, struct text kid, enum jws_algorithm algorithm,
                        const struct keyring_times *times, EVP_PKEY *public_key, EVP_PKEY *private_key);

/* Adds a key that is not known to be the issuer's, and may be: it signs nothing and stands in no JWK Set, and of a signature
 * with its name it cannot be said whether it is good. As above. */
const char *keyring_add_unproven(struct keyring *keyring, struct text kid, enum jws_algorithm algorithm,
                                 const struct keyring_times *times);

/* Whether there are keys and none of them is known to be the issuer's, so that a JWK Set would be wrong. */
bool keyring_is_unproven(const struct keyring *keyring);

/* Frees the keys and empties the ring, which is complete then; the generation stays. */
void keyring_clear(struct keyring *keyring);

/* The key to sign with at now: of the active ones of this algorithm the latest activated, of the others when there is none
 * of it (a token of another algorithm is better than no token); NULL when no key is active. */
const struct keyring_key *keyring_signer(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now);

/* Whether a key of this algorithm is active at now, and this process can sign with none of them. */
bool keyring_lacks_signer(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now);

/* The key with exactly this header of an access token, published and not removed at now; NULL when there is none. */
const struct keyring_key *keyring_find(const struct keyring *keyring, struct text header, int64_t now);

/* Appends the raw signature (RFC 7515 5.1). 0, or -1 when the library failed or this process cannot sign with the key. */
int keyring_sign(const struct keyring_key *key, struct secret_hasher *hasher, struct text input,
                 struct buffer *signature);

/* 1 when jws.signature is the key's over jws.input, 0 when not, -1 when that cannot be said. */
int keyring_verify(const struct keyring_key *key, struct secret_hasher *hasher, const struct jws *jws);

/* Appends the JWK Set of the keys published and not removed at now. 0, or -1. */
int keyring_put_jwks(const struct keyring *keyring, int64_t now, struct buffer *b);

/* Whether a key of this algorithm stands in that JWK Set. */
bool keyring_publishes(const struct keyring *keyring, enum jws_algorithm algorithm, int64_t now);

#endif

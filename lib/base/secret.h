/* secret: hashing and verification of client secrets, and SHA-256. It does not limit how often a slow hash is computed;
 * its callers do.
 *
 * A secret is stored as a hash, one line of text:
 *     $sha256$<salt>$<digest>                  digest = SHA-256(salt || secret); for generated secrets of 256 bits
 *     $pbkdf2-sha256$<rounds>$<salt>$<digest>  RFC 8018 5.2; for secrets chosen by a person
 * salt (16 bytes) and digest (32 bytes) are base64url. A generated secret cannot be guessed, so it needs no slow hash;
 * one chosen by a person does (RFC 8018 4). */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <openssl/evp.h>

#include "answer.h"
#include "buffer.h"

enum {
    SECRET_SALT = 16,
    SECRET_DIGEST = 32,
    SECRET_BYTES = 512,
    SECRET_ROUNDS_MIN = 10000,
    SECRET_ROUNDS_MAX = 5000000
};

struct secret_hash {
    uint32_t rounds; /* 0: the fast form */
    unsigned char salt[SECRET_SALT];
    unsigned char digest[SECRET_DIGEST];
};

/* The algorithm, fetched from the library once. */
struct secret_hasher {
    EVP_MD *sha256;
};

/* Returns 0, or -1 if the library failed. secret_hasher_close() frees it. */
int secret_hasher_open(struct secret_hasher *hasher);
void secret_hasher_close(struct secret_hasher *hasher);

/* Computes the SHA-256 of the concatenated parts. Returns 0, or -1 if the library failed. */
int secret_digest(struct secret_hasher *hasher, const struct text *parts, size_t count,
                  unsigned char digest_r[SECRET_DIGEST]);

/* Parses the stored form. Returns 0, or -1 if it is malformed or its rounds are out of range. */
int secret_parse(struct text stored, struct secret_hash *hash_r);

/* Appends the stored form of secret; rounds 0 is the fast form. Returns 0, or -1 if secret is empty or longer than
 * SECRET_BYTES, the library failed or b is full. */
int secret_format(struct secret_hasher *hasher, struct text secret, const unsigned char salt[SECRET_SALT],
                  uint32_t rounds, struct buffer *b);

/* Whether secret matches hash. Takes the same time for all secrets of one length. Cannot say: the library failed. */
enum answer secret_verify(struct secret_hasher *hasher, const struct secret_hash *hash, struct text secret);

#endif

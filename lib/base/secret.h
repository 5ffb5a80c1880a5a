/* secret: comparing, wiping and storing what must not be known.
 *
 * A stored secret is one line of text, never the secret:
 *     $sha256$<salt>$<digest>                  digest = SHA-256(salt || secret); for generated secrets of 256 bits
 *     $pbkdf2-sha256$<rounds>$<salt>$<digest>  RFC 8018 5.2; for secrets that a person chose (the slow lane)
 * salt (16 bytes) and digest (32 bytes) are base64url. A machine's secret has nothing to guess, so it needs no slow
 * hash; a person's secret gets one, and callers limit how often it is computed. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <openssl/evp.h>

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

/* What hashing needs to have fetched from the library, once. */
struct secret_hasher {
    EVP_MD *sha256;
};

int secret_hasher_open(struct secret_hasher *hasher);
void secret_hasher_close(struct secret_hasher *hasher);

/* SHA-256 of the parts, one after the other. 0, or -1 when the library failed. */
int secret_digest(struct secret_hasher *hasher, const struct text *parts, size_t count,
                  unsigned char digest_r[SECRET_DIGEST]);

/* Reads the stored form. 0, or -1 when it is not of a known form. */
int secret_parse(struct text stored, struct secret_hash *hash_r);

/* Writes the stored form of secret; rounds 0 is the fast form. 0, or -1 when the library failed or b is full. */
int secret_format(struct secret_hasher *hasher, struct text secret, const unsigned char salt[SECRET_SALT],
                  uint32_t rounds, struct buffer *b);

/* 1 when secret is the one behind hash, 0 when not, -1 when the library failed. Takes the same time for every secret of
 * one length. */
int secret_verify(struct secret_hasher *hasher, const struct secret_hash *hash, struct text secret);

#endif

/* jwk_cache: public keys that one process has read lately, by the text of their JWK.
 *
 * To make a key of its JWK costs half of what a verification with it costs, and clients that sign come back with the same
 * one. An entry is found by the SHA-256 of the whole text, so that a hit is the key that reading would have made.
 * Direct-mapped: a newcomer takes the place of who was there, and whoever brings many keys pays for each of them only. */
#ifndef JOSE_JWK_CACHE_H
#define JOSE_JWK_CACHE_H

#include "jwk.h"

struct jwk_cache_key {
    EVP_PKEY *key;                   /* the shelf's */
    int algorithm;                   /* that the JWK names; -1: none */
    char thumbprint[JWK_THUMBPRINT]; /* RFC 7638 */
};

struct jwk_cache {
    size_t count;
    struct jwk_cache_entry *entries;
};

/* Room for count keys (a power of two). 0, or -1 when the memory is not to be had. */
int jwk_cache_open(struct jwk_cache *jwk_cache, size_t count);
void jwk_cache_close(struct jwk_cache *jwk_cache);

/* The key of a JWK: 1, and *known_r, which is good until the next jwk_cache_take(). 0 when jwk_read() refuses it, -1 when the
 * library failed. */
int jwk_cache_take(struct jwk_cache *jwk_cache, struct secret_hasher *hasher, struct text json,
                   const struct jwk_cache_key **known_r);

#endif

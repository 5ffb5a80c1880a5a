/* jwk_cache: a cache, private to one process, of recently parsed public keys, by the text of their JWK (RFC 7517).
 *
 * Parsing a JWK costs half of a verification, and clients that sign send the same key again. An entry is found by the
 * SHA-256 of the whole text, so a hit is the key that parsing would give. The cache does not decide whether a key is
 * trusted. Direct-mapped: a new entry replaces the entry in its slot; a client that sends many keys causes no more than
 * the parsing of each. */
#ifndef JOSE_JWK_CACHE_H
#define JOSE_JWK_CACHE_H

#include "jwk.h"

struct jwk_cache_key {
    EVP_PKEY *key;                   /* owned by the cache */
    enum jws_algorithm algorithm;    /* JWS_NONE if the JWK has no alg */
    char thumbprint[JWK_THUMBPRINT]; /* RFC 7638, not NUL-terminated */
};

struct jwk_cache {
    size_t count;
    struct jwk_cache_entry *entries;
};

/* Allocates a cache of count entries, which must be a power of two. Returns 0, or -1 if out of memory.
 * jwk_cache_close() frees it and its keys. */
int jwk_cache_open(struct jwk_cache *jwk_cache, size_t count);
void jwk_cache_close(struct jwk_cache *jwk_cache);

/* Whether json is a JWK that jwk_read() accepts. If so, *known_r is its key, valid until the next jwk_cache_take().
 * Cannot say: the library failed. */
enum answer jwk_cache_take(struct jwk_cache *jwk_cache, struct secret_hasher *hasher, struct text json,
                           const struct jwk_cache_key **known_r);

#endif

/* token_cache: a cache, private to one process, of the claims of recently read access tokens, by fingerprint.
 *
 * A signature is verified once per host (store.h, verified_find); the claims are decoded once per process. An entry
 * holds the claims, not the token. Its fingerprint covers every byte of the token and the generation of the keys, so a
 * hit needs no further verification. The cache does not decide whether a token may be used now (access_token_active()).
 * Direct-mapped: a new entry replaces the entry in its slot. RFC 9068. */
#ifndef OAUTH_TOKEN_CACHE_H
#define OAUTH_TOKEN_CACHE_H

#include "store.h"
#include "token.h"

enum { TOKEN_CACHE_BYTES = 832 };

struct token_cache {
    size_t count;
    struct token_cache_entry *entries;
};

/* Allocates a cache of count entries, which must be a power of two. Returns 0, or -1 if out of memory. Pages are
 * touched only as entries are added. token_cache_close() frees it. */
int token_cache_open(struct token_cache *token_cache, size_t count);
void token_cache_close(struct token_cache *token_cache);

/* Returns the entry with this fingerprint, valid until the next token_cache_put(), or NULL. */
const struct access_token *token_cache_find(const struct token_cache *token_cache,
                                            const unsigned char fingerprint[STORE_FINGERPRINT]);

/* Adds a copy of token. One whose texts exceed TOKEN_CACHE_BYTES is not cached. */
void token_cache_put(struct token_cache *token_cache, const unsigned char fingerprint[STORE_FINGERPRINT],
                     const struct access_token *token);

#endif

/* token_cache: a cache, private to one process, of the claims of recently read access tokens, by fingerprint.
 *
 * A signature is verified once per host (store.h, verified_find); the claims are decoded once per process. An entry
 * holds the claims, not the token. Its fingerprint covers every byte of the token and the generation of the keys, so a
 * hit needs no further verification. The cache does not decide whether a token may be used now (access_token_active()).
 * Direct-mapped: a new entry replaces the entry in its slot. RFC 9068. */
#ifndef OAUTH_TOKEN_CACHE_H
#define OAUTH_TOKEN_CACHE_H

#include "store.h"

enum { ACCESS_TOKEN_AUDIENCES = 8, TOKEN_CACHE_BYTES = 832 };

/* RFC 7800 3, `cnf`: what a token is bound to. Each is base64url of a SHA-256, and empty if the token is not bound
 * so. */
struct confirmation {
    struct text certificate; /* x5t#S256 (RFC 8705 3.1) */
    struct text key;         /* jkt (RFC 9449 6.1) */
};

/* The claims of an access token of this issuer; views. */
struct access_token {
    struct token_facts facts;
    int64_t not_before; /* -1 if the token has no such claim */
    size_t audience_count;
    struct text audiences[ACCESS_TOKEN_AUDIENCES];
    struct text subject;
    struct text scope; /* space-separated; empty or absent if it has none */
    struct confirmation confirmation;
    struct text shown; /* the claims for introspection, as members of a JSON object: `"iss":...,"sub":...` */
};

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

/* token_cache: access tokens that one process has read lately, by their fingerprint.
 *
 * A signature is paid for once on a host (store.h, verified); decoding and reading the claims is paid for once in a
 * process. An entry holds what was read, not the token; its fingerprint covers every byte of the token and the keys that
 * were in force, so a hit needs no second look. Whether the token may be used now is asked each time, elsewhere.
 * Direct-mapped: a newcomer takes the place of who was there. */
#ifndef OAUTH_TOKEN_CACHE_H
#define OAUTH_TOKEN_CACHE_H

#include "store.h"

enum { ACCESS_TOKEN_AUDIENCES = 8, TOKEN_CACHE_BYTES = 832 };

/* RFC 7800 3, `cnf`: what has to be shown beside a token, so that a thief has nothing of it. Both may be there; each is
 * base64url of a SHA-256, and empty where there is none. */
struct confirmation {
    struct text certificate; /* x5t#S256 (RFC 8705 3.1) */
    struct text key;         /* jkt (RFC 9449 6.1) */
};

/* What a token of ours says; views. */
struct access_token {
    struct token_facts facts;
    int64_t not_before; /* -1: no such claim */
    size_t audience_count;
    struct text audiences[ACCESS_TOKEN_AUDIENCES];
    struct text subject;
    struct text scope; /* space-separated; empty or absent: none */
    struct confirmation confirmation;
    struct text shown; /* the claims that others may see, as members of a JSON object: `"iss":...,"sub":...` */
};

struct token_cache {
    size_t count;
    struct token_cache_entry *entries;
};

/* Room for count tokens (a power of two), touched only as it fills. 0, or -1 when the memory is not to be had. */
int token_cache_open(struct token_cache *token_cache, size_t count);
void token_cache_close(struct token_cache *token_cache);

/* NULL when it is not there. Good until the next token_cache_put. */
const struct access_token *token_cache_find(const struct token_cache *token_cache,
                                            const unsigned char fingerprint[STORE_FINGERPRINT]);

/* Keeps a copy. One with more than TOKEN_CACHE_BYTES of text is not kept. */
void token_cache_put(struct token_cache *token_cache, const unsigned char fingerprint[STORE_FINGERPRINT],
                     const struct access_token *token);

#endif

/* request_context: the state of one request while it is answered, and struct issuer, everything that answering needs.
 *
 * struct issuer carries the configuration, keys, store, clock and random source, supplied by the caller; lib/ itself
 * uses no clock, file or global. A struct request_context is not cleared between its steps: each step sets the fields
 * that its comment names, and they may be read only after it. */
#ifndef OAUTH_REQUEST_CONTEXT_H
#define OAUTH_REQUEST_CONTEXT_H

#include "../base/arena.h"
#include "../base/form.h"
#include "../jose/keyring.h"
#include "../jose/jwk_cache.h"
#include "client.h"
#include "token_cache.h"
#include "request.h"
#include "response.h"
#include "store.h"

enum { ISSUER_FINGERPRINT_KEY = 32, ISSUER_NONCE_KEY = 32 };

struct issuer {
    struct text name;       /* RFC 8414 2 `issuer`: https URL without query and fragment, no trailing slash */
    struct text prefix;     /* path of name, where the front server mounts the endpoints; empty at the root */
    struct text mtls_name;  /* RFC 8705 5: as name, on the host that requests certificates; empty: none */
    uint32_t token_seconds; /* lifetime of an access token unless client or audience limits it */
    /* Of the key that signs access tokens, if one is active. HS256: only this issuer can verify them, and no key is
     * published for them. */
    enum jws_algorithm token_algorithm;
    uint32_t jwks_max_age;     /* seconds; Cache-Control of the JWK Set and the metadata */
    uint32_t fresh_seconds;    /* with an older replica an unknown client is answered with 503 */
    uint32_t validate_seconds; /* with an older replica no token is validated */
    uint32_t issue_seconds;    /* with an older replica no token is issued */
    struct keyring *keyring;
    const struct store *store;
    struct secret_hasher *hasher;
    struct token_cache *token_cache;
    struct jwk_cache *jwk_cache;
    bool dpop_nonce;                           /* a DPoP proof must contain a nonce of this issuer */
    unsigned char nonce_key[ISSUER_NONCE_KEY]; /* the same on all hosts and after a restart */
    unsigned char fingerprint_key[ISSUER_FINGERPRINT_KEY];
    void *context;
    int64_t (*now)(void *context);                                   /* seconds since 1970 */
    int (*random)(void *context, unsigned char *bytes, size_t size); /* 0, or -1 */
    int (*sign)(void *context, const struct keyring_key *key, struct secret_hasher *hasher, struct text input,
                struct buffer *signature);              /* RFC 7515 5.1: appends the raw signature; 0, or -1 */
    int (*metrics)(void *context, struct buffer *page); /* appends the page; 0, or -1; NULL: there is no such page */
};

/* Bits of request_context.steps: what has succeeded, so what may be read. */
enum request_context_step { REQUEST_CONTEXT_FORM = 1, REQUEST_CONTEXT_CLIENT = 2 };

struct request_context {
    const struct issuer *issuer;
    struct arena *arena;
    const struct request *request;
    struct response *response;
    int64_t now;
    unsigned steps;         /* 0 at first */
    struct form form;       /* set by request_context_form() */
    struct client client;   /* the authenticated client: set by client_auth_verify() */
    struct text credential; /* label or kid of the credential used: set by client_auth_verify() */
};

/* Parses the form of a POST into context->form. Checks content type, encoding and that there is no query string;
 * repeated parameters are detected by request_context_parameter(). Returns ERROR_none or the error to answer. RFC 6749
 * 3.2, B. */
enum error request_context_form(struct request_context *context);

/* Computes the key of a verification result in the caches: SHA-256 over one block (the issuer's fingerprint key, the
 * kind, and the state in which the result holds), followed by t. Returns 0, or -1 if the library failed. */
enum verified_kind { VERIFIED_TOKEN = 1, VERIFIED_SECRET };
int request_context_fingerprint(const struct request_context *context, enum verified_kind kind, uint64_t state,
                                struct text t, unsigned char fingerprint_r[STORE_FINGERPRINT]);

/* Sets *value_r to the value of a parameter, absent if omitted or empty (RFC 6749 3.2). Returns ERROR_none, or
 * ERROR_repeated_parameter if it occurs twice. Requires request_context_form() before it. */
enum error request_context_parameter(const struct request_context *context, struct text name, struct text *value_r);

#endif

/* request_context: one request being answered, and the world it is answered in.
 *
 * struct issuer is that world: configuration, keys, storage, clock and dice, handed in. Nothing in lib/ reaches for
 * any of these by itself. */
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
    struct text prefix;     /* its path: where the front mounts us; empty at the root */
    struct text mtls_name;  /* RFC 8705 5: the same with the host that asks for certificates; empty: none */
    uint32_t token_seconds; /* lifetime of an access token when client and audience say nothing */
    enum jws_algorithm
        token_algorithm;       /* of the key that signs access tokens, as long as there is one; HS256: nobody but us
                                         * can verify them, and no key is published */
    uint32_t jwks_max_age;     /* seconds */
    uint32_t fresh_seconds;    /* a replica older than this does not know who is unknown */
    uint32_t validate_seconds; /* a replica older than this does not know what is valid */
    uint32_t issue_seconds;    /* a replica older than this does not know who may have a token */
    struct keyring *keyring;
    const struct store *store;
    struct secret_hasher *hasher;
    struct token_cache *token_cache;
    struct jwk_cache *jwk_cache;
    bool dpop_nonce;                           /* a DPoP proof has to bring a nonce of ours */
    unsigned char nonce_key[ISSUER_NONCE_KEY]; /* the same at all hosts and after a restart */
    unsigned char fingerprint_key[ISSUER_FINGERPRINT_KEY];
    void *context;
    int64_t (*now)(void *context);                                   /* seconds since 1970 */
    int (*random)(void *context, unsigned char *bytes, size_t size); /* 0, or -1 */
    int (*sign)(void *context, const struct keyring_key *key, struct secret_hasher *hasher, struct text input,
                struct buffer *signature);              /* RFC 7515 5.1: appends the raw signature; 0, or -1 */
    int (*metrics)(void *context, struct buffer *page); /* NULL: no such page */
};

struct request_context {
    const struct issuer *issuer;
    struct arena *arena;
    const struct request *request;
    struct response *response;
    int64_t now;
    struct form form;       /* endpoints that read a form: after request_context_form() */
    struct client client;   /* who asks: after client_auth_verify() */
    struct text credential; /* the credential it was proved with */
};

/* Reads the form of a POST: content type, size, query and encoding are judged here, repetition by request_context_parameter. */
enum error request_context_form(struct request_context *context);

/* Names what was verified: SHA-256 over one block of the issuer's fingerprint key, the kind and the state in which it was
 * true, then the text. 0, or -1 when the library failed. */
enum verified_kind { VERIFIED_TOKEN = 1, VERIFIED_SECRET };
int request_context_fingerprint(const struct request_context *context, enum verified_kind kind, uint64_t state,
                                struct text t, unsigned char fingerprint_r[STORE_FINGERPRINT]);

/* The one value of a parameter; absent when omitted. ERROR_repeated_parameter when it stands twice. */
enum error request_context_parameter(const struct request_context *context, struct text name, struct text *value_r);

#endif

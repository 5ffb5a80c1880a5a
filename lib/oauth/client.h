/* client: the registration of one client (RFC 6749 2), as data. It is loaded by store.client_find(); nothing here
 * performs a look-up or a check of a credential (client_auth.h).
 *
 * All texts and arrays are views into the arena of the request. Times are seconds since 1970-01-01 UTC. */
#ifndef OAUTH_CLIENT_H
#define OAUTH_CLIENT_H

#include "../base/secret.h"
#include "../base/text.h"
#include "../jose/jws.h"
#include "../jose/certificate_subject.h"

enum { CLIENT_ID_BYTES = 128, CLIENT_SECRETS = 8, CLIENT_KEYS = 8, CLIENT_GRANTS = 256, CLIENT_READS = 64 };

/* RFC 7591 2, token_endpoint_auth_method; bits of client.methods. The order is that of the SQL SET column. */
#define CLIENT_METHOD_LIST(X) \
    X(SECRET_BASIC, "client_secret_basic") \
    X(SECRET_POST, "client_secret_post") \
    X(PRIVATE_KEY_JWT, "private_key_jwt") \
    X(TLS, "tls_client_auth") \
    X(SELF_SIGNED_TLS, "self_signed_tls_client_auth")

enum client_method_index {
#define CLIENT_METHOD_INDEX(name, text) CLIENT_METHOD_INDEX_##name,
    CLIENT_METHOD_LIST(CLIENT_METHOD_INDEX)
#undef CLIENT_METHOD_INDEX
        CLIENT_METHODS
};

enum client_method {
#define CLIENT_METHOD_BIT(name, text) CLIENT_##name = 1 << CLIENT_METHOD_INDEX_##name,
    CLIENT_METHOD_LIST(CLIENT_METHOD_BIT)
#undef CLIENT_METHOD_BIT
};

/* The scope of a request that omits `scope` (RFC 6749 3.3). The order is that of the SQL ENUM column. */
enum client_omitted_scope { CLIENT_OMITTED_DEFAULT, CLIENT_OMITTED_ALL, CLIENT_OMITTED_NONE, CLIENT_OMITTED_REFUSE };

/* Upper limit of client.assertion_seconds; the replay cache keeps no entry for longer. */
enum { CLIENT_ASSERTION_SECONDS_MOST = 3600 };

/* The accepted aud of the client's assertions. The order is that of the SQL ENUM column. */
enum client_assertion_audience { CLIENT_ASSERTION_ISSUER, CLIENT_ASSERTION_TOKEN_ENDPOINT };

/* How the client's tokens must be bound (binding.h). The order is that of the SQL ENUM column. */
enum client_binding { CLIENT_BINDING_NONE, CLIENT_BINDING_ANY, CLIENT_BINDING_MTLS, CLIENT_BINDING_DPOP };

struct client_secret {
    struct text label; /* identifies the credential in tokens and revocation rules */
    struct secret_hash hash;
    int64_t not_before; /* 0: always */
    int64_t expires_at; /* 0: never */
};

/* A public key that verifies the client's assertions (private_key_jwt), or that its certificate contains
 * (self_signed_tls_client_auth). */
struct client_key {
    struct text kid;              /* identifies the credential, as the label of a secret does */
    struct text jwk;              /* JSON that jwk_read() accepts */
    enum jws_algorithm algorithm; /* the only one that the key is used with */
    int64_t not_before;           /* 0: always */
    int64_t expires_at;           /* 0: never */
};

/* Whether now is within the validity of key: not_before <= now < expires_at. */
static inline bool client_key_is_current(const struct client_key *key, int64_t now)
{
    return key->not_before <= now && (key->expires_at == 0 || now < key->expires_at);
}

struct client_grant {
    struct text audience;
    struct text scope; /* one scope token; empty: grants the audience without a scope */
    bool is_default;
    uint32_t audience_seconds;             /* longest lifetime of the audience's tokens; 0: no limit */
    enum jws_algorithm audience_algorithm; /* the only one for its tokens; JWS_NONE: the issuer's */
};

struct client {
    struct text id;
    struct text default_audience; /* absent if not set */
    uint32_t slot;                /* index of its rate limits; used by the store only */
    uint32_t version;             /* changes whenever the row changes */
    uint32_t token_seconds;       /* lifetime of its tokens; 0: the issuer's */
    uint32_t rate_per_minute;     /* 0: unlimited */
    uint32_t rate_burst;
    uint32_t assertion_seconds; /* longest lifetime of its assertions; 0: ASSERTION_SECONDS */
    uint8_t methods;            /* bits of enum client_method */
    uint8_t omitted_scope;      /* enum client_omitted_scope */
    uint8_t assertion_audience; /* enum client_assertion_audience */
    uint8_t require_binding;    /* enum client_binding */
    bool enabled;
    struct certificate_subject tls_subject; /* of its certificate (tls_client_auth) */
    struct text
        tls_issuer; /* of its certificate (certificate_subject.h); absent: any CA that the front server trusts */
    size_t secret_count;
    size_t key_count;
    size_t grant_count;
    size_t read_count;
    struct client_secret *secrets;
    struct client_key *keys;
    struct client_grant *grants;
    struct text *reads; /* audiences whose tokens it may introspect (RFC 7662 2.2) */
};

#endif

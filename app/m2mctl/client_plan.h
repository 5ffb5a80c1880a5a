/* client_plan: the properties of a new client or a new credential as an operator gave them, and the SQL that
 * creates it. It does not check single options (client.c) and never connects to the database; its output is a
 * complete migration. Texts are views into the arguments. */
#ifndef APP_M2MCTL_CLIENT_PLAN_H
#define APP_M2MCTL_CLIENT_PLAN_H

#include "../../lib/oauth/client.h"
#include "credential.h"
#include "public_key.h"

/* One --audience with its scope options. */
struct client_plan_api {
    struct text audience, scope, default_scope;
};

struct client_plan {
    struct text client_id, description;
    char id_bytes[CLIENT_ID_BYTES];
    bool generate, with_secret, without_secret;
    size_t api_count, introspect_count;
    struct client_plan_api apis[CLIENT_GRANTS];
    struct text introspects[CLIENT_READS];
    uint64_t token_seconds, rate, burst; /* 0 means not given */
    struct text binding;                 /* absent: not given */
    unsigned methods;                    /* bits of enum client_method; 0: derived from the credentials */
    struct certificate_subject tls_subject;
    struct text tls_issuer;                                  /* absent: not given */
    struct public_key_source key_source, certificate_source; /* path NULL: not given */
    struct public_key key, certificate;
};

/* Returns the methods given, or else those of the plan's credentials. */
unsigned client_plan_methods(const struct client_plan *plan);

/* Whether a secret is generated: if requested, or if there is no other credential. */
bool client_plan_has_secret(const struct client_plan *plan);

/* Prints the migration. secret: NULL if there is none. */
void client_plan_put(const struct client_plan *plan, const struct credential *secret);

/* Prints the CALL of client_add_key or client_add_certificate_key. ends 0: never. */
void client_plan_put_key(const char *procedure, struct text client_id, const struct public_key *key, int64_t ends);

#endif

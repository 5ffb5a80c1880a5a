/* signed_jwt: signs the JWTs of this issuer, access tokens and signed introspection responses (RFC 7515 3.1).
 *
 * The kinds are signed with the same keys and are distinguished by `typ` (RFC 8725 3.11). The claims are written by the
 * caller and are not checked here. */
#ifndef OAUTH_SIGNED_JWT_H
#define OAUTH_SIGNED_JWT_H

#include "request_context.h"

struct signed_jwt {
    const struct keyring_key *key; /* NULL if no key is active: signing then fails */
    enum keyring_kind kind;
    struct text claims; /* JSON */
};

/* Sets *compact_r to the compact serialisation, in the arena. Returns ERROR_none, or ERROR_unavailable if there is no
 * key, the arena is exhausted or signing fails. */
enum error signed_jwt_sign(struct request_context *context, const struct signed_jwt *statement, struct text *compact_r);

#endif

/* signed_jwt: what the issuer says under its signature (RFC 7515 3.1): an access token, an answer about one.
 *
 * The `typ` keeps the kinds apart, as all of them are signed by the same keys (RFC 8725 3.11). What the claims say is the
 * affair of whoever makes them. */
#ifndef OAUTH_SIGNED_JWT_H
#define OAUTH_SIGNED_JWT_H

#include "request_context.h"

struct signed_jwt {
    const struct keyring_key *key; /* NULL: there is none to sign with, and the statement is not made */
    enum keyring_kind kind;
    struct text claims; /* JSON */
};

/* Its compact JWS, which lives as long as the exchange. ERROR_none, or ERROR_unavailable (no key, no room, no signature). */
enum error signed_jwt_sign(struct request_context *context, const struct signed_jwt *statement, struct text *compact_r);

#endif

/* statement: what the issuer says under its signature (RFC 7515 3.1): an access token, an answer about one.
 *
 * The `typ` keeps the kinds apart, as all of them are signed by the same keys (RFC 8725 3.11). What the claims say is the
 * affair of whoever makes them. */
#ifndef OAUTH_STATEMENT_H
#define OAUTH_STATEMENT_H

#include "exchange.h"

/* The compact JWS of claims, which are JSON, by the key that signs now; it lives as long as the exchange.
 * ERROR_none, or ERROR_unavailable (no key, no room, no signature). */
enum error statement_sign(struct exchange *exchange, enum keyring_kind kind, struct text claims, struct text *compact_r);

#endif

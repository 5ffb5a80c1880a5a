/* binding: tokens that are worth nothing to a thief (RFC 9700 2.2.1): bound to a TLS client certificate (RFC 8705 3) or
 * to a key that each request is signed with (RFC 9449), or to both. What the token says of it is struct confirmation. */
#ifndef OAUTH_BINDING_H
#define OAUTH_BINDING_H

#include "request_context.h"

/* At the token endpoint: what the token is to be bound to. A DPoP proof binds whenever there is one; a certificate where
 * the client's row wants it (require_binding: mtls, or any without a proof). */
enum error binding_decide(struct request_context *context, struct confirmation *confirmation_r);

/* At the check: whether the request shows all that the token is bound to, under the scheme that belongs to it, and the
 * token is bound as the location demands. compact is the token as it came. */
enum error binding_verify(struct request_context *context, const struct access_token *token, struct text compact,
                          bool as_dpop);

/* Whether what a location says of binding can be met: a word that is known here, and for proofs a name that they can name. */
bool binding_known(const struct request_check *check);

#endif

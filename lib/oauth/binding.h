/* binding: sender-constrained access tokens (RFC 9700 2.2.1), bound to a TLS client certificate (RFC 8705 3), to the
 * key of a DPoP proof (RFC 9449), or to both, so that a stolen token cannot be used. struct confirmation is the token's
 * `cnf`.
 *
 * It does not authenticate clients: mtls_auth.h does that by certificate. */
#ifndef OAUTH_BINDING_H
#define OAUTH_BINDING_H

#include "request_context.h"

/* At the token endpoint, after client_auth_verify(): decides what the token is bound to. A DPoP proof always binds the
 * token; a certificate does so if the client's require_binding is mtls, or is any and the request has no proof. Returns
 * ERROR_none, the error to answer, or ERROR_unavailable if the proof could not be checked. */
enum error binding_decide(struct request_context *context, struct confirmation *confirmation_r);

/* At the check endpoint: verifies that the token is bound as the location requires, that the request used the matching
 * authorization scheme (as_dpop: DPoP), and that it proves possession of everything the token is bound to. compact is
 * the token as received. Returns ERROR_none or the error to answer. RFC 8705 3, RFC 9449 7. */
enum error binding_verify(struct request_context *context, const struct access_token *token, struct text compact,
                          bool as_dpop);

/* Whether the binding that a location is configured with is valid: a known value, and, if proofs may be used, an origin
 * that their htu can be compared with. */
bool binding_known(const struct request_check *check);

#endif

/* client_auth: client authentication at the token, introspection and revocation endpoints (RFC 6749 2.3), by exactly
 * one of the methods of client.h. What an authenticated client may do is decided in grant.h. */
#ifndef OAUTH_CLIENT_AUTH_H
#define OAUTH_CLIENT_AUTH_H

#include "request_context.h"

/* Authenticates the caller and sets context->client and context->credential. Requires request_context_form() before it.
 * Returns ERROR_none, or the error to answer; ERROR_unavailable if the store or the library cannot decide. An unknown
 * client, a disabled client, a wrong secret, an expired secret and a method that is not registered for the client get
 * the same answer. Checking a secret takes the same time in all these cases, and so does an assertion, within the
 * limits given in assertion.h; a certificate is parsed only for a client that is registered for one. */
enum error client_auth_verify(struct request_context *context);

/* Reads the form, authenticates the caller, and only then sets *token_r to the `token` parameter (RFC 7009 2.1,
 * RFC 7662 2.1). Returns ERROR_none, or the error to answer; ERROR_missing_token if there is no such parameter. */
enum error client_auth_token(struct request_context *context, struct text *token_r);

#endif

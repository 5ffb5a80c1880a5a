/* client_auth: who is calling (RFC 6749 2.3). What they may do is grant.h. */
#ifndef OAUTH_CLIENT_AUTH_H
#define OAUTH_CLIENT_AUTH_H

#include "request_context.h"

/* Proves the caller by exactly one method and fills exchange->client and exchange->credential.
 * Unknown client, disabled client, wrong secret, expired secret and a method that the client's row does not allow are
 * one refusal. Secrets cost the same in all these cases, and so do assertions, within the bounds of assertion.h; a
 * certificate costs a look at it only for a client that uses them. */
enum error client_auth_verify(struct request_context *context);

/* Reads the form, proves the caller, and only then takes the token that the request is about (RFC 7009 2.1, RFC 7662 2.1). */
enum error client_auth_token(struct request_context *context, struct text *token_r);

#endif

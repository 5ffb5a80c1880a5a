/* grant: decides whether an authenticated client may have the token it requests, and its audiences, scope and lifetime,
 * for the client credentials grant (RFC 6749 4.4, 3.3; RFC 8707). It does not issue the token (access_token.h). */
#ifndef OAUTH_GRANT_H
#define OAUTH_GRANT_H

#include "access_token.h"

/* Evaluates grant_type, scope and resource of the form for context->client, after client_auth_verify(). Sets *plan_r
 * but for its confirmation, and returns ERROR_none; otherwise returns the error to answer. */
enum error grant_decide(struct request_context *context, struct access_token_plan *plan_r);

#endif

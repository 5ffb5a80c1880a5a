/* grant: whether a client that has proved itself may have the token it asks for, and which (RFC 6749 4.4, 3.3; RFC 8707). */
#ifndef OAUTH_GRANT_H
#define OAUTH_GRANT_H

#include "access_token.h"

/* Reads grant_type, scope and resource of the form. */
enum error grant_decide(struct request_context *context, struct access_token_plan *plan_r);

#endif

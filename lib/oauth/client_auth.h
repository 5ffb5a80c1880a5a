/* client_auth: who is calling (RFC 6749 2.3). What they may do is grant.h. */
#ifndef OAUTH_CLIENT_AUTH_H
#define OAUTH_CLIENT_AUTH_H

#include "exchange.h"

/* Proves the caller by exactly one method and fills exchange->client and exchange->credential.
 * Unknown client, disabled client, wrong secret, expired secret and a method that the client's row does not allow are
 * one refusal, and cost the same. */
enum error client_auth_verify(struct exchange *exchange);

#endif

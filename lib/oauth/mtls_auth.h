/* mtls_auth: client authentication by the certificate of the TLS connection (RFC 8705 2).
 *
 * The front server terminates TLS; its parameters carry the certificate and whether the chain was verified up to a CA,
 * and a client cannot set them. tls_client_auth requires a verified chain, the subject registered for the client and,
 * if one is registered, that issuer. self_signed_tls_client_auth requires one of the client's public keys, and no
 * chain.
 *
 * Binding tokens to a certificate is in binding.h. */
#ifndef OAUTH_MTLS_AUTH_H
#define OAUTH_MTLS_AUTH_H

#include "request_context.h"

/* Whether the request's certificate authenticates client by a method that is registered for it. On ANSWER_YES,
 * *credential_r is the kid of the key, or "tls_client_auth". Cannot say: a registered key could not be read. */
enum answer mtls_auth_verify(struct request_context *context, const struct client *client, struct text *credential_r);

#endif

/* mtls_auth: a client proved by the certificate of its TLS connection (RFC 8705 2).
 *
 * Everything is the word of the front server, which no client can put into its mouth: the certificate, and whether its
 * chain leads to an authority. tls_client_auth needs such a chain, and a subject that the client's row names, signed by the
 * authority that it names, if it names one;
 * self_signed_tls_client_auth needs one of the public keys of the client's row, and no chain. */
#ifndef OAUTH_MTLS_AUTH_H
#define OAUTH_MTLS_AUTH_H

#include "request_context.h"

/* Whether the certificate is client's, by a method that its row allows; *credential_r is then the kid of the key, or
 * "tls_client_auth". */
enum answer mtls_auth_verify(struct request_context *context, const struct client *client, struct text *credential_r);

#endif

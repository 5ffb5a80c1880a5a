/* nonce: the nonce that a server requires in DPoP proofs, so that proofs cannot be made in advance (RFC 9449 8, 9).
 *
 *     base64url(minute, 4 bytes || HMAC-SHA256(issuer.nonce_key, minute), 16 bytes)
 *
 * A nonce is stateless: every worker of every host with the same nonce_key accepts it, also after a restart. Any client
 * may use it, any number of times; dpop.h ensures that a proof is used once. */
#ifndef OAUTH_NONCE_H
#define OAUTH_NONCE_H

#include "request_context.h"

/* How long a nonce is accepted. */
enum { NONCE_SECONDS = 300 };

/* Sets the DPoP-Nonce of the response to the nonce of the current minute. Returns 0, or -1 if the library failed. */
int nonce_offer(struct request_context *context);

/* Whether nonce was made with issuer.nonce_key and is not older than NONCE_SECONDS, counted in whole minutes. Sets
 * *old_r unless the nonce is recent, in which case the response need not carry a new one. Cannot say: the library
 * failed. */
enum answer nonce_verify(const struct request_context *context, struct text nonce, bool *old_r);

#endif

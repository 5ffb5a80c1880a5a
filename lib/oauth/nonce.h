/* nonce: what a server makes a client put into its DPoP proof, so that no proof can be made ahead of time (RFC 9449 8, 9).
 *
 *     base64url(minute, 4 bytes || HMAC-SHA256(issuer.nonce_key, minute), 16 bytes)
 *
 * Nothing is kept: each worker of each host that has the key knows its own again, after a restart as well. It may be used
 * by anybody and more than once; that a proof is used once is dpop.h's affair. */
#ifndef OAUTH_NONCE_H
#define OAUTH_NONCE_H

#include "request_context.h"

enum { NONCE_SECONDS = 300 };

/* Puts the present one into the answer (DPoP-Nonce). 0, or -1 when the library failed. */
int nonce_offer(struct request_context *context);

/* Yes when it is one of ours and not older than NONCE_SECONDS, reckoned in whole minutes; *old_r: it is time for the next one. */
enum answer nonce_verify(const struct request_context *context, struct text nonce, bool *old_r);

#endif

/* access_token: issues access tokens in the JWT profile of RFC 9068, and reads and checks tokens of this issuer.
 *
 *     {"iss":..,"sub":..,"aud":..,"client_id":..,"scope":..,"iat":..,"exp":..,"jti":..,"cred":..,"cnf":..}
 *
 * `cred` is a private claim (RFC 7519 4.3): the label of the credential that the token was issued for, so that
 * revocation by credential needs no table of tokens.
 *
 * It does not decide who may have a token (grant.h) and does not check how a token is bound (binding.h). */
#ifndef OAUTH_ACCESS_TOKEN_H
#define OAUTH_ACCESS_TOKEN_H

#include "request_context.h"

enum { ACCESS_TOKEN_JTI = 16, ACCESS_TOKEN_BYTES = 8192 };

/* The properties of a token to be issued, as grant_decide() and binding_decide() set them. */
struct access_token_plan {
    size_t audience_count;
    struct text audiences[ACCESS_TOKEN_AUDIENCES];
    struct text scope; /* granted, space-separated; empty if none */
    struct confirmation confirmation;
    uint32_t seconds;
    enum jws_algorithm algorithm; /* the only one that may sign it; JWS_NONE: as keyring_signer() selects */
};

/* Signs a token for context->client as plan says, issued at context->now. *token_r is its compact form, in the arena.
 * Returns ERROR_none, or ERROR_unavailable if no suitable signing key is active, the random source or the signature
 * fails, the arena is exhausted, or the token would be longer than ACCESS_TOKEN_BYTES. RFC 9068 2.2. */
enum error access_token_issue(struct request_context *context, const struct access_token_plan *plan,
                              struct text *token_r);

/* Whether this issuer signed token with a key that has not been removed. If so, *token_r holds its claims as views that
 * are valid until the arena is reset. Cannot say: a key is not loaded or the library failed; the caller must fail
 * closed. Times, revocation and the state of the client are checked by access_token_active(). RFC 9068 4. */
enum answer access_token_read(struct request_context *context, struct text token, struct access_token *token_r);

/* The `token_type` of a token with this confirmation: "DPoP" if it is bound to a key (RFC 9449 5), otherwise "Bearer";
 * a certificate does not change how a token is sent (RFC 8705 3). A literal. */
struct text access_token_type(const struct confirmation *confirmation);

/* Whether a token read by access_token_read() may be used at context->now: it is within its times, it is not revoked,
 * and its client exists and is enabled. Cannot say: the store cannot decide; the caller must fail closed. */
enum answer access_token_active(struct request_context *context, const struct access_token *token);

#endif

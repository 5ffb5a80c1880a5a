/* access_token: what an RFC 9068 token promises, and how to tell that it is still kept.
 *
 *     {"iss":..,"sub":..,"aud":..,"client_id":..,"scope":..,"iat":..,"exp":..,"jti":..,"cred":..,"cnf":..}
 *
 * `cred` is a private claim (RFC 7519 4.3): the label of the credential that minted the token, so that revocation by
 * credential needs no table of tokens. */
#ifndef OAUTH_ACCESS_TOKEN_H
#define OAUTH_ACCESS_TOKEN_H

#include "request_context.h"

enum { ACCESS_TOKEN_JTI = 16, ACCESS_TOKEN_BYTES = 8192 };

/* What was decided about a token that is to be issued. */
struct access_token_plan {
    size_t audience_count;
    struct text audiences[ACCESS_TOKEN_AUDIENCES];
    struct text scope; /* granted, space-separated; empty: none */
    struct confirmation confirmation;
    uint32_t seconds;
    int algorithm; /* enum jws_algorithm that has to sign it; -1: the issuer's, as keyring_signer() has it */
};

/* Writes the compact token. ERROR_none, or ERROR_unavailable (no key, none of the algorithm that an audience names, no
 * dice, no signature). */
enum error access_token_issue(struct request_context *context, const struct access_token_plan *plan,
                              struct text *token_r);

/* Yes when token is one that this issuer signed with a key that is not removed, and its claims are read; views live as long
 * as the exchange. Time, revocation and client are not judged here. */
enum answer access_token_read(struct request_context *context, struct text token, struct access_token *token_r);

/* `token_type` of a token that is confirmed so: a certificate changes nothing of how it is sent (RFC 8705 3, RFC 9449 5). */
struct text access_token_type(const struct confirmation *confirmation);

/* Whether a token that was read may be used now: time, revocation, the state of its client. */
enum answer access_token_active(struct request_context *context, const struct access_token *token);

#endif

/* assertion: client authentication by a JWT that the client signs (private_key_jwt). RFC 7521 4.2, RFC 7523 3 as
 * revised by draft-ietf-oauth-rfc7523bis (the issuer is the only audience), and FAPI 2.0 5.3.2.1 for the times.
 *
 *     {"alg":..,"kid":..,"typ":absent, "JWT" or "client-authentication+jwt"}
 *     {"iss":ID,"sub":ID,"aud":ISSUER or [ISSUER],"exp":..,"jti":..,"iat":..,"nbf":..}
 *
 * It is not an authorization grant (RFC 7523 2.1). HMAC (client_secret_jwt) is not supported, as it would need secrets
 * stored in clear. The key is registered with the client and determines the algorithm. No claim is trusted before the
 * signature is verified; until then `sub` only selects the keys to try. An assertion is accepted once; one that is
 * refused leaves no entry in the replay cache. */
#ifndef OAUTH_ASSERTION_H
#define OAUTH_ASSERTION_H

#include "../jose/jwt.h"
#include "request_context.h"

enum {
    ASSERTION_SECONDS = 300, /* longest time until exp and since iat, unless the client has its own limit */
    ASSERTION_AHEAD = 10,    /* how far iat and nbf may be in the future, in seconds */
    ASSERTION_JTI = 128,     /* longest jti, in bytes */
    ASSERTION_TRIES = 4,     /* most keys that are tried for an assertion without a kid */
};

struct assertion {
    struct jws jws;
    struct jwt_header header;
    struct jwt_claims claims; /* not trusted until assertion_verify() returns ANSWER_YES */
};

/* Parses an assertion: type is client_assertion_type, compact is client_assertion. Requires the type of RFC 7523 2.2,
 * three parts, strict JSON, and a header without members that select a key. Returns 0, or -1 if any of these fails or
 * the arena is exhausted. Views are valid until the arena is reset. */
int assertion_read(struct request_context *context, struct text type, struct text compact,
                   struct assertion *assertion_r);

/* Whether client signed the assertion for this issuer, it is within its times, and it has not been used before. The
 * checks run in this order: signature, claims, replay cache. On ANSWER_YES, *kid_r is the kid of the key. Cannot say:
 * the library failed or the replay cache cannot decide. RFC 7523 3. */
enum answer assertion_verify(struct request_context *context, const struct assertion *assertion,
                             const struct client *client, struct text *kid_r);

/* Performs one signature verification with a dummy key, and ignores the result, for a client that is unknown or may not
 * use this method; assertion_verify() does the same for an unknown kid. The response time then does not distinguish an
 * unknown client, an unknown kid and a bad signature: each costs one verification by the algorithm in the header with a
 * key of the same size (RSA: 2048, 3072 or 4096 bits; for an unknown client another size costs nothing). Two
 * differences remain: an assertion without a kid costs one verification for each key of the client that may have signed
 * it, at most ASSERTION_TRIES, and a worker that has not recently parsed a key parses it, at half the cost of a
 * verification. */
void assertion_verify_nothing(struct request_context *context, const struct assertion *assertion);

#endif

/* assertion: a client's own signed word that it is who it says (private_key_jwt).
 * RFC 7521 4.2, RFC 7523 3 as draft-ietf-oauth-rfc7523bis has it (one audience: us), FAPI 2.0 5.3.2.1 for times.
 *
 *     {"alg":..,"kid":..,"typ":absent, "JWT" or "client-authentication+jwt"}
 *     {"iss":ID,"sub":ID,"aud":ISSUER or [ISSUER],"exp":..,"jti":..,"iat":..,"nbf":..}
 *
 * Not a grant (RFC 7523 2.1), and no HMAC: client_secret_jwt would need secrets in clear. The key is one of the
 * client's row, the algorithm is the key's, and nothing is believed before the signature: until then `sub` only says
 * whose keys to try. An assertion is good once; one that is refused for any other reason uses nothing up. */
#ifndef OAUTH_ASSERTION_H
#define OAUTH_ASSERTION_H

#include "../jose/jwt.h"
#include "request_context.h"

enum {
    ASSERTION_SECONDS = 300, /* longest time to its exp, and since its iat, when the client's row sets none */
    ASSERTION_AHEAD = 10,    /* iat and nbf may be as far in the future */
    ASSERTION_JTI = 128,
    ASSERTION_TRIES = 4, /* keys that are tried when it names none */
};

struct assertion {
    struct jws jws;
    struct jwt_header header;
    struct jwt_claims claims; /* unproved until assertion_verify() says yes */
};

/* Takes it apart: its type, its three parts, a header without anything that would choose a key, strict JSON. 0, or -1.
 * Views live as long as the exchange. */
int assertion_read(struct request_context *context, struct text type, struct text compact,
                   struct assertion *assertion_r);

/* Whether client wrote it, to us, now, and for the first time: signature, then claims, then once. *kid_r is then that
 * of the key. */
enum answer assertion_verify(struct request_context *context, const struct assertion *assertion,
                             const struct client *client, struct text *kid_r);

/* Costs what a signature costs that is not the client's: one verification with a key of nobody. For a client that is not
 * known, or may not prove itself so; assertion_verify() does the same for a key that is not known. Then time does not tell
 * an unknown client, an unknown kid and a bad signature apart: each costs one verification of the algorithm that the header
 * names, by keys of one size (RSA: 2048, 3072 or 4096 bits; another size costs nothing to unknown clients). What differs: an
 * assertion without a kid costs one for each key of the client that it may be of, ASSERTION_TRIES at most, and a worker
 * that has not lately read a key reads it, which costs half of a verification. */
void assertion_verify_nothing(struct request_context *context, const struct assertion *assertion);

#endif

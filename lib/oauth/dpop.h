/* dpop: verification of a DPoP proof, a JWT by which a client proves possession of a key for one request (RFC 9449 4).
 *
 *     {"typ":"dpop+jwt","alg":..,"jwk":{..}}  {"jti":..,"htm":METHOD,"htu":URL,"iat":..,"ath":..,"nonce":..}
 *
 * A proof identifies a key, not a client. The checks run in this order: signature, claims, replay cache. A proof is
 * accepted for one request with one method at one URL within DPOP_SECONDS; one that is refused leaves no entry in the
 * replay cache. */
#ifndef OAUTH_DPOP_H
#define OAUTH_DPOP_H

#include "request_context.h"

enum {
    DPOP_SECONDS = 60, /* longest time since iat */
    DPOP_AHEAD = 10,   /* how far iat may be in the future, in seconds */
    DPOP_JTI = 256,    /* longest jti, in bytes */
};

/* What the proof is compared with. */
struct dpop_demand {
    struct text url;          /* of the request, as the client sees it; query and fragment are ignored */
    struct text other_url;    /* an alias of url; empty if there is none */
    struct text access_token; /* the token sent with the proof; absent at the token endpoint */
    struct text key;          /* thumbprint of the required key; empty: any key */
};

enum dpop_verdict {
    DPOP_GOOD,
    DPOP_BAD,       /* missing, malformed, for another request, outside its times or replayed */
    DPOP_NO_NONCE,  /* valid except for its nonce; the response carries a new one */
    DPOP_OTHER_KEY, /* valid, but by another key than the required one */
    DPOP_CANNOT_SAY /* the library failed, the arena is exhausted or the replay cache cannot decide */
};

/* Verifies context->request->dpop as RFC 9449 4.3 says. On DPOP_GOOD, *thumbprint_r is the JWK thumbprint of the key
 * (jkt), in the arena. */
enum dpop_verdict dpop_verify(struct request_context *context, const struct dpop_demand *demand,
                              struct text *thumbprint_r);

#endif

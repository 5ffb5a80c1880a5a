/* dpop: a client's proof that it holds a key, made for one request (RFC 9449 4).
 *
 *     {"typ":"dpop+jwt","alg":..,"jwk":{..}}  {"jti":..,"htm":METHOD,"htu":URL,"iat":..,"ath":..,"nonce":..}
 *
 * It proves the key, not who holds it. Signature first, then claims, then once: a proof is good for one request of one
 * method at one URL within DPOP_SECONDS, and one that is refused for any other reason uses nothing up. */
#ifndef OAUTH_DPOP_H
#define OAUTH_DPOP_H

#include "request_context.h"

enum {
    DPOP_SECONDS = 60, /* longest time since its iat */
    DPOP_AHEAD = 10,   /* iat may be as far in the future */
    DPOP_JTI = 256,
};

/* What the proof has to be made for. */
struct dpop_demand {
    struct text url;          /* of the request, as the client knows it; query and fragment do not count */
    struct text other_url;    /* another name of the same; empty: none */
    struct text access_token; /* the token it comes with; absent at the token endpoint */
    struct text key;          /* thumbprint of the only key that will do; empty: any */
};

enum dpop_verdict {
    DPOP_GOOD,
    DPOP_BAD,       /* missing, malformed, of another request, out of time or used before */
    DPOP_NO_NONCE,  /* good but for its nonce; the answer offers one */
    DPOP_OTHER_KEY, /* good, and of another key than is demanded */
    DPOP_CANNOT_SAY
};

/* Judges exchange->request->dpop. *thumbprint_r is then that of the key (jkt), in the arena. */
enum dpop_verdict dpop_verify(struct request_context *context, const struct dpop_demand *demand,
                              struct text *thumbprint_r);

#endif

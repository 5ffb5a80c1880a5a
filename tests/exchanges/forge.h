/* forge: tokens that this issuer never wrote, or wrote otherwise. */
#ifndef TESTS_EXCHANGES_FORGE_H
#define TESTS_EXCHANGES_FORGE_H

#include "script.h"

/* `NAME FORM`: a token of the script's header and claims, named NAME. FORM is how it is signed:
 *     ec other rsa ed     with that material, by its usual algorithm
 *     ps                  RSASSA-PSS with the RSA material
 *     der                 ECDSA by `ec`, left in its DER form
 *     zero-r zero-s       64 bytes, one half of them zero, the other as signed
 *     zero                64 zero bytes
 *     short               one byte too few
 *     secret              HMAC with that material, as HS256 of ours
 *     hmac                HMAC with the public key in PEM, which everybody has
 *     none                not at all: the last part is empty
 * 0, or -1. */
int forge_token(struct script *script, struct text arguments);

/* `NAME OLD`: the token OLD with the other s of its ECDSA signature (n - s), which is as good as the first. 0, or -1. */
int forge_twin(struct script *script, struct text arguments);

/* `NAME OLD N`: the token OLD with the first byte of part N (0 header, 1 payload, 2 signature) after decoding flipped in
 * its lowest bit. 0, or -1. */
int forge_flip(struct script *script, struct text arguments);

#endif

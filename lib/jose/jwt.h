/* jwt: JSON Web Token (RFC 7519): header and claims, read strictly after the signature has been checked. */
#ifndef JOSE_JWT_H
#define JOSE_JWT_H

#include "../base/arena.h"
#include "../base/strict_json.h"
#include "jws.h"

enum { JWT_AUDIENCES = 16 };

struct jwt_header {
    int algorithm;    /* enum jws_algorithm */
    struct text kid;  /* absent when missing */
    struct text type; /* `typ`; absent when missing */
    struct text jwk;  /* of jwt_header_read_with_key() alone: the JSON of the key, not read yet */
};

struct jwt_claims {
    struct text issuer;
    struct text subject;
    struct text jti;
    size_t audience_count;
    struct text audiences[JWT_AUDIENCES];
    int64_t expires_at; /* -1 when missing, as the two below */
    int64_t not_before;
    int64_t issued_at;
    struct strict_json object; /* every member, for those not named above */
};

/* Reads a header that somebody else wrote. NULL, or why it is refused: algorithms that are not ours, `crit`, `b64`, `zip`
 * and anything that would choose or fetch a key (jwk jku x5u x5c) included. */
const char *jwt_header_read(struct text encoded, struct arena *arena, struct jwt_header *header_r);

/* The same where a header has to bring its own key (RFC 9449 4.2): a jwk, and still no other way to one. What such a key
 * proves is that somebody holds it, never who that is. */
const char *jwt_header_read_with_key(struct text encoded, struct arena *arena, struct jwt_header *header_r);

/* Reads claims from their base64url form. NULL, or why they are refused. Missing claims are absent or -1. */
const char *jwt_claims_read(struct text encoded, struct arena *arena, struct jwt_claims *claims_r);

/* Whether a `typ` that is present is name, a media type without its application/, which may be left out (RFC 7515 4.1.9). */
bool jwt_is_type(struct text type, struct text name);

#endif

/* jwt: strict parsing of the header and claims of a JSON Web Token (RFC 7519, RFC 8725). It does not verify signatures
 * (jws.h), and does not check claims beyond their types. */
#ifndef JOSE_JWT_H
#define JOSE_JWT_H

#include "../base/arena.h"
#include "../base/strict_json.h"
#include "jws.h"

enum { JWT_AUDIENCES = 16 };

struct jwt_header {
    enum jws_algorithm algorithm;
    struct text kid;  /* absent if missing */
    struct text type; /* `typ`; absent if missing */
    struct text jwk;  /* only of jwt_header_read_with_key(): the JSON of the key, not parsed */
};

struct jwt_claims {
    struct text issuer;
    struct text subject;
    struct text jti;
    size_t audience_count;
    struct text audiences[JWT_AUDIENCES];
    int64_t expires_at; /* seconds since 1970; -1 if missing, as the following two */
    int64_t not_before;
    int64_t issued_at;
    struct strict_json object; /* all members */
};

/* Parses the base64url form of a header from outside. Returns NULL, or the reason for refusal, a literal. Refused are
 * unknown algorithms, `crit`, `b64`, `zip`, and members that select or fetch a key (jwk, jku, x5u, x5c). Views are in
 * the arena. */
const char *jwt_header_read(struct text encoded, struct arena *arena, struct jwt_header *header_r);

/* The same for a header that must contain its key as jwk (RFC 9449 4.2); the other members that select a key are
 * refused. A signature by such a key proves possession of the key, not an identity. */
const char *jwt_header_read_with_key(struct text encoded, struct arena *arena, struct jwt_header *header_r);

/* Parses claims from their base64url form. Returns NULL, or the reason for refusal, a literal. Missing claims are
 * absent or -1. Views are in the arena. The claims of a foreign JWT must not be trusted before its signature is
 * verified. */
const char *jwt_claims_read(struct text encoded, struct arena *arena, struct jwt_claims *claims_r);

/* Whether type, the value of `typ`, is the media type application/name; "application/" may be omitted in it (RFC 7515
 * 4.1.9). Case-insensitive. */
bool jwt_is_type(struct text type, struct text name);

#endif

#include "jwt.h"

#include "../base/base64url.h"

/* RFC 7515 4.1: members that select or fetch a key, change the signing input, or require unknown extensions. */
static const char *const refused_headers[] = { "jku", "x5u", "x5c", "crit", "b64", "zip", "enc" };

static int decode(struct text encoded, struct arena *arena, struct strict_json *strict_json_r)
{
    size_t capacity = encoded.size / 4 * 3 + 3;
    struct buffer b = { arena_take(arena, capacity), 0, capacity, false };
    return !b.data || base64url_decode(encoded, &b) || strict_json_read(buffer_text(&b), strict_json_r) ? -1 : 0;
}

/* Returns 0 also if there is no such member. */
static int optional_string(const struct strict_json *object, const char *name, struct arena *arena,
                           struct text *string_r)
{
    const struct member *member = strict_json_member(object, name);
    *string_r = TEXT_NONE;
    return member ? strict_json_string(member, arena, string_r) : 0;
}

static int optional_date(const struct strict_json *object, const char *name, int64_t *seconds_r)
{
    const struct member *member = strict_json_member(object, name);
    *seconds_r = -1;
    return member ? strict_json_date(member, seconds_r) : 0;
}

static const char *read_header(const struct strict_json *object, struct arena *arena, struct jwt_header *header_r)
{
    struct text algorithm;
    for (size_t i = 0; i < sizeof refused_headers / sizeof *refused_headers; i++)
        if (strict_json_member(object, refused_headers[i])) return "the header has a member that is not allowed";
    if (strict_json_string(strict_json_member(object, "alg"), arena, &algorithm)) return "the header has no alg";
    header_r->algorithm = jws_algorithm_find(algorithm);
    if (header_r->algorithm == JWS_NONE) return "the alg is none of ES256, RS256, PS256, EdDSA";
    if (optional_string(object, "kid", arena, &header_r->kid)) return "the kid is not a string";
    if (optional_string(object, "typ", arena, &header_r->type)) return "the typ is not a string";
    return NULL;
}

const char *jwt_header_read(struct text encoded, struct arena *arena, struct jwt_header *header_r)
{
    struct strict_json object;
    header_r->jwk = TEXT_NONE;
    if (decode(encoded, arena, &object)) return "the header is not a JSON object in base64url";
    if (strict_json_member(&object, "jwk")) return "the header has a member that is not allowed";
    return read_header(&object, arena, header_r);
}

const char *jwt_header_read_with_key(struct text encoded, struct arena *arena, struct jwt_header *header_r)
{
    struct strict_json object;
    if (decode(encoded, arena, &object)) return "the header is not a JSON object in base64url";
    const struct member *jwk = strict_json_member(&object, "jwk");
    if (!jwk || jwk->kind != STRICT_JSON_OBJECT) return "the header has no jwk";
    header_r->jwk = jwk->value;
    return read_header(&object, arena, header_r);
}

const char *jwt_claims_read(struct text encoded, struct arena *arena, struct jwt_claims *claims_r)
{
    struct strict_json *object = &claims_r->object;
    if (decode(encoded, arena, object)) return "the claims are not a JSON object in base64url";
    if (optional_string(object, "iss", arena, &claims_r->issuer)) return "iss is not a string";
    if (optional_string(object, "sub", arena, &claims_r->subject)) return "sub is not a string";
    if (optional_string(object, "jti", arena, &claims_r->jti)) return "jti is not a string";
    if (optional_date(object, "exp", &claims_r->expires_at)) return "exp is not a date";
    if (optional_date(object, "nbf", &claims_r->not_before)) return "nbf is not a date";
    if (optional_date(object, "iat", &claims_r->issued_at)) return "iat is not a date";

    const struct member *audience = strict_json_member(object, "aud");
    int count = audience ? strict_json_strings(audience, arena, claims_r->audiences, JWT_AUDIENCES) : 0;
    if (count < 0) return "aud is not a string or an array of strings";
    claims_r->audience_count = (size_t)count;
    return NULL;
}

bool jwt_is_type(struct text type, struct text name)
{
    struct text prefix = TEXT("application/");
    bool is_whole = type.size > prefix.size && text_equal_nocase(text_slice(type, 0, prefix.size), prefix);
    return text_equal_nocase(is_whole ? text_slice(type, prefix.size, type.size) : type, name);
}

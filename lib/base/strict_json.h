/* strict_json: one JSON object, read strictly into a table of its members.
 *
 * The gate in front of every claim we believe, and fast enough to stand on the way of each validation. Refused: any
 * deviation from RFC 8259, a member name that stands twice, bytes that are not UTF-8, a NUL, a lone surrogate, more
 * than the limits below, anything after the closing brace. Nested values are checked and kept as raw text.
 * Documents that people write (JWK files) are read with json-c instead, behind the same gate. */
#ifndef BASE_STRICT_JSON_H
#define BASE_STRICT_JSON_H

#include "arena.h"
#include "text.h"

enum { STRICT_JSON_BYTES = 65536, STRICT_JSON_DEPTH = 8, STRICT_JSON_MEMBERS = 32 };

enum strict_json_kind {
    STRICT_JSON_STRING,
    STRICT_JSON_NUMBER,
    STRICT_JSON_BOOLEAN,
    STRICT_JSON_NULL,
    STRICT_JSON_OBJECT,
    STRICT_JSON_ARRAY
};

struct member {
    struct text name;  /* without quotes; raw when it has escapes */
    struct text value; /* raw; of a string, what stands between the quotes */
    enum strict_json_kind kind;
    bool escaped; /* the string value has escapes: strict_json_string() decodes it */
};

struct strict_json {
    size_t count;
    struct member members[STRICT_JSON_MEMBERS];
};

/* 0, or -1. Views point into json. A member name with an escape is refused: none that we know has one. */
int strict_json_read(struct text json, struct strict_json *strict_json_r);

/* NULL when there is no such member. */
const struct member *strict_json_find(const struct strict_json *object, struct text name);

static inline const struct member *strict_json_member(const struct strict_json *object, const char *name)
{
    return strict_json_find(object, text_of(name));
}

/* The decoded string. 0; -1 when the member is NULL or no string, or the arena is used up. */
int strict_json_string(const struct member *member, struct arena *arena, struct text *string_r);

/* A NumericDate (RFC 7519 2): a number of seconds in any form that JSON has for it (1800000000, 1800000000.5, 1.8e9), the
 * fraction cut off, 0 .. 2^53. 0, or -1. */
int strict_json_date(const struct member *member, int64_t *seconds_r);

/* The strings of a JSON array of strings, or the one string, at most max. The count, or -1. */
int strict_json_strings(const struct member *member, struct arena *arena, struct text *strings_r, size_t max);

#endif

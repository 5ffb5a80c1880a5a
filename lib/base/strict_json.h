/* strict_json: parses one JSON object (RFC 8259) strictly into a table of its members.
 *
 * All JWT claims and headers are parsed by it, on the fast path of every validation. Refused are: any deviation from
 * RFC 8259, repeated member names, bytes that are not UTF-8, NUL, lone surrogates, sizes beyond the limits below, and
 * anything but white space after the object. Nested values are checked and kept as raw text. It does not build a tree:
 * jwk.c parses JWKs with json-c after this check. */
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
    struct text name;  /* without quotes */
    struct text value; /* raw; of a string, without the quotes */
    enum strict_json_kind kind;
    bool escaped; /* the string has escapes, so strict_json_string() must decode it */
};

struct strict_json {
    size_t count;
    struct member members[STRICT_JSON_MEMBERS];
};

/* Parses json. Returns 0, or -1. The texts are views into json. A member name with an escape is refused, as no known
 * name needs one. */
int strict_json_read(struct text json, struct strict_json *strict_json_r);

/* Return the member with this name, or NULL. */
const struct member *strict_json_find(const struct strict_json *object, struct text name);

static inline const struct member *strict_json_member(const struct strict_json *object, const char *name)
{
    return strict_json_find(object, text_of(name));
}

/* Sets *string_r to the decoded string, a view into the JSON or the arena. Returns 0, or -1 if member is NULL or not a
 * string, or the arena is exhausted. */
int strict_json_string(const struct member *member, struct arena *arena, struct text *string_r);

/* Reads a NumericDate (RFC 7519 2), 0 to 2^53 seconds in any JSON notation (1800000000, 1800000000.5, 1.8e9); the
 * fraction is truncated. Returns 0, or -1 if member is NULL, not a number or out of range. */
int strict_json_date(const struct member *member, int64_t *seconds_r);

/* Reads an array of strings, or a single string. Returns their number, at most max, or -1 if member is anything else,
 * has more strings, or the arena is exhausted. */
int strict_json_strings(const struct member *member, struct arena *arena, struct text *strings_r, size_t max);

#endif

/* object: one JSON object, read strictly into a table of its members.
 *
 * The gate in front of every claim we believe, and fast enough to stand on the way of each validation. Refused: any
 * deviation from RFC 8259, a member name that stands twice, bytes that are not UTF-8, a NUL, a lone surrogate, more
 * than the limits below, anything after the closing brace. Nested values are checked and kept as raw text.
 * Documents that people write (JWK files) are read with json-c instead, behind the same gate. */
#ifndef BASE_OBJECT_H
#define BASE_OBJECT_H

#include "arena.h"
#include "text.h"

enum { OBJECT_BYTES = 65536, OBJECT_DEPTH = 8, OBJECT_MEMBERS = 32 };

enum object_kind { OBJECT_STRING, OBJECT_NUMBER, OBJECT_BOOLEAN, OBJECT_NULL, OBJECT_OBJECT, OBJECT_ARRAY };

struct member {
    struct text name;       /* without quotes; raw when it has escapes */
    struct text value;      /* raw; of a string, what stands between the quotes */
    enum object_kind kind;
    bool escaped;           /* the string value has escapes: object_string() decodes it */
};

struct object {
    size_t count;
    struct member members[OBJECT_MEMBERS];
};

/* 0, or -1. Views point into json. A member name with an escape is refused: none that we know has one. */
int object_read(struct text json, struct object *object_r);

/* NULL when there is no such member. */
const struct member *object_find(const struct object *object, struct text name);

static inline const struct member *object_member(const struct object *object, const char *name)
{
    return object_find(object, text_of(name));
}

/* The decoded string. 0; -1 when the member is NULL or no string, or the arena is used up. */
int object_string(const struct member *member, struct arena *arena, struct text *string_r);

/* A NumericDate (RFC 7519 2): a number of seconds in any form that JSON has for it (1800000000, 1800000000.5, 1.8e9), the
 * fraction cut off, 0 .. 2^53. 0, or -1. */
int object_date(const struct member *member, int64_t *seconds_r);

/* The strings of a JSON array of strings, or the one string, at most max. The count, or -1. */
int object_strings(const struct member *member, struct arena *arena, struct text *strings_r, size_t max);

#endif

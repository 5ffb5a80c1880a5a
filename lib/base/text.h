/* text: a view of bytes that somebody else owns, and small questions about it.
 *
 * Not a string: nothing here is NUL-terminated, nothing is ever cut at a NUL, and a view outlives nothing.
 * An absent value is { NULL, 0 }; an empty one has data. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *data;
    size_t size;
};

#define TEXT(literal) ((struct text){ "" literal, sizeof(literal) - 1 })

static inline bool text_present(struct text t) { return t.data != NULL; }

/* Bytewise; for public values only (secrets: secret.h). */
static inline bool text_equal(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || (a.data[0] == b.data[0] && memcmp(a.data, b.data, a.size) == 0));
}

/* A view of the C string s; NULL gives an absent view. */
static inline struct text text_of(const char *s) { return (struct text){ s, s ? strlen(s) : 0 }; }

/* Bytewise, a prefix before what it begins: below 0, 0 or above 0. */
int text_compare(struct text a, struct text b);

/* As text_equal, with A-Z and a-z held equal. */
bool text_equal_nocase(struct text a, struct text b);

bool text_begins(struct text t, struct text prefix);

/* The part of t from offset on, at most size bytes; both are clamped to t. */
static inline struct text text_slice(struct text t, size_t offset, size_t size)
{
    if (offset > t.size) offset = t.size;
    if (size > t.size - offset) size = t.size - offset;
    return (struct text){ t.data ? t.data + offset : NULL, size };
}

/* t without leading and trailing spaces and tabs. */
struct text text_trim(struct text t);

/* Takes the bytes up to the next separator off the front of *rest and puts them into *word_r; false when *rest is
 * used up. Between two separators stands an empty word. */
bool text_split(struct text *rest, char separator, struct text *word_r);

/* The length of the UTF-8 sequence (RFC 3629 4) at the front of t; 0 when there is none. */
size_t text_utf8(struct text t);

/* The value of a hexadecimal digit in any letter case; -1 when c is none. */
int text_hex(char c);

/* Decimal digits only, no sign, no leading blank, at most max. 0, or -1. */
int text_number(struct text t, uint64_t max, uint64_t *number_r);

#endif

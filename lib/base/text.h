/* text: a view of bytes that are owned by other code, and basic operations on it.
 *
 * It is not a C string: it is not NUL-terminated, and a NUL has no special meaning. A view must not outlive the bytes.
 * An absent value has no data (TEXT_NONE); an empty one has data and size 0. */
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

/* An absent value. */
#define TEXT_NONE ((struct text){ NULL, 0 })

/* A view of a string literal. */
#define TEXT(literal) ((struct text){ "" literal, sizeof(literal) - 1 })

/* Whether t is not absent. */
static inline bool text_present(struct text t) { return t.data != NULL; }

/* Compares bytes. Not in constant time: secrets are compared by secret_verify(). */
static inline bool text_equal(struct text a, struct text b)
{
    return a.size == b.size && (a.size == 0 || (a.data[0] == b.data[0] && memcmp(a.data, b.data, a.size) == 0));
}

/* A view of the C string s; absent if s is NULL. */
static inline struct text text_of(const char *s) { return (struct text){ s, s ? strlen(s) : 0 }; }

/* Orders a and b by their bytes, a prefix first: returns a value below 0, 0 or above 0. */
int text_compare(struct text a, struct text b);

/* As text_equal(), ignoring the case of ASCII letters. */
bool text_equal_nocase(struct text a, struct text b);

/* Whether t starts with prefix. */
bool text_begins(struct text t, struct text prefix);

/* The part of t from offset, of at most size bytes; both are limited to t. */
static inline struct text text_slice(struct text t, size_t offset, size_t size)
{
    if (offset > t.size) offset = t.size;
    if (size > t.size - offset) size = t.size - offset;
    return (struct text){ t.data ? t.data + offset : NULL, size };
}

/* t without leading and trailing spaces and tabs. */
struct text text_trim(struct text t);

/* Removes the bytes up to and including the next separator from the start of *rest, and sets *word_r to those before
 * it. Returns false if *rest is absent; it becomes absent after the last word. Words may be empty. */
bool text_split(struct text *rest, char separator, struct text *word_r);

/* The length of the UTF-8 sequence (RFC 3629 4) at the start of t; 0 if it is malformed or t is empty. */
size_t text_utf8(struct text t);

/* The value of a hexadecimal digit of either case, or -1. */
int text_hex(char c);

/* Parses decimal digits without sign or space. Returns 0, or -1 if t is anything else or its value exceeds max. */
int text_number(struct text t, uint64_t max, uint64_t *number_r);

#endif

/* buffer: appends text to memory of a fixed size, which the caller owns. It never allocates.
 *
 * A write that does not fit sets `full` and changes nothing else, so a writer checks `full` once, at the end. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "text.h"

struct buffer {
    char *data;
    size_t size;
    size_t capacity;
    bool full;
};

/* Appends t. */
static inline void buffer_put(struct buffer *b, struct text t)
{
    if (t.size > b->capacity - b->size) {
        b->full = true;
    } else if (t.size > 0) {
        memcpy(b->data + b->size, t.data, t.size);
        b->size += t.size;
    }
}

/* A view of what has been written. */
static inline struct text buffer_text(const struct buffer *b) { return (struct text){ b->data, b->size }; }

/* Append one character; a decimal number without leading zeros. */
void buffer_put_char(struct buffer *b, char c);
void buffer_put_number(struct buffer *b, uint64_t number);

/* Appends the bytes of t as lower-case hexadecimal digits. */
void buffer_put_hex(struct buffer *b, struct text t);

/* Appends t as a JSON string (RFC 8259 7) with its quotes. Control characters, line separators and bidirectional
 * controls are escaped, and bytes that are not UTF-8 become \u00XX, so the result is valid JSON on a single line for
 * any input. A reader decodes UTF-8 to what it was. */
void buffer_put_json(struct buffer *b, struct text t);

#endif

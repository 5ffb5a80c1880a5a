/* buffer: text that is being written, into memory of a fixed size.
 *
 * A write that does not fit sets `full` and changes nothing else, so a writer checks once, at the end. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "text.h"

struct buffer {
    char *data;
    size_t size;
    size_t capacity;
    bool full;
};

static inline void buffer_put(struct buffer *b, struct text t)
{
    if (t.size > b->capacity - b->size) {
        b->full = true;
    } else if (t.size > 0) {
        memcpy(b->data + b->size, t.data, t.size);
        b->size += t.size;
    }
}

static inline struct text buffer_text(const struct buffer *b) { return (struct text){ b->data, b->size }; }

void buffer_put_char(struct buffer *b, char c);
void buffer_put_number(struct buffer *b, uint64_t number);

/* The lower-case hexadecimal form of t. */
void buffer_put_hex(struct buffer *b, struct text t);

/* The JSON string (RFC 8259 7) of t, quotes included. Control characters and marks that turn a line are escaped, and bytes
 * that are not UTF-8 become \u00XX, so any input makes valid JSON and no input makes a second line. What is UTF-8 comes out
 * of a reader as it went in. */
void buffer_put_json(struct buffer *b, struct text t);

#endif

#include "buffer.h"

#include <assert.h>

void buffer_put_char(struct buffer *b, char c) { buffer_put(b, (struct text){ &c, 1 }); }

void buffer_put_number(struct buffer *b, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_put(b, (struct text){ digits + at, sizeof digits - at });
}

void buffer_put_hex(struct buffer *b, struct text t)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < t.size; i++) {
        unsigned char c = (unsigned char)t.data[i];
        buffer_put(b, (struct text){ (char[]){ hex[c >> 4], hex[c & 15] }, 2 });
    }
}

/* C0 and C1 control characters, line separators (U+2028, U+2029) and bidirectional controls (U+202A-202E,
 * U+2066-2069). */
static bool disturbs(const char *sequence, size_t size)
{
    const unsigned char *p = (const unsigned char *)sequence;
    if (size == 1) return p[0] < 0x20 || p[0] == 0x7f;
    if (size == 2) return p[0] == 0xc2 && p[1] < 0xa0;
    return size == 3 && p[0] == 0xe2 &&
           ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

/* The number of bytes at the start of t that need no escape and are ASCII, the usual case. */
static size_t plain_size(struct text t)
{
    size_t size = 0;
    while (size < t.size && t.data[size] >= 0x20 && t.data[size] < 0x7f && t.data[size] != '"' && t.data[size] != '\\')
        size++;
    return size;
}

/* Escapes the character of a sequence of at most three bytes; a byte that starts no sequence (size 0) becomes the
 * character with that number. */
static void put_escape(struct buffer *b, const char *sequence, size_t size)
{
    const unsigned char *p = (const unsigned char *)sequence;
    unsigned point = p[0];
    if (size == 2) point = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    if (size == 3) point = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    buffer_put(b, TEXT("\\u"));
    buffer_put_hex(b, (struct text){ (char[]){ (char)(point >> 8), (char)(point & 0xff) }, 2 });
}

void buffer_put_json(struct buffer *b, struct text t)
{
    assert(b->size <= b->capacity);
    buffer_put_char(b, '"');
    while (t.size > 0) {
        size_t plain = plain_size(t);
        buffer_put(b, text_slice(t, 0, plain));
        t = text_slice(t, plain, t.size);
        if (t.size == 0) break;
        size_t size = text_utf8(t);
        if (size == 0 || disturbs(t.data, size)) {
            put_escape(b, t.data, size);
            size = size == 0 ? 1 : size;
        } else {
            if (t.data[0] == '"' || t.data[0] == '\\') buffer_put_char(b, '\\');
            buffer_put(b, text_slice(t, 0, size));
        }
        t = text_slice(t, size, t.size);
    }
    buffer_put_char(b, '"');
}

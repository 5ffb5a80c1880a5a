#include "text.h"

static unsigned char lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

int text_compare(struct text a, struct text b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool text_equal_nocase(struct text a, struct text b)
{
    if (text_equal(a, b)) return true;
    if (a.size != b.size) return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i])) return false;
    return true;
}

bool text_begins(struct text t, struct text prefix)
{
    return t.size >= prefix.size && text_equal(text_slice(t, 0, prefix.size), prefix);
}

struct text text_trim(struct text t)
{
    while (t.size > 0 && (t.data[0] == ' ' || t.data[0] == '\t')) t = text_slice(t, 1, t.size);
    while (t.size > 0 && (t.data[t.size - 1] == ' ' || t.data[t.size - 1] == '\t')) t.size--;
    return t;
}

bool text_split(struct text *rest, char separator, struct text *word_r)
{
    if (!text_present(*rest)) return false;
    const char *end = rest->size ? memchr(rest->data, separator, rest->size) : NULL;
    if (!end) {
        *word_r = *rest;
        *rest = TEXT_NONE;
        return true;
    }
    size_t size = (size_t)(end - rest->data);
    *word_r = text_slice(*rest, 0, size);
    *rest = text_slice(*rest, size + 1, rest->size);
    return true;
}

/* The length of a sequence with this first byte; 0 if none starts with it. */
static size_t utf8_size(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first < 0xe0) return 2;
    if (first >= 0xe0 && first < 0xf0) return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

size_t text_utf8(struct text t)
{
    const unsigned char *p = (const unsigned char *)t.data;
    if (t.size == 0) return 0;
    size_t size = utf8_size(p[0]);
    if (size == 0 || size > t.size) return 0;
    for (size_t i = 1; i < size; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (size == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))) return 0;
    if (size == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))) return 0;
    return size;
}

int text_number(struct text t, uint64_t max, uint64_t *number_r)
{
    uint64_t number = 0;
    if (t.size == 0) return -1;
    for (size_t i = 0; i < t.size; i++) {
        unsigned char digit = (unsigned char)(t.data[i] - '0');
        if (digit > 9 || digit > max || number > (max - digit) / 10) return -1;
        number = number * 10 + digit;
    }
    *number_r = number;
    return 0;
}

int text_hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

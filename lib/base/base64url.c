#include "base64url.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { BAD = 0xff };

/* The value of a digit: RFC 4648 5, and 4 for HTTP Basic. Written out by ranges, so that there is nothing to set up. */
#define BAD8 BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD
#define BAD32 BAD8, BAD8, BAD8, BAD8
#define LETTERS(first) first, first + 1, first + 2, first + 3, first + 4, first + 5, first + 6, first + 7, first + 8, \
    first + 9, first + 10, first + 11, first + 12, first + 13, first + 14, first + 15, first + 16, first + 17, first + 18, \
    first + 19, first + 20, first + 21, first + 22, first + 23, first + 24, first + 25
#define DIGITS 52, 53, 54, 55, 56, 57, 58, 59, 60, 61
#define VALUES(plus, minus, slash, underscore) { \
    BAD32, BAD8, BAD, BAD, BAD, plus, BAD, minus, BAD, slash, DIGITS, BAD, BAD, BAD, BAD, BAD, BAD, \
    BAD, LETTERS(0), BAD, BAD, BAD, BAD, underscore, BAD, LETTERS(26), BAD, BAD, BAD, BAD, BAD, BAD32, BAD32, BAD32, BAD32 }

static const unsigned char values_url[256] = VALUES(BAD, 62, BAD, 63);
static const unsigned char values_basic[256] = VALUES(62, BAD, 63, BAD);

void base64url_put(struct buffer *b, struct text bytes)
{
    size_t size = BASE64URL_SIZE(bytes.size);
    if (size > b->capacity - b->size) {
        b->full = true;
        return;
    }
    const unsigned char *p = (const unsigned char *)bytes.data;
    char *out = b->data + b->size;
    size_t left = bytes.size;
    for (; left >= 3; left -= 3, p += 3) {
        *out++ = alphabet[p[0] >> 2];
        *out++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
        *out++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
        *out++ = alphabet[p[2] & 63];
    }
    if (left > 0) {
        unsigned second = left == 2 ? p[1] : 0;
        *out++ = alphabet[p[0] >> 2];
        *out++ = alphabet[(p[0] & 3u) << 4 | second >> 4];
        if (left == 2) *out++ = alphabet[(second & 15) << 2];
    }
    b->size += size;
}

static int decode(const unsigned char values[256], struct text t, struct buffer *bytes)
{
    size_t size = t.size / 4 * 3 + (t.size % 4 ? t.size % 4 - 1 : 0);
    if (t.size % 4 == 1 || size > bytes->capacity - bytes->size) return -1;
    const unsigned char *p = (const unsigned char *)t.data;
    unsigned char *out = (unsigned char *)bytes->data + bytes->size;
    unsigned bad = 0;
    size_t left = t.size;
    for (; left >= 4; left -= 4, p += 4, out += 3) {
        unsigned v0 = values[p[0]], v1 = values[p[1]], v2 = values[p[2]], v3 = values[p[3]];
        bad |= v0 | v1 | v2 | v3;
        out[0] = (unsigned char)(v0 << 2 | v1 >> 4);
        out[1] = (unsigned char)(v1 << 4 | v2 >> 2);
        out[2] = (unsigned char)(v2 << 6 | v3);
    }
    if (left > 0) {
        unsigned v0 = values[p[0]], v1 = values[p[1]], v2 = left == 3 ? values[p[2]] : 0;
        unsigned spare = left == 3 ? v2 & 3 : v1 & 15;
        bad |= v0 | v1 | v2 | (spare ? BAD : 0);
        out[0] = (unsigned char)(v0 << 2 | v1 >> 4);
        if (left == 3) out[1] = (unsigned char)(v1 << 4 | v2 >> 2);
    }
    if (bad & 0xc0) return -1;
    bytes->size += size;
    return 0;
}

int base64url_decode(struct text t, struct buffer *bytes)
{
    return decode(values_url, t, bytes);
}

int base64url_decode_basic(struct text t, struct buffer *bytes)
{
    if (t.size % 4 == 0 && t.size > 0 && t.data[t.size - 1] == '=') {
        t.size--;
        if (t.data[t.size - 1] == '=') t.size--;
    }
    return decode(values_basic, t, bytes);
}

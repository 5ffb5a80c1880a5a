#include "base64url.h"

#include <assert.h>

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#define BAD UINT32_C(0x80000000)

/* The value that a character contributes to its group of three bytes: a table for each of the four positions, for RFC
 * 4648 5 and for 4. The macros expand to constants, so that no initialisation is needed. */
#define BAD8 BAD, BAD, BAD, BAD, BAD, BAD, BAD, BAD
#define BAD32 BAD8, BAD8, BAD8, BAD8
#define FIVE(v, s) (v + 0u) << s, (v + 1u) << s, (v + 2u) << s, (v + 3u) << s, (v + 4u) << s
#define LETTERS(v, s) FIVE(v, s), FIVE(v + 5, s), FIVE(v + 10, s), FIVE(v + 15, s), FIVE(v + 20, s), (v + 25u) << s
#define TABLE(plus, minus, slash, underscore, s) \
    { \
        BAD32, BAD8, BAD, BAD, BAD, plus, BAD, minus, BAD, slash, FIVE(52, s), FIVE(57, s), BAD, BAD, BAD, BAD, BAD, \
            BAD, BAD, LETTERS(0, s), BAD, BAD, BAD, BAD, underscore, BAD, LETTERS(26, s), BAD, BAD, BAD, BAD, BAD, \
            BAD32, BAD32, BAD32, BAD32 \
    }
#define URL(s) TABLE(BAD, 62u << s, BAD, 63u << s, s)
#define BASIC(s) TABLE(62u << s, BAD, 63u << s, BAD, s)

static const uint32_t url_values[4][256] = { URL(18), URL(12), URL(6), URL(0) };
static const uint32_t basic_values[4][256] = { BASIC(18), BASIC(12), BASIC(6), BASIC(0) };

void base64url_put(struct buffer *b, struct text bytes)
{
    assert(b->size <= b->capacity); /* or the space left is taken for huge */
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

static int decode(const uint32_t values[4][256], struct text t, struct buffer *bytes)
{
    assert(bytes->size <= bytes->capacity);
    size_t size = t.size / 4 * 3 + (t.size % 4 ? t.size % 4 - 1 : 0);
    if (t.size % 4 == 1 || size > bytes->capacity - bytes->size) return -1;
    const unsigned char *p = (const unsigned char *)t.data;
    unsigned char *out = (unsigned char *)bytes->data + bytes->size;
    uint32_t bad = 0;
    size_t left = t.size;
    for (; left >= 4; left -= 4, p += 4, out += 3) {
        uint32_t group = values[0][p[0]] | values[1][p[1]] | values[2][p[2]] | values[3][p[3]];
        bad |= group;
        out[0] = (unsigned char)(group >> 16);
        out[1] = (unsigned char)(group >> 8);
        out[2] = (unsigned char)group;
    }
    if (left > 0) {
        uint32_t group = values[0][p[0]] | values[1][p[1]] | (left == 3 ? values[2][p[2]] : 0);
        uint32_t spare = group & (left == 3 ? 0xff : 0xffff);
        bad |= group | (spare > 0 ? BAD : 0);
        out[0] = (unsigned char)(group >> 16);
        if (left == 3) out[1] = (unsigned char)(group >> 8);
    }
    if (bad & BAD) return -1;
    bytes->size += size;
    return 0;
}

int base64url_decode(struct text t, struct buffer *bytes) { return decode(url_values, t, bytes); }

int base64url_decode_basic(struct text t, struct buffer *bytes)
{
    if (t.size % 4 == 0 && t.size > 0 && t.data[t.size - 1] == '=') {
        t.size--;
        if (t.data[t.size - 1] == '=') t.size--;
    }
    return decode(basic_values, t, bytes);
}

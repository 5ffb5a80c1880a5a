/* What is written, and that what does not fit is not cut. */
#include "../../lib/base/buffer.h"

#include "../../lib/base/strict_json.h"
#include "../check.h"

static struct text json_of(struct text t)
{
    static char bytes[4096];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    buffer_put_json(&b, t);
    return buffer_text(&b);
}

static void a_full_buffer_keeps_what_it_had(void)
{
    char bytes[4];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    buffer_put(&b, TEXT("abc"));
    buffer_put(&b, TEXT("de"));
    CHECK(b.full);
    CHECK_TEXT(buffer_text(&b), TEXT("abc"));
    buffer_put_char(&b, 'd');
    CHECK_TEXT(buffer_text(&b), TEXT("abcd"));
    buffer_put(&b, (struct text){ NULL, 0 });
    CHECK(b.size == 4);
}

static void numbers_and_hex(void)
{
    char bytes[64];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    buffer_put_number(&b, 0);
    buffer_put_char(&b, ' ');
    buffer_put_number(&b, UINT64_MAX);
    buffer_put_char(&b, ' ');
    buffer_put_hex(&b, TEXT("\x00\x7f\xff"));
    CHECK_TEXT(buffer_text(&b), TEXT("0 18446744073709551615 007fff"));
}

static void json_strings(void)
{
    CHECK_TEXT(json_of(TEXT("")), TEXT("\"\""));
    CHECK_TEXT(json_of(TEXT("a\"b\\c/")), TEXT("\"a\\\"b\\\\c/\""));
    CHECK_TEXT(json_of(TEXT("\0\n\r\t\x1f\x7f")), TEXT("\"\\u0000\\u000a\\u000d\\u0009\\u001f\\u007f\""));
    CHECK_TEXT(json_of(TEXT("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")), TEXT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""));
    CHECK_TEXT(json_of(TEXT("\xff\xc0\x80")), TEXT("\"\\u00ff\\u00c0\\u0080\""));
}

/* U+0085, U+2028, U+202E, U+2066: they end lines or turn their direction in a log reader. */
static void json_strings_disturb_no_line(void)
{
    CHECK_TEXT(json_of(TEXT("\xc2\x85")), TEXT("\"\\u0085\""));
    CHECK_TEXT(json_of(TEXT("\xe2\x80\xa8")), TEXT("\"\\u2028\""));
    CHECK_TEXT(json_of(TEXT("\xe2\x80\xae")), TEXT("\"\\u202e\""));
    CHECK_TEXT(json_of(TEXT("\xe2\x81\xa6")), TEXT("\"\\u2066\""));
}

/* Whatever goes in, what comes out is one line of JSON that the strict reader takes. */
static void any_pair_of_bytes_makes_json(void)
{
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char in[2] = { (char)(pair >> 8), (char)pair }, out[64];
        struct buffer b = { out, 0, sizeof out, false };
        struct strict_json object;
        buffer_put(&b, TEXT("{\"a\":"));
        buffer_put_json(&b, (struct text){ in, sizeof in });
        buffer_put_char(&b, '}');
        CHECK(!b.full);
        for (size_t i = 0; i < b.size; i++) CHECK((unsigned char)out[i] >= 0x20);
        /* The gate refuses \u0000, which is what a NUL becomes. */
        CHECK(strict_json_read(buffer_text(&b), &object) == 0 || in[0] == '\0' || in[1] == '\0');
    }
}

static size_t utf8_of(unsigned point, char out[4])
{
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)(size == 1 ? point : (size == 2 ? 0xc0 : size == 3 ? 0xe0 : 0xf0) | point);
    return size;
}

/* All up to U+2FFF, which has every one that is escaped, and some of the others; not the surrogates, which have no UTF-8. */
static void any_character_comes_back(void)
{
    struct arena arena;
    CHECK(arena_open(&arena, 4096) == 0);
    for (unsigned point = 1; point < 0x110000; point += point < 0x3000 ? 1 : 251) {
        char in[4], out[64];
        struct buffer b = { out, 0, sizeof out, false };
        struct strict_json object;
        struct text t = { in, utf8_of(point, in) }, again = { NULL, 0 };
        if (point >= 0xd800 && point < 0xe000) continue;
        buffer_put(&b, TEXT("{\"a\":"));
        buffer_put_json(&b, t);
        buffer_put_char(&b, '}');
        CHECK(strict_json_read(buffer_text(&b), &object) == 0 && strict_json_string(strict_json_member(&object, "a"), &arena, &again) == 0);
        CHECK_TEXT(again, t);
        arena_reset(&arena);
    }
    arena_close(&arena);
}

int main(void)
{
    RUN(a_full_buffer_keeps_what_it_had);
    RUN(numbers_and_hex);
    RUN(json_strings);
    RUN(json_strings_disturb_no_line);
    RUN(any_pair_of_bytes_makes_json);
    RUN(any_character_comes_back);
    return CHECK_EXIT();
}

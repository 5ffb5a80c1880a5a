/* What is written, and that what does not fit is not cut. */
#include "../../lib/base/buffer.h"

#include "../../lib/base/object.h"
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
    CHECK_TEXT(json_of(TEXT("\xc2\x85")), TEXT("\"\\u00c2\\u0085\""));
    CHECK_TEXT(json_of(TEXT("\xe2\x80\xa8")), TEXT("\"\\u00e2\\u0080\\u00a8\""));
    CHECK_TEXT(json_of(TEXT("\xe2\x80\xae")), TEXT("\"\\u00e2\\u0080\\u00ae\""));
    CHECK_TEXT(json_of(TEXT("\xe2\x81\xa6")), TEXT("\"\\u00e2\\u0081\\u00a6\""));
}

/* Whatever goes in, what comes out is one line of JSON that the strict reader takes. */
static void any_pair_of_bytes_makes_json(void)
{
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        char in[2] = { (char)(pair >> 8), (char)pair }, out[64];
        struct buffer b = { out, 0, sizeof out, false };
        struct object object;
        buffer_put(&b, TEXT("{\"a\":"));
        buffer_put_json(&b, (struct text){ in, sizeof in });
        buffer_put_char(&b, '}');
        CHECK(!b.full);
        for (size_t i = 0; i < b.size; i++) CHECK((unsigned char)out[i] >= 0x20);
        /* The gate refuses \u0000, which is what a NUL becomes. */
        CHECK(object_read(buffer_text(&b), &object) == 0 || in[0] == '\0' || in[1] == '\0');
    }
}

int main(void)
{
    RUN(a_full_buffer_keeps_what_it_had);
    RUN(numbers_and_hex);
    RUN(json_strings);
    RUN(json_strings_disturb_no_line);
    RUN(any_pair_of_bytes_makes_json);
    return CHECK_EXIT();
}

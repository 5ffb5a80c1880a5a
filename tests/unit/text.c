/* Views: slices, words, UTF-8 (RFC 3629) and numbers. */
#include "../../lib/base/text.h"

#include "../check.h"

static void equality(void)
{
    struct text absent = { NULL, 0 };
    CHECK(text_equal(absent, TEXT("")));
    CHECK(text_equal(TEXT("a\0b"), TEXT("a\0b")));
    CHECK(!text_equal(TEXT("a\0b"), TEXT("a\0c")));
    CHECK(!text_equal(TEXT("a"), TEXT("ab")));
    CHECK(text_equal_nocase(TEXT("BaSiC"), TEXT("bAsIc")));
    CHECK(!text_equal_nocase(TEXT("basic"), TEXT("basi")));
    CHECK(!text_equal_nocase(TEXT("["), TEXT("{")));
    CHECK(!text_equal_nocase(TEXT("\xc3\x84"), TEXT("\xc3\xa4")));
    CHECK(!text_present(absent) && text_present(TEXT("")));
    CHECK(!text_present(text_of(NULL)) && text_of("ab").size == 2);
}

static void slices_are_clamped(void)
{
    struct text absent = { NULL, 0 };
    CHECK_TEXT(text_slice(TEXT("abcdef"), 2, 3), TEXT("cde"));
    CHECK_TEXT(text_slice(TEXT("abc"), 1, SIZE_MAX), TEXT("bc"));
    CHECK_TEXT(text_slice(TEXT("abc"), SIZE_MAX, 1), TEXT(""));
    CHECK(text_present(text_slice(TEXT("abc"), 3, 1)));
    CHECK(!text_present(text_slice(absent, 1, 1)));
    CHECK(text_begins(TEXT("abc"), TEXT("ab")) && text_begins(TEXT("abc"), TEXT("")));
    CHECK(!text_begins(TEXT("ab"), TEXT("abc")));
    CHECK_TEXT(text_trim(TEXT(" \t a b\t ")), TEXT("a b"));
    CHECK_TEXT(text_trim(TEXT(" \t ")), TEXT(""));
    CHECK_TEXT(text_trim(TEXT("\n a")), TEXT("\n a"));
}

static void words_between_separators(void)
{
    struct text rest = TEXT(",a,,b,"), word;
    const struct text words[] = { TEXT(""), TEXT("a"), TEXT(""), TEXT("b"), TEXT("") };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        CHECK(text_split(&rest, ',', &word));
        CHECK_TEXT(word, words[i]);
    }
    CHECK(!text_split(&rest, ',', &word));
    rest = TEXT("");
    CHECK(text_split(&rest, ',', &word) && word.size == 0);
    CHECK(!text_split(&rest, ',', &word));
}

static void rfc3629_sequences(void)
{
    static const struct { struct text t; size_t size; } cases[] = {
        { TEXT("a"), 1 }, { TEXT("\0"), 1 }, { TEXT("\x7f"), 1 },
        { TEXT("\xc2\x80"), 2 }, { TEXT("\xdf\xbf"), 2 },
        { TEXT("\xe0\xa0\x80"), 3 }, { TEXT("\xed\x9f\xbf"), 3 }, { TEXT("\xee\x80\x80"), 3 }, { TEXT("\xef\xbf\xbf"), 3 },
        { TEXT("\xf0\x90\x80\x80"), 4 }, { TEXT("\xf4\x8f\xbf\xbf"), 4 },
        { TEXT(""), 0 }, { TEXT("\x80"), 0 }, { TEXT("\xbf"), 0 },
        { TEXT("\xc0\x80"), 0 }, { TEXT("\xc1\xbf"), 0 },                   /* overlong */
        { TEXT("\xe0\x9f\xbf"), 0 }, { TEXT("\xf0\x8f\xbf\xbf"), 0 },       /* overlong */
        { TEXT("\xed\xa0\x80"), 0 }, { TEXT("\xed\xbf\xbf"), 0 },           /* surrogates */
        { TEXT("\xf4\x90\x80\x80"), 0 }, { TEXT("\xf5\x80\x80\x80"), 0 }, { TEXT("\xff"), 0 },
        { TEXT("\xc2"), 0 }, { TEXT("\xc2\x41"), 0 }, { TEXT("\xe2\x82"), 0 }, { TEXT("\xf0\x9f\x98"), 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) CHECK(text_utf8(cases[i].t) == cases[i].size);
}

static void numbers(void)
{
    uint64_t number = 0;
    CHECK(text_number(TEXT("0"), 0, &number) == 0 && number == 0);
    CHECK(text_number(TEXT("007"), 10, &number) == 0 && number == 7);
    CHECK(text_number(TEXT("18446744073709551615"), UINT64_MAX, &number) == 0 && number == UINT64_MAX);
    CHECK(text_number(TEXT("18446744073709551616"), UINT64_MAX, &number) == -1);
    CHECK(text_number(TEXT("11"), 10, &number) == -1);
    CHECK(text_number(TEXT("10"), 10, &number) == 0 && number == 10);
    CHECK(text_number(TEXT("1"), 0, &number) == -1);
    CHECK(text_number(TEXT(""), 10, &number) == -1);
    CHECK(text_number(TEXT("+1"), 10, &number) == -1);
    CHECK(text_number(TEXT("-1"), 10, &number) == -1);
    CHECK(text_number(TEXT(" 1"), 10, &number) == -1);
    CHECK(text_number(TEXT("1\0"), 10, &number) == -1);
    CHECK(text_number(TEXT("0x1"), 10, &number) == -1);
}

static void order_is_by_bytes(void)
{
    static const struct { struct text a, b; int order; } cases[] = {
        { TEXT("a"), TEXT("b"), -1 },  { TEXT("a"), TEXT("a"), 0 },       { TEXT("a"), TEXT("ab"), -1 },
        { TEXT(""), TEXT("a"), -1 },   { TEXT(""), TEXT(""), 0 },         { TEXT("B"), TEXT("a"), -1 },
        { TEXT("~"), TEXT("\x80"), -1 }, { TEXT("a\0"), TEXT("a"), 1 },   { TEXT("a"), TEXT("a\0b"), -1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int there = text_compare(cases[i].a, cases[i].b), back = text_compare(cases[i].b, cases[i].a);
        CHECK((there > 0) - (there < 0) == cases[i].order && (back > 0) - (back < 0) == -cases[i].order);
    }
    CHECK(text_compare((struct text){ NULL, 0 }, TEXT("")) == 0);
}

int main(void)
{
    RUN(equality);
    RUN(slices_are_clamped);
    RUN(words_between_separators);
    RUN(rfc3629_sequences);
    RUN(numbers);
    RUN(order_is_by_bytes);
    return CHECK_EXIT();
}

/* RFC 4648 and RFC 7515 2: vectors, and that one value has one text. */
#include "../../lib/base/base64url.h"

#include "../check.h"

static struct text decoded(struct text t, int (*decode)(struct text, struct buffer *))
{
    static char bytes[256];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    return decode(t, &b) ? (struct text){ NULL, 0 } : buffer_text(&b);
}

static struct text encoded(struct text t)
{
    static char bytes[256];
    struct buffer b = { bytes, 0, sizeof bytes, false };
    base64url_put(&b, t);
    return buffer_text(&b);
}

static void rfc4648_vectors(void)
{
    static const struct { struct text plain, url, basic; } vectors[] = {
        { TEXT(""), TEXT(""), TEXT("") },
        { TEXT("f"), TEXT("Zg"), TEXT("Zg==") },
        { TEXT("fo"), TEXT("Zm8"), TEXT("Zm8=") },
        { TEXT("foo"), TEXT("Zm9v"), TEXT("Zm9v") },
        { TEXT("foob"), TEXT("Zm9vYg"), TEXT("Zm9vYg==") },
        { TEXT("fooba"), TEXT("Zm9vYmE"), TEXT("Zm9vYmE=") },
        { TEXT("foobar"), TEXT("Zm9vYmFy"), TEXT("Zm9vYmFy") },
        { TEXT("\xfb\xff\xbf"), TEXT("-_-_"), TEXT("+/+/") },
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        CHECK_TEXT(encoded(vectors[i].plain), vectors[i].url);
        CHECK_TEXT(decoded(vectors[i].url, base64url_decode), vectors[i].plain);
        CHECK_TEXT(decoded(vectors[i].basic, base64url_decode_basic), vectors[i].plain);
    }
}

static void rfc7515_appendix_c(void)
{
    CHECK_TEXT(encoded(TEXT("\x03\xec\xff\xe0\xc1")), TEXT("A-z_4ME"));
    CHECK_TEXT(decoded(TEXT("A-z_4ME"), base64url_decode), TEXT("\x03\xec\xff\xe0\xc1"));
}

static void every_byte_comes_back(void)
{
    char bytes[256];
    for (int i = 0; i < 256; i++) bytes[i] = (char)i;
    for (size_t size = 0; size <= 128; size++) {
        struct text t = { bytes + (size * 2) % 128, size };
        CHECK(encoded(t).size == BASE64URL_SIZE(size));
        CHECK_TEXT(decoded(encoded(t), base64url_decode), t);
    }
}

static void B13_only_the_canonical_text_is_read(void)
{
    static const struct text refused[] = {
        TEXT("Zg=="), TEXT("Zg="), TEXT("Zm8="), TEXT("Zm9v="), TEXT("Z"), TEXT("Zm9vY"), TEXT("Zh"), TEXT("Zm9"),
        TEXT("+/+/"), TEXT("-_+/"), TEXT(" Zm9v"), TEXT("Zm9v "), TEXT("Zm\n9"), TEXT("Zm9v\n"), TEXT("Zm\0v"), TEXT("Zm9\xc3"),
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK(!text_present(decoded(refused[i], base64url_decode)));
}

static void exactly_64_bytes_are_digits(void)
{
    int good = 0;
    for (int c = 0; c < 256; c++) {
        char four[4] = { 'A', (char)c, 'A', 'A' };
        good += text_present(decoded((struct text){ four, 4 }, base64url_decode));
    }
    CHECK(good == 64);
}

static void basic_is_strict_but_for_missing_padding(void)
{
    CHECK_TEXT(decoded(TEXT("Zm8"), base64url_decode_basic), TEXT("fo"));
    CHECK(!text_present(decoded(TEXT("-_-_"), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("Zh=="), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("Zg==="), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("===="), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("Zg="), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("c3="), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("Zm9vZm8=="), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("Zg=a"), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("Zm9v===="), base64url_decode_basic)));
    CHECK(!text_present(decoded(TEXT("Zm9v,Zg=="), base64url_decode_basic)));
}

static void what_does_not_fit_changes_nothing(void)
{
    char bytes[4] = "abc";
    struct buffer b = { bytes, 1, 3, false };
    CHECK(base64url_decode(TEXT("Zm9v"), &b) == -1);
    CHECK(b.size == 1);
    base64url_put(&b, TEXT("foo"));
    CHECK(b.full && b.size == 1);
    CHECK(base64url_decode(TEXT("Zm8"), &b) == 0);
    CHECK(b.size == 3);
}

int main(void)
{
    RUN(rfc4648_vectors);
    RUN(rfc7515_appendix_c);
    RUN(every_byte_comes_back);
    RUN(B13_only_the_canonical_text_is_read);
    RUN(exactly_64_bytes_are_digits);
    RUN(basic_is_strict_but_for_missing_padding);
    RUN(what_does_not_fit_changes_nothing);
    return CHECK_EXIT();
}

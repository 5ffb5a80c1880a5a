/* uri: the comparison of RFC 3986 6.2.2 and 6.2.3, as RFC 9449 4.3 wants it for htu. */
#include "../../lib/base/uri.h"

#include "../check.h"

/* 1: the same both ways round; 0: another both ways round; -1: neither. */
static int compare(const char *a, const char *b)
{
    bool there = uri_same(text_of(a), text_of(b)), back = uri_same(text_of(b), text_of(a));
    return there == back ? there : -1;
}

static void G2_the_same(void)
{
    CHECK(compare("https://a.example/x", "https://a.example/x") == 1);
    CHECK(compare("https://a.example/x?y=1#z", "https://a.example/x") == 1);
    CHECK(compare("https://a.example?q", "https://a.example/#f") == 1);
    CHECK(compare("HTTPS://A.Example/x", "https://a.example/x") == 1);
    CHECK(compare("https://a.example:443/x", "https://a.example/x") == 1);
    CHECK(compare("http://a:80", "http://a/") == 1);
    CHECK(compare("https://[::1]:443/", "https://[::1]") == 1);
    CHECK(compare("https://a.example", "https://a.example/") == 1);
    CHECK(compare("https://a.example/%7ex/%41", "https://a.example/~x/A") == 1);
    CHECK(compare("https://a.example/%2f", "https://a.example/%2F") == 1);
    CHECK(compare("https://a.example/%4", "https://a.example/%4") == 1);
}

static void G2_others(void)
{
    CHECK(compare("http://a.example/x", "https://a.example/x") == 0);
    CHECK(compare("https://a.example/x", "https://b.example/x") == 0);
    CHECK(compare("https://a/", "https://a.b/") == 0);
    CHECK(compare("https://a.example:444/x", "https://a.example/x") == 0);
    CHECK(compare("http://a:443/", "http://a/") == 0);
    CHECK(compare("https://a.example/x", "https://a.example/x/") == 0);
    CHECK(compare("https://a.example/x", "https://a.example/X") == 0);
    CHECK(compare("https://a.example/x%2Fy", "https://a.example/x/y") == 0);
    CHECK(compare("https://a.example/x%3Fy", "https://a.example/x?y") == 0);
    CHECK(compare("https://a.example/%zz", "https://a.example/%ZZ") == 0);
    CHECK(compare("https://a.example/%2z", "https://a.example/%1F") == 0);
    CHECK(compare("https://a.example/%z2", "https://a.example/%02") == 0);
    CHECK(!uri_same(TEXT("https://a.example/x\0y"), TEXT("https://a.example/x")));
    CHECK(!uri_same(TEXT("https://a\0b/"), TEXT("https://a/")));
}

static void what_is_no_uri_is_like_nothing(void)
{
    static const char *const none[] = {
        "", "/x", "ftp://a/x", "https://", "https:///x", "https://?x", "https:/a", "https://u@a/x", "https://a.example@b.example/x",
        "http://:80/",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) CHECK(compare(none[i], none[i]) == 0);
}

static void origins(void)
{
    CHECK(uri_is_origin(TEXT("https://a.example")) && uri_is_origin(TEXT("http://127.0.0.1:8080")));
    CHECK(!uri_is_origin(TEXT("https://a.example/")) && !uri_is_origin(TEXT("https://a.example?x")));
    CHECK(!uri_is_origin(TEXT("a.example")) && !uri_is_origin(TEXT("")) && !uri_is_origin(TEXT("https://u@a.example")));
}

int main(void)
{
    RUN(G2_the_same);
    RUN(G2_others);
    RUN(what_is_no_uri_is_like_nothing);
    RUN(origins);
    return CHECK_EXIT();
}

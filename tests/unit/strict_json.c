/* RFC 8259, strictly: what the gate takes and what it refuses. */
#include "../../lib/base/strict_json.h"

#include "../check.h"

static struct arena arena;

static void good_texts(void)
{
    static const struct text good[] = {
        TEXT("{}"), TEXT(" { } "), TEXT("\t\r\n{\"a\"\n:\t1 , \"b\":[ ] }\n"),
        TEXT("{\"a\":\"\"}"), TEXT("{\"\":0}"), TEXT("{\"a\":{\"b\":{\"c\":[1,[2,{\"d\":null}]]}}}"),
        TEXT("{\"a\":0}"), TEXT("{\"a\":-0}"), TEXT("{\"a\":10.25}"), TEXT("{\"a\":1e9}"), TEXT("{\"a\":1E+9}"), TEXT("{\"a\":0.5e-3}"),
        TEXT("{\"a\":true,\"b\":false,\"c\":null}"), TEXT("{\"a\":[\"x\",1,true,null,{},[]]}"),
        TEXT("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"}"), TEXT("{\"a\":\"\xf0\x9f\x98\x80\x7f\"}"),
        TEXT("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), TEXT("{\"0123456789abcdef\":\"0123456789abcdef\"}"),
    };
    struct strict_json object;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) CHECK(strict_json_read(good[i], &object) == 0);
}

static void bad_texts(void)
{
    static const struct text bad[] = {
        TEXT(""), TEXT(" "), TEXT("[]"), TEXT("\"a\""), TEXT("1"), TEXT("null"), TEXT("{"), TEXT("}"), TEXT("{}}"), TEXT("{}{}"),
        TEXT("{} x"), TEXT("{}\0"), TEXT("\xef\xbb\xbf{}"), TEXT("{,}"), TEXT("{\"a\":1,}"), TEXT("{\"a\":1 \"b\":2}"),
        TEXT("{\"a\"}"), TEXT("{\"a\":}"), TEXT("{\"a\" 1}"), TEXT("{a:1}"), TEXT("{'a':1}"), TEXT("{\"a\":1;}"), TEXT("{1:1}"),
        TEXT("{\"a\":01}"), TEXT("{\"a\":-}"), TEXT("{\"a\":+1}"), TEXT("{\"a\":.5}"), TEXT("{\"a\":1.}"), TEXT("{\"a\":1e}"),
        TEXT("{\"a\":1e+}"), TEXT("{\"a\":0x10}"), TEXT("{\"a\":NaN}"), TEXT("{\"a\":Infinity}"), TEXT("{\"a\":--1}"), TEXT("{\"a\":1.2.3}"),
        TEXT("{\"a\":True}"), TEXT("{\"a\":tru}"), TEXT("{\"a\":nul}"), TEXT("{\"a\":truex}"), TEXT("{\"a\":undefined}"),
        TEXT("{\"a\":[1,]}"), TEXT("{\"a\":[,1]}"), TEXT("{\"a\":[1 2]}"), TEXT("{\"a\":[}"), TEXT("{\"a\":[1}"), TEXT("{\"a\":{]}"),
        TEXT("{\"a\":\"b}"), TEXT("{\"a\":\"\n\"}"), TEXT("{\"a\":\"\t\"}"), TEXT("{\"a\":\"\0\"}"), TEXT("{\"a\":\"\x1f\"}"),
        TEXT("{\"a\":\"12345678\x1f\"}"), TEXT("{\"a\":\"1234567\n12345678\"}"),
        TEXT("{\"a\":\"\\x\"}"), TEXT("{\"a\":\"\\\"}"), TEXT("{\"a\":\"\\u12\"}"), TEXT("{\"a\":\"\\u12g4\"}"), TEXT("{\"a\":\"\\U1234\"}"),
        TEXT("/**/{}"), TEXT("{}//"), TEXT("{\"a\":1/**/}"),
    };
    struct strict_json object;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (strict_json_read(bad[i], &object) == 0) printf("# taken: %.*s\n", (int)bad[i].size, bad[i].data);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(strict_json_read(bad[i], &object) == -1);
}

static void B11_duplicate_members_at_any_depth(void)
{
    struct strict_json object;
    CHECK(strict_json_read(TEXT("{\"aud\":\"x\",\"aud\":\"y\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"aud\":\"x\",\"b\":1,\"aud\":\"x\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":{\"b\":1,\"b\":2}}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":[{\"b\":1,\"b\":2}]}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"\":1,\"\":2}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"aud\":\"x\",\"\\u0061ud\":\"y\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":1,\"A\":2}"), &object) == 0);
}

static void names_and_strings_that_lie(void)
{
    struct strict_json object;
    CHECK(strict_json_read(TEXT("{\"\\u0061\":1}"), &object) == -1);         /* escaped name */
    CHECK(strict_json_read(TEXT("{\"a\":\"\\u0000\"}"), &object) == -1);     /* NUL */
    CHECK(strict_json_read(TEXT("{\"a\":\"x\\u0000y\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":\"\\ud83d\"}"), &object) == -1);     /* lone surrogates */
    CHECK(strict_json_read(TEXT("{\"a\":\"\\ude00\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":\"\\ude00\\ud83d\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":\"\\ud83dx\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":\"\\ud83d\\n\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":\"\\ud83d\\u0041\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":\"\xff\"}"), &object) == -1);        /* not UTF-8 */
    CHECK(strict_json_read(TEXT("{\"a\":\"\xc0\x80\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":\"\xed\xa0\x80\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"a\":\"12345678\xc3\"}"), &object) == -1);
    CHECK(strict_json_read(TEXT("{\"\xff\":1}"), &object) == -1);
}

static void limits_of_depth_members_and_size(void)
{
    static char json[STRICT_JSON_BYTES + 16];
    struct strict_json object;
    char *at;
    for (int depth = 1; depth <= STRICT_JSON_DEPTH + 1; depth++) {
        at = json;
        for (int i = 0; i < depth; i++) at += sprintf(at, i < depth - 1 ? "{\"a\":" : "{");
        for (int i = 0; i < depth; i++) at += sprintf(at, "}");
        CHECK((strict_json_read(text_of(json), &object) == 0) == (depth <= STRICT_JSON_DEPTH));
    }
    for (int members = STRICT_JSON_MEMBERS; members <= STRICT_JSON_MEMBERS + 1; members++) {
        at = json;
        for (int i = 0; i < members; i++) at += sprintf(at, "%s\"m%d\":%d", i ? "," : "{", i, i);
        at += sprintf(at, "}");
        CHECK((strict_json_read(text_of(json), &object) == 0) == (members == STRICT_JSON_MEMBERS));
    }
    for (size_t size = STRICT_JSON_BYTES; size <= STRICT_JSON_BYTES + 1; size++) {
        memset(json, ' ', size);
        memcpy(json, "{}", 2);
        CHECK((strict_json_read((struct text){ json, size }, &object) == 0) == (size == STRICT_JSON_BYTES));
    }
    memset(json, '[', 60000);
    memcpy(json, "{\"a\":", 5);
    CHECK(strict_json_read((struct text){ json, 60000 }, &object) == -1);
}

static void members_are_found_with_their_kind(void)
{
    struct strict_json object;
    CHECK(strict_json_read(TEXT("{\"s\":\"x\",\"n\":-1.5,\"b\":true,\"z\":null,\"o\":{\"k\":1},\"a\":[1, 2]}"), &object) == 0);
    CHECK(object.count == 6);
    CHECK(strict_json_member(&object, "s")->kind == STRICT_JSON_STRING && strict_json_member(&object, "n")->kind == STRICT_JSON_NUMBER);
    CHECK(strict_json_member(&object, "b")->kind == STRICT_JSON_BOOLEAN && strict_json_member(&object, "z")->kind == STRICT_JSON_NULL);
    CHECK(strict_json_member(&object, "o")->kind == STRICT_JSON_OBJECT && strict_json_member(&object, "a")->kind == STRICT_JSON_ARRAY);
    CHECK_TEXT(strict_json_member(&object, "s")->value, TEXT("x"));
    CHECK_TEXT(strict_json_member(&object, "n")->value, TEXT("-1.5"));
    CHECK_TEXT(strict_json_member(&object, "o")->value, TEXT("{\"k\":1}"));
    CHECK_TEXT(strict_json_member(&object, "a")->value, TEXT("[1, 2]"));
    CHECK(strict_json_member(&object, "k") == NULL && strict_json_member(&object, "S") == NULL);
}

static void strings_are_decoded(void)
{
    struct strict_json object;
    struct text t;
    arena_reset(&arena);
    CHECK(strict_json_read(TEXT("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20ac\\uD83D\\ude00\",\"b\":\"plain\",\"n\":1}"), &object) == 0);
    CHECK(strict_json_string(strict_json_member(&object, "a"), &arena, &t) == 0);
    CHECK_TEXT(t, TEXT("\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    CHECK(strict_json_string(strict_json_member(&object, "b"), &arena, &t) == 0);
    CHECK_TEXT(t, TEXT("plain"));
    CHECK(strict_json_string(strict_json_member(&object, "n"), &arena, &t) == -1);
    CHECK(strict_json_string(NULL, &arena, &t) == -1);
}

static void B14_dates(void)
{
    static const struct { struct text json; int64_t seconds; } dates[] = {
        { TEXT("{\"t\":0}"), 0 }, { TEXT("{\"t\":1800000000}"), 1800000000 }, { TEXT("{\"t\":1.999}"), 1 },
        { TEXT("{\"t\":9007199254740992}"), INT64_C(9007199254740992) },
        { TEXT("{\"t\":9007199254740993}"), -1 }, { TEXT("{\"t\":-1}"), -1 }, { TEXT("{\"t\":-0}"), -1 },
        { TEXT("{\"t\":-1e3}"), -1 }, { TEXT("{\"t\":1e3}"), 1000 }, { TEXT("{\"t\":1.5e3}"), 1500 },
        { TEXT("{\"t\":1.8e9}"), 1800000000 }, { TEXT("{\"t\":1.8E+9}"), 1800000000 },
        { TEXT("{\"t\":18000000005e-1}"), 1800000000 }, { TEXT("{\"t\":1800000000999e-003}"), 1800000000 },
        { TEXT("{\"t\":1800000000.999e0}"), 1800000000 }, { TEXT("{\"t\":0.00018e13}"), 1800000000 },
        { TEXT("{\"t\":1e-1}"), 0 }, { TEXT("{\"t\":9e-99999999999999999999}"), 0 }, { TEXT("{\"t\":0e99999}"), 0 },
        { TEXT("{\"t\":0.0e99999999999999999999}"), 0 }, { TEXT("{\"t\":9007199254740992.9}"), INT64_C(9007199254740992) },
        { TEXT("{\"t\":9.007199254740992e15}"), INT64_C(9007199254740992) }, { TEXT("{\"t\":9.007199254740993e15}"), -1 },
        { TEXT("{\"t\":1e16}"), -1 }, { TEXT("{\"t\":1e99999999999999999999}"), -1 },
        { TEXT("{\"t\":1E999}"), -1 }, { TEXT("{\"t\":\"1\"}"), -1 }, { TEXT("{\"t\":true}"), -1 },
        { TEXT("{\"t\":null}"), -1 }, { TEXT("{\"t\":[1]}"), -1 }, { TEXT("{\"t\":99999999999999999999999999}"), -1 },
    };
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        struct strict_json object;
        int64_t seconds = -1;
        CHECK(strict_json_read(dates[i].json, &object) == 0);
        CHECK((strict_json_date(strict_json_member(&object, "t"), &seconds) == 0) == (dates[i].seconds >= 0));
        CHECK(seconds == dates[i].seconds);
    }
}

static void lists_of_strings(void)
{
    struct strict_json object;
    struct text strings[3];
    arena_reset(&arena);
    CHECK(strict_json_read(TEXT("{\"one\":\"x\",\"two\":[ \"x\" , \"\\u0079\" ],\"none\":[ ],\"mixed\":[\"x\",1],\"deep\":[[\"x\"]],"
                           "\"many\":[\"a\",\"b\",\"c\",\"d\"],\"n\":1}"), &object) == 0);
    CHECK(strict_json_strings(strict_json_member(&object, "one"), &arena, strings, 3) == 1);
    CHECK_TEXT(strings[0], TEXT("x"));
    CHECK(strict_json_strings(strict_json_member(&object, "two"), &arena, strings, 3) == 2);
    CHECK_TEXT(strings[1], TEXT("y"));
    CHECK(strict_json_strings(strict_json_member(&object, "none"), &arena, strings, 3) == 0);
    CHECK(strict_json_strings(strict_json_member(&object, "mixed"), &arena, strings, 3) == -1);
    CHECK(strict_json_strings(strict_json_member(&object, "deep"), &arena, strings, 3) == -1);
    CHECK(strict_json_strings(strict_json_member(&object, "many"), &arena, strings, 3) == -1);
    CHECK(strict_json_strings(strict_json_member(&object, "n"), &arena, strings, 3) == -1);
    CHECK(strict_json_strings(NULL, &arena, strings, 3) == -1);
    CHECK(strict_json_strings(strict_json_member(&object, "one"), &arena, strings, 0) == -1);
}

int main(void)
{
    if (arena_open(&arena, 4096)) return EXIT_FAILURE;
    RUN(good_texts);
    RUN(bad_texts);
    RUN(B11_duplicate_members_at_any_depth);
    RUN(names_and_strings_that_lie);
    RUN(limits_of_depth_members_and_size);
    RUN(members_are_found_with_their_kind);
    RUN(strings_are_decoded);
    RUN(B14_dates);
    RUN(lists_of_strings);
    arena_close(&arena);
    return CHECK_EXIT();
}

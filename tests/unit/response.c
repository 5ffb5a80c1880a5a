/* How an answer looks on the wire (RFC 3875 6). */
#include "../../lib/oauth/response.h"

#include "../check.h"

static struct response response;
static struct secret_hasher hasher;
static const struct text absent;

static void J1_status_with_its_reason_stands_first(void)
{
    response_open(&response);
    CHECK_TEXT(response_format(&response, TEXT("r"), absent),
               TEXT("Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\nCache-Control: no-store\r\nPragma: no-cache\r\n\r\n"));
}

static void a_refusal(void)
{
    response_open(&response);
    buffer_put(&response.body, TEXT("half of something else"));
    response_refuse(&response, ERROR_invalid_client);
    CHECK_TEXT(response_format(&response, TEXT("https://as.example"), TEXT("id-1")),
               TEXT("Status: 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 77\r\nCache-Control: no-store\r\nPragma: no-cache\r\n"
                    "WWW-Authenticate: Basic realm=\"https://as.example\", charset=\"UTF-8\"\r\nX-Request-Id: id-1\r\n\r\n"
                    "{\"error\":\"invalid_client\",\"error_description\":\"client authentication failed\"}"));
}

static void every_refusal_fits_and_says_when_to_come_back(void)
{
    for (int i = 1; i < ERROR_COUNT; i++) {
        response_open(&response);
        response_refuse(&response, (enum error)i);
        CHECK(response.status == error_facts((enum error)i)->status && response.error == (enum error)i);
        CHECK((response.retry_after > 0) == (response.status == 429 || response.status == 503));
        struct text answer = response_format(&response, TEXT("r"), absent);
        CHECK((memmem(answer.data, answer.size, "WWW-Authenticate", 16) != NULL) == (response.status == 401));
        CHECK((memmem(answer.data, answer.size, "Retry-After: ", 13) != NULL) == (response.retry_after > 0));
        CHECK(answer.data[answer.size - 1] == '}');
    }
}

static void a_refusal_forgets_what_was_public(void)
{
    response_open(&response);
    response.cache = RESPONSE_PUBLIC;
    response_validate(&response, &hasher, absent);
    CHECK(response.etag[0] != '\0');
    response_refuse(&response, ERROR_unavailable);
    struct text answer = response_format(&response, TEXT("r"), absent);
    CHECK(memmem(answer.data, answer.size, "ETag", 4) == NULL);
    CHECK(memmem(answer.data, answer.size, "no-store", 8) != NULL);
}

/* RFC 6750 3.1; a 503 is nobody's lack of credentials. */
static void H8_a_bearer_challenge(void)
{
    static const struct { enum error error; bool told, scope; } rows[] = {
        { ERROR_missing_bearer, true, false }, { ERROR_malformed_bearer, true, false }, { ERROR_invalid_token, true, false },
        { ERROR_insufficient_scope, true, true }, { ERROR_unavailable, false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        response_open(&response);
        response.challenge = (struct response_challenge){ true, TEXT("read write"), TEXT("https://api.example/m") };
        response_refuse(&response, rows[i].error);
        struct text answer = response_format(&response, TEXT("r"), absent);
        CHECK((memmem(answer.data, answer.size, "WWW-Authenticate: Bearer realm=\"r\"", 34) != NULL) == rows[i].told);
        CHECK((memmem(answer.data, answer.size, ", scope=\"read write\"", 20) != NULL) == rows[i].scope);
        CHECK((memmem(answer.data, answer.size, "/m\"\r\n", 5) != NULL) == rows[i].told);
        CHECK(memmem(answer.data, answer.size, "Basic", 5) == NULL);
        CHECK((memmem(answer.data, answer.size, ", error=\"", 9) == NULL) == (i == 0 || !rows[i].told));
    }
}

static void a_wide_head_in_front_of_a_body(void)
{
    static char line[4000];
    struct arena arena;
    memset(line, 'x', sizeof line);
    CHECK(arena_open(&arena, 8192) == 0);
    response_open(&response);
    CHECK(response_widen(&response, &arena, 8192) == -1);
    CHECK(response_widen(&response, &arena, sizeof line) == 0);
    buffer_put(&response.body, TEXT("{}"));
    response.lines = (struct text){ line, sizeof line };
    struct text answer = response_format(&response, TEXT("r"), absent);
    CHECK(answer.size > sizeof line && text_begins(answer, TEXT("Status: 200 OK\r\n")));
    CHECK(memcmp(answer.data + answer.size - 7, "xxx\r\n{}", 7) == 0);
    arena_close(&arena);
}

static void J5_head_has_the_length_of_what_is_left_out(void)
{
    response_open(&response);
    buffer_put(&response.body, TEXT("{\"x\":1}"));
    response.head_only = true;
    struct text answer = response_format(&response, TEXT("r"), absent);
    CHECK(memmem(answer.data, answer.size, "Content-Length: 7\r\n", 19) != NULL);
    CHECK(memcmp(answer.data + answer.size - 4, "\r\n\r\n", 4) == 0);
}

/* The status of a small document. */
static int validated(struct text if_none_match)
{
    response_open(&response);
    buffer_put(&response.body, TEXT("{\"x\":1}"));
    response_validate(&response, &hasher, if_none_match);
    return response.status;
}

static void E9_if_none_match(void)
{
    char tag[RESPONSE_ETAG], list[128];
    CHECK(validated(absent) == 200);
    memcpy(tag, response.etag, sizeof tag);
    CHECK(strlen(tag) == 22);
    static const struct { const char *before, *after; int status; } around[] = {
        { "", "", 304 }, { "W/", "", 304 }, { "\"a\",", "", 304 }, { "\"a\" , W/", " , \"b\"", 304 },
        { "w/", "", 200 }, { "x", "", 200 }, { "", "x", 200 },
    };
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        int size = snprintf(list, sizeof list, "%s%s%s", around[i].before, tag, around[i].after);
        CHECK(validated((struct text){ list, (size_t)size }) == around[i].status);
    }
    CHECK(validated(TEXT("*")) == 304);
    CHECK(validated(TEXT("\"a\"")) == 200 && validated(TEXT("")) == 200 && validated(TEXT("**")) == 200);
}

static void J4_a_304_has_no_body_and_no_type(void)
{
    CHECK(validated(TEXT("*")) == 304);
    response.cache = RESPONSE_PUBLIC;
    response.max_age = 60;
    struct text answer = response_format(&response, TEXT("r"), absent);
    CHECK(text_begins(answer, TEXT("Status: 304 Not Modified\r\nCache-Control: public, max-age=60\r\nETag: \"")));
    CHECK(memmem(answer.data, answer.size, "Content-", 8) == NULL);
    CHECK(memcmp(answer.data + answer.size - 4, "\r\n\r\n", 4) == 0);
}

static void the_tag_names_the_body(void)
{
    char tag[RESPONSE_ETAG];
    CHECK(validated(absent) == 200);
    memcpy(tag, response.etag, sizeof tag);
    CHECK(validated(absent) == 200);
    CHECK(!strcmp(tag, response.etag));
    buffer_put_char(&response.body, ' ');
    response_validate(&response, &hasher, absent);
    CHECK(strcmp(tag, response.etag) != 0);
}

/* A realm is an issuer, which a configuration may have anything in: it stays one header. */
static void a_realm_stays_in_its_quotes(void)
{
    response_open(&response);
    response_refuse(&response, ERROR_invalid_client);
    struct text answer = response_format(&response, TEXT("a\"b\r\nX: y"), absent);
    CHECK(memmem(answer.data, answer.size, "realm=\"a\\\"b\\u000d\\u000aX: y\", charset", 35) != NULL);
}

static void room_in_the_arena_for_a_large_body(void)
{
    struct arena arena;
    CHECK(arena_open(&arena, 8192) == 0);
    response_open(&response);
    CHECK(response_reserve(&response, &arena, 8192) == -1);
    CHECK(response_reserve(&response, &arena, 4000) == 0);
    for (int i = 0; i < 4000; i++) buffer_put_char(&response.body, 'x');
    CHECK(!response.body.full);
    struct text answer = response_format(&response, TEXT("r"), absent);
    CHECK(answer.size > 4000 && answer.data[answer.size - 1] == 'x');
    arena_close(&arena);
}

int main(void)
{
    if (secret_hasher_open(&hasher)) return EXIT_FAILURE;
    RUN(J1_status_with_its_reason_stands_first);
    RUN(a_refusal);
    RUN(every_refusal_fits_and_says_when_to_come_back);
    RUN(a_refusal_forgets_what_was_public);
    RUN(H8_a_bearer_challenge);
    RUN(a_wide_head_in_front_of_a_body);
    RUN(J5_head_has_the_length_of_what_is_left_out);
    RUN(E9_if_none_match);
    RUN(J4_a_304_has_no_body_and_no_type);
    RUN(the_tag_names_the_body);
    RUN(a_realm_stays_in_its_quotes);
    RUN(room_in_the_arena_for_a_large_body);
    secret_hasher_close(&hasher);
    return CHECK_EXIT();
}

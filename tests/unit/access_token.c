/* Tokens that were ours until somebody touched them. */
#include "../../lib/oauth/access_token.h"
#include "../../lib/oauth/scope.h"
#include "../check.h"
#include "../world.h"

enum { TOKEN = 2048 };

static struct world world;
static char token[TOKEN];
static size_t token_size;

#define API TEXT("https://api.example/orders")

/* svc, which gets tokens, and api, which may read them. */
static bool furnish(void)
{
    if (world_reset(&world)) return false;
    struct world_client *svc = world_client(&world, TEXT("svc")), *api = world_client(&world, TEXT("api"));
    return !world_add_secret(&world, svc, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT("s3cret") }) &&
           !world_add_secret(&world, api, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT("apikey") }) &&
           !world_add_grant(&world, svc, &(struct client_grant){ API, TEXT("read"), true, 0, JWS_NONE }) &&
           !world_add_reader(&world, api, API);
}

static struct text post(const char *path, struct text body)
{
    static struct response response;
    const struct request request = { .method = TEXT("POST"), .path = text_of(path), .body = body,
                                     .content_type = TEXT("application/x-www-form-urlencoded") };
    return world_handle(&world, &request, &response);
}

static bool get_token(void)
{
    struct text answer = post("/oauth/token", TEXT("grant_type=client_credentials&client_id=svc&client_secret=s3cret"));
    const char *start = memmem(answer.data, answer.size, "\"access_token\":\"", 16);
    const char *end = start ? strchr(start + 16, '"') : NULL;
    if (!end || (size_t)(end - start - 16) >= sizeof token) return false;
    token_size = (size_t)(end - start - 16);
    memcpy(token, start + 16, token_size);
    return true;
}

/* 1, 0, or -1 when the answer is neither. */
static int is_active(struct text compact)
{
    char body[2 * TOKEN];
    struct buffer b = { body, 0, sizeof body, false };
    buffer_put(&b, TEXT("client_id=api&client_secret=apikey&token="));
    buffer_put(&b, compact);
    struct text answer = post("/oauth/validate", buffer_text(&b));
    if (memmem(answer.data, answer.size, "{\"active\":true,", 15)) return 1;
    return memmem(answer.data, answer.size, "\r\n\r\n{\"active\":false}", 20) ? 0 : -1;
}

static void the_token_itself_is_active(void)
{
    CHECK(furnish() && get_token());
    CHECK(is_active((struct text){ token, token_size }) == 1);
}

/* Each byte of the token, replaced by each letter that a token may have and by some that it may not. */
static void no_other_byte_anywhere(void)
{
    static const char jobs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=/~\n\x80";
    CHECK(furnish() && get_token());
    for (size_t at = 0; at < token_size; at++) {
        char was = token[at];
        for (const char *job = jobs; *job; job++) {
            if (*job == was) continue;
            token[at] = *job;
            CHECK(is_active((struct text){ token, token_size }) == 0);
        }
        token[at] = was;
    }
    CHECK(is_active((struct text){ token, token_size }) == 1);
    CHECK(world.verified_puts == 1);
}

static void no_byte_less_and_none_more(void)
{
    char longer[TOKEN + 1];
    CHECK(furnish() && get_token());
    for (size_t size = 1; size < token_size; size++) CHECK(is_active((struct text){ token, size }) == 0);
    for (size_t at = 0; at <= token_size; at++) {
        memcpy(longer, token, at);
        longer[at] = 'A';
        memcpy(longer + at + 1, token + at, token_size - at);
        CHECK(is_active((struct text){ longer, token_size + 1 }) == 0);
    }
}

/* The payload of one token under the signature of another. */
static void parts_of_two_tokens(void)
{
    char first[TOKEN], mixed[2 * TOKEN];
    CHECK(furnish() && get_token());
    memcpy(first, token, token_size);
    size_t first_size = token_size;
    CHECK(get_token());
    struct jws a, b;
    CHECK(!jws_split((struct text){ first, first_size }, &a) && !jws_split((struct text){ token, token_size }, &b));
    int size = snprintf(mixed, sizeof mixed, "%.*s.%.*s", (int)a.input.size, a.input.data, (int)b.signature.size, b.signature.data);
    CHECK(is_active((struct text){ mixed, (size_t)size }) == 0);
    CHECK(is_active((struct text){ first, first_size }) == 1);
}

/* It is remembered when it was good, never when it was bad, and never beyond its end. */
static void only_good_tokens_are_remembered(void)
{
    CHECK(furnish() && get_token());
    token[token_size - 10] = token[token_size - 10] == 'A' ? 'B' : 'A';
    CHECK(is_active((struct text){ token, token_size }) == 0 && world.verified_puts == 0);
    CHECK(get_token() && is_active((struct text){ token, token_size }) == 1 && world.verified_puts == 1);
    CHECK(world.prints[0].until == world.now + 300);
    world.now += 300;
    CHECK(is_active((struct text){ token, token_size }) == 0 && world.verified_puts == 1);
}

static void a_clock_that_goes_back_kills_no_token(void)
{
    CHECK(furnish() && get_token());
    world.now -= 1;
    CHECK(is_active((struct text){ token, token_size }) == 1);
}

/* Claims of the largest client there can be: RFC 6749 A.1 ids whose every byte is escaped, many scopes. */
static void the_largest_token_is_issued_or_refused(void)
{
    char id[CLIENT_ID_BYTES], word[SCOPE_WORD_BYTES], body[1024];
    CHECK(furnish());
    memset(id, '"', sizeof id);
    struct world_client *client = world_client(&world, (struct text){ id, sizeof id });
    CHECK(!world_add_secret(&world, client, &(struct world_secret){ .label = TEXT("main"), .secret = TEXT("s3cret") }));
    client->client.omitted_scope = CLIENT_OMITTED_ALL;
    memset(word, 's', sizeof word);
    for (int i = 0; i < 40; i++) {
        word[0] = (char)('a' + i % 26);
        word[1] = (char)('a' + i / 26);
        CHECK(!world_add_grant(&world, client, &(struct client_grant){ API, { word, sizeof word }, false, 0, JWS_NONE }));
        struct buffer b = { body, 0, sizeof body, false };
        buffer_put(&b, TEXT("grant_type=client_credentials&client_secret=s3cret&client_id="));
        for (size_t k = 0; k < sizeof id; k++) buffer_put(&b, TEXT("%22"));
        struct text answer = post("/oauth/token", buffer_text(&b));
        bool issued = text_begins(answer, TEXT("Status: 200"));
        CHECK(issued || text_begins(answer, TEXT("Status: 400")));
        CHECK(issued == ((size_t)(i + 1) * (sizeof word + 1) <= SCOPE_BYTES));
    }
}

/* Asks for a token of audiences that are so long in all; the size of the token, 0: refused with 503, -1: otherwise. */
static long size_of_token(size_t audience_bytes)
{
    static char audiences[2][8192], body[3 * 8192];
    if (!furnish()) return -1;
    struct world_client *svc = world_client(&world, TEXT("svc"));
    struct buffer b = { body, 0, sizeof body, false };
    svc->client.grant_count = 0;
    buffer_put(&b, TEXT("grant_type=client_credentials&client_id=svc&client_secret=s3cret"));
    for (size_t i = 0; i < 2; i++) {
        struct text audience = { audiences[i], i == 0 ? audience_bytes / 2 : audience_bytes - audience_bytes / 2 };
        memset(audiences[i], i == 0 ? 'a' : 'b', audience.size);
        if (world_add_grant(&world, svc, &(struct client_grant){ audience, TEXT("read"), true, 0, JWS_NONE })) return -1;
        buffer_put(&b, TEXT("&resource="));
        buffer_put(&b, audience);
    }
    struct text answer = post("/oauth/token", buffer_text(&b));
    const char *start = memmem(answer.data, answer.size, "\"access_token\":\"", 16);
    if (!start) return text_begins(answer, TEXT("Status: 503")) ? 0 : -1;
    return (long)strcspn(start + 16, "\"");
}

/* What is longer than ACCESS_TOKEN_BYTES could not be read again, so it is not given out; that long is good. */
static void the_longest_token_is_of_8192_bytes(void)
{
    long longest = 0;
    for (size_t bytes = 5600; bytes < 6000; bytes++) {
        long size = size_of_token(bytes);
        CHECK(size >= 0 && size <= ACCESS_TOKEN_BYTES);
        CHECK(size == 0 || size >= longest);
        CHECK(size > 0 || longest > 0);
        if (size > longest) longest = size;
    }
    CHECK(longest == ACCESS_TOKEN_BYTES && size_of_token(6000) == 0);
}

int main(void)
{
    if (world_open(&world)) return EXIT_FAILURE;
    RUN(the_longest_token_is_of_8192_bytes);
    RUN(the_token_itself_is_active);
    RUN(no_other_byte_anywhere);
    RUN(no_byte_less_and_none_more);
    RUN(parts_of_two_tokens);
    RUN(only_good_tokens_are_remembered);
    RUN(a_clock_that_goes_back_kills_no_token);
    RUN(the_largest_token_is_issued_or_refused);
    world_close(&world);
    return CHECK_EXIT();
}

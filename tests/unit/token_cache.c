/* Tokens that one process has read lately. */
#include "../../lib/oauth/token_cache.h"

#include "../check.h"

static struct token_cache token_cache;

static const struct access_token *find(unsigned char first, unsigned char last)
{
    const unsigned char fingerprint[STORE_FINGERPRINT] = { [0] = first, [STORE_FINGERPRINT - 1] = last };
    return token_cache_find(&token_cache, fingerprint);
}

static void put(unsigned char first, unsigned char last, const struct access_token *token)
{
    const unsigned char fingerprint[STORE_FINGERPRINT] = { [0] = first, [STORE_FINGERPRINT - 1] = last };
    token_cache_put(&token_cache, fingerprint, token);
}

static struct access_token token_of(struct text shown)
{
    return (struct access_token){
        .facts = { TEXT("jti"), TEXT("client"), TEXT("cred"), 100, 400 }, .not_before = 50, .audience_count = 2,
        .audiences = { TEXT("a:1"), TEXT("a:2") }, .subject = TEXT("sub"), .scope = TEXT("r w"), .shown = shown,
    };
}

static void what_was_put_is_found_as_it_was(void)
{
    char shown[] = "\"iss\":\"i\"";
    struct access_token token = token_of(text_of(shown));
    CHECK(find(1, 1) == NULL);
    put(1, 1, &token);
    memset(shown, 'x', sizeof shown - 1);     /* what was handed in lives no longer than its exchange */
    const struct access_token *found = find(1, 1);
    CHECK(found != NULL);
    CHECK_TEXT(found->shown, TEXT("\"iss\":\"i\""));
    CHECK_TEXT(found->subject, TEXT("sub"));
    CHECK_TEXT(found->scope, TEXT("r w"));
    CHECK_TEXT(found->facts.jti, TEXT("jti"));
    CHECK_TEXT(found->facts.client_id, TEXT("client"));
    CHECK_TEXT(found->facts.credential, TEXT("cred"));
    CHECK(found->facts.issued_at == 100 && found->facts.expires_at == 400 && found->not_before == 50 && found->audience_count == 2);
    CHECK_TEXT(found->audiences[0], TEXT("a:1"));
    CHECK_TEXT(found->audiences[1], TEXT("a:2"));
}

/* The place is named by the front of the fingerprint, the token by all of it. */
static void a_newcomer_takes_the_place_and_is_nobody_else(void)
{
    struct access_token token = token_of(TEXT("\"n\":1"));
    put(2, 1, &token);
    CHECK(find(2, 1) != NULL && find(2, 2) == NULL);
    token = token_of(TEXT("\"n\":2"));
    put(2, 2, &token);
    CHECK(find(2, 1) == NULL);
    CHECK_TEXT(find(2, 2)->shown, TEXT("\"n\":2"));
}

static void what_is_too_large_is_not_kept_and_leaves_nothing_half(void)
{
    static char large[TOKEN_CACHE_BYTES + 1];
    struct access_token token = token_of(TEXT("\"n\":1"));
    memset(large, 'x', sizeof large);
    put(3, 1, &token);
    token = token_of((struct text){ large, sizeof large });
    put(3, 2, &token);
    CHECK(find(3, 1) == NULL && find(3, 2) == NULL);
    token = token_of((struct text){ large, TOKEN_CACHE_BYTES - 13 - 6 - 6 });      /* exactly full */
    put(3, 3, &token);
    CHECK(find(3, 3) != NULL && find(3, 3)->shown.size == TOKEN_CACHE_BYTES - 25);
    CHECK_TEXT(find(3, 3)->audiences[1], TEXT("a:2"));
}

int main(void)
{
    if (token_cache_open(&token_cache, 4)) return EXIT_FAILURE;
    RUN(what_was_put_is_found_as_it_was);
    RUN(a_newcomer_takes_the_place_and_is_nobody_else);
    RUN(what_is_too_large_is_not_kept_and_leaves_nothing_half);
    token_cache_close(&token_cache);
    return CHECK_EXIT();
}

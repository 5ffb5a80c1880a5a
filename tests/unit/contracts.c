/* Broken contracts of lib/ stop the process with SIGABRT before they can corrupt anything: each case breaks one in a child. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../lib/base/base64url.h"
#include "../../lib/oauth/binding.h"
#include "../../lib/oauth/grant.h"
#include "../../lib/oauth/scope.h"
#include "../check.h"

/* Whether broken ends a child process by SIGABRT. The child writes neither a core file nor a message. */
static bool aborts(void (*broken)(void))
{
    int status = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        prctl(PR_SET_DUMPABLE, 0);
        signal(SIGABRT, SIG_DFL);
        if (null < 0 || dup2(null, STDERR_FILENO) < 0) _exit(2);
        broken();
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static char bytes[16];
static struct buffer over = { bytes, sizeof bytes + 1, sizeof bytes, false };
static struct request_context context;
static struct access_token_plan plan;

static void token_cache_of_3(void)
{
    struct token_cache cache;
    (void)token_cache_open(&cache, 3);
}

static void token_cache_of_0(void)
{
    struct token_cache cache;
    (void)token_cache_open(&cache, 0);
}

static void jwk_cache_of_3(void)
{
    struct jwk_cache cache;
    (void)jwk_cache_open(&cache, 3);
}

static void jwk_cache_of_0(void)
{
    struct jwk_cache cache;
    (void)jwk_cache_open(&cache, 0);
}

static void sizes_of_caches_are_powers_of_two(void)
{
    CHECK(aborts(token_cache_of_3) && aborts(token_cache_of_0));
    CHECK(aborts(jwk_cache_of_3) && aborts(jwk_cache_of_0));
}

static void take_beyond_the_arena(void)
{
    struct arena arena = { bytes, sizeof bytes, sizeof bytes + 1 };
    (void)arena_take(&arena, 1);
}

static void encode_beyond_the_buffer(void) { base64url_put(&over, TEXT("a")); }
static void decode_beyond_the_buffer(void) { (void)base64url_decode(TEXT("YQ"), &over); }
static void json_beyond_the_buffer(void) { buffer_put_json(&over, TEXT("a")); }

static void sizes_do_not_exceed_capacities(void)
{
    CHECK(aborts(take_beyond_the_arena));
    CHECK(aborts(encode_beyond_the_buffer));
    CHECK(aborts(decode_beyond_the_buffer));
    CHECK(aborts(json_beyond_the_buffer));
}

static void add_beyond_the_scope(void)
{
    static struct scope scope = { .count = SCOPE_WORDS + 1 };
    for (size_t i = 0; i < SCOPE_WORDS; i++) scope.words[i] = TEXT("a");
    (void)scope_add(&scope, TEXT("a"));
}

static void add_beyond_the_keyring(void)
{
    static struct keyring keyring = { .count = KEYRING_KEYS + 1 };
    const struct keyring_times times = { 1, 0, 0, 0 };
    (void)keyring_add_unproven(&keyring, TEXT("k"), JWS_ES256, &times);
}

static void counts_do_not_exceed_tables(void)
{
    CHECK(aborts(add_beyond_the_scope));
    CHECK(aborts(add_beyond_the_keyring));
}

static void name_none(void) { (void)jws_algorithm_name(JWS_NONE); }

static void no_algorithm_has_no_name(void) { CHECK(aborts(name_none)); }

static void parameter_before_the_form(void)
{
    struct text value;
    (void)request_context_parameter(&context, TEXT("scope"), &value);
}

static void grant_before_the_client(void)
{
    context.steps = REQUEST_CONTEXT_FORM;
    (void)grant_decide(&context, &plan);
}

static void binding_before_the_client(void)
{
    context.steps = REQUEST_CONTEXT_FORM;
    (void)binding_decide(&context, &plan.confirmation);
}

static void token_before_the_client(void)
{
    struct text token;
    context.steps = REQUEST_CONTEXT_FORM;
    plan.audience_count = 1;
    (void)access_token_issue(&context, &plan, &token);
}

static void token_without_an_audience(void)
{
    struct text token;
    context.steps = REQUEST_CONTEXT_FORM | REQUEST_CONTEXT_CLIENT;
    (void)access_token_issue(&context, &plan, &token);
}

static void steps_are_taken_in_order(void)
{
    CHECK(aborts(parameter_before_the_form));
    CHECK(aborts(grant_before_the_client));
    CHECK(aborts(binding_before_the_client));
    CHECK(aborts(token_before_the_client));
    CHECK(aborts(token_without_an_audience));
}

int main(void)
{
    RUN(sizes_of_caches_are_powers_of_two);
    RUN(sizes_do_not_exceed_capacities);
    RUN(counts_do_not_exceed_tables);
    RUN(no_algorithm_has_no_name);
    RUN(steps_are_taken_in_order);
    return CHECK_EXIT();
}

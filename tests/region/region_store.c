/* The store as a worker sees it, over a region with and without a keeper; and the page of metrics. */
#include "../../app/worker/region_store.h"

#include "../../app/region/mailbox.h"
#include "../../app/region/counters.h"
#include "../../app/worker/metrics_page.h"
#include "../../app/region/revocation.h"
#include "../../lib/oauth/server.h"
#include "fixture.h"

static struct config config;
static struct region region;
static struct region_process *row;
static struct region_store regional;
static const struct store *store;
static struct secret_hasher hasher;

static void set_up(void)
{
    config = fixture_config();
    region = fixture_region(&config);
    row = region_process_take(&region, REGION_WORKER);
    if (!row || region_store_open(&regional, &region, row, &hasher, &config)) exit(2);
    store = region_store_interface(&regional);
}

/* Calls that do not wait take less than this, even on a busy machine; calls that wait take longer. */
enum { SLOW_MS = 60000 };

static void age_is_never_before_the_first_load(void)
{
    atomic_store(&region.status->complete, 0);
    atomic_store(&region.status->synced_ms, region_milliseconds());
    CHECK(store->age(store->context) == STORE_NEVER);
    atomic_store(&region.status->complete, 1);
    CHECK(store->age(store->context) < SLOW_MS / 1000);
    atomic_store(&region.status->synced_ms, region_milliseconds() - 1900);
    CHECK(store->age(store->context) >= 1 && store->age(store->context) < SLOW_MS / 1000);
    atomic_store(&region.status->synced_ms, region_milliseconds() + 3600000);
    CHECK(store->age(store->context) == 0);
    atomic_store(&region.status->synced_ms, 0);
    uint64_t before = region_milliseconds() / 1000, age = store->age(store->context);
    CHECK(before <= age && age <= region_milliseconds() / 1000);
}

static void what_is_degraded_is_a_set_of_reasons(void)
{
    CHECK(store->degraded(store->context) == 0);
    CHECK(region_degrade(&region, STORE_DEGRADED_read_only_database, true));
    CHECK(!region_degrade(&region, STORE_DEGRADED_read_only_database, true));
    CHECK(store->degraded(store->context) == UINT64_C(1) << STORE_DEGRADED_read_only_database);
    CHECK(region_degrade(&region, 63, true) && region_degrade(&region, STORE_DEGRADED_read_only_database, false));
    CHECK(store->degraded(store->context) == UINT64_C(1) << 63 && region_degrade(&region, 63, false));
    CHECK(store->degraded(store->context) == 0);
}

static const struct token_facts token = {
    .jti = { "0123456789abcdef", 16 }, .client_id = { "client", 6 }, .credential = { "k", 1 },
    .issued_at = 100, .expires_at = 4000000000,
};

static void a_revocation_without_a_database_fails_at_once_and_holds_here(void)
{
    uint64_t before = region_milliseconds();
    struct mailbox_job job;
    config.revoke_wait_ms = 2 * SLOW_MS;
    CHECK(store->token_revoked(store->context, &token) == ANSWER_NO);
    CHECK(store->token_revoke(store->context, &token) == -1);
    CHECK(region_milliseconds() - before < SLOW_MS);
    CHECK(store->token_revoked(store->context, &token) == ANSWER_YES);
    CHECK(mailbox_collect(&region, &job, 1) == 0);
    CHECK(atomic_load(&row->counters[COUNTERS_revocations_failed]) == 1);
}

static void a_revocation_waits_no_longer_than_configured(void)
{
    uint64_t before = region_milliseconds();
    atomic_store(&region.status->database_up, 1);
    CHECK(store->token_revoke(store->context, &token) == -1);
    uint64_t took = region_milliseconds() - before;
    CHECK(took >= config.revoke_wait_ms && took < config.revoke_wait_ms + SLOW_MS);
    CHECK(store->token_revoked(store->context, &token) == ANSWER_YES);
}

static void answer_one_letter(void)
{
    struct mailbox_job job;
    while (mailbox_collect(&region, &job, 1) == 0) fixture_sleep_us(200);
    bool right = job.job.jti_size == 16 && memcmp(job.job.jti, token.jti.data, 16) == 0 &&
                 job.job.client_id_size == 6 && memcmp(job.job.client_id, "client", 6) == 0 &&
                 job.job.expires_at == token.expires_at;
    mailbox_answer(&job, right ? MAILBOX_DURABLE : MAILBOX_FAILED);
    _exit(0);
}

static void a_keeper_makes_it_durable(void)
{
    config.revoke_wait_ms = 2 * SLOW_MS;
    atomic_store(&region.status->database_up, 1);
    pid_t keeper = fixture_fork();
    if (keeper == 0) answer_one_letter();
    CHECK(store->token_revoke(store->context, &token) == 0);
    CHECK(fixture_wait(keeper) == 0);
    CHECK(atomic_load(&row->counters[COUNTERS_revocations_durable]) == 1);
}

static void what_is_no_token_of_ours_is_not_sent(void)
{
    static char longest[200];
    struct token_facts odd = token;
    struct mailbox_job job;
    atomic_store(&region.status->database_up, 1);
    memset(longest, 'x', sizeof longest);
    odd.jti = (struct text){ longest, REGION_JTI + 1 };
    CHECK(store->token_revoke(store->context, &odd) == -1);
    odd = token;
    odd.jti = (struct text){ NULL, 0 };
    CHECK(store->token_revoke(store->context, &odd) == -1);
    odd = token;
    odd.client_id = (struct text){ longest, REGION_CLIENT_ID + 1 };
    CHECK(store->token_revoke(store->context, &odd) == -1);
    CHECK(mailbox_collect(&region, &job, 1) == 0);
}

static enum answer use(struct text who, struct text id)
{
    return store->replay_once(store->context, who, id, 1000, 1060);
}

static void a_host_alone_asks_nobody_whether_a_proof_is_new(void)
{
    struct mailbox_job job;
    atomic_store(&region.status->database_up, 1);
    CHECK(use(TEXT("client"), TEXT("id")) == ANSWER_YES && use(TEXT("client"), TEXT("id")) == ANSWER_NO);
    CHECK(mailbox_collect(&region, &job, 1) == 0);
}

static void a_cluster_without_a_database_cannot_say_and_the_proof_is_used_up_here(void)
{
    uint64_t before = region_milliseconds();
    struct mailbox_job job;
    strcpy(config.replay, "cluster");
    config.revoke_wait_ms = 2 * SLOW_MS;
    CHECK(use(TEXT("client"), TEXT("id")) == ANSWER_CANNOT_SAY);
    CHECK(region_milliseconds() - before < SLOW_MS);
    CHECK(use(TEXT("client"), TEXT("id")) == ANSWER_NO);
    CHECK(mailbox_collect(&region, &job, 1) == 0);
    CHECK(atomic_load(&row->counters[COUNTERS_proofs_failed]) == 1);
    atomic_store(&region.status->database_up, 1);
    config.revoke_wait_ms = 60;
    before = region_milliseconds();
    CHECK(use(TEXT("client"), TEXT("other")) == ANSWER_CANNOT_SAY);
    CHECK(region_milliseconds() - before >= 60);
}

/* Collects one job and answers it; true if it was the proof of these bytes. */
static bool judge(const char *digest, enum mailbox_state state)
{
    struct mailbox_job job;
    while (mailbox_collect(&region, &job, 1) == 0) fixture_sleep_us(200);
    char hex[2 * REGION_PROOF + 1];
    for (size_t i = 0; i < REGION_PROOF; i++) snprintf(hex + 2 * i, 3, "%02x", (unsigned char)job.job.proof[i]);
    mailbox_answer(&job, state);
    return job.job.kind == REGION_KIND_PROOF && job.job.expires_at == 1060 && strcmp(hex, digest) == 0;
}

static enum answer use_judged(struct text who, struct text id, const char *digest, enum mailbox_state state)
{
    pid_t keeper = fixture_fork();
    if (keeper == 0) _exit(judge(digest, state) ? 0 : 1);
    enum answer answer = use(who, id);
    return fixture_wait(keeper) == 0 ? answer : (enum answer)-1;
}

/* The digests were computed by sha256sum over 8 bytes of size and the text, twice: all hosts must compute the same. */
static void a_cluster_asks_the_keeper_about_any_bytes(void)
{
    strcpy(config.replay, "cluster");
    config.revoke_wait_ms = 2 * SLOW_MS;
    atomic_store(&region.status->database_up, 1);
    const char *digest = "ecebd6fb958536b7861091410c454270fc0fc7a41cf967bcf0a322b03fa63823";
    CHECK(use_judged(TEXT("client"), TEXT("id"), digest, MAILBOX_DURABLE) == ANSWER_YES);
    CHECK(use(TEXT("client"), TEXT("id")) == ANSWER_NO);
    digest = "8fae24afb9a7272849851424a27d3c839c8c3b83ae8d71b301aa4fe5a557b2f9";
    CHECK(use_judged(TEXT("clienti"), TEXT("d"), digest, MAILBOX_USED) == ANSWER_NO);
    digest = "de3c869d220d962870979709ee6400e94ace5f75cbf5573826acc0d10cf14116";
    CHECK(use_judged(TEXT("\0dpop"), TEXT("a\0b\xff"), digest, MAILBOX_FAILED) == ANSWER_CANNOT_SAY);
    CHECK(atomic_load(&row->counters[COUNTERS_proofs_new]) == 1);
    CHECK(atomic_load(&row->counters[COUNTERS_proofs_used]) == 1);
    CHECK(atomic_load(&row->counters[COUNTERS_proofs_failed]) == 1);
}

static void one_at_a_time_in_the_slow_lane(void)
{
    CHECK(store->slow_lane_take(store->context) == ANSWER_YES);
    CHECK(store->slow_lane_take(store->context) == ANSWER_NO);
    pid_t other = fixture_fork();
    if (other == 0) {
        store->slow_lane_give(store->context);            /* not its own: nothing happens */
        _exit(store->slow_lane_take(store->context) == ANSWER_NO ? 0 : 1);
    }
    CHECK(fixture_wait(other) == 0);
    store->slow_lane_give(store->context);
    CHECK(store->slow_lane_take(store->context) == ANSWER_YES);
}

static void the_lane_of_the_dead_and_the_endless_is_taken_over(void)
{
    pid_t holder = fixture_fork();
    if (holder == 0) _exit(store->slow_lane_take(store->context) == ANSWER_YES ? 0 : 1);
    CHECK(fixture_wait(holder) == 0);
    CHECK(atomic_load(region.slow_lane) != 0);
    CHECK(store->slow_lane_take(store->context) == ANSWER_YES);
    CHECK(store->slow_lane_take(store->context) == ANSWER_NO);
    atomic_fetch_sub(region.slow_lane, REGION_STORE_SLOW_LANE_MS + 1);
    CHECK(store->slow_lane_take(store->context) == ANSWER_YES);
}

static void failures_and_allowances_go_through(void)
{
    struct client client = { .slot = 2, .rate_per_minute = 2 };
    CHECK(store->client_allowed(store->context, &client) == ANSWER_YES);
    CHECK(store->client_allowed(store->context, &client) == ANSWER_YES);
    CHECK(store->client_allowed(store->context, &client) == ANSWER_NO);
    for (uint32_t i = 0; i < config.failures_per_minute; i++) {
        CHECK(store->failure_allowed(store->context, TEXT("c"), TEXT("192.0.2.1")) == ANSWER_YES);
        store->failure_count(store->context, TEXT("c"), TEXT("192.0.2.1"));
    }
    CHECK(store->failure_allowed(store->context, TEXT("c"), TEXT("192.0.2.1")) == ANSWER_NO);
    CHECK(store->failure_allowed(store->context, TEXT("c"), TEXT("192.0.2.2")) == ANSWER_YES);
}

static void verified_is_counted(void)
{
    unsigned char print[STORE_FINGERPRINT] = { 1, 2, 3 };
    CHECK(!store->verified_find(store->context, print, 1000));
    store->verified_put(store->context, print, 1000, 1300);
    CHECK(store->verified_find(store->context, print, 1001));
    CHECK(atomic_load(&row->counters[COUNTERS_verified_hits]) == 1);
    CHECK(atomic_load(&row->counters[COUNTERS_verified_misses]) == 1);
}

static char page_bytes[32768];

/* The value of a sample that is in the page exactly once, else -1. */
static long sample(struct buffer *page, const char *name)
{
    char line[256];
    snprintf(line, sizeof line, "\n%s ", name);
    page->data[page->size] = '\0';
    const char *at = strstr(page->data, line);
    return at && !strstr(at + 1, line) ? strtol(at + strlen(line), NULL, 10) : -1;
}

static struct buffer make_page(void)
{
    struct buffer page = { page_bytes, 0, sizeof page_bytes - 1, false };
    if (metrics_page(&regional, &page)) page.size = 0;
    return page;
}

static void the_page_sums_all_rows(void)
{
    struct response ok = { .status = 200, .route = 0 }, refused = { .status = 401, .error = ERROR_invalid_client };
    struct region_process *other = region_process_take(&region, REGION_WORKER);
    counters_add_request(row, &ok, 30);
    counters_add_request(other, &ok, 2000);
    counters_add_request(other, &refused, 7000000);
    region_process_release(other);
    atomic_store(&row->ready, 1);
    atomic_store(&region.status->clients, 12);
    region_degrade(&region, STORE_DEGRADED_read_only_database, true);
    struct buffer page = make_page();
    CHECK(page.size > 0);
    CHECK(sample(&page, "m2mauth_degraded{reason=\"read_only_database\"}") == 1);
    CHECK(sample(&page, "m2mauth_requests_total{route=\"token\",status=\"2xx\"}") == 2);
    CHECK(sample(&page, "m2mauth_requests_total{route=\"token\",status=\"4xx\"}") == 1);
    CHECK(sample(&page, "m2mauth_refusals_total{reason=\"invalid_client\"}") == 1);
    CHECK(sample(&page, "m2mauth_request_seconds_bucket{le=\"0.00005\"}") == 1);
    CHECK(sample(&page, "m2mauth_request_seconds_bucket{le=\"0.0025\"}") == 2);
    CHECK(sample(&page, "m2mauth_request_seconds_bucket{le=\"+Inf\"}") == 3);
    CHECK(sample(&page, "m2mauth_request_seconds_count") == 3);
    CHECK(strstr(page.data, "\nm2mauth_request_seconds_sum 7.002030\n"));
    CHECK(sample(&page, "m2mauth_clients") == 12 && sample(&page, "m2mauth_workers_ready") == 1);
    CHECK(sample(&page, "m2mauth_verified_hits_total") == 0);
}

/* Every sample follows the TYPE of its family, and no sample occurs twice. */
static void the_page_is_well_formed(void)
{
    struct buffer page = make_page();
    struct text rest = buffer_text(&page), line, family = { NULL, 0 };
    CHECK(page.size > 0 && page.data[page.size - 1] == '\n');
    rest.size--;
    while (text_split(&rest, '\n', &line)) {
        struct text words = line, name;
        if (text_begins(line, TEXT("# HELP "))) continue;
        if (text_begins(line, TEXT("# TYPE "))) {
            words = text_slice(line, 7, line.size);
            CHECK(text_split(&words, ' ', &family));
            CHECK(text_equal(words, TEXT("counter")) || text_equal(words, TEXT("gauge")) ||
                  text_equal(words, TEXT("histogram")));
            continue;
        }
        CHECK(text_present(family) && text_begins(line, family));
        CHECK(text_split(&words, ' ', &name) && words.size > 0);
        char sample_name[160];
        snprintf(sample_name, sizeof sample_name, "%.*s", (int)name.size, name.data);
        CHECK(sample(&page, sample_name) >= 0 || text_equal(words, TEXT("+Inf")));
    }
}

static void the_page_says_never_before_the_first_load(void)
{
    atomic_store(&region.status->complete, 0);
    struct buffer page = make_page();
    CHECK(strstr(page.data, "\nm2mauth_replica_age_seconds +Inf\n"));
}

static void a_page_that_does_not_fit_is_told(void)
{
    struct buffer small = { page_bytes, 0, 500, false };
    CHECK(metrics_page(&regional, &small) == -1);
}

static void odd_routes_and_states_count_somewhere(void)
{
    struct response odd = { .status = 0, .route = 4000000000 };
    counters_add_request(row, &odd, 1);
    struct buffer page = make_page();
    CHECK(sample(&page, "m2mauth_request_seconds_count") == 1);
    CHECK(server_routes() <= 24);                       /* COUNTERS_ROUTES: each route has a counter of its own */
}

#define RUN_IN(test) \
    do { \
        set_up(); \
        RUN(test); \
        region_close(&region); \
    } while (0)

int main(void)
{
    if (secret_hasher_open(&hasher)) return EXIT_FAILURE;
    RUN_IN(age_is_never_before_the_first_load);
    RUN_IN(what_is_degraded_is_a_set_of_reasons);
    RUN_IN(a_revocation_without_a_database_fails_at_once_and_holds_here);
    RUN_IN(a_revocation_waits_no_longer_than_configured);
    RUN_IN(a_keeper_makes_it_durable);
    RUN_IN(what_is_no_token_of_ours_is_not_sent);
    RUN_IN(a_host_alone_asks_nobody_whether_a_proof_is_new);
    RUN_IN(a_cluster_without_a_database_cannot_say_and_the_proof_is_used_up_here);
    RUN_IN(a_cluster_asks_the_keeper_about_any_bytes);
    RUN_IN(one_at_a_time_in_the_slow_lane);
    RUN_IN(the_lane_of_the_dead_and_the_endless_is_taken_over);
    RUN_IN(failures_and_allowances_go_through);
    RUN_IN(verified_is_counted);
    RUN_IN(the_page_sums_all_rows);
    RUN_IN(the_page_is_well_formed);
    RUN_IN(the_page_says_never_before_the_first_load);
    RUN_IN(a_page_that_does_not_fit_is_told);
    RUN_IN(odd_routes_and_states_count_somewhere);
    secret_hasher_close(&hasher);
    return CHECK_EXIT();
}

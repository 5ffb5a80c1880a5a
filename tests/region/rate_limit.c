/* rate_limit: requests per client, and failures per client and source, on a clock that the test sets. */
#include "../../app/region/rate_limit.h"

#include "../../app/region/hash.h"
#include "fixture.h"

static struct config config;
static struct region region;

static const uint64_t second_ns = 1000000000, start_ms = 5000000;

static unsigned take(const struct client *client, unsigned tries, uint64_t now_ns)
{
    unsigned allowed = 0;
    for (unsigned i = 0; i < tries; i++) allowed += rate_limit_client(&region, client, now_ns) == ANSWER_YES;
    return allowed;
}

static void a_burst_and_then_the_rate(void)
{
    struct client client = { .slot = 3, .rate_per_minute = 60, .rate_burst = 5 };
    uint64_t now = 100 * second_ns;
    CHECK(take(&client, 20, now) == 5);
    CHECK(take(&client, 20, now + second_ns - 1) == 0);
    CHECK(take(&client, 20, now + second_ns) == 1);
    CHECK(take(&client, 20, now + 4 * second_ns) == 3);
    CHECK(take(&client, 20, now + 3600 * second_ns) == 5);
    unsigned allowed = 0;
    for (uint64_t i = 0; i < 600; i++) allowed += take(&client, 3, now + 7200 * second_ns + i * second_ns / 2);
    CHECK(allowed == 5 + 299);
}

static void no_rate_is_no_limit_and_no_burst_is_a_minute(void)
{
    struct client free_client = { .slot = 4 }, client = { .slot = 5, .rate_per_minute = 30 };
    CHECK(take(&free_client, 1000, second_ns) == 1000);
    CHECK(take(&client, 100, second_ns) == 30);
    CHECK(take(&client, 100, second_ns + 2 * second_ns) == 1);
}

static void the_extremes_count_right(void)
{
    struct client fast = { .slot = 6, .rate_per_minute = 1000000, .rate_burst = 100000 };
    struct client slow = { .slot = 7, .rate_per_minute = 1, .rate_burst = 1 };
    CHECK(take(&fast, 200000, second_ns) == 100000);
    CHECK(take(&fast, 100000, 2 * second_ns) == 16666);
    CHECK(take(&slow, 5, second_ns) == 1 && take(&slow, 5, 60 * second_ns) == 0 && take(&slow, 5, 61 * second_ns) == 1);
}

static void clients_do_not_share(void)
{
    struct client one = { .slot = 8, .rate_per_minute = 1 }, other = { .slot = 9, .rate_per_minute = 1 };
    CHECK(take(&one, 5, second_ns) == 1 && take(&other, 5, second_ns) == 1);
}

/* A slot may have belonged to a client with a much larger burst. */
static void a_slots_former_client_is_not_paid_for(void)
{
    struct client former = { .slot = 10, .rate_per_minute = 1, .rate_burst = 100000 };
    struct client next = { .slot = 10, .rate_per_minute = 60, .rate_burst = 5 };
    CHECK(take(&former, 100000, second_ns) == 100000);
    CHECK(take(&next, 9, 2 * second_ns) == 5);
    CHECK(take(&next, 9, 3 * second_ns) == 1);
}

static void processes_share_one_allowance(void)
{
    struct client client = { .slot = 11, .rate_per_minute = 100000, .rate_burst = 50000 };
    _Atomic unsigned *allowed = fixture_shared(sizeof *allowed);
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fixture_fork();
        if (children[i] > 0) continue;
        atomic_fetch_add(allowed, take(&client, 25000, second_ns));
        _exit(0);
    }
    for (int i = 0; i < 4; i++) CHECK(fixture_wait(children[i]) == 0);
    CHECK(atomic_load(allowed) == 50000);
}

static bool may(const char *client_id, const char *source, uint64_t now_ms)
{
    struct rate_limit_pair pair = { text_of(client_id), text_of(source) };
    return rate_limit_failure_allowed(&region, &pair, 10, now_ms) == ANSWER_YES;
}

static void fail(const char *client_id, const char *source, unsigned times, uint64_t now_ms)
{
    struct rate_limit_pair pair = { text_of(client_id), text_of(source) };
    for (unsigned i = 0; i < times; i++) rate_limit_failure_count(&region, &pair, 10, now_ms);
}

static void ten_failures_and_then_one_in_six_seconds(void)
{
    fail("c", "192.0.2.1", 9, start_ms);
    CHECK(may("c", "192.0.2.1", start_ms));
    fail("c", "192.0.2.1", 1, start_ms);
    CHECK(!may("c", "192.0.2.1", start_ms) && !may("c", "192.0.2.1", start_ms + 5999));
    CHECK(may("c", "192.0.2.1", start_ms + 6000));
    fail("c", "192.0.2.1", 1, start_ms + 6000);
    CHECK(!may("c", "192.0.2.1", start_ms + 6001));
    CHECK(may("c", "192.0.2.1", start_ms + 66000));
}

/* An allowance that was not used does not accumulate. */
static void an_idle_hour_earns_no_more_than_ten(void)
{
    fail("idle", "192.0.2.1", 1, start_ms);
    fail("idle", "192.0.2.1", 10, start_ms + 3600000);
    CHECK(!may("idle", "192.0.2.1", start_ms + 3600000));
    CHECK(may("idle", "192.0.2.1", start_ms + 3606000));
}

static void asking_takes_nothing(void)
{
    for (int i = 0; i < 1000; i++) CHECK(may("asked", "192.0.2.1", start_ms));
}

static void a_flood_is_refused_no_longer_than_a_minute(void)
{
    fail("flooded", "192.0.2.9", 100000, start_ms);
    CHECK(!may("flooded", "192.0.2.9", start_ms + 5999));
    CHECK(may("flooded", "192.0.2.9", start_ms + 6000));
    fail("flooded", "192.0.2.9", 10, start_ms + 6000);
    CHECK(may("flooded", "192.0.2.9", start_ms + 6000 + 60000));
}

static void J2_strangers_lock_nobody_out(void)
{
    for (unsigned i = 0; i < 10000; i++) {
        char source[24];
        snprintf(source, sizeof source, "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        fail("victim", source, 12, start_ms);
        CHECK(may("victim", "192.0.2.77", start_ms));
    }
    fail("another", "192.0.2.77", 12, start_ms);
    CHECK(!may("another", "192.0.2.77", start_ms) && may("victim", "192.0.2.77", start_ms));
}

/* Two pairs that hash to one word: the failures of one do not count for the other. */
static void a_shared_word_refuses_nobody_else(void)
{
    uint64_t home = hash_pair(&region, TEXT("shared"), TEXT("192.0.2.1")).place & region.failures_mask;
    char stranger[24];
    unsigned i = 0;
    do fixture_number(stranger, "h", i++);
    while ((hash_pair(&region, TEXT("shared"), text_of(stranger)).place & region.failures_mask) != home);
    fail("shared", stranger, 1000, start_ms);
    CHECK(!may("shared", stranger, start_ms) && may("shared", "192.0.2.1", start_ms));
    fail("shared", "192.0.2.1", 10, start_ms);
    CHECK(!may("shared", "192.0.2.1", start_ms) && may("shared", stranger, start_ms));
}

static void an_ipv6_customer_is_a_64(void)
{
    fail("six", "2001:db8:1:2::1", 5, start_ms);
    fail("six", "2001:db8:1:2:ffff:1:2:3", 5, start_ms);
    CHECK(!may("six", "2001:0DB8:0001:0002::9", start_ms));
    CHECK(may("six", "2001:db8:1:3::1", start_ms));
    fail("six", "::ffff:192.0.2.1", 10, start_ms);
    CHECK(!may("six", "::ffff:192.0.2.1", start_ms) && may("six", "::ffff:192.0.2.2", start_ms));
}

static void odd_sources_are_taken_as_they_are(void)
{
    static char longest[5000];
    memset(longest, ':', sizeof longest - 1);
    fail("odd", longest, 10, start_ms);
    fail("odd", "", 10, start_ms);
    fail("odd", "unix:", 10, start_ms);
    CHECK(!may("odd", longest, start_ms) && !may("odd", "", start_ms) && !may("odd", "unix:", start_ms));
    CHECK(may("odd", "1::2::3", start_ms));
}

int main(void)
{
    config = fixture_config();
    region = fixture_region(&config);
    RUN(a_burst_and_then_the_rate);
    RUN(no_rate_is_no_limit_and_no_burst_is_a_minute);
    RUN(the_extremes_count_right);
    RUN(clients_do_not_share);
    RUN(a_slots_former_client_is_not_paid_for);
    RUN(processes_share_one_allowance);
    RUN(ten_failures_and_then_one_in_six_seconds);
    RUN(an_idle_hour_earns_no_more_than_ten);
    RUN(asking_takes_nothing);
    RUN(a_flood_is_refused_no_longer_than_a_minute);
    RUN(J2_strangers_lock_nobody_out);
    RUN(a_shared_word_refuses_nobody_else);
    RUN(an_ipv6_customer_is_a_64);
    RUN(odd_sources_are_taken_as_they_are);
    region_close(&region);
    return CHECK_EXIT();
}

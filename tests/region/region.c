/* region: its sizes, which parts a worker may write, and the scoreboard. */
#include "../../app/region/region.h"

#include <sys/resource.h>

#include "../../app/region/revocation.h"
#include "../../app/region/client_table.h"
#include "fixture.h"

static bool is_power_of_two(uint64_t n) { return n != 0 && (n & (n - 1)) == 0; }

static void sizes_follow_the_configuration(void)
{
    struct config config = fixture_config();
    struct region region;
    config.clients_max = 10000;
    config.revocations_max = 100000;
    config.verified_max = 65536;
    CHECK(region_open(&region, &config) == 0);
    CHECK(is_power_of_two(region.index_mask + 1) && region.index_mask + 1 >= 20000);
    CHECK(is_power_of_two(region.revoked_mask + 1) && region.revoked_mask + 1 >= 170000);
    CHECK(is_power_of_two(region.verified_mask + 1) && region.verified_mask + 1 >= 65536);
    CHECK(is_power_of_two(region.replay_mask + 1) && region.replay_mask + 1 >= 1700);
    CHECK(region.records_size >= 10000ULL * config.client_bytes && region.failures_mask == 65535);
    CHECK(region.process_count == config.workers * 3 + 4);
    CHECK((size_t)((char *)(region.scoreboard + region.process_count) - region.base) <= region.size);
    CHECK((uintptr_t)region.scoreboard % 64 == 0 && (uintptr_t)region.revoked % 64 == 0);
    CHECK((char *)region.status < region.base + region.private_size);
    CHECK((char *)(region.rules[1] + region.rules_max + 1) <= region.base + region.private_size);
    CHECK((char *)(region.keys[1] + 1) <= region.base + region.private_size);
    CHECK((char *)(region.scopes[1] + 1) <= region.base + region.private_size);
    CHECK(region.records + region.records_size <= region.base + region.private_size);
    CHECK((char *)region.revoked >= region.base + region.private_size);
    CHECK(region.private_size % (size_t)sysconf(_SC_PAGESIZE) == 0);
    region_close(&region);
    CHECK(region.base == NULL && region.wake_event == -1);
}

/* No part may reach into the next one: each is filled with a value of its own. */
static void parts_do_not_overlap(void)
{
    struct config config = fixture_config();
    struct region r;
    CHECK(region_open(&r, &config) == 0);
    struct { void *start; size_t size; } parts[] = {
        { r.head, sizeof *r.head }, { r.status, sizeof *r.status }, { (void *)r.index, (r.index_mask + 1) * 8 },
        { r.records, r.records_size }, { r.rules[0], (r.rules_max + 1) * sizeof **r.rules },
        { r.rules[1], (r.rules_max + 1) * sizeof **r.rules },
        { r.keys[0], sizeof **r.keys }, { r.keys[1], sizeof **r.keys },
        { r.scopes[0], sizeof **r.scopes }, { r.scopes[1], sizeof **r.scopes },
        { (void *)r.revoked, (r.revoked_mask + 1) * 8 }, { (void *)r.revoked_reach, 8 },
        { (void *)r.revocations_full, 8 }, { (void *)r.verified, (r.verified_mask + 1) * 16 },
        { (void *)r.replay, (r.replay_mask + 1) * 8 }, { (void *)r.replay_full, 8 },
        { (void *)r.limits, (r.index_mask + 1) * 8 }, { (void *)r.failures, (r.failures_mask + 1) * 8 },
        { (void *)r.slow_lane, 8 }, { (void *)r.log_lost, 8 }, { (void *)r.log_left_out, 8 }, { r.scoreboard, r.process_count * sizeof *r.scoreboard },
    };
    const size_t count = sizeof parts / sizeof *parts;
    for (size_t i = 0; i < count; i++) memset(parts[i].start, (int)i + 1, parts[i].size);
    for (size_t i = 0; i < count; i++)
        for (size_t byte = 0; byte < parts[i].size; byte++) CHECK(((unsigned char *)parts[i].start)[byte] == i + 1);
    region_close(&r);
}

static void a_large_region_costs_what_is_touched(void)
{
    struct config config = fixture_config();
    struct region region;
    config.clients_max = 1000000;
    config.client_bytes = 600;
    config.revocations_max = 10000000;
    CHECK(region_open(&region, &config) == 0);
    CHECK(region.size > 700000000 && region.size < 1400000000);
    unsigned char resident[64];
    CHECK(mincore(region.base + region.private_size / 2 / 4096 * 4096, sizeof resident * 4096, resident) == 0);
    for (size_t i = 0; i < sizeof resident; i++) CHECK((resident[i] & 1) == 0);
    region_close(&region);
}

/* Returns the log of a region_open() that refused config; empty if it succeeded. */
static const char *refusal_of(const struct config *config)
{
    static char words[4096];
    struct region region;
    int ends[2], kept = dup(STDERR_FILENO);
    if (pipe(ends) || kept < 0 || dup2(ends[1], STDERR_FILENO) < 0) exit(2);
    int status = region_open(&region, config);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t size = read(ends[0], words, sizeof words - 1);
    close(ends[0]);
    words[size > 0 ? size : 0] = '\0';
    if (status == 0) region_close(&region);
    return status == 0 ? "" : words;
}

static void what_cannot_be_is_refused_with_the_mend(void)
{
    struct config config = fixture_config();
    config.clients_max = 4000000;
    config.client_bytes = UINT32_MAX;
    CHECK(strstr(refusal_of(&config), "lower clients_max"));
    config.clients_max = UINT32_MAX;
    config.revocations_max = UINT32_MAX;
    config.rules_max = UINT32_MAX;
    CHECK(strstr(refusal_of(&config), "lower clients_max"));
    config = fixture_config();
    config.revocations_max = UINT32_MAX;
    config.verified_max = UINT32_MAX;
    CHECK(strstr(refusal_of(&config), "revocations_max"));
}

/* Returns the complaints of region_check(), and its result. */
static int said(const struct config *config, char text[1024])
{
    FILE *file = fmemopen(text, 1024, "w");
    int result = file ? region_check(config, file) : -2;
    if (file) fclose(file);
    return result;
}

static void the_check_names_the_keys(void)
{
    char text[1024] = "";
    struct config config = fixture_config();
    CHECK(said(&config, text) == 0 && text[0] == '\0');
    config.clients_max = 4000000;
    config.client_bytes = UINT32_MAX;
    CHECK(said(&config, text) == -1 && strstr(text, "clients_max and client_bytes 16384") && strstr(text, "lower"));
    struct region region;
    CHECK(region_open(&region, &config) == -1);
}

static void the_check_knows_the_limit_of_the_address_space(void)
{
    struct config config = fixture_config();
    struct rlimit old, limit;
    char text[1024] = "";
    if (getrlimit(RLIMIT_AS, &old)) exit(2);
    config.revocations_max = 50000000;
    limit = (struct rlimit){ 256 << 20, old.rlim_max };
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    int result = said(&config, text);
    CHECK(setrlimit(RLIMIT_AS, &old) == 0);
    CHECK(result == -1 && strstr(text, "revocations_max 1024") && strstr(text, "RLIMIT_AS") && strstr(text, "256 MiB"));
    CHECK(said(&config, text) == 0);
}

static void seeds_are_random(void)
{
    static const unsigned char zero[REGION_FINGERPRINT_KEY];
    struct config config = fixture_config();
    struct region one = fixture_region(&config), other = fixture_region(&config);
    CHECK(memcmp(one.head->seed, zero, REGION_SEED) != 0);
    CHECK(memcmp(one.head->seed, other.head->seed, REGION_SEED) != 0);
    CHECK(memcmp(one.head->fingerprint_key, other.head->fingerprint_key, REGION_FINGERPRINT_KEY) != 0);
    region_close(&one);
    region_close(&other);
}

static void rows_are_few_and_keep_their_sums(void)
{
    struct config config = fixture_config();
    struct region region = fixture_region(&config);
    struct region_process *row = region_process_take(&region, REGION_WORKER), *last = row;
    CHECK(row && atomic_load(&row->role) == REGION_WORKER);
    size_t taken = 1;
    for (struct region_process *next; (next = region_process_take(&region, REGION_KEEPER)) != NULL; taken++) {
        CHECK(next != last);
        last = next;
    }
    CHECK(taken == region.process_count);
    atomic_store(&row->counters[5], 42);
    atomic_store(&row->mailbox, 4711 << 2);
    atomic_store(&row->heartbeat_ms, 1);
    atomic_store(&row->busy_since_ms, 1);
    atomic_store(&row->ready, 1);
    atomic_store(&row->pid, 1);
    region_process_release(row);
    CHECK(atomic_load(&row->role) == REGION_FREE && atomic_load(&row->ready) == 0);
    CHECK(region_process_take(&region, REGION_WORKER) == row);
    CHECK(atomic_load(&row->counters[5]) == 42 && atomic_load(&row->mailbox) == 4711 << 2);
    CHECK(atomic_load(&row->heartbeat_ms) == 0 && atomic_load(&row->busy_since_ms) == 0 && atomic_load(&row->pid) == 0);
    region_close(&region);
}

static struct region confined;

/* Returns the exit status of a confined child that writes one byte there. */
static int write_confined(void *there)
{
    pid_t child = fixture_fork();
    if (child == 0) {
        volatile char *byte = there;
        signal(SIGSEGV, SIG_DFL);       /* a sanitizer installs a handler */
        if (region_confine(&confined)) _exit(3);
        *byte = *byte;
        _exit(0);
    }
    return fixture_wait(child);
}

static void a_confined_worker_cannot_write_the_keepers_parts(void)
{
    struct config config = fixture_config();
    confined = fixture_region(&config);
    void *keepers[] = { confined.head, confined.status, (void *)confined.index, confined.records,
                        confined.records + confined.records_size - 1, confined.rules[0], confined.rules[1],
                        confined.keys[0], (char *)(confined.keys[1] + 1) - 1,
                        confined.scopes[0], (char *)(confined.scopes[1] + 1) - 1 };
    void *workers[] = { (void *)confined.revoked, (void *)confined.revoked_reach, (void *)confined.revocations_full,
                        (void *)confined.verified, (void *)confined.replay, (void *)confined.replay_full,
                        (void *)confined.limits, (void *)confined.failures, (void *)confined.slow_lane, confined.scoreboard };
    for (size_t i = 0; i < sizeof keepers / sizeof *keepers; i++) CHECK(write_confined(keepers[i]) == 128 + SIGSEGV);
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) CHECK(write_confined(workers[i]) == 0);
    region_close(&confined);
}

/* The real operations of a confined worker, including a full window, write none of the keeper's parts. */
static void a_confined_worker_can_do_its_work(void)
{
    struct config config = fixture_config();
    confined = fixture_region(&config);
    for (uint64_t i = 0; i <= confined.revoked_mask; i++)
        atomic_store(&confined.revoked[i], (i + 1) << 24 | ((region_milliseconds() / 4000 + 1000) & 0xffffff));
    pid_t child = fixture_fork();
    if (child == 0) {
        struct token_facts token = { .jti = TEXT("full") };
        struct client client;
        struct arena arena;
        if (region_confine(&confined) || arena_open(&arena, 65536)) _exit(3);
        if (revocation_put(&confined, token.jti, 0, 300) != -1) _exit(4);
        (void)revocation_find(&confined, &token);
        (void)client_table_find(&confined, TEXT("nobody"), &arena, &client);
        _exit(0);
    }
    CHECK(fixture_wait(child) == 0);
    CHECK(atomic_load(confined.revocations_full) == 1);
    region_close(&confined);
}

static void the_clock_moves(void)
{
    uint64_t before = region_milliseconds();
    fixture_sleep_us(3000);
    CHECK(before > 0 && region_milliseconds() >= before + 3);
}

int main(void)
{
    RUN(sizes_follow_the_configuration);
    RUN(parts_do_not_overlap);
    RUN(a_large_region_costs_what_is_touched);
    RUN(what_cannot_be_is_refused_with_the_mend);
    RUN(the_check_names_the_keys);
    RUN(the_check_knows_the_limit_of_the_address_space);
    RUN(seeds_are_random);
    RUN(rows_are_few_and_keep_their_sums);
    RUN(a_confined_worker_cannot_write_the_keepers_parts);
    RUN(a_confined_worker_can_do_its_work);
    RUN(the_clock_moves);
    return CHECK_EXIT();
}

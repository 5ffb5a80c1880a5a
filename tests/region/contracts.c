/* A broken contract stops the process (SIGABRT) before it can corrupt the region: each case breaks one assert in a child. */
#include <fcntl.h>

#include "../../app/region/client_record.h"
#include "../../app/region/client_table.h"
#include "../../app/region/counters.h"
#include "../../app/region/mailbox.h"
#include "../../app/region/rate_limit.h"
#include "../../app/region/record_space.h"
#include "../../app/region/replay_cache.h"
#include "../../app/region/revocation.h"
#include "../../app/region/shared_copy.h"
#include "../../app/region/signing_keys.h"
#include "../../app/region/verified_cache.h"
#include "fixture.h"

static struct config config;
static struct region region;
static struct region_process *row;
static struct record_space space;
static uint64_t words[4];

/* Runs broken in a child without core file and output; returns whether SIGABRT stopped it. */
static bool aborts(void (*broken)(void))
{
    pid_t pid = fixture_fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        prctl(PR_SET_DUMPABLE, 0);
        signal(SIGABRT, SIG_DFL);
        if (null < 0 || dup2(null, STDERR_FILENO) < 0) _exit(2);
        broken();
        _exit(0);
    }
    return fixture_wait(pid) == 128 + SIGABRT;
}

static void fingerprint_put(void)
{
    static const unsigned char fingerprint[STORE_FINGERPRINT] = { 1 };
    verified_cache_put(&region, fingerprint, 1, 60);
}

/* Sizes of tables: with a mask that is not a power of two minus 1, some words could not be reached. */
static void replay_mask(void)
{
    region.replay_mask--;
    (void)replay_cache_add(&region, TEXT("a"), TEXT("b"), 60);
}

static void revoked_mask(void)
{
    region.revoked_mask--;
    (void)revocation_put(&region, TEXT("a"), 1, 2);
}

static void verified_mask(void)
{
    region.verified_mask--;
    fingerprint_put();
}

static void verified_smaller_than_a_set(void)
{
    region.verified_mask = 1;
    fingerprint_put();
}

static void failures_mask(void)
{
    const struct rate_limit_pair pair = { TEXT("a"), TEXT("b") };
    region.failures_mask--;
    rate_limit_failure_count(&region, &pair, 10, 1);
}

static void index_mask(void)
{
    region.index_mask--;
    (void)client_table_writer_new(&region);
}

static void index_mask_of_a_reader(void)
{
    struct client client;
    struct arena arena = { 0 };
    region.index_mask--;
    (void)client_table_find(&region, TEXT("a"), &arena, &client);
}

static void a_size_that_is_no_power_of_two_stops_the_process(void)
{
    CHECK(aborts(replay_mask) && aborts(revoked_mask) && aborts(verified_mask) && aborts(failures_mask));
    CHECK(aborts(index_mask) && aborts(index_mask_of_a_reader) && aborts(verified_smaller_than_a_set));
}

static void slot_outside_the_index(void)
{
    const struct client client = { .rate_per_minute = 1, .slot = (uint32_t)region.index_mask + 1 };
    (void)rate_limit_client(&region, &client, 1);
}

static void interval_of_no_length(void)
{
    const struct rate_limit_pair pair = { TEXT("a"), TEXT("b") };
    (void)rate_limit_failure_allowed(&region, &pair, 60001, 1);
}

static void a_rate_that_would_never_refuse_stops_the_process(void)
{
    CHECK(aborts(slot_outside_the_index) && aborts(interval_of_no_length));
}

/* Multiples of 8: the rest would not be copied. */
static void load_of_9_bytes(void)
{
    char copy[16];
    shared_copy_load(words, 9, copy);
}

static void store_of_9_bytes(void) { shared_copy_store(words, "123456789", 9); }

static void store_between_words(void) { shared_copy_store((char *)words + 4, "12345678", 8); }

static void records_of_an_odd_size(void)
{
    region.records_size -= 8;
    (void)client_table_writer_new(&region);
}

static void record_without_a_place(void)
{
    const struct client client = { .id = TEXT("a") };
    client_record_write(&client, NULL);
}

static void a_copy_that_is_not_whole_words_stops_the_process(void)
{
    CHECK(aborts(load_of_9_bytes) && aborts(store_of_9_bytes) && aborts(store_between_words));
    CHECK(aborts(records_of_an_odd_size) && aborts(record_without_a_place));
}

/* Ownership of a row of the scoreboard. */
static void take_for_no_role(void) { (void)region_process_take(&region, REGION_FREE); }

static void release_twice(void)
{
    region_process_release(row);
    region_process_release(row);
}

static void own_twice(void)
{
    region_process_own(row);
    region_process_own(row);
}

static void own_a_free_row(void)
{
    region_process_release(row);
    region_process_own(row);
}

static void post_in_the_row_of_another(void)
{
    const struct region_job job = { .kind = REGION_KIND_PROOF };
    atomic_store(&row->pid, (int32_t)getppid());
    (void)mailbox_send(&region, row, &job, 0);
}

static void post_in_a_free_row(void)
{
    const struct region_job job = { .kind = REGION_KIND_PROOF };
    region_process_release(row);
    (void)mailbox_send(&region, row, &job, 0);
}

static void count_in_a_free_row(void)
{
    region_process_release(row);
    counters_add(row, COUNTERS_verified_hits);
}

static void count_what_is_no_event(void) { counters_add(row, COUNTERS_EVENTS); }

static void total_of_no_counter(void) { (void)counters_total(&region, COUNTERS_END); }

static void a_row_of_another_owner_stops_the_process(void)
{
    CHECK(aborts(take_for_no_role) && aborts(own_twice) && aborts(post_in_the_row_of_another));
    CHECK(row && aborts(count_what_is_no_event) && aborts(total_of_no_counter));
    CHECK(aborts(own_a_free_row) && (row = region_process_take(&region, REGION_WORKER)));
    CHECK(aborts(post_in_a_free_row) && (row = region_process_take(&region, REGION_WORKER)));
    CHECK(aborts(count_in_a_free_row) && (row = region_process_take(&region, REGION_WORKER)));
    CHECK(aborts(release_twice) && (row = region_process_take(&region, REGION_WORKER)));
}

/* States of the mailbox, and their order. */
static void answer_with(enum mailbox_state state, uint64_t number)
{
    const struct mailbox_job job = { .row = row, .number = number };
    mailbox_answer(&job, state);
}

static void answer_empty(void) { answer_with(MAILBOX_EMPTY, 1); }

static void answer_posted(void) { answer_with(MAILBOX_POSTED, 1); }

static void answer_a_state_above_the_last(void) { answer_with(MAILBOX_FAILED + 1, 1); }

static void answer_what_was_never_posted(void) { answer_with(MAILBOX_DURABLE, 0); }

static void collect_into_nothing(void) { (void)mailbox_collect(&region, NULL, 0); }

static void an_answer_out_of_order_stops_the_process(void)
{
    CHECK(aborts(answer_empty) && aborts(answer_posted) && aborts(answer_a_state_above_the_last));
    CHECK(aborts(answer_what_was_never_posted) && aborts(collect_into_nothing));
}

/* Two halves: only the half that is not current may be published. */
static void publish_the_current_half(void)
{
    region_publish_half(&region.status->rules, atomic_load(&region.status->rules) + 2);
}

static void publish_the_same_word(void)
{
    region_publish_half(&region.status->rules, atomic_load(&region.status->rules));
}

static void publish_two_generations_on(void)
{
    region_publish_half(&region.status->rules, region_next_half(atomic_load(&region.status->rules)) + 2);
}

static void publish_too_many_keys(void)
{
    static const struct region_keys keys = { .count = REGION_KEYS + 1 };
    signing_keys_publish(&region, &keys);
}

static void the_half_that_is_read_stops_the_process(void)
{
    CHECK(aborts(publish_the_current_half) && aborts(publish_the_same_word) && aborts(publish_two_generations_on));
    CHECK(aborts(publish_too_many_keys));
    CHECK(region_next_half(0) == 3 && region_next_half(3) == 4 && region_next_half(4) == 7);
}

/* Order of a complete load. */
static void end_without_a_begin(void) { client_table_load_end(client_table_writer_new(&region)); }

static void end_twice(void)
{
    struct client_table_writer *writer = client_table_writer_new(&region);
    client_table_load_begin(writer);
    client_table_load_end(writer);
    client_table_load_end(writer);
}

static void a_load_that_ends_without_a_begin_stops_the_process(void)
{
    CHECK(aborts(end_without_a_begin) && aborts(end_twice));
}

/* Space for records: two owners of one unit would overwrite each other's record. */
static void take_no_unit(void) { (void)record_space_take(&space, 0, 0); }

static void hold_unit_0(void) { record_space_hold(&space, 0, 1); }

static void hold_beyond_the_end(void) { record_space_hold(&space, 99, 2); }

static void free_what_is_free(void) { record_space_rest(&space, 50, 1, 0); }

static void free_beyond_the_end(void) { record_space_rest(&space, 99, 2, 0); }

static void more_units_than_a_place_can_name(void)
{
    struct record_space large;
    (void)record_space_open(&large, ((uint64_t)1 << 32) + 1);
}

static void space_with_two_owners_stops_the_process(void)
{
    CHECK(record_space_open(&space, 100) == 0);
    CHECK(aborts(take_no_unit) && aborts(hold_unit_0) && aborts(hold_beyond_the_end));
    CHECK(aborts(free_what_is_free) && aborts(free_beyond_the_end) && aborts(more_units_than_a_place_can_name));
    record_space_close(&space);
}

static void confine_a_closed_region(void)
{
    region_close(&region);
    (void)region_confine(&region);
}

static void degrade_by_no_reason(void) { (void)region_degrade(&region, 64, true); }

static void a_region_that_is_not_there_stops_the_process(void)
{
    CHECK(aborts(confine_a_closed_region) && aborts(degrade_by_no_reason));
}

int main(void)
{
    config = fixture_config();
    region = fixture_region(&config);
    row = region_process_take(&region, REGION_WORKER);
    RUN(a_size_that_is_no_power_of_two_stops_the_process);
    RUN(a_rate_that_would_never_refuse_stops_the_process);
    RUN(a_copy_that_is_not_whole_words_stops_the_process);
    RUN(a_row_of_another_owner_stops_the_process);
    RUN(an_answer_out_of_order_stops_the_process);
    RUN(the_half_that_is_read_stops_the_process);
    RUN(a_load_that_ends_without_a_begin_stops_the_process);
    RUN(space_with_two_owners_stops_the_process);
    RUN(a_region_that_is_not_there_stops_the_process);
    region_close(&region);
    return CHECK_EXIT();
}

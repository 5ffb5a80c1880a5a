/* replay_cache: a proof is accepted once over all workers, also when they are killed, and never replaces a live one. */
#include "../../app/region/replay_cache.h"

#include "../../app/region/hash.h"
#include "fixture.h"

enum { PROCESSES = 8, REPLAYS = 10000, EXPIRY_BITS = 20 };

static struct config config;
static struct region region;

static enum answer once(const char *who, const char *id, int64_t seconds)
{
    return replay_cache_add(&region, text_of(who), text_of(id), seconds);
}

static uint64_t word_of(uint64_t tag, int64_t seconds_left)
{
    return tag << EXPIRY_BITS | ((region_milliseconds() / 1000 + (uint64_t)seconds_left) & 0xfffff);
}

static uint64_t words_in_use(void)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i <= region.replay_mask; i++) count += atomic_load(&region.replay[i]) != 0;
    return count;
}

static void occupy(int64_t seconds_left)
{
    for (uint64_t i = 0; i <= region.replay_mask; i++) atomic_store(&region.replay[i], word_of(i + 1, seconds_left));
}

static void once_for_each_client(void)
{
    CHECK(once("a", "1", 300) == ANSWER_YES && once("a", "1", 300) == ANSWER_NO);
    CHECK(once("b", "1", 300) == ANSWER_YES && once("a", "2", 300) == ANSWER_YES);
    CHECK(once("ab", "c", 60) == ANSWER_YES && once("a", "bc", 60) == ANSWER_YES);
    CHECK(once("a", "1", 1) == ANSWER_NO && words_in_use() == 5);
}

static void what_cannot_be_remembered_is_not_let_in(void)
{
    CHECK(once("a", "over", 0) == ANSWER_NO && once("a", "over", -5) == ANSWER_NO);
    CHECK(once("a", "long", REPLAY_CACHE_SECONDS + 1) == ANSWER_CANNOT_SAY);
    CHECK(words_in_use() == 0 && once("a", "long", REPLAY_CACHE_SECONDS) == ANSWER_YES);
}

static void a_full_window_refuses_and_evicts_nobody(void)
{
    occupy(100);
    uint64_t home = hash_pair(&region, TEXT("a"), TEXT("1")).place & region.replay_mask;
    uint64_t before = atomic_load(&region.replay[home]);
    CHECK(once("a", "1", 300) == ANSWER_CANNOT_SAY && atomic_load(region.replay_full) == 1);
    CHECK(atomic_load(&region.replay[home]) == before);
    atomic_store(&region.replay[(home + 255) & region.replay_mask], word_of(9, -1));
    CHECK(once("a", "1", 300) == ANSWER_YES && once("a", "1", 300) == ANSWER_NO);
}

static void words_are_used_again_after_their_time(void)
{
    occupy(-1);
    CHECK(once("a", "1", 300) == ANSWER_YES && once("a", "1", 300) == ANSWER_NO);
    occupy(REPLAY_CACHE_SECONDS * 2);           /* longer than any insert may ask for: the serial number has wrapped around */
    CHECK(once("a", "1", 300) == ANSWER_YES && once("a", "1", 300) == ANSWER_NO);
}

static void the_living_behind_the_expired_are_found(void)
{
    uint64_t home = hash_pair(&region, TEXT("a"), TEXT("1")).place & region.replay_mask;
    uint64_t living = word_of(7, 600), expired = word_of(7, -600);
    atomic_store(&region.replay[home], living);
    CHECK(once("a", "1", 300) == ANSWER_YES && atomic_load(&region.replay[home]) == living);
    atomic_store(&region.replay[home], expired);
    CHECK(once("a", "1", 300) == ANSWER_NO);
    CHECK(atomic_load(&region.replay[home]) == expired && words_in_use() == 2);
}

/* As if the other had inserted between the look and the CAS: its word lies where the look ended, behind one that was never
 * used, and only the second look, after the CAS, can find it. */
static void who_is_not_alone_after_its_insert_is_not_let_in(void)
{
    struct hash hash = hash_pair(&region, TEXT("a"), TEXT("1"));
    CHECK(once("a", "1", 300) == ANSWER_YES);
    uint64_t home = hash.place & region.replay_mask, word = atomic_load(&region.replay[home]);
    CHECK(word != 0);
    atomic_store(&region.replay[home], 0);
    atomic_store(&region.replay[(home + 1) & region.replay_mask], word);
    CHECK(once("a", "1", 300) == ANSWER_NO && words_in_use() == 2);
}

/* After the clock is set back by half a minute, no proof whose word was replaced is accepted again. */
static void a_word_outlives_its_proof_by_a_minute(void)
{
    uint64_t home = hash_pair(&region, TEXT("a"), TEXT("1")).place & region.replay_mask;
    uint64_t before = region_milliseconds() / 1000;
    CHECK(once("a", "1", 300) == ANSWER_YES);
    uint64_t after = region_milliseconds() / 1000, expiry = atomic_load(&region.replay[home]);
    CHECK(((expiry - before) & 0xfffff) >= 360 && ((expiry - after) & 0xfffff) <= 360);
}

/* Each process replays the same ids, in the same order, so that they meet at every one of them. */
static void replay(_Atomic uint32_t *wins, _Atomic int *begin, unsigned salt)
{
    char id[24];
    while (!atomic_load(begin)) continue;
    for (unsigned i = 0; i < REPLAYS; i++) {
        unsigned number = i ^ salt % 4;
        if (once("svc", fixture_number(id, "jti-", number).data, 300) == ANSWER_YES) atomic_fetch_add(&wins[number], 1);
    }
    _exit(0);
}

static void replay_everywhere(_Atomic uint32_t *wins)
{
    pid_t pids[PROCESSES];
    _Atomic int *begin = fixture_shared(sizeof *begin);
    for (unsigned p = 0; p < PROCESSES; p++) {
        pids[p] = fixture_fork();
        if (pids[p] == 0) replay(wins, begin, p);
    }
    atomic_store(begin, 1);
    for (unsigned p = 0; p < PROCESSES; p++) CHECK(fixture_wait(pids[p]) == 0);
}

static void count_wins(const _Atomic uint32_t *wins, unsigned *none_r, unsigned *several_r)
{
    *none_r = *several_r = 0;
    for (unsigned i = 0; i < REPLAYS; i++) {
        *none_r += atomic_load(&wins[i]) == 0;
        *several_r += atomic_load(&wins[i]) > 1;
    }
}

static void of_eight_at_once_one_wins(void)
{
    _Atomic uint32_t *wins = fixture_shared(REPLAYS * sizeof *wins);
    unsigned none, several;
    replay_everywhere(wins);
    count_wins(wins, &none, &several);
    printf("# %d ids, %d processes: %u let in twice, %u by none\n", REPLAYS, PROCESSES, several, none);
    CHECK(several == 0 && none == 0);
}

/* With words that expire during the race, when two inserts may take different words. */
static void words_that_run_out_let_no_second_in(void)
{
    _Atomic uint32_t *wins = fixture_shared(REPLAYS * sizeof *wins);
    unsigned none, several;
    for (uint64_t i = 0; i <= region.replay_mask; i++) atomic_store(&region.replay[i], word_of(i + 1, (int64_t)(i % 3)));
    replay_everywhere(wins);
    count_wins(wins, &none, &several);
    CHECK(several == 0);
}

static void insert_until_killed(unsigned life, _Atomic uint64_t *acknowledged)
{
    char id[24];
    for (unsigned k = 0;; k++) {
        if (once("svc", fixture_number(id, "", life * 100000 + k).data, 300) != ANSWER_YES) _exit(1);
        atomic_store(acknowledged, k + 1);
        if (k % 4 == 0) fixture_sleep_us(50);
    }
}

static void nothing_acknowledged_is_forgotten(void)
{
    enum { LIVES = 40, EACH = 25 };
    _Atomic uint64_t *acknowledged = fixture_shared(LIVES * sizeof *acknowledged);
    uint64_t total = 0, again = 0;
    char id[24];
    for (unsigned life = 0; life < LIVES; life++) {
        pid_t worker = fixture_fork();
        if (worker == 0) insert_until_killed(life, &acknowledged[life]);
        while (atomic_load(&acknowledged[life]) < EACH) fixture_sleep_us(200);
        fixture_sleep_us(life * 7919 % 5000);
        CHECK(kill(worker, SIGKILL) == 0 && fixture_wait(worker) == 128 + SIGKILL);
    }
    for (unsigned life = 0; life < LIVES; life++)
        for (unsigned k = 0; k < atomic_load(&acknowledged[life]); k++, total++)
            again += once("svc", fixture_number(id, "", life * 100000 + k).data, 300) != ANSWER_NO;
    printf("# %d SIGKILLs, %llu acknowledged, %llu let in again\n", LIVES, (unsigned long long)total,
           (unsigned long long)again);
    CHECK(total >= LIVES * EACH && again == 0);
}

static void run_in(uint32_t seen_max, void (*test)(void), const char *name)
{
    int before = check_failures;
    config = fixture_config();
    config.seen_max = seen_max;
    region = fixture_region(&config);
    test();
    if (check_failures == before) printf("ok - %s\n", name);
    fflush(stdout);
    region_close(&region);
}

#define RUN_IN(seen_max, test) run_in(seen_max, test, #test)

int main(void)
{
    RUN_IN(1024, once_for_each_client);
    RUN_IN(1024, what_cannot_be_remembered_is_not_let_in);
    RUN_IN(1024, a_full_window_refuses_and_evicts_nobody);
    RUN_IN(1024, words_are_used_again_after_their_time);
    RUN_IN(1024, the_living_behind_the_expired_are_found);
    RUN_IN(1024, who_is_not_alone_after_its_insert_is_not_let_in);
    RUN_IN(1024, a_word_outlives_its_proof_by_a_minute);
    RUN_IN(65536, of_eight_at_once_one_wins);
    RUN_IN(16384, words_that_run_out_let_no_second_in);
    RUN_IN(65536, nothing_acknowledged_is_forgotten);
    return CHECK_EXIT();
}

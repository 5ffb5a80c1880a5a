/* Revoked tokens and rules: acknowledged ones hold whichever process is killed; what does not fit is refused. */
#include "../../app/region/revocation.h"

#include "../../app/region/hash.h"
#include "fixture.h"

enum { NOW = 1000000, WINDOW = 256, WORKERS = 4, LIVES = 68, PUTS = 2000, EACH = 25, UNIT_MS = 4000 };

static struct config config;
static struct region region;

static enum answer find(struct text jti)
{
    struct token_facts token = { .jti = jti, .client_id = TEXT("c"), .credential = TEXT("k"), .issued_at = 500 };
    return revocation_find(&region, &token);
}

/* Fills every word of the set for other tokens, which expire in so many seconds. */
static void occupy(int64_t seconds)
{
    int64_t unit = (int64_t)(region_milliseconds() / UNIT_MS) + seconds / 4;
    for (uint64_t i = 0; i <= region.revoked_mask; i++)
        atomic_store(&region.revoked[i], (i * 0x9e3779b97f4a7c15 | 1ULL << 63) << 24 | ((uint64_t)unit & 0xffffff));
    atomic_store(region.revoked_reach, WINDOW);
}

static void put_is_found_and_others_are_not(void)
{
    char jti[24];
    for (unsigned i = 0; i < config.revocations_max; i++)
        CHECK(revocation_put(&region, fixture_number(jti, "jti-", i), NOW, NOW + 300) == 0);
    for (unsigned i = 0; i < config.revocations_max; i++) CHECK(find(fixture_number(jti, "jti-", i)) == ANSWER_YES);
    for (unsigned i = 0; i < 100000; i++) CHECK(find(fixture_number(jti, "other-", i)) == ANSWER_NO);
    CHECK(atomic_load(region.revocations_full) == 0);
}

static void an_incomplete_replica_cannot_say(void)
{
    CHECK(revocation_put(&region, TEXT("early"), NOW, NOW + 300) == 0);
    atomic_store(&region.status->complete, 0);
    CHECK(find(TEXT("early")) == ANSWER_CANNOT_SAY && find(TEXT("other")) == ANSWER_CANNOT_SAY);
}

/* After the clock is set back by less than a minute, no token whose word was replaced is valid again. */
static void a_word_outlives_its_token_by_a_minute(void)
{
    uint64_t home = hash_text(&region, TEXT("late")).place & region.revoked_mask, before = region_milliseconds() / UNIT_MS;
    CHECK(revocation_put(&region, TEXT("late"), NOW, NOW + 300) == 0);
    uint64_t after = region_milliseconds() / UNIT_MS, expiry = atomic_load(&region.revoked[home]);
    CHECK(((expiry - before) & 0xffffff) >= 360 / 4 && ((expiry - after) & 0xffffff) <= 360 / 4 + 1);
}

static uint64_t words_in_use(void)
{
    uint64_t used = 0;
    for (uint64_t i = 0; i <= region.revoked_mask; i++) used += atomic_load(&region.revoked[i]) != 0;
    return used;
}

static void twice_is_once_and_the_later_expiry_stays(void)
{
    CHECK(revocation_put(&region, TEXT("again"), NOW, NOW + 300) == 0);
    uint64_t place = hash_text(&region, TEXT("again")).place & region.revoked_mask;
    uint64_t first = atomic_load(&region.revoked[place]);
    CHECK(revocation_put(&region, TEXT("again"), NOW, NOW + 4000) == 0);
    uint64_t second = atomic_load(&region.revoked[place]);
    CHECK(second - first >= 3700 / 4 && second - first <= 3704 / 4);
    CHECK(revocation_put(&region, TEXT("again"), NOW, NOW + 10) == 0);
    CHECK(atomic_load(&region.revoked[place]) == second && words_in_use() == 1);
}

static void a_token_of_the_far_future_is_held(void)
{
    CHECK(revocation_put(&region, TEXT("far"), NOW, (int64_t)1 << 40) == 0);
    CHECK(find(TEXT("far")) == ANSWER_YES);
    occupy(-7200);
    CHECK(revocation_put(&region, TEXT("far"), NOW, (int64_t)1 << 40) == 0);
    for (unsigned i = 0; i < 2000; i++) {
        char jti[24];
        (void)revocation_put(&region, fixture_number(jti, "push-", i), NOW, NOW + 300);
    }
    CHECK(find(TEXT("far")) == ANSWER_YES);
}

static void expired_words_are_used_again(void)
{
    char jti[24];
    occupy(-7200);
    CHECK(find(TEXT("nobody")) == ANSWER_NO);
    for (unsigned i = 0; i < 1000; i++)
        CHECK(revocation_put(&region, fixture_number(jti, "new-", i), NOW, NOW + 300) == 0);
    for (unsigned i = 0; i < 1000; i++) CHECK(find(fixture_number(jti, "new-", i)) == ANSWER_YES);
    CHECK(words_in_use() == region.revoked_mask + 1);
}

static void a_full_window_refuses_and_evicts_nobody(void)
{
    occupy(3600);
    uint64_t before = atomic_load(&region.revoked[7]);
    CHECK(find(TEXT("refused")) == ANSWER_NO);          /* no revocation has been refused yet */
    CHECK(revocation_put(&region, TEXT("refused"), NOW, NOW + 300) == -1);
    CHECK(atomic_load(region.revocations_full) == 1 && atomic_load(&region.revoked[7]) == before);
    CHECK(find(TEXT("refused")) == ANSWER_CANNOT_SAY);
    occupy(-60);                                        /* has expired since, but was live at the refusal */
    CHECK(find(TEXT("refused")) == ANSWER_CANNOT_SAY);
    CHECK(revocation_put(&region, TEXT("refused"), NOW, NOW + 300) == 0);
    CHECK(find(TEXT("refused")) == ANSWER_YES);
    occupy(-7200);
    CHECK(find(TEXT("other")) == ANSWER_NO);
}

static void put_until_killed(_Atomic uint64_t *acknowledged, unsigned life)
{
    char jti[24];
    for (unsigned k = 0; k < PUTS; k++) {
        if (revocation_put(&region, fixture_number(jti, "", life * 1000000 + k), NOW, NOW + 300)) _exit(1);
        atomic_store(acknowledged, k + 1);
        if (k % 4 == 0) fixture_sleep_us(100);
    }
    for (;;) pause();
}

static uint64_t count_lost(const _Atomic uint64_t *acknowledged, uint64_t *total_r)
{
    uint64_t lost = 0;
    char jti[24];
    *total_r = 0;
    for (unsigned life = 0; life < LIVES; life++)
        for (unsigned k = 0; k < atomic_load(&acknowledged[life]); k++, (*total_r)++)
            lost += find(fixture_number(jti, "", life * 1000000 + k)) != ANSWER_YES;
    return lost;
}

/* Half of the words have been used before, so that inserts race for unused and for expired slots. */
static void nothing_acknowledged_is_lost(void)
{
    _Atomic uint64_t *acknowledged = fixture_shared(LIVES * sizeof *acknowledged);
    pid_t workers[WORKERS] = { 0 };
    uint64_t total;
    occupy(-7200);
    for (uint64_t i = 0; i <= region.revoked_mask; i += 2) atomic_store(&region.revoked[i], 0);
    for (unsigned life = 0; life < LIVES + WORKERS; life++) {
        unsigned seat = life % WORKERS;
        if (life >= WORKERS) {
            while (atomic_load(&acknowledged[life - WORKERS]) < EACH) fixture_sleep_us(200);
            fixture_sleep_us(life * 7919 % 9000);
            CHECK(kill(workers[seat], SIGKILL) == 0);
            CHECK(fixture_wait(workers[seat]) == 128 + SIGKILL);
        }
        if (life >= LIVES) continue;
        workers[seat] = fixture_fork();
        if (workers[seat] == 0) put_until_killed(&acknowledged[life], life);
    }
    uint64_t lost = count_lost(acknowledged, &total);
    printf("# %d SIGKILLs, %llu acknowledged, %llu lost\n", LIVES, (unsigned long long)total, (unsigned long long)lost);
    CHECK(total >= LIVES * EACH && lost == 0);
}

/* Plain stores instead of CAS would lose some: all processes insert into the same few words. */
static void insert_at_once(unsigned round, unsigned worker, _Atomic int *begin)
{
    char jti[24];
    while (!atomic_load(begin)) continue;
    for (unsigned i = 0; i < 300; i++) {
        struct text mine = fixture_number(jti, "", round * 10000 + worker * 1000 + i);
        if (revocation_put(&region, mine, NOW, NOW + 300)) _exit(1);
    }
    _exit(0);
}

static void who_races_for_a_word_does_not_lose_it(void)
{
    _Atomic int *begin = fixture_shared(sizeof *begin);
    char jti[24];
    for (unsigned round = 0; round < 60; round++) {
        pid_t workers[WORKERS];
        occupy(-7200);
        atomic_store(begin, 0);
        for (unsigned w = 0; w < WORKERS; w++) {
            workers[w] = fixture_fork();
            if (workers[w] == 0) insert_at_once(round, w, begin);
        }
        atomic_store(begin, 1);
        for (unsigned w = 0; w < WORKERS; w++) CHECK(fixture_wait(workers[w]) == 0);
        for (unsigned w = 0; w < WORKERS; w++)
            for (unsigned i = 0; i < 300; i++)
                CHECK(find(fixture_number(jti, "", round * 10000 + w * 1000 + i)) == ANSWER_YES);
    }
}

static void the_living_behind_the_expired_are_found(void)
{
    uint64_t home = hash_text(&region, TEXT("behind")).place & region.revoked_mask;
    uint64_t unit = region_milliseconds() / UNIT_MS;
    atomic_store(&region.revoked[home], 7ULL << 24 | ((unit + 1000) & 0xffffff));
    CHECK(revocation_put(&region, TEXT("behind"), NOW, NOW + 300) == 0);
    CHECK(atomic_load(&region.revoked[(home + 1) & region.revoked_mask]) != 0);
    atomic_store(&region.revoked[home], 7ULL << 24 | ((unit - 1000) & 0xffffff));
    CHECK(find(TEXT("behind")) == ANSWER_YES);
    CHECK(revocation_put(&region, TEXT("behind"), NOW, NOW + 400) == 0 && words_in_use() == 2);
    CHECK(atomic_load(&region.revoked[home]) == (7ULL << 24 | ((unit - 1000) & 0xffffff)));
}

static enum answer judge(const char *client, const char *label, int64_t issued_at)
{
    struct token_facts token = { .jti = TEXT("never revoked"), .client_id = text_of(client),
                                 .credential = text_of(label), .issued_at = issued_at };
    return revocation_find(&region, &token);
}

static void rules_take_whom_they_name(void)
{
    struct region_rule rules[] = {
        { revocation_client(&region, TEXT("a")), 0, 0, 100, 999 },
        { revocation_client(&region, TEXT("b")), revocation_credential(&region, TEXT("b"), TEXT("k1")), 50, 100, 999 },
        { 0, 0, 1000, 1010, 9999 },
    };
    CHECK(revocation_rules_put(&region, rules, 3) == 0);
    CHECK(judge("a", "k1", 99) == ANSWER_YES && judge("a", "k2", 0) == ANSWER_YES);
    CHECK(judge("a", "k1", 100) == ANSWER_NO);
    CHECK(judge("b", "k1", 50) == ANSWER_YES && judge("b", "k1", 99) == ANSWER_YES);
    CHECK(judge("b", "k1", 49) == ANSWER_NO && judge("b", "k2", 60) == ANSWER_NO);
    CHECK(judge("c", "k1", 60) == ANSWER_NO);
    CHECK(judge("c", "k9", 1000) == ANSWER_YES && judge("a", "k1", 1010) == ANSWER_NO);
    CHECK(revocation_rules_put(&region, NULL, 0) == 0);
    CHECK(judge("a", "k1", 99) == ANSWER_NO && judge("c", "k9", 1000) == ANSWER_NO);
}

static void a_label_is_its_clients(void)
{
    uint64_t credential = revocation_credential(&region, TEXT("a"), TEXT("bc"));
    CHECK(revocation_credential(&region, TEXT("ab"), TEXT("c")) != credential);
    CHECK(revocation_credential(&region, TEXT("b"), TEXT("bc")) != credential);
    CHECK(revocation_credential(&region, TEXT("a"), TEXT("bc")) == credential);
}

static void a_void_rule_hides_none_behind_it(void)
{
    struct region_rule rules[] = { { 0, 0, 0, 0, 999 }, { 0, 0, 0, 100, 999 } };
    CHECK(revocation_rules_put(&region, rules, 2) == 0);
    CHECK(judge("a", "k", 99) == ANSWER_YES);
}

static void of_too_many_rules_nothing_is_forgotten(void)
{
    struct region_rule rules[80];
    for (int64_t i = 0; i < 80; i++) rules[i] = (struct region_rule){ 0, 0, i * 10 + 1, i * 10 + 2, 999 };
    CHECK(revocation_rules_put(&region, rules, 64) == 0);
    CHECK(judge("a", "k", 631) == ANSWER_YES);
    CHECK(revocation_rules_put(&region, rules, 80) == -1);
    CHECK(judge("a", "k", 631) == ANSWER_YES && judge("a", "k", 641) == ANSWER_CANNOT_SAY);
    CHECK(judge("a", "k", 5) == ANSWER_CANNOT_SAY);
    CHECK(revocation_rules_put(&region, rules, 64) == 0 && judge("a", "k", 5) == ANSWER_NO);
}

/* The half that readers use, and the memory after both halves, are unchanged. */
static void rules_are_written_beside_those_in_force(void)
{
    enum { RULES = 65, SIZE = RULES * sizeof(struct region_rule) };
    static struct region_rule rules[80];
    static char current[SIZE], other[SIZE];
    for (int64_t i = 0; i < 80; i++) rules[i] = (struct region_rule){ 1, 2, i + 1, i + 2, 999 };
    char *behind = (char *)(region.rules[1] + RULES);
    CHECK(config.rules_max + 1 == RULES && region.rules[0] + RULES <= region.rules[1]);
    memset(behind, 'x', sizeof *rules);
    for (size_t turn = 0; turn < 4; turn++) {
        size_t half = atomic_load(&region.status->rules) & 1;
        memcpy(current, region.rules[half], SIZE);
        memcpy(other, region.rules[half ^ 1], SIZE);
        rules[0].issued_from = -(int64_t)turn;
        size_t count = turn < 2 ? 3 : 80;
        CHECK(revocation_rules_put(&region, rules, count) == (count == 80 ? -1 : 0));
        CHECK((atomic_load(&region.status->rules) & 1) == (half ^ 1));
        CHECK(memcmp(current, region.rules[half], SIZE) == 0 && memcmp(other, region.rules[half ^ 1], SIZE) != 0);
        for (size_t i = 0; i < sizeof *rules; i++) CHECK(behind[i] == 'x');
    }
}

/* One rule is in every generation, first in one and last in the next of each half, so that a mixture of two would miss it. */
static void switch_rules(void)
{
    for (unsigned turn = 0;; turn++) {
        struct region_rule rules[64];
        for (size_t i = 0; i < 64; i++) rules[i] = (struct region_rule){ turn + 1, turn + 1, 0, 100, 999 };
        rules[turn / 2 % 2 ? 63 : 0].client = revocation_client(&region, TEXT("always"));
        rules[turn / 2 % 2 ? 63 : 0].credential = 0;
        (void)revocation_rules_put(&region, rules, 64);
        if (turn % 64 == 0) fixture_sleep_us(50);
    }
}

static void readers_never_see_half_a_set_of_rules(void)
{
    struct region_rule first = { revocation_client(&region, TEXT("always")), 0, 0, 100, 999 };
    CHECK(revocation_rules_put(&region, &first, 1) == 0);
    for (unsigned kills = 0; kills < 30; kills++) {
        pid_t writer = fixture_fork();
        if (writer == 0) switch_rules();
        uint64_t until = (atomic_load(&region.status->rules) >> 1) + 50 + kills % 13;
        while (atomic_load(&region.status->rules) >> 1 < until) {
            CHECK(judge("always", "k", 50) == ANSWER_YES);
            CHECK(judge("never", "k", 50) == ANSWER_NO);
        }
        CHECK(kill(writer, SIGKILL) == 0 && fixture_wait(writer) == 128 + SIGKILL);
    }
}

static void run_in(uint32_t revocations_max, void (*test)(void), const char *name)
{
    int before = check_failures;
    config = fixture_config();
    config.revocations_max = revocations_max;
    region = fixture_region(&config);
    test();
    if (check_failures == before) printf("ok - %s\n", name);
    fflush(stdout);
    region_close(&region);
}

#define RUN_IN(revocations_max, test) run_in(revocations_max, test, #test)

int main(void)
{
    RUN_IN(4096, put_is_found_and_others_are_not);
    RUN_IN(1024, an_incomplete_replica_cannot_say);
    RUN_IN(1024, a_word_outlives_its_token_by_a_minute);
    RUN_IN(1024, twice_is_once_and_the_later_expiry_stays);
    RUN_IN(1024, a_token_of_the_far_future_is_held);
    RUN_IN(1024, expired_words_are_used_again);
    RUN_IN(1024, a_full_window_refuses_and_evicts_nobody);
    RUN_IN(131072, nothing_acknowledged_is_lost);
    RUN_IN(1024, who_races_for_a_word_does_not_lose_it);
    RUN_IN(1024, the_living_behind_the_expired_are_found);
    RUN_IN(1024, rules_take_whom_they_name);
    RUN_IN(1024, a_label_is_its_clients);
    RUN_IN(1024, a_void_rule_hides_none_behind_it);
    RUN_IN(1024, of_too_many_rules_nothing_is_forgotten);
    RUN_IN(1024, rules_are_written_beside_those_in_force);
    RUN_IN(1024, readers_never_see_half_a_set_of_rules);
    return CHECK_EXIT();
}

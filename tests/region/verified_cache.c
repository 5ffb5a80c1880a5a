/* verified_cache: a fingerprint is found until it expires, not later, and is never found for another. */
#include "../../app/region/verified_cache.h"

#include "fixture.h"

static struct config config;
static struct region region;

static const uint64_t start_ms = 8000000000;

struct print {
    unsigned char bytes[STORE_FINGERPRINT];
};

/* Returns a pseudo-random fingerprint. */
static struct print print_of(uint64_t number)
{
    struct print print;
    for (size_t i = 0; i < 4; i++) {
        uint64_t x = (number * 4 + i + 1) * 0x9e3779b97f4a7c15;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
        x = (x ^ x >> 27) * 0x94d049bb133111eb;
        x ^= x >> 31;
        memcpy(print.bytes + i * 8, &x, 8);
    }
    return print;
}

static bool find(struct print print, uint64_t after_ms)
{
    return verified_cache_find(&region, print.bytes, start_ms + after_ms);
}

static void put(struct print print, int64_t seconds) { verified_cache_put(&region, print.bytes, start_ms, seconds); }

static void found_until_its_time_and_not_after(void)
{
    struct print print = print_of(1);
    CHECK(!find(print, 0));
    put(print, 300);
    CHECK(find(print, 0) && find(print, 292000));
    CHECK(!find(print, 300000) && !find(print, 1000000));
    put(print, 600);
    CHECK(find(print, 590000) && !find(print, 600000));
}

static void short_times_are_not_kept_too_long(void)
{
    for (int64_t seconds = -5; seconds < 60; seconds++) {
        struct print print = print_of((uint64_t)(100 + seconds));
        for (uint64_t phase = 0; phase < 4000; phase += 999) {
            verified_cache_put(&region, print.bytes, start_ms + phase, seconds);
            CHECK(!find(print, phase + (seconds > 0 ? (uint64_t)seconds : 0) * 1000));
        }
    }
}

static void every_compared_bit_counts(void)
{
    struct print print = print_of(2);
    put(print, 300);
    for (size_t bit = 0; bit < 128; bit++) {
        struct print other = print;
        if (bit >= 64 && bit < 64 + 24) continue;       /* the bits of the expiry; the others are compared */
        other.bytes[bit / 8] = (unsigned char)(other.bytes[bit / 8] ^ 1 << bit % 8);
        CHECK(!find(other, 0));
    }
    CHECK(find(print, 0));
}

static void a_set_keeps_the_living_while_it_can(void)
{
    struct print prints[5];
    for (size_t i = 0; i < 5; i++) {
        prints[i] = print_of(10 + i);
        memcpy(prints[i].bytes + 16, prints[0].bytes + 16, 8);
    }
    put(prints[0], 8);
    for (size_t i = 1; i < 4; i++) put(prints[i], 300);
    verified_cache_put(&region, prints[4].bytes, start_ms + 20000, 300);
    for (size_t i = 1; i < 5; i++) CHECK(find(prints[i], 20000));
    verified_cache_put(&region, prints[0].bytes, start_ms + 20000, 300);
    unsigned alive = 0;
    for (size_t i = 0; i < 5; i++) alive += find(prints[i], 20000);
    CHECK(alive == 4 && find(prints[0], 20000));
}

/* The words of two entries in every combination: no entry is found. */
static void torn_pairs_are_harmless(void)
{
    struct print a = print_of(20), b = print_of(21), mixed;
    memcpy(b.bytes + 16, a.bytes + 16, 8);
    uint64_t set;
    memcpy(&set, a.bytes + 16, 8);
    _Atomic uint64_t *pairs = &region.verified[(set & region.verified_mask & ~3ULL) * 2];
    for (size_t i = 0; i < 8; i++) atomic_store(&pairs[i], 0);
    put(a, 300);
    size_t at = 0;
    while (at < 8 && atomic_load(&pairs[at]) == 0) at += 2;
    CHECK(at < 8);
    uint64_t a_first = pairs[at], a_second = pairs[at + 1];
    for (size_t i = 0; i < 8; i++) atomic_store(&pairs[i], 0);
    put(b, 300);
    for (at = 0; atomic_load(&pairs[at]) == 0; at += 2) CHECK(at < 6);
    uint64_t b_second = pairs[at + 1];
    atomic_store(&pairs[at], a_first);                  /* the first word of a with the second of b */
    CHECK(!find(a, 0) && !find(b, 0));
    atomic_store(&pairs[at], 0);
    atomic_store(&pairs[at + 1], a_second);             /* half an entry */
    CHECK(!find(a, 0) && !find(b, 0));
    atomic_store(&pairs[at], a_first);
    CHECK(find(a, 0));
    atomic_store(&pairs[at + 1], b_second);
    mixed = a;
    memcpy(mixed.bytes + 8, b.bytes + 8, 8);            /* cannot be made without the key */
    CHECK(find(mixed, 0));
}

static void the_long_dead_do_not_rise(void)
{
    struct print print = print_of(30);
    const uint64_t circle_ms = (uint64_t)4000 << 24;
    put(print, 300);
    for (uint64_t day = 1; day < 775; day++) CHECK(!find(print, day * 86400000));
    CHECK(!find(print, circle_ms - 2 * 86400000));
}

/* Writers of one small table are killed at any instruction; no fingerprint is found that was not put. */
static void killed_writers_vouch_for_nobody(void)
{
    _Atomic uint64_t *puts = fixture_shared(sizeof *puts);
    for (unsigned kills = 0; kills < 20; kills++) {
        pid_t writer = fixture_fork();
        if (writer == 0)
            for (uint64_t n = kills * 250;; n++, atomic_fetch_add(puts, 1)) put(print_of(1000 + n % 5000), 300);
        for (uint64_t n = 0; atomic_load(puts) < (kills + 1) * 250 || n < 100; n++)
            CHECK(!find(print_of(1000000 + kills * 10000000 + n), 0));
        CHECK(kill(writer, SIGKILL) == 0 && fixture_wait(writer) == 128 + SIGKILL);
    }
    unsigned found = 0;
    for (uint64_t n = 0; n < 5000; n++) found += find(print_of(1000 + n), 0);
    CHECK(found > 500);
}

int main(void)
{
    config = fixture_config();
    region = fixture_region(&config);
    RUN(found_until_its_time_and_not_after);
    RUN(short_times_are_not_kept_too_long);
    RUN(every_compared_bit_counts);
    RUN(a_set_keeps_the_living_while_it_can);
    RUN(torn_pairs_are_harmless);
    RUN(the_long_dead_do_not_rise);
    RUN(killed_writers_vouch_for_nobody);
    region_close(&region);
    return CHECK_EXIT();
}

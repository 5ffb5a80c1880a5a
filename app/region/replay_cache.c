#include "replay_cache.h"

#include "hash.h"

enum { WINDOW = 256, EXPIRY_BITS = 20 };

/* A word expires this much later than its proof. One half covers a wall clock that is set back: until then no proof becomes
 * valid again whose word was replaced. The other half is the longest time that an insert may take from reading the clock to
 * its end. */
enum { SPARE_SECONDS = 60, INSERT_SECONDS = SPARE_SECONDS / 2 };

static const uint64_t expiry_mask = ((uint64_t)1 << EXPIRY_BITS) - 1;

static uint64_t tag_of(struct hash hash)
{
    uint64_t tag = hash.tag >> EXPIRY_BITS;
    return tag != 0 ? tag : 1; /* a word of 0 was never used */
}

static bool is_live(uint64_t word, uint64_t second)
{
    uint64_t left = (word - second) & expiry_mask;
    return left > 0 && left <= REPLAY_CACHE_SECONDS + SPARE_SECONDS;
}

/* The n-th word of the window. */
static _Atomic uint64_t *word_at(const struct region *region, struct hash hash, uint64_t n)
{
    assert(n < WINDOW);
    return &region->replay[(hash.place + n) & region->replay_mask];
}

/* The result of a scan of the window. */
struct scan {
    bool duplicate;      /* a live word of this tag, in another slot than `own` */
    uint64_t slot, word; /* the first slot that may be taken, and its word; WINDOW: none */
};

static struct scan scan_window(const struct region *region, struct hash hash, uint64_t second, uint64_t own)
{
    struct scan scan = { .slot = WINDOW };
    for (uint64_t n = 0; n < WINDOW && !scan.duplicate; n++) {
        uint64_t word = atomic_load(word_at(region, hash, n));
        bool live = is_live(word, second);
        scan.duplicate = live && n != own && word >> EXPIRY_BITS == tag_of(hash);
        if (scan.slot == WINDOW && !live) {
            scan.slot = n;
            scan.word = word;
        }
        if (word == 0) break;
    }
    return scan;
}

/* After the CAS: whether no other insert of this id can have been accepted. */
static bool is_only_one(const struct region *region, struct hash hash, uint64_t second, uint64_t own)
{
    bool duplicate = scan_window(region, hash, second, own).duplicate;
    return !duplicate && region_milliseconds() / 1000 - second < INSERT_SECONDS;
}

enum answer replay_cache_add(struct region *region, struct text sender, struct text id, int64_t seconds)
{
    assert(region_is_mask(region->replay_mask));
    struct hash hash = hash_pair(region, sender, id);
    uint64_t second = region_milliseconds() / 1000;
    if (seconds <= 0) return ANSWER_NO;
    if (seconds > REPLAY_CACHE_SECONDS) return ANSWER_CANNOT_SAY;
    uint64_t mine = tag_of(hash) << EXPIRY_BITS | ((second + (uint64_t)seconds + SPARE_SECONDS) & expiry_mask);
    for (;;) {
        struct scan scan = scan_window(region, hash, second, WINDOW);
        if (scan.duplicate) return ANSWER_NO;
        if (scan.slot == WINDOW) break;
        if (!atomic_compare_exchange_strong(word_at(region, hash, scan.slot), &scan.word, mine)) continue;
        return is_only_one(region, hash, second, scan.slot) ? ANSWER_YES : ANSWER_NO;
    }
    atomic_fetch_add(region->replay_full, 1);
    return ANSWER_CANNOT_SAY;
}

#include "replay_cache.h"

#include "hash.h"

enum { WINDOW = 256, EXPIRY_BITS = 20 };

/* How long a word outlives its proof: a wall clock that is set back by less than half of it makes no proof good again
 * whose word was given away, and an insert may take the other half from its look at the clock to its end. */
enum { SPARE_SECONDS = 60, INSERT_SECONDS = SPARE_SECONDS / 2 };

static const uint64_t expiry_mask = ((uint64_t)1 << EXPIRY_BITS) - 1;

static uint64_t tag_of(struct hash hash)
{
    uint64_t tag = hash.tag >> EXPIRY_BITS;
    return tag != 0 ? tag : 1; /* 0 is a word that was never used */
}

static bool is_live(uint64_t word, uint64_t second)
{
    uint64_t left = (word - second) & expiry_mask;
    return left > 0 && left <= REPLAY_CACHE_SECONDS + SPARE_SECONDS;
}

static _Atomic uint64_t *seat_at(const struct region *region, struct hash hash, uint64_t n)
{
    return &region->replay[(hash.place + n) & region->replay_mask];
}

/* What a look through the window finds. */
struct look {
    bool twin;           /* a live word of this tag, at another seat than `own` */
    uint64_t seat, word; /* the first that may be taken, and what is there; WINDOW: none */
};

static struct look look_through(const struct region *region, struct hash hash, uint64_t second, uint64_t own)
{
    struct look look = { .seat = WINDOW };
    for (uint64_t n = 0; n < WINDOW && !look.twin; n++) {
        uint64_t word = atomic_load(seat_at(region, hash, n));
        bool live = is_live(word, second);
        look.twin = live && n != own && word >> EXPIRY_BITS == tag_of(hash);
        if (look.seat == WINDOW && !live) {
            look.seat = n;
            look.word = word;
        }
        if (word == 0) break;
    }
    return look;
}

/* After the CAS: nobody else may have been told yes. */
static bool is_alone(const struct region *region, struct hash hash, uint64_t second, uint64_t own)
{
    bool twin = look_through(region, hash, second, own).twin;
    return !twin && region_milliseconds() / 1000 - second < INSERT_SECONDS;
}

enum answer replay_cache_add(struct region *region, struct text who, struct text id, int64_t seconds)
{
    struct hash hash = hash_pair(region, who, id);
    uint64_t second = region_milliseconds() / 1000;
    if (seconds <= 0) return ANSWER_NO; /* it is over: nobody may use it at all */
    if (seconds > REPLAY_CACHE_SECONDS) return ANSWER_CANNOT_SAY;
    uint64_t mine = tag_of(hash) << EXPIRY_BITS | ((second + (uint64_t)seconds + SPARE_SECONDS) & expiry_mask);
    for (;;) {
        struct look look = look_through(region, hash, second, WINDOW);
        if (look.twin) return ANSWER_NO;
        if (look.seat == WINDOW) break;
        if (!atomic_compare_exchange_strong(seat_at(region, hash, look.seat), &look.word, mine)) continue;
        return is_alone(region, hash, second, look.seat) ? ANSWER_YES : ANSWER_NO;
    }
    atomic_fetch_add(region->replay_full, 1);
    return ANSWER_CANNOT_SAY;
}

#include "verified_cache.h"

#include <assert.h>
#include <string.h>

#include "../../lib/jose/rotation.h"

enum { WAYS = 4, UNIT_SECONDS = 4, EXPIRY_BITS = 24 };

/* The longest time that an entry is kept, in units. Only an expiry within it is accepted: an expiry is a serial number
 * (RFC 1982), and an entry that expired long ago must not look live when the numbers wrap around. */
enum { LONGEST = ROTATION_LONGEST_TOKEN / UNIT_SECONDS };

static const uint64_t expiry_mask = ((uint64_t)1 << EXPIRY_BITS) - 1;

struct fingerprint {
    uint64_t first, second, set;
    _Atomic uint64_t *pairs;
};

static struct fingerprint fingerprint_of(const struct region *region, const unsigned char bytes[STORE_FINGERPRINT])
{
    struct fingerprint f;
    assert(region_is_mask(region->verified_mask) && region->verified_mask >= WAYS - 1);
    memcpy(&f.first, bytes, sizeof f.first);
    memcpy(&f.second, bytes + 8, sizeof f.second);
    memcpy(&f.set, bytes + 16, sizeof f.set);
    f.second &= ~expiry_mask;
    f.pairs = &region->verified[(f.set & region->verified_mask & ~(uint64_t)(WAYS - 1)) * 2];
    return f;
}

static uint64_t unit_of(uint64_t now_ms) { return now_ms / (UNIT_SECONDS * 1000); }

static bool is_live(uint64_t word, uint64_t unit)
{
    uint64_t left = (word - unit) & expiry_mask;
    return left > 0 && left <= LONGEST;
}

static uint64_t load(const _Atomic uint64_t *word) { return atomic_load_explicit(word, memory_order_relaxed); }

bool verified_cache_find(const struct region *region, const unsigned char fingerprint[STORE_FINGERPRINT],
                         uint64_t now_ms)
{
    struct fingerprint f = fingerprint_of(region, fingerprint);
    for (int way = 0; way < WAYS; way++) {
        if (load(&f.pairs[way * 2]) != f.first) continue;
        uint64_t word = load(&f.pairs[way * 2 + 1]);
        if ((word & ~expiry_mask) == f.second && is_live(word, unit_of(now_ms))) return true;
    }
    return false;
}

/* Returns the way that has the fingerprint already, else one that has expired, else any. */
static int way_for(const struct fingerprint *f, uint64_t unit)
{
    int way_r = (int)((f->set >> 32 ^ unit) % WAYS);
    for (int way = 0; way < WAYS; way++) {
        uint64_t word = load(&f->pairs[way * 2 + 1]);
        if (load(&f->pairs[way * 2]) == f->first && (word & ~expiry_mask) == f->second) return way;
        if (!is_live(word, unit)) way_r = way;
    }
    return way_r;
}

void verified_cache_put(struct region *region, const unsigned char fingerprint[STORE_FINGERPRINT], uint64_t now_ms,
                        int64_t seconds)
{
    struct fingerprint f = fingerprint_of(region, fingerprint);
    uint64_t unit = unit_of(now_ms);
    if (seconds < 2 * UNIT_SECONDS) return;
    uint64_t units = (uint64_t)seconds / UNIT_SECONDS, expiry = unit + (units < LONGEST ? units : LONGEST);
    int way = way_for(&f, unit);
    atomic_store_explicit(&f.pairs[way * 2], f.first, memory_order_relaxed);
    atomic_store_explicit(&f.pairs[way * 2 + 1], f.second | (expiry & expiry_mask), memory_order_relaxed);
}

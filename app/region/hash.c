#include "hash.h"

#include <assert.h>

/* Constants without structure: the fractional digits of pi. */
static const uint64_t pi[] = { 0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1, 0x082efa98ec4e6c89 };

struct seed {
    uint64_t a, b;
};

static struct seed seed_of(const struct region *region)
{
    struct seed seed;
    static_assert(sizeof seed == REGION_SEED, "the seed is two words");
    memcpy(&seed, region->head->seed, sizeof seed);
    return seed;
}

/* Folds both halves of the 128-bit product, so that every bit of the result depends on every bit of both factors. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t word_at(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

static inline uint64_t half_at(const char *p)
{
    uint32_t half;
    memcpy(&half, p, sizeof half);
    return half;
}

/* Hashes the last 0 to 16 bytes as two words. Texts of different sizes may give equal words here; the size is also hashed. */
static inline uint64_t tail(const char *p, size_t size, struct seed seed, uint64_t state)
{
    uint64_t a = 0, b = 0;
    if (size >= 8) {
        a = word_at(p);
        b = word_at(p + size - 8);
    } else if (size >= 4) {
        a = half_at(p);
        b = half_at(p + size - 4);
    } else if (size > 0) {
        const unsigned char *bytes = (const unsigned char *)p;
        a = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[size / 2] << 8 | bytes[size - 1];
    }
    return fold(a ^ seed.a, b ^ state);
}

/* Uses two states, so that the multiplications of a long text can run in parallel. */
static inline uint64_t absorb(struct text t, struct seed seed, uint64_t state)
{
    const char *p = t.data;
    size_t left = t.size;
    /* Not derived from state: the two are joined by ^ below, and equal parts would cancel. Not from seed.b: fold() is
     * symmetric, and both factors of its first call below would contain the same secret, so that swapping two words of the
     * text would not change the hash. */
    uint64_t other = seed.a ^ pi[0];
    state ^= fold(t.size ^ pi[1], seed.b);
    for (; left > 32; left -= 32, p += 32) {
        state = fold(word_at(p) ^ seed.a, word_at(p + 8) ^ state);
        other = fold(word_at(p + 16) ^ seed.b, word_at(p + 24) ^ other);
    }
    state ^= other;
    if (left > 16) {
        state = fold(word_at(p) ^ seed.b, word_at(p + 8) ^ state);
        p += 16;
        left -= 16;
    }
    return tail(p, left, seed, state);
}

static inline struct hash finish(uint64_t state, struct seed seed)
{
    return (struct hash){ fold(state ^ pi[2], seed.b ^ pi[0]), fold(state ^ pi[3], seed.a ^ pi[1]) };
}

struct hash hash_text(const struct region *region, struct text t)
{
    struct seed seed = seed_of(region);
    return finish(absorb(t, seed, seed.a ^ seed.b), seed);
}

struct hash hash_pair(const struct region *region, struct text a, struct text b)
{
    struct seed seed = seed_of(region);
    return finish(absorb(b, seed, absorb(a, seed, seed.a ^ pi[2])), seed);
}

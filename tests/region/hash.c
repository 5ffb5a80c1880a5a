/* hash: every part of the text changes the hash, at any length. */
#include "../../app/region/hash.h"

#include "fixture.h"

enum { SIZES = 70 };

static struct region region;

static bool differ(struct hash a, struct hash b) { return a.place != b.place && a.tag != b.tag; }

static void every_byte_counts(void)
{
    char bytes[SIZES];
    memset(bytes, 'a', sizeof bytes);
    for (size_t size = 1; size <= SIZES; size++) {
        struct text t = { bytes, size };
        struct hash before = hash_text(&region, t);
        CHECK(differ(before, hash_text(&region, text_slice(t, 0, size - 1))));
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= 1;
            CHECK(differ(before, hash_text(&region, t)));
            bytes[i] ^= 1;
        }
    }
}

static void both_of_a_pair_count(void)
{
    char bytes[SIZES];
    memset(bytes, 'b', sizeof bytes);
    for (size_t size = 1; size <= SIZES; size++) {
        struct text t = { bytes, size };
        CHECK(differ(hash_pair(&region, TEXT("one"), t), hash_pair(&region, TEXT("two"), t)));
        CHECK(differ(hash_pair(&region, t, TEXT("one")), hash_pair(&region, t, TEXT("two"))));
    }
    CHECK(differ(hash_pair(&region, TEXT("ab"), TEXT("c")), hash_pair(&region, TEXT("a"), TEXT("bc"))));
}

/* fold() is symmetric in its two factors: if both contain the same part of the seed, or parts that differ by a constant, texts
 * with two words swapped collide for every seed. */
static void no_pair_of_words_may_change_places(void)
{
    static const uint64_t pi[] = { 0x243f6a8885a308d3, 0x13198a2e03707345, 0xa4093822299f31d1, 0x082efa98ec4e6c89 };
    enum { WORDS = 10, CONSTANTS = 16 };
    uint64_t words[WORDS], other[WORDS];
    for (size_t i = 0; i < WORDS; i++) words[i] = 0x0123456789abcdef * (i + 1);
    for (unsigned mask = 0; mask < CONSTANTS; mask++) {
        uint64_t constant = 0;
        for (size_t i = 0; i < 4; i++) constant ^= mask & 1U << i ? pi[i] : 0;
        for (size_t size = 16; size <= sizeof words; size++) {
            for (size_t i = 0; i + 1 < size / 8; i++) {
                memcpy(other, words, sizeof words);
                other[i] = words[i + 1] ^ constant;
                other[i + 1] = words[i] ^ constant;
                struct text a = { (const char *)words, size }, b = { (const char *)other, size };
                CHECK(differ(hash_text(&region, a), hash_text(&region, b)));
                CHECK(differ(hash_pair(&region, TEXT("a"), a), hash_pair(&region, TEXT("a"), b)));
                CHECK(differ(hash_pair(&region, a, TEXT("a")), hash_pair(&region, b, TEXT("a"))));
            }
        }
    }
}

static void another_region_has_another_order(void)
{
    struct config config = fixture_config();
    struct region other = fixture_region(&config);
    CHECK(differ(hash_text(&region, TEXT("client")), hash_text(&other, TEXT("client"))));
    region_close(&other);
}

int main(void)
{
    struct config config = fixture_config();
    region = fixture_region(&config);
    RUN(every_byte_counts);
    RUN(both_of_a_pair_count);
    RUN(no_pair_of_words_may_change_places);
    RUN(another_region_has_another_order);
    region_close(&region);
    return CHECK_EXIT();
}

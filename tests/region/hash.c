/* Where things lie: each part of what is hashed counts, whatever its length. */
#include "../../app/hash.h"

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
    RUN(another_region_has_another_order);
    region_close(&region);
    return CHECK_EXIT();
}

#include "signing.h"

#include <assert.h>
#include <time.h>

static_assert(JWS_ALGORITHMS <= 32, "one bit for each algorithm");

void signing_note(struct region_process *row, const struct keyring *keyring)
{
    uint32_t signs = 0;
    assert(atomic_load(&row->role) != REGION_FREE);
    for (int i = 0; i < JWS_ALGORITHMS; i++) {
        const struct keyring_key *key = keyring_signer(keyring, (enum jws_algorithm)i, time(NULL));
        if (key) signs |= 1U << key->algorithm;
    }
    atomic_store_explicit(&row->signs, signs, memory_order_relaxed);
}

static uint32_t others_sign(const struct region *region, const struct region_process *row)
{
    uint32_t signs = 0;
    for (size_t i = 0; i < region->process_count; i++) {
        const struct region_process *other = &region->scoreboard[i];
        if (other != row && atomic_load(&other->role) == REGION_WORKER && atomic_load(&other->ready))
            signs |= atomic_load(&other->signs);
    }
    return signs;
}

/* A key that was retired or removed after the others published is not active in this keyring, and does not count as lost. */
bool signing_lost(const struct region *region, const struct region_process *row, const struct keyring *keyring)
{
    uint32_t own = atomic_load(&row->signs), others = others_sign(region, row), lost = others & ~own;
    if (own == 0 && others != 0) return true;
    for (int i = 0; i < JWS_ALGORITHMS; i++)
        if (lost >> i & 1 && keyring_lacks_signer(keyring, (enum jws_algorithm)i, time(NULL))) return true;
    return false;
}

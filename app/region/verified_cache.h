/* verified_cache: remembers secrets and signatures that were verified, so that costly checks need not be repeated.
 *
 * Pairs of words  [64 bits of the fingerprint]  [40 other bits of it | expiry 24, units of 4 s of CLOCK_BOOTTIME], four pairs
 * to a set, which yet other bits select. It is only a cache: an entry may be evicted at any time.
 * A torn pair is harmless. When two workers write at once, or one is killed between the two stores, the first word of A may
 * be paired with the second of B. A fingerprint matches that pair only if it equals A in 64 bits and B in 40. A itself does
 * so with probability 2^-40 (and was verified once); any other does so with probability 2^-104, and because fingerprints are
 * keyed, an attacker cannot do better than chance. An old and a new entry of one fingerprint differ only in the expiry, which
 * is in one word. */
#ifndef APP_REGION_VERIFIED_CACHE_H
#define APP_REGION_VERIFIED_CACHE_H

#include "../../lib/oauth/store.h"
#include "region.h"

/* Returns whether the fingerprint was put and has not expired. now_ms: CLOCK_BOOTTIME. */
bool verified_cache_find(const struct region *region, const unsigned char fingerprint[STORE_FINGERPRINT],
                         uint64_t now_ms);

/* Remembers the fingerprint for so many seconds, at most ROTATION_LONGEST_TOKEN; up to 8 s less, never more. */
void verified_cache_put(struct region *region, const unsigned char fingerprint[STORE_FINGERPRINT], uint64_t now_ms,
                        int64_t seconds);

#endif

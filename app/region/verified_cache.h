/* verified_cache: what has been checked at a cost, and until when it need not be again.
 *
 * Pairs of words  [64 bits of the fingerprint]  [40 other bits of it | expiry 24, units of 4 s of CLOCK_BOOTTIME], four
 * pairs to a set, which still other bits choose. Nobody relies on an entry: it may be pushed out at any time.
 * A torn pair is harmless. When two workers write at once, or one dies half-way, the first word of A may stand beside
 * the second of B. What is found there must equal A in 64 bits and B in 40. A itself does not, but for one chance in
 * 2^40 (and was verified once); anything else does in one of 2^104, and as fingerprints are keyed, nobody can do better
 * than chance. Both words of one entry, old and new, differ in nothing but the expiry, which is one word. */
#ifndef APP_REGION_VERIFIED_CACHE_H
#define APP_REGION_VERIFIED_CACHE_H

#include "../../lib/oauth/store.h"
#include "region.h"

/* now_ms: CLOCK_BOOTTIME. */
bool verified_cache_find(const struct region *region, const unsigned char fingerprint[STORE_FINGERPRINT],
                         uint64_t now_ms);

/* For so many seconds, at most a day; up to 8 less, never more. */
void verified_cache_put(struct region *region, const unsigned char fingerprint[STORE_FINGERPRINT], uint64_t now_ms,
                        int64_t seconds);

#endif

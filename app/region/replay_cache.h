/* replay_cache: remembers proofs and assertions that may be used only once (RFC 9449 11.1, RFC 7523 3), on this host. The
 * check across hosts is the keeper's (mailbox.h).
 *
 * A set of 64-bit words  [tag 44 | expiry 20, seconds of CLOCK_BOOTTIME], inserted by CAS within a window of 256 words from
 * the home slot of (sender, id). An insert may replace an expired word, never a live one, and no word is ever set back to
 * 0; when the window is full, the new id is refused. Expiries are serial numbers (RFC 1982), and a word is live only if it
 * expires within the next REPLAY_CACHE_SECONDS: a word that no insert replaces looks live again for an hour in each twelve
 * days, which costs space only.
 *
 * Of two inserts of one id, at most one is accepted. Proof: all inserts of one id use the same window, and each scans it
 * again after its CAS. All CAS and scans have a single total order (memory_order_seq_cst). Of two inserts, the one whose CAS
 * is later in it scans after the other's word was stored; that word is live, hence still there, and the later insert is
 * refused. A scan ends at a word that was never used: no word of this window follows it, because an insert takes the first
 * word that it may, and no word becomes unused. An insert that took so long that the other's word may have expired is refused
 * also. A process that is killed between its CAS and its answer has accepted nothing, and the id is used up.
 * At most one, not exactly one: when a word of a third id expires between the scans of two inserts, they may take different
 * words, find each other's and both be refused.
 * Two ids with equal tags in one window (probability 2^-44 for each live neighbour) count as equal: the second is refused. */
#ifndef APP_REGION_REPLAY_CACHE_H
#define APP_REGION_REPLAY_CACHE_H

#include <assert.h>

#include "../../lib/oauth/store.h"
#include "region.h"

enum { REPLAY_CACHE_SECONDS = 3600 };

static_assert((int)REPLAY_CACHE_SECONDS >= (int)CLIENT_ASSERTION_SECONDS_MOST,
              "an assertion is remembered until it expires");

/* Records id of sender as used for the next `seconds`. Returns ANSWER_YES if it was new; ANSWER_NO if it was used already or
 * has expired (seconds <= 0); ANSWER_CANNOT_SAY if its window is full, which replay_full counts, or if seconds is above
 * REPLAY_CACHE_SECONDS. */
enum answer replay_cache_add(struct region *region, struct text sender, struct text id, int64_t seconds);

#endif

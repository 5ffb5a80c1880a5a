/* replay_cache: proofs that may be used once, and have been.
 *
 * A set of 64-bit words  [tag 44 | expiry 20, seconds of CLOCK_BOOTTIME], inserted by CAS within a window of 256
 * words from the home of (who, id). A word whose time is over may be taken over; a live one never is, and none is
 * ever emptied: a full window refuses the newcomer. Expiries are serial numbers (RFC 1982), and live is only what
 * ends within the next REPLAY_CACHE_SECONDS: a word that nobody has taken over looks live again for an hour in each twelve
 * days, which costs room only.
 *
 * Two of one id are never both let in. All inserts of one id look at the same window, and each looks through it once
 * more after its CAS. CAS and looks stand in one order (memory_order_seq_cst); of two inserts, the one whose CAS is
 * later in it looks after the other's word was there, which is live and therefore still there, and gives up. A look
 * ends at a word that was never used: behind it there is no word of this window, because an insert takes the first
 * word that it may, and no word becomes unused. An insert that took so long that the word of the other may have run
 * out is not let in either. Who dies between its CAS and its answer has told nobody yes, and the id is used up.
 * At most one, not exactly one: when the word of somebody else runs out between the looks of two inserts, they may
 * take different words, see each other and both give up.
 * Two ids with equal tags in one window (2^-44 for each live neighbour) are taken for one: refused, never let in. */
#ifndef APP_REGION_REPLAY_CACHE_H
#define APP_REGION_REPLAY_CACHE_H

#include <assert.h>

#include "../../lib/oauth/store.h"
#include "region.h"

enum { REPLAY_CACHE_SECONDS = 3600 };

static_assert((int)REPLAY_CACHE_SECONDS >= (int)CLIENT_ASSERTION_SECONDS_MOST,
              "what a client may sign is remembered to its end");

/* Yes: id is new among those of who, and no longer is for the next `seconds`. No: it is there. Cannot say: its
 * window is full (seen_full counts), or seconds is above REPLAY_CACHE_SECONDS, longer than anything is remembered. */
enum answer replay_cache_add(struct region *region, struct text who, struct text id, int64_t seconds);

#endif

/* rate_limit: how often something may happen; one 64-bit word per bucket, changed by CAS.
 *
 * The generic cell rate algorithm: a word holds the time up to which its allowance is spent, each event moves it on by
 * one interval, and it may run ahead of the clock by `burst` intervals. A process that dies between any two
 * instructions has either taken its event or not.
 * Each client has a bucket of requests, by the slot of its index word. Failed authentications are counted per client
 * and source, never per client alone, so that a stranger cannot lock anybody out. Their buckets are
 * [tag 24 | time 40, ms], found by hash; a newcomer takes over the word of another pair, which then begins anew: where
 * two meet, the limit is too mild, never too hard. */
#ifndef APP_REGION_RATE_LIMIT_H
#define APP_REGION_RATE_LIMIT_H

#include "../../lib/oauth/store.h"
#include "region.h"

/* Takes one request from the allowance of client: rate_per_minute, 0 is no limit; rate_burst, 0 is as many as a minute
 * allows. now_ns: CLOCK_BOOTTIME. */
enum answer rate_limit_client(struct region *region, const struct client *client, uint64_t now_ns);

/* A client and where somebody claims to be it. An IPv6 address is cut to its /64, which is one customer. */
struct rate_limit_pair {
    struct text client_id, source;
};

/* per_minute failures may come at once and in every minute. Allowed takes nothing. now_ms: CLOCK_BOOTTIME. */
enum answer rate_limit_failure_allowed(const struct region *region, const struct rate_limit_pair *pair,
                                       uint32_t per_minute, uint64_t now_ms);
void rate_limit_failure_count(struct region *region, const struct rate_limit_pair *pair, uint32_t per_minute,
                              uint64_t now_ms);

#endif

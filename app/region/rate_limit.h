/* rate_limit: limits requests per client and failed authentications per client and source; one 64-bit word per bucket,
 * changed by CAS.
 *
 * The generic cell rate algorithm: a word holds the time up to which its allowance is spent; each event advances it by one
 * interval, and it may run ahead of the clock by `burst` intervals. A process that is killed between any two instructions
 * has either counted its event or not.
 * Each client has a bucket of requests, at the slot of its index word. Failed authentications are counted per client and
 * source, never per client alone, so that an attacker cannot lock out a client. Their buckets are [tag 24 | time 40, ms],
 * found by hash. A pair that hashes to the word of another pair takes it over, and the other starts with a full allowance: a
 * collision makes the limit too mild, never too strict. */
#ifndef APP_REGION_RATE_LIMIT_H
#define APP_REGION_RATE_LIMIT_H

#include "../../lib/oauth/store.h"
#include "region.h"

/* Takes one request from the allowance of the client, which has a slot of the index: rate_per_minute (0: no limit) and
 * rate_burst (0: as many as a minute allows). Returns ANSWER_NO when the allowance is spent. now_ns: CLOCK_BOOTTIME. */
enum answer rate_limit_client(struct region *region, const struct client *client, uint64_t now_ns);

/* A client id and the address it is claimed from. Of an IPv6 address only the /64 counts, which is usually one customer. */
struct rate_limit_pair {
    struct text client_id, source;
};

/* Returns ANSWER_NO when the pair has spent its allowance of per_minute (1 to 60,000) failures a minute, which may also come
 * at once. Counts nothing. now_ms: CLOCK_BOOTTIME. */
enum answer rate_limit_failure_allowed(const struct region *region, const struct rate_limit_pair *pair,
                                       uint32_t per_minute, uint64_t now_ms);

/* Counts one failure of the pair. */
void rate_limit_failure_count(struct region *region, const struct rate_limit_pair *pair, uint32_t per_minute,
                              uint64_t now_ms);

#endif

/* revocation: tokens that are no longer good.
 *
 * One by one: a grow-only set of 64-bit words  [tag 40 | expiry 24, units of 4 s of CLOCK_BOOTTIME], inserted by CAS
 * within a window of 256 words from the home of its jti; the word of an expired token may be taken over, none is ever
 * emptied, so no look-up can miss a live one. A full window refuses the newcomer, never a live one. One word more says
 * how far from home any of them stands, so that a look-up stays short when all words have been used at some time.
 * Expiries are compared as serial numbers (RFC 1982), so no uptime is too long.
 * By rule: client, credential or time of issue; two halves, of which one word names the current. */
#ifndef APP_REGION_REVOCATION_H
#define APP_REGION_REVOCATION_H

#include "../../lib/oauth/store.h"
#include "region.h"

/* By anybody. 0 (also when it was there), or -1 when its window is full: revocations_full counts, and nobody may be
 * told that the token is dead. now and expires_at: seconds since 1970. */
int revocation_put(struct region *region, struct text jti, int64_t now, int64_t expires_at);

/* Cannot say: before the first complete load, and for a token whose window is so full that its revocation may have
 * found no room. */
enum answer revocation_find(const struct region *region, const struct token_facts *token);

/* By the keeper: replaces all rules. 0, or -1 when there are more than rules_max (the first rules_max are then in
 * force). A rule with issued_before <= 0 takes no token and is left out. */
int revocation_rules_put(struct region *region, const struct region_rule *rules, size_t count);

/* For revocation_rules_put: the hash of a client id or label; never 0. A label is hashed together with its client. */
uint64_t revocation_client(const struct region *region, struct text client_id);
uint64_t revocation_credential(const struct region *region, struct text client_id, struct text label);

#endif

/* revocation: which tokens are revoked (RFC 7009), on this host. It does not make a revocation durable (mailbox.h).
 *
 * Single tokens: a grow-only set of 64-bit words  [tag 40 | expiry 24, units of 4 s of CLOCK_BOOTTIME], inserted by CAS
 * within a window of 256 words from the home slot of the jti. The word of an expired token may be replaced; no word is ever
 * set back to 0, so a look-up cannot miss a live one. When the window is full, the new revocation is refused and the live
 * ones stay. One more word bounds the distance of any of them from its home slot, so that a look-up stays short after all
 * words have been used once. Expiries are compared as serial numbers (RFC 1982), so any uptime is allowed.
 * Rules: by client, credential or time of issue; in two halves, of which one word names the current. */
#ifndef APP_REGION_REVOCATION_H
#define APP_REGION_REVOCATION_H

#include "../../lib/oauth/store.h"
#include "region.h"

/* Any process. Revokes one token; returns 0, also when it was revoked already, or -1 when its window is full: then
 * revocations_full counts it and the caller must not report success. now and expires_at: seconds since 1970. */
int revocation_put(struct region *region, struct text jti, int64_t now, int64_t expires_at);

/* Returns whether the token is revoked. ANSWER_CANNOT_SAY before the first complete load, for a token whose window is so full
 * that its revocation may have been refused, and while not all rules fit. */
enum answer revocation_find(const struct region *region, const struct token_facts *token);

/* Keeper. Replaces all rules. Returns 0, or -1 when there are more than rules_max: then the first rules_max are in force. A
 * rule with issued_before <= 0 matches no token and is skipped. */
int revocation_rules_put(struct region *region, const struct region_rule *rules, size_t count);

/* Returns the hash of a client id for struct region_rule; never 0. */
uint64_t revocation_client(const struct region *region, struct text client_id);

/* Returns the hash of the label of a client's credential for struct region_rule; never 0. */
uint64_t revocation_credential(const struct region *region, struct text client_id, struct text label);

#endif

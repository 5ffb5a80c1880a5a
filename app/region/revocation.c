#include "revocation.h"

#include "hash.h"
#include "shared_copy.h"

enum { WINDOW = 256, UNIT_SECONDS = 4, EXPIRY_BITS = 24 };

/* A wall clock that is set back by less than this makes no token valid again whose word was replaced. */
enum { SPARE_SECONDS = 60 };

/* A word that expired less than this ago may have been the reason for refusing a revocation. */
enum { REFUSAL_SECONDS = 3600 };

static const uint64_t expiry_mask = ((uint64_t)1 << EXPIRY_BITS) - 1;

/* Half the circle of serial numbers: 388 days, far above the life of any token. */
static const int64_t longest = ((int64_t)1 << (EXPIRY_BITS - 1)) - 1;

static uint64_t tag_of(struct hash hash)
{
    uint64_t tag = hash.tag >> EXPIRY_BITS;
    return tag != 0 ? tag : 1; /* a word of 0 was never used */
}

static uint64_t unit_now(void) { return region_milliseconds() / (UNIT_SECONDS * 1000); }

/* Returns the units from unit to the expiry in word; negative if it has expired. */
static int64_t units_left(uint64_t word, uint64_t unit)
{
    int64_t left = (int64_t)((word - unit) & expiry_mask);
    return left <= longest ? left : left - ((int64_t)1 << EXPIRY_BITS);
}

static uint64_t word_make(uint64_t tag, uint64_t unit, int64_t now, int64_t expires_at)
{
    int64_t seconds = expires_at > now ? expires_at - now : 0;
    int64_t units = (seconds + SPARE_SECONDS) / UNIT_SECONDS + 1;
    return tag << EXPIRY_BITS | ((unit + (uint64_t)(units < longest ? units : longest)) & expiry_mask);
}

/* The n-th word of the window. */
static _Atomic uint64_t *word_at(const struct region *region, struct hash hash, uint64_t n)
{
    return &region->revoked[(hash.place + n) & region->revoked_mask];
}

/* Returns the slot in the window that has the tag already, else the first that may be taken, else WINDOW; *word_r is its
 * word. */
static uint64_t slot_for(const struct region *region, struct hash hash, uint64_t unit, uint64_t *word_r)
{
    uint64_t slot = WINDOW;
    for (uint64_t n = 0; n < WINDOW; n++) {
        uint64_t word = atomic_load_explicit(word_at(region, hash, n), memory_order_relaxed);
        bool same = word >> EXPIRY_BITS == tag_of(hash);
        if (same || (slot == WINDOW && (word == 0 || units_left(word, unit) < 0))) {
            slot = n;
            *word_r = word;
        }
        if (same || word == 0) break;
    }
    return slot;
}

/* Called before the word is stored: a process that is killed in between has only made look-ups longer. */
static void raise_reach(struct region *region, uint64_t slot)
{
    uint64_t reach = atomic_load(region->revoked_reach);
    assert(slot < WINDOW);
    while (reach < slot + 1 && !atomic_compare_exchange_weak(region->revoked_reach, &reach, slot + 1)) continue;
}

int revocation_put(struct region *region, struct text jti, int64_t now, int64_t expires_at)
{
    assert(region_is_mask(region->revoked_mask));
    struct hash hash = hash_text(region, jti);
    uint64_t unit = unit_now(), mine = word_make(tag_of(hash), unit, now, expires_at), word = 0;
    for (;;) {
        uint64_t slot = slot_for(region, hash, unit, &word);
        if (slot == WINDOW) break;
        bool is_set = word >> EXPIRY_BITS == tag_of(hash) && units_left(word, unit) >= units_left(mine, unit);
        raise_reach(region, slot);
        if (is_set || atomic_compare_exchange_strong(word_at(region, hash, slot), &word, mine)) return 0;
    }
    atomic_fetch_add(region->revocations_full, 1);
    return -1;
}

/* Whether every word of the window was live at a time when a revocation may have been refused. */
static bool window_refused(const struct region *region, struct hash hash)
{
    if (atomic_load(region->revocations_full) == 0) return false;
    uint64_t unit = unit_now();
    for (uint64_t n = 0; n < WINDOW; n++) {
        uint64_t word = atomic_load_explicit(word_at(region, hash, n), memory_order_relaxed);
        if (word == 0 || units_left(word, unit) < -(REFUSAL_SECONDS / UNIT_SECONDS)) return false;
    }
    return true;
}

/* An expired word still counts: its token has expired also, even if the wall clock has been set back since. */
static enum answer find_jti(const struct region *region, struct text jti)
{
    struct hash hash = hash_text(region, jti);
    uint64_t tag = tag_of(hash), reach = atomic_load_explicit(region->revoked_reach, memory_order_acquire);
    for (uint64_t n = 0; n < reach; n++) {
        uint64_t word = atomic_load_explicit(word_at(region, hash, n), memory_order_relaxed);
        if (word == 0) return ANSWER_NO;
        if (word >> EXPIRY_BITS == tag) return ANSWER_YES;
    }
    return window_refused(region, hash) ? ANSWER_CANNOT_SAY : ANSWER_NO;
}

/* A list of rules ends with one that matches no token. */
static bool is_end(const struct region_rule *rule) { return rule->issued_before <= 0; }

static bool rule_matches(const struct region_rule *rule, const struct token_facts *token, uint64_t client,
                         uint64_t credential)
{
    return token->issued_at < rule->issued_before && token->issued_at >= rule->issued_from &&
           (rule->client == 0 || rule->client == client) && (rule->credential == 0 || rule->credential == credential);
}

static bool find_rule(const struct region *region, const struct region_rule *rules, const struct token_facts *token)
{
    struct region_rule rule;
    shared_copy_load(rules, sizeof rule, &rule);
    if (is_end(&rule)) return false;
    uint64_t client = revocation_client(region, token->client_id);
    uint64_t credential = revocation_credential(region, token->client_id, token->credential);
    for (uint64_t i = 0; i < region->rules_max; i++) {
        shared_copy_load(&rules[i], sizeof rule, &rule);
        if (is_end(&rule)) return false;
        if (rule_matches(&rule, token, client, credential)) return true;
    }
    return false;
}

/* Starts again when the keeper has published meanwhile: it may then be overwriting the half that was read. */
static bool is_revoked_by_rule(const struct region *region, const struct token_facts *token)
{
    uint64_t current = atomic_load_explicit(&region->status->rules, memory_order_acquire), before;
    bool found;
    do {
        before = current;
        found = find_rule(region, region->rules[before & 1], token);
        atomic_thread_fence(memory_order_acquire);
        current = atomic_load_explicit(&region->status->rules, memory_order_acquire);
    } while (current != before);
    return found;
}

enum answer revocation_find(const struct region *region, const struct token_facts *token)
{
    if (!atomic_load_explicit(&region->status->complete, memory_order_acquire)) return ANSWER_CANNOT_SAY;
    enum answer answer = find_jti(region, token->jti);
    if (answer != ANSWER_NO) return answer;
    if (is_revoked_by_rule(region, token)) return ANSWER_YES;
    return atomic_load_explicit(&region->status->rules_full, memory_order_relaxed) ? ANSWER_CANNOT_SAY : ANSWER_NO;
}

int revocation_rules_put(struct region *region, const struct region_rule *rules, size_t count)
{
    const struct region_rule end = { 0 };
    uint64_t next = region_next_half(atomic_load(&region->status->rules)), half = next & 1, written = 0, valid = 0;
    atomic_thread_fence(memory_order_release); /* pairs with the fence in is_revoked_by_rule */
    for (size_t i = 0; i < count; i++) {
        if (is_end(&rules[i])) continue;
        if (valid++ < region->rules_max) shared_copy_store(&region->rules[half][written++], &rules[i], sizeof *rules);
    }
    assert(written <= region->rules_max); /* one more rule is allocated, for the end */
    shared_copy_store(&region->rules[half][written], &end, sizeof end);
    bool full = valid > region->rules_max;
    if (full) atomic_store(&region->status->rules_full, 1);
    region_publish_half(&region->status->rules, next);
    if (!full) atomic_store(&region->status->rules_full, 0);
    return full ? -1 : 0;
}

static uint64_t never_zero(uint64_t value) { return value != 0 ? value : 1; }

uint64_t revocation_client(const struct region *region, struct text client_id)
{
    return never_zero(hash_text(region, client_id).tag);
}

uint64_t revocation_credential(const struct region *region, struct text client_id, struct text label)
{
    return never_zero(hash_pair(region, client_id, label).tag);
}

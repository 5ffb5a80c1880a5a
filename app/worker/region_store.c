#include "region_store.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "../region/rate_limit.h"
#include "../region/mailbox.h"
#include "../region/counters.h"
#include "../region/revocation.h"
#include "../region/scopes.h"
#include "../region/replay_cache.h"
#include "../region/client_table.h"
#include "../region/verified_cache.h"

/* The slow lane's word: its holder, and since when: [pid 22 | milliseconds 42]. A pid has 22 bits (proc(5), pid_max). */
enum { LANE_TIME_BITS = 42 };

static const uint64_t lane_time_mask = ((uint64_t)1 << LANE_TIME_BITS) - 1;

static uint64_t boot_nanoseconds(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now)) return 0;
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t store_age(void *context)
{
    const struct region_store *store = context;
    const struct region_status *status = store->region->status;
    if (!atomic_load_explicit(&status->complete, memory_order_acquire)) return STORE_NEVER;
    uint64_t synced_ms = atomic_load_explicit(&status->synced_ms, memory_order_acquire), now_ms = region_milliseconds();
    uint64_t age = now_ms > synced_ms ? (now_ms - synced_ms) / 1000 : 0;
    return age < STORE_NEVER ? (uint32_t)age : STORE_NEVER;
}

static uint64_t store_degraded(void *context)
{
    const struct region_store *store = context;
    return atomic_load_explicit(&store->region->status->degraded, memory_order_relaxed);
}

static struct text store_scopes(void *context, struct arena *arena)
{
    const struct region_store *store = context;
    return scopes_read(store->region, arena);
}

static enum answer store_client_find(void *context, struct text client_id, struct arena *arena, struct client *client_r)
{
    const struct region_store *store = context;
    return client_table_find(store->region, client_id, arena, client_r);
}

static enum answer store_token_revoked(void *context, const struct token_facts *token)
{
    const struct region_store *store = context;
    return revocation_find(store->region, token);
}

/* Returns -1 when the token cannot have been issued here. */
static int job_write(const struct token_facts *token, struct region_job *job_r)
{
    *job_r = (struct region_job){ .expires_at = token->expires_at };
    if (token->jti.size == 0 || token->jti.size > REGION_JTI || token->client_id.size > REGION_CLIENT_ID) return -1;
    job_r->jti_size = (uint16_t)token->jti.size;
    memcpy(job_r->jti, token->jti.data, token->jti.size);
    job_r->client_id_size = (uint16_t)token->client_id.size;
    if (token->client_id.size > 0) memcpy(job_r->client_id, token->client_id.data, token->client_id.size);
    return 0;
}

static enum mailbox_state ask_keeper(struct region_store *store, const struct region_job *job)
{
    /* Without a database the keeper cannot answer in time: fail at once. */
    if (!atomic_load(&store->region->status->database_up)) return MAILBOX_FAILED;
    return mailbox_send(store->region, store->row, job, region_milliseconds() + store->config->revoke_wait_ms);
}

/* Revokes on this host first, so that the revocation is in force here even if it does not become durable. */
static int revoke_token(struct region_store *store, const struct token_facts *token)
{
    struct region_job job;
    if (job_write(token, &job)) return -1;
    if (revocation_put(store->region, token->jti, time(NULL), token->expires_at)) return -1;
    return ask_keeper(store, &job) == MAILBOX_DURABLE ? 0 : -1;
}

static int store_token_revoke(void *context, const struct token_facts *token)
{
    struct region_store *store = context;
    int status = revoke_token(store, token);
    counters_add(store->row, status ? COUNTERS_revocations_failed : COUNTERS_revocations_durable);
    return status;
}

static enum answer store_client_allowed(void *context, const struct client *client)
{
    struct region_store *store = context;
    return client->rate_per_minute == 0 ? ANSWER_YES : rate_limit_client(store->region, client, boot_nanoseconds());
}

static enum answer store_failure_allowed(void *context, struct text client_id, struct text source)
{
    const struct region_store *store = context;
    const struct rate_limit_pair pair = { client_id, source };
    return rate_limit_failure_allowed(store->region, &pair, store->config->failures_per_minute, region_milliseconds());
}

static void store_failure_count(void *context, struct text client_id, struct text source)
{
    struct region_store *store = context;
    const struct rate_limit_pair pair = { client_id, source };
    rate_limit_failure_count(store->region, &pair, store->config->failures_per_minute, region_milliseconds());
}

/* The caller's seconds since 1970 are used for differences only: an operator can set that clock, but not CLOCK_BOOTTIME. */
static bool store_verified_find(void *context, const unsigned char fingerprint[STORE_FINGERPRINT], int64_t now)
{
    struct region_store *store = context;
    (void)now;
    bool found = verified_cache_find(store->region, fingerprint, region_milliseconds());
    counters_add(store->row, found ? COUNTERS_verified_hits : COUNTERS_verified_misses);
    return found;
}

static void store_verified_put(void *context, const unsigned char fingerprint[STORE_FINGERPRINT], int64_t now,
                               int64_t until)
{
    struct region_store *store = context;
    verified_cache_put(store->region, fingerprint, region_milliseconds(), until - now);
}

static void put_size(unsigned char bytes[8], size_t size)
{
    for (size_t i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)size >> (56 - 8 * i));
}

/* The same on all hosts of a cluster: SHA-256 of who and id, each preceded by its size in 8 bytes, big-endian, because either
 * may contain any byte. */
static int proof_digest(struct region_store *store, struct text who, struct text id, char proof_r[REGION_PROOF])
{
    unsigned char sizes[2][8], digest[SECRET_DIGEST];
    const struct text parts[] = { { (const char *)sizes[0], 8 }, who, { (const char *)sizes[1], 8 }, id };
    static_assert(sizeof digest == REGION_PROOF, "the proof of a job is a digest");
    put_size(sizes[0], who.size);
    put_size(sizes[1], id.size);
    if (secret_digest(store->hasher, parts, 4, digest)) return -1;
    memcpy(proof_r, digest, sizeof digest);
    return 0;
}

/* Returns ANSWER_YES if no host has used the proof before. */
static enum answer is_new_in_cluster(struct region_store *store, struct text who, struct text id, int64_t until)
{
    struct region_job job = { .kind = REGION_KIND_PROOF, .expires_at = until };
    enum mailbox_state state = proof_digest(store, who, id, job.proof) ? MAILBOX_FAILED : ask_keeper(store, &job);
    if (state == MAILBOX_DURABLE) {
        counters_add(store->row, COUNTERS_proofs_new);
        return ANSWER_YES;
    }
    counters_add(store->row, state == MAILBOX_USED ? COUNTERS_proofs_used : COUNTERS_proofs_failed);
    return state == MAILBOX_USED ? ANSWER_NO : ANSWER_CANNOT_SAY;
}

/* Checks this host first: a proof that was used here costs no database access. A proof that the database then cannot check
 * counts as used on this host. */
static enum answer store_replay_once(void *context, struct text who, struct text id, int64_t now, int64_t until)
{
    struct region_store *store = context;
    enum answer answer = replay_cache_add(store->region, who, id, until - now);
    if (answer != ANSWER_YES || strcmp(store->config->replay, "cluster") != 0) return answer;
    return is_new_in_cluster(store, who, id, until);
}

static uint64_t lane_word(uint64_t now_ms) { return (uint64_t)getpid() << LANE_TIME_BITS | (now_ms & lane_time_mask); }

/* The lane is free, or its holder has exceeded its time or exited. */
static bool lane_is_free(uint64_t word, uint64_t now_ms)
{
    if (word == 0 || now_ms - (word & lane_time_mask) > REGION_STORE_SLOW_LANE_MS) return true;
    return kill((pid_t)(word >> LANE_TIME_BITS), 0) != 0 && errno == ESRCH;
}

static enum answer store_slow_lane_take(void *context)
{
    const struct region_store *store = context;
    uint64_t word = atomic_load(store->region->slow_lane), now_ms = region_milliseconds();
    if (!lane_is_free(word, now_ms)) return ANSWER_NO;
    return atomic_compare_exchange_strong(store->region->slow_lane, &word, lane_word(now_ms)) ? ANSWER_YES : ANSWER_NO;
}

static void store_slow_lane_give(void *context)
{
    const struct region_store *store = context;
    uint64_t word = atomic_load(store->region->slow_lane);
    if ((pid_t)(word >> LANE_TIME_BITS) == getpid()) atomic_compare_exchange_strong(store->region->slow_lane, &word, 0);
}

int region_store_open(struct region_store *store, struct region *region, struct region_process *row,
                      struct secret_hasher *hasher, const struct config *config)
{
    assert(atomic_load(&row->role) == REGION_WORKER);
    *store = (struct region_store){ region,
                                    row,
                                    hasher,
                                    config,
                                    {
                                        .context = store,
                                        .age = store_age,
                                        .degraded = store_degraded,
                                        .scopes = store_scopes,
                                        .client_find = store_client_find,
                                        .token_revoked = store_token_revoked,
                                        .token_revoke = store_token_revoke,
                                        .client_allowed = store_client_allowed,
                                        .failure_allowed = store_failure_allowed,
                                        .failure_count = store_failure_count,
                                        .verified_find = store_verified_find,
                                        .verified_put = store_verified_put,
                                        .replay_once = store_replay_once,
                                        .slow_lane_take = store_slow_lane_take,
                                        .slow_lane_give = store_slow_lane_give,
                                    } };
    return boot_nanoseconds() > 0 ? 0 : -1;
}

const struct store *region_store_interface(const struct region_store *store) { return &store->interface; }

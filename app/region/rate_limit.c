#include "rate_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "hash.h"

enum { TIME_BITS = 40 };

static const uint64_t minute_ns = 60000000000, minute_ms = 60000;
static const uint64_t time_mask = ((uint64_t)1 << TIME_BITS) - 1;

enum answer rate_limit_client(struct region *region, const struct client *client, uint64_t now_ns)
{
    if (client->rate_per_minute == 0) return ANSWER_YES;
    uint64_t interval = minute_ns / client->rate_per_minute;
    uint64_t ahead = interval * (client->rate_burst ? client->rate_burst : client->rate_per_minute);
    _Atomic uint64_t *bucket = &region->limits[client->slot & region->index_mask];
    uint64_t spent = atomic_load_explicit(bucket, memory_order_relaxed), base;
    do {
        /* Further ahead than this client can be: an older rate or the slot's former client spent that. */
        base = spent > now_ns && spent <= now_ns + ahead ? spent : now_ns;
        if (base + interval > now_ns + ahead) return ANSWER_NO;
    } while (!atomic_compare_exchange_weak_explicit(bucket, &spent, base + interval, memory_order_relaxed,
                                                    memory_order_relaxed));
    return ANSWER_YES;
}

/* What tells sources apart: 8 bytes of an IPv6 address, 4 of one that carries IPv4, else the text as it is. */
static struct text source_key(struct text source, struct in6_addr *address_r)
{
    char name[INET6_ADDRSTRLEN];
    if (source.size == 0 || source.size >= sizeof name || !memchr(source.data, ':', source.size)) return source;
    memcpy(name, source.data, source.size);
    name[source.size] = '\0';
    if (inet_pton(AF_INET6, name, address_r) != 1) return source;
    const char *bytes = (const char *)address_r->s6_addr;
    return IN6_IS_ADDR_V4MAPPED(address_r) ? (struct text){ bytes + 12, 4 } : (struct text){ bytes, 8 };
}

struct bucket {
    _Atomic uint64_t *word;
    uint64_t tag;
};

static struct bucket bucket_of(const struct region *region, const struct rate_limit_pair *pair)
{
    struct in6_addr address;
    struct hash hash = hash_pair(region, pair->client_id, source_key(pair->source, &address));
    return (struct bucket){ &region->failures[hash.place & region->failures_mask], hash.tag >> TIME_BITS };
}

/* The time up to which the bucket is spent; now when the word is another's. */
static uint64_t spent_until(const struct bucket *bucket, uint64_t word, uint64_t now_ms)
{
    uint64_t spent = word & time_mask;
    return word >> TIME_BITS == bucket->tag && spent > now_ms ? spent : now_ms;
}

enum answer rate_limit_failure_allowed(const struct region *region, const struct rate_limit_pair *pair,
                                       uint32_t per_minute, uint64_t now_ms)
{
    struct bucket bucket = bucket_of(region, pair);
    uint64_t word = atomic_load_explicit(bucket.word, memory_order_relaxed), interval = minute_ms / per_minute;
    return spent_until(&bucket, word, now_ms) + interval <= now_ms + interval * per_minute ? ANSWER_YES : ANSWER_NO;
}

void rate_limit_failure_count(struct region *region, const struct rate_limit_pair *pair, uint32_t per_minute,
                              uint64_t now_ms)
{
    struct bucket bucket = bucket_of(region, pair);
    uint64_t word = atomic_load_explicit(bucket.word, memory_order_relaxed), interval = minute_ms / per_minute, spent;
    do {
        spent = spent_until(&bucket, word, now_ms) + interval;
        /* Who goes on while refused is refused no longer than a full bucket takes to drain. */
        if (spent > now_ms + interval * per_minute) spent = now_ms + interval * per_minute;
    } while (!atomic_compare_exchange_weak_explicit(bucket.word, &word, bucket.tag << TIME_BITS | (spent & time_mask),
                                                    memory_order_relaxed, memory_order_relaxed));
}

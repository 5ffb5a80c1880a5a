#include "rate_limit.h"

#include <assert.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "hash.h"

enum { TIME_BITS = 40 };

static const uint64_t minute_ns = 60000000000, minute_ms = 60000;
static const uint64_t time_mask = ((uint64_t)1 << TIME_BITS) - 1;

enum answer rate_limit_client(struct region *region, const struct client *client, uint64_t now_ns)
{
    assert(region_is_mask(region->index_mask) && client->slot <= region->index_mask);
    if (client->rate_per_minute == 0) return ANSWER_YES;
    uint64_t interval = minute_ns / client->rate_per_minute;
    uint64_t ahead = interval * (client->rate_burst ? client->rate_burst : client->rate_per_minute);
    _Atomic uint64_t *bucket = &region->limits[client->slot & region->index_mask];
    uint64_t spent = atomic_load_explicit(bucket, memory_order_relaxed), base;
    do {
        /* A word further ahead than this client can be was left by an older rate or by the slot's former client. */
        base = spent > now_ns && spent <= now_ns + ahead ? spent : now_ns;
        if (base + interval > now_ns + ahead) return ANSWER_NO;
    } while (!atomic_compare_exchange_weak_explicit(bucket, &spent, base + interval, memory_order_relaxed,
                                                    memory_order_relaxed));
    return ANSWER_YES;
}

/* Returns the bytes by which sources are distinguished: 8 of an IPv6 address, 4 of an IPv4-mapped one, else the text. */
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
    assert(region_is_mask(region->failures_mask));
    struct hash hash = hash_pair(region, pair->client_id, source_key(pair->source, &address));
    return (struct bucket){ &region->failures[hash.place & region->failures_mask], hash.tag >> TIME_BITS };
}

static uint64_t interval_of(uint32_t per_minute)
{
    assert(per_minute > 0 && per_minute <= minute_ms); /* an interval of 0 would never refuse */
    return minute_ms / per_minute;
}

/* Returns the time up to which the bucket is spent; now_ms when the word belongs to another pair. */
static uint64_t spent_until(const struct bucket *bucket, uint64_t word, uint64_t now_ms)
{
    uint64_t spent = word & time_mask;
    return word >> TIME_BITS == bucket->tag && spent > now_ms ? spent : now_ms;
}

enum answer rate_limit_failure_allowed(const struct region *region, const struct rate_limit_pair *pair,
                                       uint32_t per_minute, uint64_t now_ms)
{
    struct bucket bucket = bucket_of(region, pair);
    uint64_t word = atomic_load_explicit(bucket.word, memory_order_relaxed), interval = interval_of(per_minute);
    return spent_until(&bucket, word, now_ms) + interval <= now_ms + interval * per_minute ? ANSWER_YES : ANSWER_NO;
}

void rate_limit_failure_count(struct region *region, const struct rate_limit_pair *pair, uint32_t per_minute,
                              uint64_t now_ms)
{
    struct bucket bucket = bucket_of(region, pair);
    uint64_t word = atomic_load_explicit(bucket.word, memory_order_relaxed), interval = interval_of(per_minute), spent;
    do {
        spent = spent_until(&bucket, word, now_ms) + interval;
        /* Attempts made while refused prolong the refusal to the time that a full bucket takes to drain, not beyond. */
        if (spent > now_ms + interval * per_minute) spent = now_ms + interval * per_minute;
    } while (!atomic_compare_exchange_weak_explicit(bucket.word, &word, bucket.tag << TIME_BITS | (spent & time_mask),
                                                    memory_order_relaxed, memory_order_relaxed));
}

#include "metrics_page.h"

#include <assert.h>

#include "../../lib/oauth/server.h"
#include "../region/counters.h"
#include "region_store.h"

static void put_family(struct buffer *page, const char *name, const char *type, const char *help)
{
    buffer_put(page, TEXT("# HELP m2mauth_"));
    buffer_put(page, text_of(name));
    buffer_put_char(page, ' ');
    buffer_put(page, text_of(help));
    buffer_put(page, TEXT("\n# TYPE m2mauth_"));
    buffer_put(page, text_of(name));
    buffer_put_char(page, ' ');
    buffer_put(page, text_of(type));
    buffer_put_char(page, '\n');
}

/* Writes a label; the text before the first one opens the braces, and put_value() closes them. */
static void put_label(struct buffer *page, const char *before, const char *value)
{
    buffer_put(page, text_of(before));
    buffer_put(page, text_of(value));
    buffer_put_char(page, '"');
}

static void put_value(struct buffer *page, const char *before, uint64_t value)
{
    buffer_put(page, text_of(before));
    buffer_put(page, TEXT(" "));
    buffer_put_number(page, value);
    buffer_put_char(page, '\n');
}

/* Writes parts / per_second as a decimal fraction; per_second is a power of ten. */
static void put_seconds(struct buffer *page, uint64_t parts, uint64_t per_second)
{
    assert(per_second == 1000 || per_second == 1000000);
    buffer_put_number(page, parts / per_second);
    buffer_put_char(page, '.');
    for (uint64_t place = per_second / 10; place > 0; place /= 10)
        buffer_put_char(page, (char)('0' + parts / place % 10));
    buffer_put_char(page, '\n');
}

/* Several paths may have the same route name; they then share its samples. */
static size_t first_of_name(size_t route)
{
    size_t first = 0;
    assert(route < COUNTERS_ROUTES);
    while (strcmp(server_route_name(first), server_route_name(route)) != 0) first++;
    return first;
}

static uint64_t requests(const struct region *region, size_t first, size_t class)
{
    uint64_t total = 0;
    for (size_t route = first; route < COUNTERS_ROUTES; route++)
        if (first_of_name(route) == first)
            total += counters_total(region, COUNTERS_REQUESTS + route * COUNTERS_CLASSES + class);
    return total;
}

static void put_requests(struct buffer *page, const struct region *region)
{
    put_family(page, "requests_total", "counter", "Requests answered, by route and class of status.");
    for (size_t route = 0; route < server_routes() && route < COUNTERS_ROUTES; route++) {
        if (first_of_name(route) != route) continue;
        for (size_t class = 0; class < COUNTERS_CLASSES; class ++) {
            put_label(page, "m2mauth_requests_total{route=\"", server_route_name(route));
            put_label(page, ",status=\"", counters_class_name(class));
            put_value(page, "}", requests(region, route, class));
        }
    }
}

static void put_refusals(struct buffer *page, const struct region *region)
{
    put_family(page, "refusals_total", "counter", "Requests refused, by reason.");
    for (size_t error = ERROR_none + 1; error < ERROR_COUNT; error++) {
        put_label(page, "m2mauth_refusals_total{reason=\"", error_facts((enum error)error)->name);
        put_value(page, "}", counters_total(region, COUNTERS_REFUSALS + error));
    }
}

/* The label of a latency bucket: its upper bound in seconds. */
static const char *bound_name(size_t bucket)
{
    static const char *const names[] = { "0.00005", "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01",
                                         "0.025",   "0.05",   "0.1",     "0.25",   "0.5",   "1",      "+Inf" };
    static_assert(sizeof names / sizeof *names == COUNTERS_BOUNDS + 1, "a name for each bucket");
    return names[bucket];
}

static void put_latency(struct buffer *page, const struct region *region)
{
    uint64_t count = 0;
    put_family(page, "request_seconds", "histogram", "Time from the last byte of a request to the last of its answer.");
    for (size_t i = 0; i <= COUNTERS_BOUNDS; i++) {
        count += counters_total(region, COUNTERS_BUCKETS + i);
        put_label(page, "m2mauth_request_seconds_bucket{le=\"", bound_name(i));
        put_value(page, "}", count);
    }
    buffer_put(page, TEXT("m2mauth_request_seconds_sum "));
    put_seconds(page, counters_total(region, COUNTERS_MICROSECONDS), 1000000);
    put_value(page, "m2mauth_request_seconds_count", count);
}

static void put_fact(struct buffer *page, const char *name, const char *type, const char *help, uint64_t value)
{
    put_family(page, name, type, help);
    buffer_put(page, TEXT("m2mauth_"));
    put_value(page, name, value);
}

static uint64_t workers_ready(const struct region *region)
{
    uint64_t ready = 0;
    for (size_t i = 0; i < region->process_count; i++)
        ready += atomic_load(&region->scoreboard[i].role) == REGION_WORKER && atomic_load(&region->scoreboard[i].ready);
    return ready;
}

static void put_replica(struct buffer *page, const struct region *region)
{
    const struct region_status *status = region->status;
    uint64_t now_ms = region_milliseconds(), synced_ms = atomic_load(&status->synced_ms);
    put_family(page, "replica_age_seconds", "gauge", "Time since the last complete synchronisation with the database.");
    buffer_put(page, TEXT("m2mauth_replica_age_seconds "));
    if (atomic_load(&status->complete)) put_seconds(page, now_ms > synced_ms ? now_ms - synced_ms : 0, 1000);
    else buffer_put(page, TEXT("+Inf\n"));
    put_family(page, "poll_seconds", "gauge", "Duration of the last synchronisation.");
    buffer_put(page, TEXT("m2mauth_poll_seconds "));
    put_seconds(page, atomic_load(&status->poll_ms), 1000);
    put_fact(page, "reloads_total", "counter", "Complete loads of the replica.", atomic_load(&status->reloads));
    put_fact(page, "feed_streams", "gauge", "Streams of the change feed, one for each host with recent changes.",
             atomic_load(&status->streams));
    put_fact(page, "database_up", "gauge", "1 while the keeper's connection works.", atomic_load(&status->database_up));
    put_fact(page, "clients", "gauge", "Clients in the replica.", atomic_load(&status->clients));
    put_fact(page, "clients_left_out", "gauge", "Clients that did not fit: raise clients_max or client_bytes.",
             atomic_load(&status->clients_left_out));
    put_fact(page, "bad_rows", "gauge", "Invalid rows of clients: see the event bad_row in the log.",
             atomic_load(&status->bad_rows));
    put_fact(page, "bad_key_rows", "gauge", "Rows of signing_key without a valid MAC: see m2mctl key list.",
             atomic_load(&status->bad_key_rows));
    put_fact(page, "revocations_full_total", "counter", "Revocations that did not fit: raise revocations_max.",
             atomic_load(region->revocations_full));
    put_fact(page, "seen_full_total", "counter", "Proofs of clients that did not fit: raise seen_max.",
             atomic_load(region->replay_full));
    put_fact(page, "rules_generation", "gauge", "Changes of the revocation rules.", atomic_load(&status->rules) >> 1);
    put_fact(page, "keys_generation", "gauge", "Changes of the signing keys.", atomic_load(&status->keys) >> 1);
    put_fact(page, "log_lost_total", "counter", "Log lines lost because the reader of the log was too slow.",
             atomic_load(region->log_lost));
    put_fact(page, "log_left_out_total", "counter", "Log lines omitted: more requests than log_requests_per_second.",
             atomic_load(region->log_left_out));
    put_fact(page, "workers_ready", "gauge", "Workers that serve.", workers_ready(region));
}

static void put_degraded(struct buffer *page, const struct region *region)
{
    static const char *const names[] = {
#define COUNTERS_DEGRADED(name, help) #name,
        STORE_DEGRADED_LIST(COUNTERS_DEGRADED)
#undef COUNTERS_DEGRADED
    };
    uint64_t degraded = atomic_load(&region->status->degraded);
    put_family(page, "degraded", "gauge", "1 for a function that does not work while requests are served.");
    for (size_t i = 0; i < STORE_DEGRADED_COUNT; i++) {
        put_label(page, "m2mauth_degraded{reason=\"", names[i]);
        put_value(page, "}", degraded >> i & 1);
    }
}

int metrics_page(void *context, struct buffer *page)
{
    const struct region *region = ((const struct region_store *)context)->region;
    put_requests(page, region);
    put_refusals(page, region);
    put_latency(page, region);
#define COUNTERS_PUT(name, help) \
    put_fact(page, #name "_total", "counter", help, counters_total(region, COUNTERS_##name));
    COUNTERS_LIST(COUNTERS_PUT)
#undef COUNTERS_PUT
    put_replica(page, region);
    put_degraded(page, region);
    return page->full ? -1 : 0;
}

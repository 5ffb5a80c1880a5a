/* counters: what the processes of the pool count, each in its own row of the region, without a lock.
 *
 * A total is the sum over all rows, also those of processes that have exited, so no counter falls while the master runs. */
#ifndef APP_REGION_COUNTERS_H
#define APP_REGION_COUNTERS_H

#include "../../lib/oauth/response.h"
#include "region.h"

/* name of the counter and, with m2mauth_ before and _total after it, of the metric */
#define COUNTERS_LIST(X) \
    X(verified_hits, "Costly checks that had been paid for before.") \
    X(verified_misses, "Costly checks that had to be made.") \
    X(revocations_durable, "Revocations acknowledged by the database.") \
    X(revocations_failed, "Revocations answered with 503: not durable in time.") \
    X(proofs_new, "Proofs that the database had not seen (replay = cluster).") \
    X(proofs_used, "Proofs that the database had seen, most likely from another host.") \
    X(proofs_failed, "Proofs answered with 503: not judged by the database in time.")

enum counters_event {
#define COUNTERS_NAME(name, help) COUNTERS_##name,
    COUNTERS_LIST(COUNTERS_NAME)
#undef COUNTERS_NAME
        COUNTERS_EVENTS
};

/* Upper bounds of the latency buckets in microseconds; a slower request is in one bucket more. */
#define COUNTERS_BOUND_LIST(X) \
    X(50) \
    X(100) X(250) X(500) X(1000) X(2500) X(5000) X(10000) X(25000) X(50000) X(100000) X(250000) X(500000) X(1000000)

#define COUNTERS_ONE(microseconds) +1
enum { COUNTERS_ROUTES = 24, COUNTERS_CLASSES = 4, COUNTERS_BOUNDS = 0 COUNTERS_BOUND_LIST(COUNTERS_ONE) };
#undef COUNTERS_ONE

/* The index of each counter in region_process.counters; the events come first. */
enum {
    COUNTERS_REQUESTS = COUNTERS_EVENTS,                                        /* by route, then class of status */
    COUNTERS_REFUSALS = COUNTERS_REQUESTS + COUNTERS_ROUTES * COUNTERS_CLASSES, /* by enum error */
    COUNTERS_BUCKETS = COUNTERS_REFUSALS + ERROR_COUNT,
    COUNTERS_MICROSECONDS = COUNTERS_BUCKETS + COUNTERS_BOUNDS + 1,
    COUNTERS_END
};

/* Only the process that owns the row calls these. */
void counters_add(struct region_process *row, enum counters_event event);
void counters_add_request(struct region_process *row, const struct response *response, unsigned microseconds);

/* The total of the counter at an index. */
uint64_t counters_total(const struct region *region, size_t index);

/* 2xx, 3xx, 4xx, 5xx. */
const char *counters_class_name(size_t class);

#endif

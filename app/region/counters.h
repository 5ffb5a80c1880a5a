/* counters: event counters of all processes, each kept in the process's own row of the scoreboard, without a lock.
 *
 * A total is the sum over all rows, including those of exited processes, so no counter decreases while the master runs. The
 * text of the metrics page is not made here (worker/metrics_page.h). */
#ifndef APP_REGION_COUNTERS_H
#define APP_REGION_COUNTERS_H

#include "../../lib/oauth/response.h"
#include "region.h"

/* Name of the counter; the metric is m2mauth_NAME_total. */
#define COUNTERS_LIST(X) \
    X(verified_hits, "Signatures and secrets found in the cache of verified ones.") \
    X(verified_misses, "Signatures and secrets that were not in the cache and were verified.") \
    X(revocations_durable, "Revocations acknowledged by the database.") \
    X(revocations_failed, "Revocations answered with 503: not durable in time.") \
    X(proofs_new, "Proofs that the database did not have yet (replay = cluster).") \
    X(proofs_used, "Proofs that the database had already, most likely from another host.") \
    X(proofs_failed, "Proofs answered with 503: the database did not answer in time.")

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

/* Counts one event in a row that was taken. Only the owner of the row may call it. */
void counters_add(struct region_process *row, enum counters_event event);

/* Counts an answered request: route and status class, the error if any, and its duration. Owner of the row only. */
void counters_add_request(struct region_process *row, const struct response *response, unsigned microseconds);

/* Returns the sum over all rows of the counter at index, below COUNTERS_END. */
uint64_t counters_total(const struct region *region, size_t index);

/* Returns "2xx", "3xx", "4xx" or "5xx" for class 0 to 3, else an empty string. */
const char *counters_class_name(size_t class);

#endif

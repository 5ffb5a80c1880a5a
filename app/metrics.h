/* metrics: what a worker counts, and the page that shows it (Prometheus text format 0.0.4).
 *
 * Each process counts in its own row, without a lock; the page is the sum over all rows, also those of the dead, so
 * that no counter ever falls while the master lives. Nothing on the page names a client. */
#ifndef APP_METRICS_H
#define APP_METRICS_H

#include "../lib/oauth/response.h"
#include "region.h"

/* name of the counter and, with m2mauth_ before and _total after it, of the metric */
#define METRICS_LIST(X) \
    X(verified_hits,       "Costly checks that had been paid for before.") \
    X(verified_misses,     "Costly checks that had to be made.") \
    X(revocations_durable, "Revocations acknowledged by the database.") \
    X(revocations_failed,  "Revocations answered with 503: not durable in time.") \
    X(proofs_new,          "Proofs that the database had not seen (replay = cluster).") \
    X(proofs_used,         "Proofs that the database had seen, most likely from another host.") \
    X(proofs_failed,       "Proofs answered with 503: not judged by the database in time.")

enum metrics_counter {
#define METRICS_NAME(name, help) METRICS_##name,
    METRICS_LIST(METRICS_NAME)
#undef METRICS_NAME
    METRICS_COUNTERS
};

void metrics_add(struct region_row *row, enum metrics_counter counter);

/* One request that was answered. */
void metrics_count(struct region_row *row, const struct response *response, unsigned microseconds);

/* Appends the page; world is a struct world (world.h). 0, or -1 when it does not fit. */
int metrics_page(void *world, struct buffer *page);

#endif

/* region_store: implements struct store (lib/oauth/store.h) over the region, for one worker.
 *
 * It holds no data itself: each function calls the unit of app/region that does. It adds only the clocks, the age of the data,
 * jobs for the keeper and the slow lane, which admits one slow hash at a time. */
#ifndef APP_WORKER_REGION_STORE_H
#define APP_WORKER_REGION_STORE_H

#include "../../lib/base/secret.h"
#include "../../lib/oauth/store.h"
#include "../platform/config.h"
#include "../region/region.h"

enum { REGION_STORE_SLOW_LANE_MS = 5000 }; /* a worker that computes longer loses the lane */

struct region_store {
    struct region *region;
    struct region_process *row;
    struct secret_hasher *hasher;
    const struct config *config;
    struct store interface;
};

/* Fills the store for the worker that owns row; all arguments must outlive it. Returns 0, or -1 when CLOCK_BOOTTIME cannot be
 * read. */
int region_store_open(struct region_store *store, struct region *region, struct region_process *row,
                      struct secret_hasher *hasher, const struct config *config);

/* Returns the interface for lib/, valid as long as the store. */
const struct store *region_store_interface(const struct region_store *store);

#endif

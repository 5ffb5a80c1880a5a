/* region_store: struct store (lib/oauth/store.h), filled over the region for one worker.
 *
 * Not a store itself: each door leads to the file that keeps what is behind it. Here stand only the clocks and what one
 * worker does for the others: ages, letters to the keeper and the slow lane. */
#ifndef APP_WORKER_REGION_STORE_H
#define APP_WORKER_REGION_STORE_H

#include "../../lib/base/secret.h"
#include "../../lib/oauth/store.h"
#include "../platform/config.h"
#include "../region/region.h"

enum { REGION_STORE_SLOW_LANE_MS = 5000 }; /* who computes for longer has lost the lane */

struct region_store {
    struct region *region;
    struct region_process *row;
    struct secret_hasher *hasher;
    const struct config *config;
    struct store interface;
};

/* All that is handed in must outlive world. 0, or -1 when there is no CLOCK_BOOTTIME to measure by. */
int region_store_open(struct region_store *store, struct region *region, struct region_process *row,
                      struct secret_hasher *hasher, const struct config *config);

const struct store *region_store_interface(const struct region_store *store);

#endif

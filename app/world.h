/* world: struct store (lib/oauth/store.h), filled over the region for one worker.
 *
 * Not a store itself: each door leads to the file that keeps what is behind it. Here stand only the clocks and what one
 * worker does for the others: ages, letters to the keeper and the slow lane. */
#ifndef APP_WORLD_H
#define APP_WORLD_H

#include "../lib/base/secret.h"
#include "../lib/oauth/store.h"
#include "config.h"
#include "region.h"

enum { WORLD_SLOW_LANE_MS = 5000 };     /* who computes for longer has lost the lane */

struct world {
    struct region *region;
    struct region_row *row;
    struct secret_hasher *hasher;
    const struct config *config;
    struct store store;
};

/* All that is handed in must outlive world. 0, or -1 when there is no CLOCK_BOOTTIME to measure by. */
int world_open(struct world *world, struct region *region, struct region_row *row, struct secret_hasher *hasher,
               const struct config *config);

const struct store *world_store(const struct world *world);

#endif

/* worker: the process that reads what the world sends, and answers it from the region.
 *
 * Many connections, one request at a time. It has no database connection, and no right to write what it believes. */
#ifndef APP_WORKER_WORKER_H
#define APP_WORKER_WORKER_H

#include "../platform/config.h"
#include "../region/region.h"

/* Serves on descriptor 0 until told to stop; called by the child after fork, with its signals blocked. It accepts when the
 * region is complete, or after a second. SIGTERM: no worker follows, so the backlog is emptied first, for half a second.
 * SIGHUP: a newer generation serves, so the listening socket is left at once. Either way what was accepted is answered,
 * for drain_seconds at most, and kept connections without a request are closed. EX_CONFIG without serving also when this
 * worker cannot open a key that another one signs with. The exit status (sysexits.h). */
int worker_run(struct region *region, struct region_process *row, const struct config *config);

#endif

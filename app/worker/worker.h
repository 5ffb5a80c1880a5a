/* worker: the process that reads requests and answers them from the region.
 *
 * Many connections, one request at a time. It has no database connection, and cannot write the data that it trusts: clients,
 * keys, rules and scopes are read-only in a worker. */
#ifndef APP_WORKER_WORKER_H
#define APP_WORKER_WORKER_H

#include "../platform/config.h"
#include "../region/region.h"

/* Serves on descriptor 0 until a signal stops it; called by the child after fork, with its signals blocked. It accepts when the
 * region is complete; after a second if the database is away; after ten seconds in any case. SIGTERM: no worker follows, so it
 * first empties the backlog, for half a second. SIGHUP: a newer generation serves, so it stops accepting at once. In both
 * cases accepted requests are answered, for drain_seconds at most, and kept connections without a request are closed. Returns
 * the exit status (sysexits.h): EX_CONFIG, without serving, also when this worker cannot open a key that another one signs
 * with. */
int worker_run(struct region *region, struct region_process *row, const struct config *config);

#endif

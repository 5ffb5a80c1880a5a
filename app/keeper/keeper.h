/* keeper: the only process that talks to MariaDB. It reads no request and signs nothing; a new signing key passes through it
 * on its way into the database, and leaves it sealed.
 *
 * It brings the replica up to date (feed.h, replica.h), makes the workers' revocations durable and
 * judges their proofs (jobs.h), rotates the signing keys (key_renewal.h), and deletes what has expired. A connection that fails
 * is given up at once; the region says how old it is, and workers decide. */
#ifndef APP_KEEPER_KEEPER_H
#define APP_KEEPER_KEEPER_H

#include "../region/region.h"

/* Works until SIGTERM. Sets its own signal mask. The exit status (sysexits.h). */
int keeper_run(struct region *region, struct region_process *row, const struct config *config);

#endif

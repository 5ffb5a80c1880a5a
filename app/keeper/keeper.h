/* keeper: the only process that connects to MariaDB. It handles no HTTP request and signs no token; a new signing key
 * passes through it on its way into the database and is sealed there.
 *
 * It keeps the replica up to date (feed.h, replica.h), stores the revocations and checks the DPoP proofs that
 * workers hand to it (jobs.h), rotates the signing keys (key_renewal.h) and deletes expired rows (purge.h). A
 * connection that fails is closed at once; the region holds the age of the replica, from which the workers decide
 * what they still answer. */
#ifndef APP_KEEPER_KEEPER_H
#define APP_KEEPER_KEEPER_H

#include "../region/region.h"

/* Runs until SIGTERM, with a signal mask of its own. Returns an exit status of sysexits.h. */
int keeper_run(struct region *region, struct region_process *row, const struct config *config);

#endif

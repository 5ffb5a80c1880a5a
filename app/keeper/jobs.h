/* jobs: what workers have asked the keeper for (mailbox.h), as the rows of one transaction.
 *
 * Of two hosts that write the same proof at once only one can commit. On one server the second waits at the key until
 * the first has ended; on Galera, where a lock is one node's, the later commit fails (DB_DEADLOCK), and when it is tried
 * again the row is there. Either way it is found, and the answer is used.
 *
 * A letter is durable, or its proof used, only if its own row is there: a duplicate key alone does not say so. */
#ifndef APP_KEEPER_JOBS_H
#define APP_KEEPER_JOBS_H

#include "../db/db.h"
#include "../region/mailbox.h"

/* Writes them all and commits. 0: each holds its answer. -1: nothing is known to be written, and db holds the numbers of
 * its failure; the transaction may still be open. The order of letters changes. */
int jobs_write(struct db *db, struct mailbox_job *jobs, size_t count);

#endif

/* jobs: what workers have asked the keeper for (mailbox.h), as the rows of one transaction, and the answers.
 *
 * Of two hosts that write the same proof at once only one can commit. On one server the second waits at the key until
 * the first has ended; on Galera, where a lock is one node's, the later commit fails (DB_DEADLOCK), and when it is tried
 * again the row is there. Either way it is found, and the answer is used.
 *
 * A job is durable, or its proof used, only if its own row is there: a duplicate key alone does not say so. */
#ifndef APP_KEEPER_JOBS_H
#define APP_KEEPER_JOBS_H

#include "../db/db.h"
#include "../region/region.h"

enum jobs_fault {
    JOBS_LOST,      /* the connection failed */
    JOBS_READ_ONLY, /* the server takes no changes */
    JOBS_REFUSED,   /* nothing was committed: the server does not take these rows, or not in time */
    JOBS_CONTENDED  /* nothing was committed, however often it was tried: other sessions hold the rows */
};

struct jobs_writer {
    struct region *region;
    struct region_process *row; /* its heartbeat is noted before each transaction */
    struct db **db;             /* *db is NULL while there is no connection */
    /* Told of each fault, with the number and text of the database's error. May close the connection or replace it. True
     * when the transaction may be tried again. */
    bool (*failed)(void *context, enum jobs_fault fault, unsigned number, const char *why);
    void *context; /* of failed */
};

/* Takes every job that workers have posted, writes and commits its row, and answers it; without a connection the answer is
 * MAILBOX_FAILED. What is wrong with one job does not fail the others. */
void jobs_answer(const struct jobs_writer *writer);

#endif

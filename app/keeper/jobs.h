/* jobs: takes the jobs that workers have put into the mailbox (mailbox.h), writes them as rows of one transaction and
 * answers them. It does not open the connection (keeper.c).
 *
 * If two hosts write the same proof at the same time, only one can commit. On a single server the second INSERT waits
 * for the key's lock until the first transaction ends; on Galera, where locks are local to a node, the later commit
 * fails (DB_DEADLOCK), and the retry finds the row. In both cases the row is found and the answer is MAILBOX_USED.
 *
 * A job is answered as stored or used only if its own row exists: a duplicate-key error alone does not prove that. */
#ifndef APP_KEEPER_JOBS_H
#define APP_KEEPER_JOBS_H

#include "../db/db.h"
#include "../region/region.h"

enum jobs_fault {
    JOBS_LOST,      /* the connection failed */
    JOBS_READ_ONLY, /* the server refuses writes */
    JOBS_REFUSED,   /* nothing was committed: the server refused the rows, or took too long */
    JOBS_CONTENDED  /* nothing was committed in any attempt: other sessions hold the rows */
};

struct jobs_writer {
    struct region *region;
    struct region_process *row; /* its heartbeat is updated before each transaction */
    struct db **db;             /* *db is NULL without a connection */
    /* Called for each fault, with the number and text of the database error. It may close or replace the
     * connection. Returns true if the transaction may be retried. */
    bool (*failed)(void *context, enum jobs_fault fault, unsigned number, const char *why);
    void *context; /* argument of failed */
};

/* Takes every job from the mailbox, writes and commits its row, and answers it; without a connection the answer is
 * MAILBOX_FAILED. A bad job does not make the others fail. */
void jobs_answer(const struct jobs_writer *writer);

#endif

/* purge: deletes what has expired from the database, and the streams of the change feed that have no row there.
 *
 * One short statement a time, so that no other session waits for long. It is safe at any moment: a row that expired is no
 * longer read, a stream comes back with its next change (feed.h), and a reader that has missed a row of feed loads everything again. */
#ifndef APP_KEEPER_PURGE_H
#define APP_KEEPER_PURGE_H

#include "../db/db.h"

/* A host of a version before 0.2 has room for 512 streams: above this number rows of feed go after an hour, not a week, and
 * their streams with them. */
enum { PURGE_STREAMS_MANY = 256 };

struct purge {
    size_t turn;
};

/* The next statement; streams: how many there are. 1 when it was the last one of a round, 0 when there is more, or -1:
 * db_why(). */
int purge_turn(struct purge *purge, struct db *db, size_t streams);

#endif

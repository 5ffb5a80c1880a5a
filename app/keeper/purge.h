/* purge: deletes expired rows and idle streams of the change feed from the database.
 *
 * It runs one short statement at a time, so that no other session waits long. It is safe at any time: expired rows
 * are not read, an idle stream is added again by its next change (feed.h), and a reader that misses a row of feed
 * loads everything again. */
#ifndef APP_KEEPER_PURGE_H
#define APP_KEEPER_PURGE_H

#include "../db/db.h"

/* A host of a version before 0.2 can hold 512 streams: above this number, rows of feed are deleted after an hour
 * instead of a week, and then their streams. */
enum { PURGE_STREAMS_MANY = 256 };

struct purge {
    size_t turn;
};

/* Runs the next statement. streams: the number of streams. Returns 1 if it was the last of a round, 0 if more
 * follow, -1: db_why(). */
int purge_turn(struct purge *purge, struct db *db, size_t streams);

#endif

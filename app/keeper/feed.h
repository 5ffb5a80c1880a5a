/* feed: reads the change feed of the database and applies it to the replica. It does not load the whole database
 * (replica.h) and does not delete old rows (purge.h).
 *
 * Each stream of the feed is numbered without gaps, in commit order. A cursor advances from n to n + 1 once row n + 1
 * and the object that it names have been read, and never past a missing number: every change up to the cursor is in
 * the replica. Rows of the feed only name what to read again, so applying a row twice has the effect of applying it
 * once.
 *
 * A stream without rows in feed is removed (purge.h) and is added again under its name by its next change; `began`
 * distinguishes that from a stream restored from a backup. */
#ifndef APP_KEEPER_FEED_H
#define APP_KEEPER_FEED_H

#include "replica.h"

struct feed;

/* Returns NULL if out of memory. */
struct feed *feed_new(void);

/* Frees it with everything in it; NULL is allowed. */
void feed_free(struct feed *feed);

enum feed_result {
    FEED_FAILED = -1, /* feed_why() says why; everything before the cursors has been applied */
    FEED_CURRENT,     /* everything committed before the call is in the replica */
    FEED_BEHIND,      /* more rows are waiting: call again */
    FEED_RELOAD /* the feed does not have all changes: load everything. feed_why() says why; the cursors are those of this moment */
};

/* Reads the next changes of all streams and applies them to replica. */
enum feed_result feed_poll(struct feed *feed, struct replica *replica, struct db *db);

/* Rows of feed_stream at the last poll, and how many of them were left out because the name is too long or there
 * are too many. */
size_t feed_streams(const struct feed *feed);
size_t feed_left_out(const struct feed *feed);

/* The reason for FEED_FAILED or FEED_RELOAD of the last poll; valid as long as db. */
const char *feed_why(const struct feed *feed);

#endif

/* feed: what has changed since we last looked.
 *
 * Every stream of the change feed has numbers without a gap, in the order of the commits. A cursor moves from n to
 * n + 1 when the row n + 1 has been read and what it names has been read again, and never over a hole: whatever has a
 * number up to the cursor is in the replica. Rows are keys to read again, so applying one twice is applying it once.
 *
 * A stream without rows in feed is removed (purge.h) and comes back under its name with its next change; `began` tells it
 * from one that was restored from a backup. */
#ifndef APP_KEEPER_FEED_H
#define APP_KEEPER_FEED_H

#include "replica.h"

struct feed;

/* NULL when memory is not to be had. */
struct feed *feed_new(void);
void feed_free(struct feed *feed);

enum feed_result {
    FEED_FAILED = -1, /* feed_why(); cursors stand where all before them was applied */
    FEED_CURRENT,     /* everything committed before the call is in the replica */
    FEED_BEHIND,      /* there is more: call again */
    FEED_RELOAD       /* the feed cannot tell what has changed: feed_why(); cursors stand at this moment */
};
enum feed_result feed_poll(struct feed *feed, struct replica *replica, struct db *db);

/* Rows of feed_stream at the last poll, and how many of them were left out: a name that is too long, or too many rows. */
size_t feed_streams(const struct feed *feed);
size_t feed_left_out(const struct feed *feed);

/* Why the last poll failed or cannot tell; lives as long as db. */
const char *feed_why(const struct feed *feed);

#endif

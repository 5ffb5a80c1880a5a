#include "feed.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FEED_STREAMS = 512,
    FEED_STREAM_BYTES = 64,
    FEED_EPOCH_BYTES = 40,
    FEED_CLIENTS = 500,         /* more changed clients in one page, and a complete load is quicker */
    FEED_PAGE = 10000           /* as READ_FEED has it */
};

struct position {
    char stream[FEED_STREAM_BYTES];
    size_t size;
    uint64_t seq;
};

/* As read, a seq may be one that is not committed yet: a hint that there is something to read, never more. */
struct positions {
    size_t count;
    char epoch[FEED_EPOCH_BYTES];
    struct position streams[FEED_STREAMS];
};

/* What one page of one stream asks to read again. */
struct changes {
    struct replica *replica;
    uint64_t seq;               /* of the last row read in order */
    size_t rows, clients;
    bool rules, keys, hole, everything;
    size_t sizes[FEED_CLIENTS];
    char ids[FEED_CLIENTS][REGION_CLIENT_ID];
};

struct feed {
    const char *why;
    bool unreadable;            /* a stream that has no room here */
    struct positions read, applied;
    struct changes changes;
};

struct feed *feed_new(void)
{
    struct feed *feed = calloc(1, sizeof *feed);
    if (feed) feed->why = "start";
    return feed;
}

void feed_free(struct feed *feed)
{
    free(feed);
}

const char *feed_why(const struct feed *feed)
{
    return feed->why;
}

static int take_stream(void *context, const struct text *columns, size_t count)
{
    struct feed *feed = context;
    struct positions *read = &feed->read;
    uint64_t seq = 0;
    feed->unreadable = count != 3 || read->count == FEED_STREAMS || columns[0].size > FEED_STREAM_BYTES ||
                       text_number(columns[1], UINT64_MAX, &seq) || columns[2].size >= FEED_EPOCH_BYTES;
    if (feed->unreadable) return -1;
    struct position *p = &read->streams[read->count];
    p->seq = seq;
    memcpy(p->stream, columns[0].data, columns[0].size);
    p->size = columns[0].size;
    memset(read->epoch, 0, sizeof read->epoch);
    memcpy(read->epoch, columns[2].data, columns[2].size);
    read->count++;
    return 0;
}

static struct text name_of(const struct position *p)
{
    return (struct text){ p->stream, p->size };
}

static struct position *find(struct positions *positions, struct text stream)
{
    for (size_t i = 0; i < positions->count; i++)
        if (text_equal(name_of(&positions->streams[i]), stream)) return &positions->streams[i];
    return NULL;
}

static enum feed_result failed(struct feed *feed, const char *why)
{
    feed->why = why;
    return FEED_FAILED;
}

static int take_number(void *context, const struct text *columns, size_t count)
{
    return count == 1 ? text_number(columns[0], UINT64_MAX, context) : -1;
}

/* One question about a number of a stream, answered by another number or by nothing. Rows of the answer, or -1. */
static long ask(struct db *db, enum db_statement statement, const struct position *p, uint64_t seq, uint64_t *seq_r)
{
    char number[24];
    int digits = snprintf(number, sizeof number, "%llu", (unsigned long long)seq);
    struct text parameters[] = { name_of(p), { number, (size_t)digits } };
    return db_query(db, statement, parameters, statement == DB_READ_STREAM ? 1 : 2, take_number, seq_r);
}

/* The first number above seq that has a row, committed or not. */
static long oldest(struct db *db, const struct position *p, uint64_t seq, uint64_t *seq_r)
{
    if (db_query(db, DB_SET_DIRTY, NULL, 0, NULL, NULL) < 0) return -1;
    return ask(db, DB_READ_FEED_OLDEST, p, seq, seq_r);
}

/* Takes p back to the last number that is committed. Rows are committed in order, so a search by halves finds it; the
 * stream's own row would tell, but may be a million versions away when somebody changes as many clients at once. */
static int settle(struct db *db, struct position *p)
{
    uint64_t low = 0, high = p->seq, seen;
    long rows = high > 0 ? ask(db, DB_READ_FEED_ROW, p, high, &seen) : 1;
    if (rows != 0) return rows < 0 ? -1 : 0;
    rows = oldest(db, p, 0, &low);
    if (rows < 0) return -1;
    /* All rows are purged, and nobody is about to add one. */
    if (rows == 0) return ask(db, DB_READ_STREAM, p, 0, &p->seq) < 0 ? -1 : 0;
    low--;
    while (high > low + 1) {
        uint64_t middle = low + (high - low) / 2;
        rows = ask(db, DB_READ_FEED_ROW, p, middle, &seen);
        if (rows < 0) return -1;
        if (rows > 0) low = middle;
        else high = middle;
    }
    p->seq = low;
    return 0;
}

static enum feed_result reload(struct feed *feed, struct db *db, const char *why)
{
    for (size_t i = 0; i < feed->read.count; i++)
        if (settle(db, &feed->read.streams[i])) return failed(feed, db_why(db));
    feed->why = why;
    feed->applied = feed->read;
    return FEED_RELOAD;
}

/* What a restored or rebuilt database shows: another epoch, or a number that is smaller than one we have seen. */
static const char *history_changed(struct feed *feed)
{
    if (feed->applied.count == 0) return "start";
    if (memcmp(feed->applied.epoch, feed->read.epoch, FEED_EPOCH_BYTES) != 0) return "the database was rebuilt";
    for (size_t i = 0; i < feed->read.count; i++) {
        const struct position *p = &feed->read.streams[i], *mine = find(&feed->applied, name_of(p));
        if (mine && p->seq < mine->seq) return "the database was restored from a backup";
    }
    return NULL;
}

static void add_client(struct changes *changes, struct text id)
{
    for (size_t i = changes->clients; i-- > 0;)
        if (text_equal((struct text){ changes->ids[i], changes->sizes[i] }, id)) return;
    if (changes->clients == FEED_CLIENTS || id.size > REGION_CLIENT_ID) {
        changes->everything = true;
        return;
    }
    memcpy(changes->ids[changes->clients], id.data, id.size);
    changes->sizes[changes->clients++] = id.size;
}

static int take_change(void *context, const struct text *columns, size_t count)
{
    struct changes *changes = context;
    uint64_t seq = 0;
    if (count != 4 || text_number(columns[0], UINT64_MAX, &seq)) return -1;
    changes->hole = seq != changes->seq + 1;
    if (changes->hole) return -1;
    struct text kind = columns[1], item = columns[2];
    if (text_equal(kind, TEXT("client"))) add_client(changes, item);
    else if (text_equal(kind, TEXT("revocation_rule"))) changes->rules = true;
    else if (text_equal(kind, TEXT("signing_key"))) changes->keys = true;
    else if (!text_equal(kind, TEXT("revoked_token"))) changes->everything = true;
    /* Without a time its row has been purged, because the token had expired. */
    else if (text_present(columns[3])) replica_revoke(changes->replica, item, columns[3]);
    changes->seq = seq;
    changes->rows++;
    return changes->everything;
}

static int apply(struct changes *changes, struct db *db)
{
    if (changes->keys && replica_keys(changes->replica, db)) return -1;
    if (changes->rules && replica_rules(changes->replica, db)) return -1;
    for (size_t i = 0; i < changes->clients; i++)
        if (replica_client(changes->replica, db, (struct text){ changes->ids[i], changes->sizes[i] })) return -1;
    return 0;
}

/* There are numbers above seq and no row to see: somebody has not committed yet, or the rows are gone. */
static enum feed_result nothing_seen(struct feed *feed, struct db *db, const struct position *p, uint64_t seq)
{
    uint64_t next = 0;
    long rows = feed->changes.hole ? 0 : oldest(db, p, seq, &next);
    if (rows < 0) return failed(feed, db_why(db));
    if (rows > 0 && next == seq + 1) return FEED_CURRENT;
    return reload(feed, db, "older changes have been purged from the feed");
}

/* One page of the stream at p, applied; *seq is its cursor. */
static enum feed_result follow(struct feed *feed, struct replica *replica, struct db *db, const struct position *p,
                               uint64_t *seq)
{
    struct changes *changes = &feed->changes;
    char number[24];
    int digits = snprintf(number, sizeof number, "%llu", (unsigned long long)*seq);
    struct text parameters[] = { name_of(p), { number, (size_t)digits }, { number, (size_t)digits } };
    changes->replica = replica;
    changes->seq = *seq;
    changes->rows = changes->clients = 0;
    changes->rules = changes->keys = changes->hole = changes->everything = false;
    if (db_query(db, DB_READ_FEED, parameters, 3, take_change, changes) < 0) return failed(feed, db_why(db));
    if (changes->everything) return reload(feed, db, "many changes at once");
    if (changes->rows == 0) return nothing_seen(feed, db, p, *seq);
    if (apply(changes, db)) return failed(feed, db_why(db));
    *seq = changes->seq;
    return changes->hole || changes->rows == FEED_PAGE ? FEED_BEHIND : FEED_CURRENT;
}

static uint64_t *cursor(struct feed *feed, const struct position *p)
{
    struct position *mine = find(&feed->applied, name_of(p));
    if (mine) return &mine->seq;
    if (feed->applied.count == FEED_STREAMS) return NULL;
    mine = &feed->applied.streams[feed->applied.count++];
    *mine = *p;
    mine->seq = 0;
    return &mine->seq;
}

enum feed_result feed_poll(struct feed *feed, struct replica *replica, struct db *db)
{
    enum feed_result result = FEED_CURRENT;
    feed->read.count = 0;
    feed->unreadable = false;
    if (db_query(db, DB_SET_DIRTY, NULL, 0, NULL, NULL) < 0) return failed(feed, db_why(db));
    if (db_query(db, DB_READ_STREAMS, NULL, 0, take_stream, feed) < 0) return failed(feed, db_why(db));
    if (feed->unreadable) return failed(feed, "feed_stream has over 512 rows: DELETE those of hosts that are gone");
    if (feed->read.count == 0) return failed(feed, "feed_stream or feed_epoch is empty: migrations fill both");
    const char *why = history_changed(feed);
    if (why) return reload(feed, db, why);
    for (size_t i = 0; i < feed->read.count; i++) {
        const struct position *p = &feed->read.streams[i];
        uint64_t *seq = cursor(feed, p);
        if (!seq) return reload(feed, db, "streams of hosts that are gone crowd the feed");
        if (p->seq == *seq) continue;
        enum feed_result one = follow(feed, replica, db, p, seq);
        if (one == FEED_FAILED || one == FEED_RELOAD) return one;
        if (one == FEED_BEHIND) result = FEED_BEHIND;
    }
    return result;
}

#include "feed.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FEED_STREAM_BYTES = 64,
    FEED_EPOCH_BYTES = 40,
    FEED_STREAMS = 65536,    /* changes in streams beyond this number are found by the next complete load */
    FEED_CLIENTS = 500,      /* above this number of changed clients in one page a complete load is faster */
    FEED_PAGE = 10000,       /* the LIMIT of READ_FEED */
    FEED_FORGET_MS = 600000, /* how long the cursor of a removed stream is kept */
    FEED_GAP_MS = 1800000    /* half the shortest lifetime of a row of feed (PURGE_FEED_EARLY) */
};

/* A stream as it was read, or how far it has been applied. seq as read may not be committed yet: it only says that
 * there may be something to read. */
struct position {
    char stream[FEED_STREAM_BYTES];
    size_t size;
    uint64_t seq;
    uint64_t began, began_seq; /* when its row was added, and its seq at that time */
    uint64_t seen_ms;
};

/* Sorted by name. */
struct positions {
    size_t count, room;
    struct position *streams;
};

/* What the rows of one page of one stream ask to be read again. */
struct changes {
    struct replica *replica;
    uint64_t seq; /* of the last row read in order */
    size_t rows, clients;
    bool rules, keys, scopes, hole, everything;
    size_t sizes[FEED_CLIENTS];
    char ids[FEED_CLIENTS][REGION_CLIENT_ID];
};

struct feed {
    const char *why;
    bool started;
    uint64_t polled_ms; /* when a poll last read all streams */
    size_t left_out;    /* rows of feed_stream that this poll left out */
    char read_epoch[FEED_EPOCH_BYTES], epoch[FEED_EPOCH_BYTES];
    struct positions read, applied, merged;
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
    if (!feed) return;
    free(feed->read.streams);
    free(feed->applied.streams);
    free(feed->merged.streams);
    free(feed);
}

const char *feed_why(const struct feed *feed) { return feed->why; }

size_t feed_streams(const struct feed *feed) { return feed->read.count + feed->left_out; }

size_t feed_left_out(const struct feed *feed) { return feed->left_out; }

static int append(struct positions *positions, const struct position *p)
{
    if (positions->count == positions->room) {
        size_t room = positions->room ? positions->room * 2 : 64;
        struct position *streams = realloc(positions->streams, room * sizeof *streams);
        if (!streams) return -1;
        positions->streams = streams;
        positions->room = room;
    }
    positions->streams[positions->count++] = *p;
    return 0;
}

static int compare(const void *left, const void *right)
{
    const struct position *a = left, *b = right;
    int order = memcmp(a->stream, b->stream, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

/* A row that cannot be parsed is left out, so that it does not stop the other streams. */
static int take_stream(void *context, const struct text *columns, size_t count)
{
    struct feed *feed = context;
    assert(count == COLUMN_STREAM_COUNT);
    memset(feed->read_epoch, 0, sizeof feed->read_epoch);
    if (columns[COLUMN_STREAM_epoch].size > 0 && columns[COLUMN_STREAM_epoch].size < FEED_EPOCH_BYTES)
        memcpy(feed->read_epoch, columns[COLUMN_STREAM_epoch].data, columns[COLUMN_STREAM_epoch].size);
    if (!text_present(columns[COLUMN_STREAM_stream])) return 0;
    struct position p = { .size = columns[COLUMN_STREAM_stream].size, .seen_ms = region_milliseconds() };
    if (p.size > FEED_STREAM_BYTES || text_number(columns[COLUMN_STREAM_seq], UINT64_MAX, &p.seq) ||
        text_number(columns[COLUMN_STREAM_began], UINT64_MAX, &p.began) ||
        text_number(columns[COLUMN_STREAM_began_seq], UINT64_MAX, &p.began_seq) || feed->read.count == FEED_STREAMS) {
        feed->left_out++;
        return 0;
    }
    if (p.size > 0) memcpy(p.stream, columns[COLUMN_STREAM_stream].data, p.size);
    return append(&feed->read, &p);
}

static struct text name_of(const struct position *p) { return (struct text){ p->stream, p->size }; }

static enum feed_result failed(struct feed *feed, const char *why)
{
    feed->why = why;
    return FEED_FAILED;
}

static int take_number(void *context, const struct text *columns, size_t count)
{
    return count == 1 ? text_number(columns[0], UINT64_MAX, context) : -1;
}

/* Runs a statement with the parameters stream and seq, whose result is at most one number. Returns the number of
 * rows, or -1. */
static long ask(struct db *db, enum db_statement statement, const struct position *p, uint64_t seq, uint64_t *seq_r)
{
    char number[24];
    int digits = snprintf(number, sizeof number, "%llu", (unsigned long long)seq);
    struct text parameters[] = { name_of(p), { number, (size_t)digits } };
    return db_query(db, statement, parameters, statement == DB_READ_STREAM ? 1 : 2, take_number, seq_r);
}

/* Finds the first number above seq that has a row, committed or not. */
static long oldest(struct db *db, const struct position *p, uint64_t seq, uint64_t *seq_r)
{
    if (db_query(db, DB_SET_DIRTY, NULL, 0, NULL, NULL) < 0) return -1;
    return ask(db, DB_READ_FEED_OLDEST, p, seq, seq_r);
}

/* Returns 1 if the row seq of the stream is committed, 0 if not, -1 if the query failed. */
static long committed(struct db *db, const struct position *p, uint64_t seq)
{
    uint64_t seen;
    return ask(db, DB_READ_FEED_ROW, p, seq, &seen);
}

/* Moves *low, which is committed, to the last committed row below high. Rows are committed in order, so a binary
 * search finds it. The stream's own row has the number too, but reading it may mean walking a million row versions
 * after a large change. */
static int halve(struct db *db, const struct position *p, uint64_t *low, uint64_t high)
{
    while (high > *low + 1) {
        uint64_t middle = *low + (high - *low) / 2;
        long rows = committed(db, p, middle);
        if (rows < 0) return -1;
        if (rows > 0) *low = middle;
        else high = middle;
    }
    return 0;
}

/* Moves p back to the last committed number. */
static int settle(struct db *db, struct position *p)
{
    uint64_t low = 0, next = 0;
    long rows = p->seq > 0 ? committed(db, p, p->seq) : 1;
    if (rows != 0) return rows < 0 ? -1 : 0;
    for (;;) {
        rows = oldest(db, p, low, &next);
        if (rows < 0) return -1;
        /* No row is left above it, and no transaction is about to add one. */
        if (rows == 0 || next > p->seq) return ask(db, DB_READ_STREAM, p, 0, &p->seq) < 0 ? -1 : 0;
        rows = committed(db, p, next);
        if (rows < 0) return -1;
        if (rows == 0) break;
        low = next;
        if (halve(db, p, &low, p->seq)) return -1;
    }
    p->seq = next - 1;
    return 0;
}

static enum feed_result reload(struct feed *feed, struct db *db, const char *why)
{
    for (size_t i = 0; i < feed->read.count; i++)
        if (settle(db, &feed->read.streams[i])) return failed(feed, db_why(db));
    feed->why = why;
    feed->started = true;
    memcpy(feed->epoch, feed->read_epoch, sizeof feed->epoch);
    struct positions former = feed->applied;
    feed->applied = feed->read;
    feed->read = former;
    feed->read.count = 0;
    return FEED_RELOAD;
}

/* A stream that was added again after its row was removed has a later `began`. */
static bool was_restored(const struct position *read, const struct position *applied)
{
    return read->began == applied->began ? read->seq < applied->seq : read->began < applied->began;
}

/* Computes the cursors of the streams just read. A new stream began after the last poll, because a row of feed lives
 * longer than the longest gap between two polls: all its changes have numbers above began_seq.
 *
 * Returns NULL, or the reason for a complete load. */
static const char *merge(struct feed *feed, uint64_t now_ms)
{
    const struct positions *read = &feed->read, *applied = &feed->applied;
    size_t i = 0, j = 0;
    feed->merged.count = 0;
    while (i < read->count || j < applied->count) {
        const struct position *r = &read->streams[i], *a = &applied->streams[j];
        int order = i == read->count ? 1 : j == applied->count ? -1 : compare(r, a);
        struct position next = order > 0 ? *a : *r;
        if (order == 0 && was_restored(r, a)) return "the database was restored from a backup";
        if (order < 0) next.seq = r->began_seq;
        if (order == 0) next.seq = r->began == a->began || a->seq < r->began_seq ? a->seq : r->began_seq;
        i += order <= 0;
        j += order >= 0;
        if (order > 0 && now_ms - next.seen_ms > FEED_FORGET_MS) continue;
        if (append(&feed->merged, &next)) return "out of memory for the streams of the feed";
    }
    struct positions former = feed->applied;
    feed->applied = feed->merged;
    feed->merged = former;
    return NULL;
}

/* Detects a restored or rebuilt database: a different epoch, or a number smaller than one already seen. */
static const char *history_changed(struct feed *feed, uint64_t now_ms)
{
    if (!feed->started) return "start";
    if (memcmp(feed->epoch, feed->read_epoch, FEED_EPOCH_BYTES) != 0) return "the database was rebuilt";
    if (now_ms - feed->polled_ms > FEED_GAP_MS) return "the feed has not been read for half an hour";
    return merge(feed, now_ms);
}

static void add_client(struct changes *changes, struct text id)
{
    for (size_t i = changes->clients; i-- > 0;)
        if (text_equal((struct text){ changes->ids[i], changes->sizes[i] }, id)) return;
    if (id.size > REGION_CLIENT_ID) return; /* the replica has no client with such an id */
    if (changes->clients == FEED_CLIENTS) {
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
    if (count != COLUMN_CHANGE_COUNT || text_number(columns[COLUMN_CHANGE_seq], UINT64_MAX, &seq)) return -1;
    changes->hole = seq != changes->seq + 1;
    if (changes->hole) return -1;
    struct text kind = columns[COLUMN_CHANGE_kind], item = columns[COLUMN_CHANGE_item];
    if (text_equal(kind, TEXT("client"))) add_client(changes, item);
    else if (text_equal(kind, TEXT("revocation_rule"))) changes->rules = true;
    else if (text_equal(kind, TEXT("signing_key"))) changes->keys = true;
    else if (text_equal(kind, TEXT("audience_scope"))) changes->scopes = true;
    else if (!text_equal(kind, TEXT("revoked_token"))) changes->everything = true;
    /* Without expires_at the row has been purged because the token expired. */
    else if (text_present(columns[COLUMN_CHANGE_expires_at]))
        replica_revoke(changes->replica, item, columns[COLUMN_CHANGE_expires_at]);
    changes->seq = seq;
    changes->rows++;
    return changes->everything;
}

static int apply(struct changes *changes, struct db *db)
{
    if (changes->keys && replica_keys(changes->replica, db)) return -1;
    if (changes->rules && replica_rules(changes->replica, db)) return -1;
    if (changes->scopes && replica_scopes(changes->replica, db)) return -1;
    for (size_t i = 0; i < changes->clients; i++)
        if (replica_client(changes->replica, db, (struct text){ changes->ids[i], changes->sizes[i] })) return -1;
    return 0;
}

/* The stream has numbers above seq but no row is visible: a transaction has not been committed yet, or the rows are
 * gone. */
static enum feed_result nothing_seen(struct feed *feed, struct db *db, const struct position *p, uint64_t seq)
{
    uint64_t next = 0;
    long rows = feed->changes.hole ? 0 : oldest(db, p, seq, &next);
    if (rows < 0) return failed(feed, db_why(db));
    if (rows > 0 && next == seq + 1) return FEED_CURRENT;
    return reload(feed, db, "older changes have been purged from the feed");
}

/* Applies one page of the stream at p; *seq is its cursor. */
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
    changes->rules = changes->keys = changes->scopes = changes->hole = changes->everything = false;
    if (db_query(db, DB_READ_FEED, parameters, 3, take_change, changes) < 0) return failed(feed, db_why(db));
    if (changes->everything) return reload(feed, db, "many changes at once");
    if (changes->rows == 0) return nothing_seen(feed, db, p, *seq);
    if (apply(changes, db)) return failed(feed, db_why(db));
    *seq = changes->seq;
    return changes->hole || changes->rows == FEED_PAGE ? FEED_BEHIND : FEED_CURRENT;
}

static int read_streams(struct feed *feed, struct db *db)
{
    feed->read.count = feed->left_out = 0;
    if (db_query(db, DB_SET_DIRTY, NULL, 0, NULL, NULL) < 0) return -1;
    if (db_query(db, DB_READ_STREAMS, NULL, 0, take_stream, feed) < 0) return -1;
    qsort(feed->read.streams, feed->read.count, sizeof *feed->read.streams, compare);
    return 0;
}

enum feed_result feed_poll(struct feed *feed, struct replica *replica, struct db *db)
{
    enum feed_result result = FEED_CURRENT;
    uint64_t now_ms = region_milliseconds();
    if (read_streams(feed, db)) return failed(feed, db_why(db));
    const char *why = history_changed(feed, now_ms);
    feed->polled_ms = now_ms;
    if (why) return reload(feed, db, why);
    for (size_t i = 0, j = 0; i < feed->read.count; i++) {
        const struct position *p = &feed->read.streams[i];
        while (compare(&feed->applied.streams[j], p) != 0) j++; /* merge() added each of them */
        uint64_t *seq = &feed->applied.streams[j].seq;
        if (p->seq == *seq) continue;
        enum feed_result one = follow(feed, replica, db, p, seq);
        if (one == FEED_FAILED || one == FEED_RELOAD) return one;
        if (one == FEED_BEHIND) result = FEED_BEHIND;
    }
    return result;
}

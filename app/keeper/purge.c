#include "purge.h"

#include <assert.h>

enum { ROWS = 1000, STREAMS = 100, COLUMNS = 3, VALUE_BYTES = 64 }; /* the limits of the statements */

struct idle {
    size_t count;
    struct {
        size_t sizes[COLUMNS];
        char columns[COLUMNS][VALUE_BYTES];
    } streams[STREAMS];
};

static int take_idle(void *context, const struct text *columns, size_t count)
{
    struct idle *idle = context;
    assert(count == COLUMNS && idle->count < STREAMS);
    for (size_t i = 0; i < COLUMNS; i++) {
        if (columns[i].size == 0 || columns[i].size > VALUE_BYTES) return 0;
        memcpy(idle->streams[idle->count].columns[i], columns[i].data, columns[i].size);
        idle->streams[idle->count].sizes[i] = columns[i].size;
    }
    idle->count++;
    return 0;
}

/* Returns how many streams were examined, or -1. */
static long remove_idle_streams(struct db *db)
{
    struct idle idle = { .count = 0 };
    long rows = db_query(db, DB_READ_IDLE_STREAMS, NULL, 0, take_idle, &idle);
    for (size_t i = 0; rows >= 0 && i < idle.count; i++) {
        struct text row[COLUMNS];
        for (size_t j = 0; j < COLUMNS; j++)
            row[j] = (struct text){ idle.streams[i].columns[j], idle.streams[i].sizes[j] };
        if (db_call(db, DB_CALL_REMOVE_STREAM, DB_REMOVE_STREAM, row, COLUMNS) < 0) return -1;
    }
    return rows;
}

/* Returns 0 even if the account lacks the right: a private key that stays in a removed row for some more days is
 * not an error. */
static long strip_keys(struct db *db)
{
    long rows = db_query(db, DB_CALL_STRIP_KEYS, NULL, 0, NULL, NULL);
    unsigned number = rows < 0 ? db_errno(db) : 0;
    return number == DB_PROCEDURE_DENIED || number == DB_NO_PROCEDURE ? 0 : rows;
}

static const struct {
    enum db_statement procedure, statement;
} deletes[] = {
    { DB_CALL_PURGE_REVOKED_TOKENS, DB_PURGE_REVOKED_TOKENS },
    { DB_CALL_PURGE_RULES, DB_PURGE_RULES },
    { DB_CALL_PURGE_FEED, DB_PURGE_FEED },
    { DB_CALL_PURGE_USED_PROOFS, DB_PURGE_USED_PROOFS },
};
enum { DELETES = sizeof deletes / sizeof *deletes, STRIP = DELETES, IDLE };

static long run(struct db *db, size_t turn, size_t streams)
{
    if (turn == IDLE) return remove_idle_streams(db);
    if (turn == STRIP) return strip_keys(db);
    if (deletes[turn].statement == DB_PURGE_FEED && streams > PURGE_STREAMS_MANY)
        return db_call(db, DB_CALL_PURGE_FEED_EARLY, DB_PURGE_FEED_EARLY, NULL, 0);
    return db_call(db, deletes[turn].procedure, deletes[turn].statement, NULL, 0);
}

int purge_turn(struct purge *purge, struct db *db, size_t streams)
{
    bool last = purge->turn == IDLE;
    long rows = run(db, purge->turn, streams);
    if (rows >= (last ? STREAMS : ROWS)) return 0;
    purge->turn = last ? 0 : purge->turn + 1; /* also after a failure, so that the other statements still run */
    if (rows < 0) return -1;
    return last ? 1 : 0;
}

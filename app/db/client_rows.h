/* client_rows: some clients as they stand in the database, with their secrets, keys, grants and readers, as of one instant.
 *
 * A row is believed no more than input is. A secret, key, subject, grant or introspected audience that cannot be right is
 * left out, alone; of the client's own row, a column that cannot be right is replaced by what allows least (DESIGN.md, "Rows
 * that cannot be right"). Each is a fault: named as far as there is room, and counted. Memory is bounded by the longest page, and a page is read shorter when the database is slow or its
 * rows are large. */
#ifndef APP_DB_CLIENT_ROWS_H
#define APP_DB_CLIENT_ROWS_H

#include "../../lib/base/arena.h"
#include "../../lib/oauth/client.h"
#include "db.h"

enum { CLIENT_ROWS_MAX = 1000, CLIENT_ROWS_FAULTS = 32 };

struct client_row {
    struct client client; /* slot and version are not filled in */
    uint32_t bad_rows;    /* rows of it that were left out, and its own one if a column of that was replaced */
    bool own_is_bad;
};

/* One thing that is wrong with one row. */
struct client_rows_fault {
    struct text client_id;
    const char *table; /* NULL: the client's own row */
    struct text row;   /* label, kid or audience; the first bytes of a long one */
    const char *column, *why;
    const char *then; /* what that leads to, and the mend */
};

struct client_rows {
    size_t count;
    struct client_row *clients; /* by id */
    bool more;                  /* there may be clients after `last` */
    struct text last;           /* the last client_id that was read, of whatever size */
    size_t skipped;             /* clients that cannot be kept at all: not in clients[] */
    size_t fault_count;         /* may be more than CLIENT_ROWS_FAULTS; the first of them are in faults[] */
    struct client_rows_fault *faults;
    /* client_rows.c's own */
    struct arena arena;
    struct db *db;
    size_t limit, at, rows;
    bool full;
    struct client_secret *secrets;
    struct client_key *keys;
    struct client_grant *grants;
    struct text *reads;
    size_t secret_count, key_count, grant_count, read_count;
};

/* 0, or -1 when memory is not to be had. */
int client_rows_open(struct client_rows *page);
void client_rows_close(struct client_rows *page);

/* The first clients of first <= client_id <= last, valid until the next call. 0, or -1: db_why(). */
int client_rows_read(struct client_rows *page, struct db *db, struct text first, struct text last);

#endif

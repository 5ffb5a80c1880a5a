/* client_rows: reads a page of clients from the database with their secrets, keys, grants and introspected audiences,
 * all in one snapshot. It does not store them in the region (keeper/replica.c); columns.h checks the values of single
 * rows.
 *
 * Rows are validated like any other input. An invalid secret, key, certificate subject, grant or introspected
 * audience is left out alone; an invalid column of the client's own row is replaced by its most restrictive value
 * (DESIGN.md, "Rows that cannot be right"). Each is a fault: all are counted, and the first CLIENT_ROWS_FAULTS are
 * described. Memory is bounded by the largest page; pages become shorter when the database is slow or its rows are
 * large. */
#ifndef APP_DB_CLIENT_ROWS_H
#define APP_DB_CLIENT_ROWS_H

#include "../../lib/base/arena.h"
#include "../../lib/oauth/client.h"
#include "db.h"

enum { CLIENT_ROWS_MAX = 1000, CLIENT_ROWS_FAULTS = 32 };

struct client_row {
    struct client client; /* slot and version are not set */
    uint32_t bad_rows;    /* its rows that were left out, plus one if a column of its own row was replaced */
    bool own_is_bad;
};

/* One fault of one row. */
struct client_rows_fault {
    struct text client_id;
    const char *table; /* NULL: the client's own row */
    struct text row;   /* label, kid or audience, shortened */
    const char *column, *why;
    const char *then; /* the consequence, and what to do */
};

struct client_rows {
    size_t count;
    struct client_row *clients; /* sorted by id */
    bool more;                  /* there may be clients after `last` */
    struct text last;           /* the last client_id that was read, of any length */
    size_t skipped;             /* clients with a client_id that is too long: not in clients[] */
    size_t fault_count;         /* may exceed CLIENT_ROWS_FAULTS; faults[] has the first ones */
    struct client_rows_fault *faults;
    /* Private to client_rows.c. */
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

/* Allocates the buffers of a page. Returns 0, or -1 if out of memory. client_rows_close() frees them. */
int client_rows_open(struct client_rows *page);

/* Frees the buffers; the page may be opened again. */
void client_rows_close(struct client_rows *page);

/* Reads the first clients with first <= client_id <= last; they are valid until the next call. Returns 0, or -1:
 * db_why(). */
int client_rows_read(struct client_rows *page, struct db *db, struct text first, struct text last);

#endif

/* page: some clients as they stand in the database, with their secrets, keys, grants and readers, as of one instant.
 *
 * A row is believed no more than input is. What cannot be right is named in `wrong`; such a client goes into the
 * replica disabled. Memory is bounded by the longest page, and a page is read shorter when the database is slow or its
 * rows are large. */
#ifndef APP_PAGE_H
#define APP_PAGE_H

#include "../lib/base/arena.h"
#include "../lib/oauth/client.h"
#include "db.h"

enum { PAGE_CLIENTS = 1000 };

struct page_client {
    struct client client;       /* slot and version are not filled in */
    const char *wrong;          /* table.column: what is wrong with it; NULL: nothing */
    const char *doubtful;       /* the same for what need not disable the client */
};

struct page {
    size_t count;
    struct page_client *clients;        /* by id */
    bool more;                          /* there may be clients after the last */
    /* page.c's own */
    struct arena arena;
    struct db *db;
    size_t limit, at;
    bool full;
    struct client_secret *secrets;
    struct client_key *keys;
    struct client_grant *grants;
    struct text *reads;
    size_t secret_count, key_count, grant_count, read_count;
};

/* 0, or -1 when memory is not to be had. */
int page_open(struct page *page);
void page_close(struct page *page);

/* The first clients of first <= client_id <= last, valid until the next call. 0, or -1: db_why(). */
int page_read(struct page *page, struct db *db, struct text first, struct text last);

#endif

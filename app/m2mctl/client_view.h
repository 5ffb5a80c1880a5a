/* client_view: clients with their rows as an operator reads them, page by page, each page as of one instant.
 *
 * Rows are judged as the server judges them (columns.h), so what it leaves out is marked. No hash of a secret comes out. */
#ifndef APP_M2MCTL_CLIENT_VIEW_H
#define APP_M2MCTL_CLIENT_VIEW_H

#include "../db/columns.h"
#include "../db/db.h"

enum client_view_column {
#define CLIENT_VIEW_COLUMN(name, sql) CLIENT_VIEW_##name,
    DB_CLIENT_COLUMN_LIST(CLIENT_VIEW_COLUMN)
#undef CLIENT_VIEW_COLUMN
        CLIENT_VIEW_COLUMNS
};

/* A secret, or a key. */
struct client_view_credential {
    struct client_view_credential *next;
    struct text name;               /* label or kid */
    struct text algorithm;          /* of a key */
    int64_t not_before, expires_at; /* 0: always, never */
    struct columns_verdict verdict; /* why the server leaves it out */
};

struct client_view_grant {
    struct client_view_grant *next;
    struct text audience, scope; /* of an introspected audience there is no scope */
    bool is_default;
    struct columns_verdict verdict;
};

struct client_view {
    struct text columns[CLIENT_VIEW_COLUMNS];
    struct client_view_credential *secrets, *keys;
    struct client_view_grant *grants, *introspects; /* by audience, then scope */
};

/* Calls take for each client of first <= client_id <= last, in that order. How many there were, or -1: db_why(), which is
 * empty when the memory is used up. */
long client_view_walk(struct db *db, struct text first, struct text last,
                      void (*take)(void *context, const struct client_view *view), void *context);

#endif

/* client_view: reads clients with their rows for display, page by page, each page in one snapshot. Rows are checked
 * as the server checks them (columns.h), and those that it leaves out are marked. Hashes of secrets are not passed
 * on. */
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

/* A secret or a key. */
struct client_view_credential {
    struct client_view_credential *next;
    struct text name;               /* label or kid */
    struct text algorithm;          /* of keys only */
    int64_t not_before, expires_at; /* 0 means always, or never */
    struct columns_verdict verdict; /* why the server leaves it out */
};

struct client_view_grant {
    struct client_view_grant *next;
    struct text audience, scope; /* introspected audiences have no scope */
    bool is_default;
    struct columns_verdict verdict;
};

struct client_view {
    struct text columns[CLIENT_VIEW_COLUMNS];
    struct client_view_credential *secrets, *keys;
    struct client_view_grant *grants, *introspects; /* sorted by audience, then scope */
};

/* Calls take for each client with first <= client_id <= last, in this order. Returns how many there were, or -1:
 * db_why(), which is empty if memory was exhausted. */
long client_view_walk(struct db *db, struct text first, struct text last,
                      void (*take)(void *context, const struct client_view *view), void *context);

#endif

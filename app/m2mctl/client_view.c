#include "client_view.h"

#include "../../lib/base/arena.h"

enum {
    CLIENTS = 100,
    BYTES = 64 * 1024 * 1024
}; /* CLIENTS: the LIMIT of READ_CLIENT_VIEWS; unused BYTES cost no memory */

struct walk {
    struct db *db;
    struct arena arena;
    struct client_view views[CLIENTS];
    /* where the next row of each is added */
    struct client_view_credential **secrets[CLIENTS], **keys[CLIENTS];
    struct client_view_grant **grants[CLIENTS], **introspects[CLIENTS];
    size_t count, at;
    bool full;
};

static struct text keep(struct walk *walk, struct text column)
{
    if (!text_present(column)) return column;
    struct text copy = arena_copy(&walk->arena, column);
    if (!text_present(copy)) walk->full = true;
    return copy;
}

static void *take_row(struct walk *walk, size_t size)
{
    void *row = arena_take(&walk->arena, size);
    if (!row) walk->full = true;
    return row;
}

static int take_client(void *context, const struct text *columns, size_t count)
{
    struct walk *walk = context;
    if (count != CLIENT_VIEW_COLUMNS || walk->count == CLIENTS) return -1;
    size_t at = walk->count++;
    struct client_view *view = &walk->views[at];
    *view = (struct client_view){ .secrets = NULL };
    for (size_t i = 0; i < CLIENT_VIEW_COLUMNS; i++) view->columns[i] = keep(walk, columns[i]);
    walk->secrets[at] = &view->secrets;
    walk->keys[at] = &view->keys;
    walk->grants[at] = &view->grants;
    walk->introspects[at] = &view->introspects;
    return walk->full ? -1 : 0;
}

/* Moves walk->at to the client with this id and returns whether it is in the page: rows and clients have the same
 * order. */
static bool find_owner(struct walk *walk, struct text client_id)
{
    int order = -1;
    while (walk->at < walk->count) {
        order = text_compare(walk->views[walk->at].columns[CLIENT_VIEW_client_id], client_id);
        if (order >= 0) break;
        walk->at++;
    }
    return order == 0;
}

static int take_secret(void *context, const struct text *columns, size_t count)
{
    struct walk *walk = context;
    struct client_secret secret = { .not_before = 0 };
    if (count != COLUMN_SECRET_COUNT || !find_owner(walk, columns[COLUMN_SECRET_client_id])) return 0;
    struct client_view_credential *row = take_row(walk, sizeof *row);
    if (!row) return -1;
    row->verdict = columns_secret(columns, &secret);
    row->name = keep(walk, columns[COLUMN_SECRET_label]);
    row->not_before = secret.not_before;
    row->expires_at = secret.expires_at;
    *walk->secrets[walk->at] = row;
    walk->secrets[walk->at] = &row->next;
    return 0;
}

static int take_key(void *context, const struct text *columns, size_t count)
{
    struct walk *walk = context;
    struct client_key key = { .not_before = 0 };
    char bytes[COLUMNS_JWK];
    struct buffer jwk = { bytes, 0, sizeof bytes, false };
    if (count != COLUMN_CLIENT_KEY_COUNT || !find_owner(walk, columns[COLUMN_CLIENT_KEY_client_id])) return 0;
    struct client_view_credential *row = take_row(walk, sizeof *row);
    if (!row) return -1;
    row->verdict = columns_key(columns, &jwk, &key);
    row->name = keep(walk, columns[COLUMN_CLIENT_KEY_kid]);
    row->algorithm = keep(walk, columns[COLUMN_CLIENT_KEY_alg]);
    row->not_before = key.not_before;
    row->expires_at = key.expires_at;
    *walk->keys[walk->at] = row;
    walk->keys[walk->at] = &row->next;
    return 0;
}

static int take_grant(void *context, const struct text *columns, size_t count)
{
    struct walk *walk = context;
    struct client_grant grant = { .is_default = false };
    if (count != COLUMN_GRANT_COUNT || !find_owner(walk, columns[COLUMN_GRANT_client_id])) return 0;
    struct client_view_grant *row = take_row(walk, sizeof *row);
    if (!row) return -1;
    row->verdict = columns_grant(columns, &grant);
    row->audience = keep(walk, columns[COLUMN_GRANT_audience]);
    row->scope = keep(walk, columns[COLUMN_GRANT_scope]);
    row->is_default = grant.is_default;
    *walk->grants[walk->at] = row;
    walk->grants[walk->at] = &row->next;
    return 0;
}

static int take_introspected(void *context, const struct text *columns, size_t count)
{
    struct walk *walk = context;
    if (count != COLUMN_INTROSPECTED_COUNT || !find_owner(walk, columns[COLUMN_INTROSPECTED_client_id])) return 0;
    struct client_view_grant *row = take_row(walk, sizeof *row);
    if (!row) return -1;
    row->audience = keep(walk, columns[COLUMN_INTROSPECTED_audience]);
    *walk->introspects[walk->at] = row;
    walk->introspects[walk->at] = &row->next;
    return 0;
}

static int read_rows(struct walk *walk, enum db_statement statement,
                     int (*row)(void *context, const struct text *columns, size_t count))
{
    const struct text range[] = { walk->views[0].columns[CLIENT_VIEW_client_id],
                                  walk->views[walk->count - 1].columns[CLIENT_VIEW_client_id] };
    walk->at = 0;
    return db_query(walk->db, statement, range, 2, row, walk) < 0 ? -1 : 0;
}

static int read_page(struct walk *walk, struct text first, struct text last)
{
    const struct text range[] = { first, last };
    walk->count = 0;
    if (db_query(walk->db, DB_BEGIN_SNAPSHOT, NULL, 0, NULL, NULL) < 0) return -1;
    if (db_query(walk->db, DB_READ_CLIENT_VIEWS, range, 2, take_client, walk) < 0) return -1;
    if (walk->count > 0 && !walk->full &&
        (read_rows(walk, DB_READ_SECRETS, take_secret) || read_rows(walk, DB_READ_CLIENT_KEYS, take_key) ||
         read_rows(walk, DB_READ_GRANTS, take_grant) || read_rows(walk, DB_READ_READERS, take_introspected)))
        return -1;
    return db_query(walk->db, DB_COMMIT, NULL, 0, NULL, NULL) < 0 || walk->full ? -1 : 0;
}

long client_view_walk(struct db *db, struct text first, struct text last,
                      void (*take)(void *context, const struct client_view *view), void *context)
{
    struct walk walk = { .db = db };
    char next[DB_VALUE + 1];
    long total = 0;
    int failed = 0;
    if (arena_open(&walk.arena, BYTES)) return -1;
    do {
        arena_reset(&walk.arena);
        failed = read_page(&walk, first, last);
        if (failed || walk.count == 0) break;
        for (size_t i = 0; i < walk.count; i++) take(context, &walk.views[i]);
        total += (long)walk.count;
        /* The last id with a NUL appended is the smallest client_id above it. */
        struct text end = walk.views[walk.count - 1].columns[CLIENT_VIEW_client_id];
        memcpy(next, end.data, end.size);
        next[end.size] = '\0';
        first = (struct text){ next, end.size + 1 };
    } while (walk.count == CLIENTS);
    arena_close(&walk.arena);
    return failed ? -1 : total;
}

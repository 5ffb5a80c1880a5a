/* history: what the database remembers of migrations (table schema_migration), and how that fits the files. */
#ifndef APP_M2MCTL_HISTORY_H
#define APP_M2MCTL_HISTORY_H

#include "../db/db.h"
#include "migration.h"

enum { HISTORY_USER = 255 };

struct history_record {
    char version[MIGRATION_VERSION + 1];
    char sha256[MIGRATION_SHA256 + 1];
    char user[HISTORY_USER + 1];
    int64_t started, finished;
    bool running; /* under way in another session, or left half-way */
};

struct history {
    struct history_record *records;
    size_t count;
};

/* A database without the table has an empty history. 0, or -1: db_why(). */
int history_read(struct db *db, struct history *history_r);
void history_free(struct history *history);

/* NULL when the version is not in it. */
const struct history_record *history_find(const struct history *history, struct text version);

/* Whether the file is another one than the one applied. */
bool history_differs(const struct history_record *record, const struct migration *migration);

#endif

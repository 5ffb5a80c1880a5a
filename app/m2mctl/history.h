/* history: the migrations recorded in the table schema_migration, and whether the files still match. It changes
 * nothing (migrate.c). */
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
    bool running; /* in progress in another session, or interrupted */
};

struct history {
    struct history_record *records;
    size_t count;
};

/* Reads the records; without the table the history is empty. Returns 0, or -1: db_why(). */
int history_read(struct db *db, struct history *history_r);

/* Frees the records; an empty history is allowed. */
void history_free(struct history *history);

/* Returns NULL if the version is not recorded. */
const struct history_record *history_find(const struct history *history, struct text version);

/* Whether the file differs from the one that was applied. */
bool history_differs(const struct history_record *record, const struct migration *migration);

#endif

#include "history.h"

#include <stdlib.h>

static void copy(struct text column, char *text_r, size_t size)
{
    struct text cut = text_slice(column, 0, size - 1);
    if (cut.size > 0) memcpy(text_r, cut.data, cut.size);
    text_r[cut.size] = 0;
}

static int take(void *context, const struct text *columns, size_t count)
{
    struct history *history = context;
    struct history_record *records = count == COLUMN_MIGRATION_COUNT
                                       ? realloc(history->records, (history->count + 1) * sizeof *records)
                                       : NULL;
    uint64_t started = 0, finished = 0;
    if (!records) return -1;
    history->records = records;
    struct history_record *record = &records[history->count++];
    copy(columns[COLUMN_MIGRATION_version], record->version, sizeof record->version);
    copy(columns[COLUMN_MIGRATION_sha256], record->sha256, sizeof record->sha256);
    copy(columns[COLUMN_MIGRATION_db_user], record->user, sizeof record->user);
    (void)text_number(columns[COLUMN_MIGRATION_started_at], INT64_MAX, &started);
    (void)text_number(columns[COLUMN_MIGRATION_finished_at], INT64_MAX, &finished);
    record->started = (int64_t)started;
    record->finished = (int64_t)finished;
    record->running = !text_equal(columns[COLUMN_MIGRATION_state], TEXT("done"));
    return 0;
}

int history_read(struct db *db, struct history *history_r)
{
    *history_r = (struct history){ NULL, 0 };
    long rows = db_query(db, DB_READ_MIGRATIONS, NULL, 0, take, history_r);
    if (rows < 0) return db_errno(db) == DB_NO_TABLE ? 0 : -1;
    return (size_t)rows == history_r->count ? 0 : -1;
}

void history_free(struct history *history)
{
    free(history->records);
    *history = (struct history){ NULL, 0 };
}

const struct history_record *history_find(const struct history *history, struct text version)
{
    for (size_t i = 0; i < history->count; i++)
        if (text_equal(text_of(history->records[i].version), version)) return &history->records[i];
    return NULL;
}

bool history_differs(const struct history_record *record, const struct migration *migration)
{
    return strcmp(record->sha256, migration->sha256) != 0;
}

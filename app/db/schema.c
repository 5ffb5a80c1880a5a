#include "schema.h"

#include <stdio.h>

enum { NO_SUCH_ROUTINE = 1305, NO_RIGHT = 1370, NO_DEFINER = 1449 };

#define SCHEMA_ADVICE "; an administrator runs m2mctl migrate, then grants.sql"

struct missing {
    char *why;
    size_t count;
};

static int take_missing(void *context, const struct text *columns, size_t count)
{
    struct missing *missing = context;
    size_t size = strlen(missing->why);
    if (count != 2) return -1;
    if (missing->count++ < 3)
        snprintf(missing->why + size, DB_WHY - size, "%s%.*s %.*s", size ? ", " : "", (int)columns[0].size,
                 columns[0].data, (int)columns[1].size, columns[1].data);
    return 0;
}

/* Checks the columns of the table client, which each version has extended. */
static bool is_older(struct db *db)
{
    const struct text none[] = { TEXT(""), TEXT("") };
    if (db_query(db, DB_READ_CLIENTS, none, 2, NULL, NULL) >= 0) return false;
    return db_errno(db) == DB_NO_TABLE || db_errno(db) == DB_NO_COLUMN;
}

enum schema_state schema_check(struct db *db, char why_r[DB_WHY])
{
    struct missing missing = { why_r, 0 };
    why_r[0] = '\0';
    if (is_older(db)) {
        snprintf(why_r, DB_WHY, "%.400s%s", db_why(db), SCHEMA_ADVICE);
        return SCHEMA_OLDER;
    }
    if (db_query(db, DB_READ_MISSING, NULL, 0, take_missing, &missing) >= 0) {
        size_t size = strlen(why_r);
        if (missing.count == 0) return SCHEMA_WHOLE;
        snprintf(why_r + size, DB_WHY - size, " (%zu in all)%s", missing.count, SCHEMA_ADVICE);
        return SCHEMA_MISSING;
    }
    unsigned number = db_errno(db);
    bool missing_itself = number == NO_SUCH_ROUTINE || number == NO_RIGHT || number == NO_DEFINER;
    snprintf(why_r, DB_WHY, "%.400s%s", db_why(db), missing_itself ? SCHEMA_ADVICE : "");
    return missing_itself ? SCHEMA_MISSING : SCHEMA_UNKNOWN;
}

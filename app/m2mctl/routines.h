/* routines: sql/routines.sql, the single file of procedures, functions and triggers, and the version of it that the
 * database has.
 *
 * The first line is `-- routines NUMBER`; the number only increases. Each statement replaces or drops one routine,
 * so the file can be run again at any time. */
#ifndef APP_M2MCTL_ROUTINES_H
#define APP_M2MCTL_ROUTINES_H

#include "history.h"

enum { ROUTINES_NAME = 64, ROUTINES_SHOWN = 200, ROUTINES_NUMBER_MAX = 1000000 };

struct routines_file {
    const char *path;
    char sha256[MIGRATION_SHA256 + 1];
    struct text sql;
    uint64_t number;
    size_t count; /* number of routines that it creates */
};

/* The routines recorded in the database. */
struct routines_record {
    bool known;   /* a file was run, completely or not */
    bool running; /* it did not finish */
    uint64_t number;
    char sha256[MIGRATION_SHA256 + 1];
    char user[HISTORY_USER + 1];
    int64_t installed_at;
    size_t missing;
    char names[ROUTINES_SHOWN]; /* the first missing ones */
};

/* Reads and checks the file. Returns 0, or -1 after printing all faults. */
int routines_load(const char *path, struct routines_file *file_r, FILE *complaints);

/* Frees what routines_load() allocated. */
void routines_free(struct routines_file *file);

/* Reads the record; without the tables there is none. Returns 0, or -1: db_why(). */
int routines_read(struct db *db, struct routines_record *record_r);

enum routines_state {
    ROUTINES_DONE,
    ROUTINES_NOT_INSTALLED,
    ROUTINES_OLDER,
    ROUTINES_DIFFERENT,
    ROUTINES_UNFINISHED,
    ROUTINES_MISSING,
    ROUTINES_NEWER
};

/* Compares the record with the file. ROUTINES_NEWER: the database has a larger number, which the file must not
 * replace; record->missing and record->running say whether that version is complete. */
enum routines_state routines_compare(const struct routines_file *file, const struct routines_record *record);

/* Runs the file and records it. Returns 0, or -1: db_why(); wrong_line_r is then the line of the statement that
 * failed, or 0. */
int routines_install(struct db *db, const struct routines_file *file, unsigned *wrong_line_r);

#endif

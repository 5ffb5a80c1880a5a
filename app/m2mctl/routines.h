/* routines: sql/routines.sql, the one file of procedures, functions and triggers, and what the database has of it.
 *
 * The first line is `-- routines NUMBER`; the number only grows. Every statement replaces or removes one routine, so the
 * file can be run at any time and as often as one likes. */
#ifndef APP_M2MCTL_ROUTINES_H
#define APP_M2MCTL_ROUTINES_H

#include "history.h"

enum { ROUTINES_NAME = 64, ROUTINES_SHOWN = 200, ROUTINES_NUMBER_MAX = 1000000 };

struct routines_file {
    const char *path;
    char sha256[MIGRATION_SHA256 + 1];
    struct text sql;
    uint64_t number;
    size_t count; /* of the routines that it creates */
};

/* What the database has. */
struct routines_laid {
    bool known;   /* some file was laid, or begun */
    bool running; /* and not finished */
    uint64_t number;
    char sha256[MIGRATION_SHA256 + 1];
    char user[HISTORY_USER + 1];
    int64_t laid;
    size_t missing;
    char names[ROUTINES_SHOWN]; /* of the first that are missing */
};

/* Reads and checks the file. 0, or -1 after every complaint about it. */
int routines_load(const char *path, struct routines_file *file_r, FILE *complaints);
void routines_free(struct routines_file *file);

/* A database without the tables has none. 0, or -1: db_why(). */
int routines_read(struct db *db, struct routines_laid *laid_r);

enum routines_state {
    ROUTINES_DONE,
    ROUTINES_NOT_LAID,
    ROUTINES_OLDER,
    ROUTINES_DIFFERENT,
    ROUTINES_UNFINISHED,
    ROUTINES_MISSING,
    ROUTINES_NEWER
};

/* What the database has, against the file. ROUTINES_NEWER: a greater number, which the file must not replace; whether
 * that one is complete, laid->missing and laid->running tell. */
enum routines_state routines_compare(const struct routines_file *file, const struct routines_laid *laid);

/* Runs the file and records it. 0; or -1: db_why(), and wrong_line_r is the line of the statement that failed, or 0. */
int routines_lay(struct db *db, const struct routines_file *file, unsigned *wrong_line_r);

#endif

/* schema: whether the database has the tables, procedures and triggers that this program relies on.
 *
 * A dump without routines restores to a database that can be read and in which nothing can be changed. The server's account
 * sees no routine in information_schema; a procedure that runs with its definer's rights tells, or is missing itself. */
#ifndef APP_DB_SCHEMA_H
#define APP_DB_SCHEMA_H

#include "db.h"

enum schema_state {
    SCHEMA_WHOLE,
    SCHEMA_MISSING, /* procedures or triggers: why_r names some, with what to do */
    SCHEMA_OLDER,   /* a table or column: why_r names it, with what to do */
    SCHEMA_UNKNOWN  /* the database could not be asked: why_r, db_errno() */
};

enum schema_state schema_check(struct db *db, char why_r[DB_WHY]);

#endif

/* schema: checks whether the database has the tables, procedures and triggers that this program relies on. It changes
 * nothing (m2mctl migrate does).
 *
 * A dump without routines restores a database that can be read but not changed. The server's account sees no
 * routine in information_schema; a procedure that runs with the rights of its definer lists them, or is missing
 * itself. */
#ifndef APP_DB_SCHEMA_H
#define APP_DB_SCHEMA_H

#include "db.h"

enum schema_state {
    SCHEMA_WHOLE,
    SCHEMA_MISSING, /* procedures or triggers are missing: why_r names some and says what to do */
    SCHEMA_OLDER,   /* a table or column is missing: why_r names it and says what to do */
    SCHEMA_UNKNOWN  /* the database could not be queried: why_r, db_errno() */
};

enum schema_state schema_check(struct db *db, char why_r[DB_WHY]);

#endif

/* session: the list of session variables that the statements rely on, and the SQL to set and show them. It sends
 * nothing. Each variable is set and then verified (db.c), so that neither the configuration of the server nor its
 * init_connect changes the meaning of a statement. */
#ifndef APP_DB_SESSION_H
#define APP_DB_SESSION_H

#include <stdbool.h>

#include "../../lib/base/buffer.h"

enum session_who { SESSION_KEEPER = 1, SESSION_OPERATOR = 2, SESSION_BOTH = 3 };

enum { SESSION_SQL = 4096 }; /* the longest statement of session_put_set() and session_put_show() */

struct session_variable {
    enum session_who who;
    const char *name;
    const char *value;  /* SQL expression; NULL: a session cannot set it */
    const char *shown;  /* the value that SHOW VARIABLES then lists; NULL: it varies */
    uint64_t least;     /* the smallest valid value if a session cannot set it */
    bool may_be_absent; /* not required on a server that does not know it */
};

/* Returns variable i of the sessions of who, or NULL after the last. */
const struct session_variable *session_variable(enum session_who who, size_t i);

/* Append the statement that sets all variables that can be set, or only one. */
void session_put_set(struct buffer *sql, enum session_who who);

/* Appends the statement that sets one variable, which must be one that a session can set. */
void session_put_set_one(struct buffer *sql, const struct session_variable *variable);

/* Appends the statement that lists them as rows of name and value. */
void session_put_show(struct buffer *sql, enum session_who who);

/* Whether the shown value is the required one. */
bool session_is_right(const struct session_variable *variable, struct text shown);

#endif

/* session: the variables of a database session that a statement of ours relies on, as one list. Each is set and then
 * verified (db.c), so that neither the server's configuration nor its init_connect decides what a statement means. */
#ifndef APP_DB_SESSION_H
#define APP_DB_SESSION_H

#include <stdbool.h>

#include "../../lib/base/buffer.h"

enum session_who { SESSION_KEEPER = 1, SESSION_OPERATOR = 2, SESSION_BOTH = 3 };

enum { SESSION_SQL = 4096 }; /* longest statement of session_put_set() and session_put_show() */

struct session_variable {
    enum session_who who;
    const char *name;
    const char *value;  /* SQL; NULL: a session cannot set it */
    const char *shown;  /* as SHOW VARIABLES has it then; NULL: it changes */
    uint64_t least;     /* the smallest value, where a session cannot set it */
    bool may_be_absent; /* not needed on a server that does not have it */
};

/* The variable number i of who's sessions; NULL after the last. */
const struct session_variable *session_variable(enum session_who who, size_t i);

/* The statement that sets all that can be set, or the one variable alone. */
void session_put_set(struct buffer *sql, enum session_who who);
void session_put_set_one(struct buffer *sql, const struct session_variable *variable);

/* The statement that shows them, as rows of name and value. */
void session_put_show(struct buffer *sql, enum session_who who);

/* Whether the value that is shown is right. */
bool session_is_right(const struct session_variable *variable, struct text shown);

#endif

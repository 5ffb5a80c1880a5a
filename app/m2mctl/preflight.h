/* preflight: checks before the first migration whether the server allows this account what migrations do.
 *
 * A change of a table cannot be rolled back, so a migration that is refused half-way must be repaired by hand. The
 * rights depend on privileges, roles, the binary log and read_only; therefore one table, procedure and trigger are
 * created and removed. */
#ifndef APP_M2MCTL_PREFLIGHT_H
#define APP_M2MCTL_PREFLIGHT_H

#include "command.h"

/* Returns COMMAND_FINE, or an exit code after a message that says what to do. Leaves no object in the database. */
int preflight_run(const struct command *self, struct db *db);

#endif

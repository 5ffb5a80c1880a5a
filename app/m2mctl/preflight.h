/* preflight: whether the server lets this account do what migrations do, found out before any of them is begun.
 *
 * A change of a table cannot be undone, so a migration that is refused half-way has to be mended by hand. What decides is
 * spread over privileges, roles, the binary log and read_only; so one table, procedure and trigger are made and removed. */
#ifndef APP_M2MCTL_PREFLIGHT_H
#define APP_M2MCTL_PREFLIGHT_H

#include "command.h"

/* COMMAND_FINE; or what to exit with, after a complaint that says what to do. Nothing is left behind. */
int preflight_run(const struct command *self, struct db *db);

#endif

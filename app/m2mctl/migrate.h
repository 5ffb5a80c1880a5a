/* migrate: `m2mctl migrate`: applies the migration files that the database does not have, in order, each once, with
 * a lock against a second process. */
#ifndef APP_M2MCTL_MIGRATE_H
#define APP_M2MCTL_MIGRATE_H

#include "command.h"

/* An entry of the table in main.c. */
extern const struct command migrate_command;

#endif

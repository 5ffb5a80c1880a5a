/* migrate: `m2mctl migrate`, the files that the database has not seen yet, in order, once each, by one runner at a
 * time. */
#ifndef APP_M2MCTL_MIGRATE_H
#define APP_M2MCTL_MIGRATE_H

#include "command.h"

extern const struct command migrate_command;

#endif

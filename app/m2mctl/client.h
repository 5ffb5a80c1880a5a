/* client: `m2mctl client`: prints a migration that creates a client. It does not connect to the database. */
#ifndef APP_M2MCTL_CLIENT_H
#define APP_M2MCTL_CLIENT_H

#include "command.h"

/* An entry of the table in main.c. */
extern const struct command client_command;

#endif

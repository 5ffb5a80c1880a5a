/* secret: `m2mctl secret`: generates a secret for a client and prints a migration that stores only its hash. */
#ifndef APP_M2MCTL_SECRET_H
#define APP_M2MCTL_SECRET_H

#include "command.h"

/* An entry of the table in main.c. */
extern const struct command secret_command;

#endif

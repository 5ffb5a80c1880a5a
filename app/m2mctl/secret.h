/* secret: `m2mctl secret`, a new secret for a client as a migration that holds only its hash. */
#ifndef APP_M2MCTL_SECRET_H
#define APP_M2MCTL_SECRET_H

#include "command.h"

extern const struct command secret_command;

#endif

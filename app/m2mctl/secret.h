/* secret: `m2mctl secret`, a new secret for a client as a migration that holds only its hash. */
#ifndef M2MCTL_SECRET_H
#define M2MCTL_SECRET_H

#include "command.h"

extern const struct command secret_command;

#endif

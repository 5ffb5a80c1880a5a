/* client: `m2mctl client`, a new client as a migration that is ready to be applied. */
#ifndef APP_M2MCTL_CLIENT_H
#define APP_M2MCTL_CLIENT_H

#include "command.h"

extern const struct command client_command;

#endif

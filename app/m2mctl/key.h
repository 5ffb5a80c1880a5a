/* key: `m2mctl key`, the signing keys and the times of their lives. */
#ifndef APP_M2MCTL_KEY_H
#define APP_M2MCTL_KEY_H

#include "command.h"

extern const struct command key_command;

#endif

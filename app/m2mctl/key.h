/* key: `m2mctl key`, the signing keys and the times of their lives. */
#ifndef M2MCTL_KEY_H
#define M2MCTL_KEY_H

#include "command.h"

extern const struct command key_command;

#endif

/* key: `m2mctl key`: lists the signing keys and changes their times; its other subcommands are in keynew.h,
 * keyrotate.h and keyseal.h. */
#ifndef APP_M2MCTL_KEY_H
#define APP_M2MCTL_KEY_H

#include "command.h"

/* An entry of the table in main.c. */
extern const struct command key_command;

#endif

/* token: `m2mctl token`, what a token says, and whether it holds against a JWK Set. */
#ifndef APP_M2MCTL_TOKEN_H
#define APP_M2MCTL_TOKEN_H

#include "command.h"

extern const struct command token_command;

#endif

/* token: `m2mctl token`: explains a token and verifies it with a JWK Set. It does not know revocations. */
#ifndef APP_M2MCTL_TOKEN_H
#define APP_M2MCTL_TOKEN_H

#include "command.h"

/* An entry of the table in main.c. */
extern const struct command token_command;

#endif

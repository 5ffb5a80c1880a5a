/* client_add: `m2mctl client-key` and `m2mctl client-certificate`: print a migration that adds a credential to an
 * existing client. They do not connect to the database. */
#ifndef APP_M2MCTL_CLIENT_ADD_H
#define APP_M2MCTL_CLIENT_ADD_H

#include "command.h"

/* Entries of the table in main.c. */
extern const struct command client_add_key_command, client_add_certificate_command;

#endif

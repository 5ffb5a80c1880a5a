/* client_list: `m2mctl list` and `m2mctl show`: print clients as text or as JSON. They change nothing. */
#ifndef APP_M2MCTL_CLIENT_LIST_H
#define APP_M2MCTL_CLIENT_LIST_H

#include "command.h"

/* Entries of the table in main.c. */
extern const struct command client_list_command, client_show_command;

#endif

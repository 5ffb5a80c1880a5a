/* m2mctl list and show: clients in plain words, or as JSON. */
#ifndef APP_M2MCTL_CLIENT_LIST_H
#define APP_M2MCTL_CLIENT_LIST_H

#include "command.h"

extern const struct command client_list_command, client_show_command;

#endif

/* m2mctl client-key and client-certificate: one more credential for a client that exists. */
#ifndef APP_M2MCTL_CLIENT_ADD_H
#define APP_M2MCTL_CLIENT_ADD_H

#include "command.h"

extern const struct command client_add_key_command, client_add_certificate_command;

#endif

/* jwk: `m2mctl jwk`: prints the public key of a certificate or PEM file as the JWK that the row of a client takes. */
#ifndef APP_M2MCTL_JWK_H
#define APP_M2MCTL_JWK_H

#include "command.h"

/* An entry of the table in main.c. */
extern const struct command jwk_command;

#endif

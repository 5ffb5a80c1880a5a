/* jwk: `m2mctl jwk`, the public key of a certificate or a PEM file as the JWK that a client's row wants. */
#ifndef APP_M2MCTL_JWK_H
#define APP_M2MCTL_JWK_H

#include "command.h"

extern const struct command jwk_command;

#endif

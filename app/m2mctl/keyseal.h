/* keyseal: `m2mctl key seal` and `m2mctl key reseal`: add the MAC to rows that have none, and change the
 * passphrase. key_seal.h defines the MAC. */
#ifndef APP_M2MCTL_KEYSEAL_H
#define APP_M2MCTL_KEYSEAL_H

#include "command.h"

/* argv[0] is the word after `key`. Returns the exit code. */
int keyseal_run(const struct command *self, const struct command_session *session, int argc, char **argv);

/* `m2mctl key reseal`, as keyseal_run(). */
int keyseal_run_again(const struct command *self, const struct command_session *session, int argc, char **argv);

#endif

/* keynew: `m2mctl key new` and `m2mctl key passphrase`: what a key begins with. Its later life is in key.c. */
#ifndef M2MCTL_KEYNEW_H
#define M2MCTL_KEYNEW_H

#include "command.h"

/* argv[0] is the word after `key`. What to exit with. */
int keynew_run(const struct command *self, const struct command_session *session, int argc, char **argv);
int keynew_run_passphrase(const struct command *self, const struct command_session *session, int argc, char **argv);

#endif

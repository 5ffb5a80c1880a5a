/* keynew: `m2mctl key new`, `m2mctl key add` and `m2mctl key passphrase`: what a key begins with. Its later life is in key.c. */
#ifndef M2MCTL_KEYNEW_H
#define M2MCTL_KEYNEW_H

#include "../passphrase.h"
#include "command.h"

/* The passphrases of the signing keys: from the file that override names, or, when it is NULL, from those of the configuration.
 * COMMAND_FINE, or what to exit with after a complaint. The caller closes it. */
int keynew_passphrase(const struct command *self, const struct config *config, const char *override,
                      struct passphrase *passphrase_r);

/* argv[0] is the word after `key`. What to exit with. */
int keynew_run(const struct command *self, const struct command_session *session, int argc, char **argv);
int keynew_run_add(const struct command *self, const struct command_session *session, int argc, char **argv);
int keynew_run_passphrase(const struct command *self, const struct command_session *session, int argc, char **argv);

#endif

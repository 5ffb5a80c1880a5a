/* keynew: `m2mctl key new`, `m2mctl key add` and `m2mctl key passphrase`: what a key begins with. Its later life is in key.c. */
#ifndef APP_M2MCTL_KEYNEW_H
#define APP_M2MCTL_KEYNEW_H

#include "../keys/key_seal.h"
#include "command.h"

/* The passphrases of the signing keys, from the file that override names, or, when it is NULL, from those of the configuration,
 * and the keys for the MACs of rows. COMMAND_FINE, or what to exit with after a complaint. The caller closes it. */
int keynew_seal(const struct command *self, const struct config *config, const char *override, struct key_seal *seal_r);

/* The same for what can be done without: NULL after a note that MACs are not judged, else seal. */
const struct key_seal *keynew_seal_if_any(const struct command *self, const struct config *config,
                                          struct key_seal *seal);

/* argv[0] is the word after `key`. What to exit with. */
int keynew_run(const struct command *self, const struct command_session *session, int argc, char **argv);
int keynew_run_add(const struct command *self, const struct command_session *session, int argc, char **argv);
int keynew_run_passphrase(const struct command *self, const struct command_session *session, int argc, char **argv);

#endif

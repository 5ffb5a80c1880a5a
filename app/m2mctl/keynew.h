/* keynew: `m2mctl key new`, `m2mctl key add` and `m2mctl key passphrase`: create a signing key and the passphrase.
 * Later changes of a key are in key.c. */
#ifndef APP_M2MCTL_KEYNEW_H
#define APP_M2MCTL_KEYNEW_H

#include "../keys/key_seal.h"
#include "command.h"

/* Reads the passphrases of the signing keys from the file override, or, if it is NULL, from those of the
 * configuration, and derives the keys for the MACs of rows. Returns COMMAND_FINE, or an exit code after a message.
 * The caller closes it. */
int keynew_seal(const struct command *self, const struct config *config, const char *override, struct key_seal *seal_r);

/* The same for commands that work without a passphrase: returns seal, or NULL after a note that MACs are not
 * checked. */
const struct key_seal *keynew_seal_if_any(const struct command *self, const struct config *config,
                                          struct key_seal *seal);

/* argv[0] is the word after `key`. Returns the exit code. */
int keynew_run(const struct command *self, const struct command_session *session, int argc, char **argv);

/* `m2mctl key add` and `m2mctl key passphrase`, as keynew_run(). */
int keynew_run_add(const struct command *self, const struct command_session *session, int argc, char **argv);
int keynew_run_passphrase(const struct command *self, const struct command_session *session, int argc, char **argv);

#endif

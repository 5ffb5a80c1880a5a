/* keyrotate: `m2mctl key rotate` and `m2mctl key drop`: create a successor now, and remove a stolen key. */
#ifndef APP_M2MCTL_KEYROTATE_H
#define APP_M2MCTL_KEYROTATE_H

#include "command.h"

/* argv[0] is the word after `key`. Returns the exit code. */
int keyrotate_run(const struct command *self, const struct command_session *session, int argc, char **argv);

/* `m2mctl key drop`, as keyrotate_run(). */
int keyrotate_run_drop(const struct command *self, const struct command_session *session, int argc, char **argv);

#endif

/* passphrase: what opens and seals the signing keys, read once at a process's start and wiped at its end. */
#ifndef APP_PASSPHRASE_H
#define APP_PASSPHRASE_H

#include "../lib/base/text.h"
#include "config.h"

enum { PASSPHRASE_BYTES = 1024 };

struct passphrase {
    struct text text;                   /* absent until it was read */
    char bytes[PASSPHRASE_BYTES];
};

/* Reads key_passphrase_file. 0, or -1 after a line in the log. */
int passphrase_open(struct passphrase *passphrase, const struct config *config);

/* Wipes it. */
void passphrase_close(struct passphrase *passphrase);

#endif

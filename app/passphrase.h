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

/* A key for another purpose, the same wherever the passphrase is: what it is used for may be seen by everybody, so that each
 * guess at the passphrase has to cost something. 0, or -1 when the library failed. */
int passphrase_derive(const struct passphrase *passphrase, struct text purpose, unsigned char *key_r, size_t size);

/* Wipes it. */
void passphrase_close(struct passphrase *passphrase);

#endif

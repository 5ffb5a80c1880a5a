/* passphrase: what opens and seals the signing keys, read once at a process's start and wiped at its end.
 *
 * More than one may open what is in the database: key_passphrase_former_file until `m2mctl key reseal` has sealed every row
 * anew, and the reading of an older version where it differs (secret_file.h). */
#ifndef APP_KEYS_PASSPHRASE_H
#define APP_KEYS_PASSPHRASE_H

#include "../platform/config.h"
#include "../platform/secret_file.h"

enum { PASSPHRASE_LEAST = 20, PASSPHRASE_READINGS = 4 };

struct passphrase {
    struct text text; /* of key_passphrase_file; absent until it was read */
    size_t count;
    struct text readings[PASSPHRASE_READINGS]; /* text first, then the others that may have sealed a row */
    struct secret_file current, former;
};

/* Reads path, and former_path unless it is NULL or empty. 0, or -1 with a line in notes; also 0 with lines in notes about
 * what was left out of a file, and about a passphrase that could be guessed (fewer than PASSPHRASE_LEAST bytes). */
int passphrase_read(struct passphrase *passphrase, const char *path, const char *former_path, FILE *notes);

/* Reads the files that the configuration names. 0, or -1 after lines in the log. tell: the notes go there, too; one process
 * of several is enough. */
int passphrase_open(struct passphrase *passphrase, const struct config *config, bool tell);

/* A key for another purpose, the same wherever the passphrase is. What it makes may be seen by everybody, so it costs some
 * milliseconds of a start: a passphrase that a person chose can be guessed. 0, or -1 when the library failed. */
int passphrase_derive(struct text passphrase, struct text purpose, unsigned char *key_r, size_t size);

/* Wipes it. */
void passphrase_close(struct passphrase *passphrase);

#endif

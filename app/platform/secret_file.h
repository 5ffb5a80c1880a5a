/* secret_file: a secret that an operator keeps in a file: the passphrase of the signing keys, the password of the database.
 *
 * One rule for what editors and orchestrators leave behind: a UTF-8 byte-order mark at the start, and blanks, tabs, carriage
 * returns and line ends at both ends are not part of the secret; every byte between them is. A NUL or a mark of UTF-16 is
 * refused. Versions up to 0.1.0 took off one line feed at the end and nothing else, so a file that they read otherwise comes
 * with a note that names the byte and its place, and with their reading in `literal`. */
#ifndef APP_PLATFORM_SECRET_FILE_H
#define APP_PLATFORM_SECRET_FILE_H

#include <stdio.h>

#include "../../lib/base/text.h"

enum { SECRET_FILE_BYTES = 1024 }; /* with one byte for a NUL */

struct secret_file {
    struct text text;    /* into bytes; NUL-terminated */
    struct text literal; /* the reading of versions up to 0.1.0; absent when it is the same */
    char bytes[SECRET_FILE_BYTES], literal_bytes[SECRET_FILE_BYTES];
};

/* Reads a secret from a file that nobody else may write and others may not read. A relative path is looked for in
 * $CREDENTIALS_DIRECTORY (systemd) first. 0, or -1, with a line in notes that says why; also 0 with lines in notes that name
 * what was left out. The caller wipes it. */
int secret_file_read(struct secret_file *secret_r, const char *path, FILE *notes);

/* The same for bytes that are at hand; name stands for the path in notes. */
int secret_file_take(struct secret_file *secret_r, const char *name, struct text file, FILE *notes);

void secret_file_wipe(struct secret_file *secret);

#endif

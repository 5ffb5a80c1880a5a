/* secret_file: reads a secret from a file: the passphrase of the signing keys, the password of the database account. It does
 * not keep a copy: the caller owns and wipes it.
 *
 * Editors and orchestrators add bytes to such files: a UTF-8 byte-order mark at the start, and spaces, tabs, carriage returns
 * and line feeds at both ends are not part of the secret; every byte between them is. A NUL or a UTF-16 byte-order mark is
 * refused. Versions up to 0.1.0 removed only one line feed at the end. For a file that they read differently there is a note
 * that names the byte and its position, and their reading is in `literal`. */
#ifndef APP_PLATFORM_SECRET_FILE_H
#define APP_PLATFORM_SECRET_FILE_H

#include <stdio.h>

#include "../../lib/base/text.h"

enum { SECRET_FILE_BYTES = 1024 }; /* with one byte for a NUL */

struct secret_file {
    struct text text;    /* into bytes; NUL-terminated */
    struct text literal; /* the reading of versions up to 0.1.0; absent if it is the same */
    char bytes[SECRET_FILE_BYTES], literal_bytes[SECRET_FILE_BYTES];
};

/* Reads a secret from a file that only its owner may write and others may not read. A relative path is searched for in
 * $CREDENTIALS_DIRECTORY (systemd) first. Returns 0, or -1 with the reason in notes; also 0 with a line in notes for each end
 * of the file where bytes were ignored. The caller wipes it. */
int secret_file_read(struct secret_file *secret_r, const char *path, FILE *notes);

/* The same for the content of a file, which must not be empty; name replaces the path in notes. */
int secret_file_take(struct secret_file *secret_r, const char *name, struct text file, FILE *notes);

/* Wipes all bytes of the secret. */
void secret_file_wipe(struct secret_file *secret);

#endif

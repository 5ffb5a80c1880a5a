/* passphrase: the passphrase that encrypts and authenticates the signing keys, read at the start of a process and wiped at its
 * end. The keys themselves are decrypted by private_key.h.
 *
 * There may be several readings of it: those of key_passphrase_former_file until `m2mctl key reseal` has encrypted every row
 * again, and the reading of an older version if it differs (secret_file.h). */
#ifndef APP_KEYS_PASSPHRASE_H
#define APP_KEYS_PASSPHRASE_H

#include "../platform/config.h"
#include "../platform/secret_file.h"

enum { PASSPHRASE_LEAST = 20, PASSPHRASE_READINGS = 4 };

struct passphrase {
    struct text text; /* of key_passphrase_file; absent before it is read */
    size_t count;
    struct text readings[PASSPHRASE_READINGS]; /* text first, then the others that rows may be encrypted with */
    struct secret_file current, former;
};

/* Reads path, and former_path unless it is NULL or empty. Returns 0, or -1 with a line in notes; also 0 with lines in notes
 * about bytes of a file that were ignored, and about a passphrase that could be guessed (fewer than PASSPHRASE_LEAST bytes).
 * The caller wipes it. */
int passphrase_read(struct passphrase *passphrase, const char *path, const char *former_path, FILE *notes);

/* Reads the files that the configuration names. Returns 0, or -1 after log lines. With tell, notes are logged also; one
 * process of several should set it. */
int passphrase_open(struct passphrase *passphrase, const struct config *config, bool tell);

/* Derives a key of size bytes for another purpose, the same on every host with this passphrase. Values made with the key may
 * be public, and a passphrase that a person chose can be guessed, so the derivation is slow: some milliseconds. Returns 0, or
 * -1 if OpenSSL failed. */
int passphrase_derive(struct text passphrase, struct text purpose, unsigned char *key_r, size_t size);

/* Wipes the passphrase and all readings. */
void passphrase_close(struct passphrase *passphrase);

#endif

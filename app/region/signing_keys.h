/* signing_keys: passes signing keys from the keeper through the region to a worker's keyring. It does not generate or rotate
 * keys.
 *
 * The region has the public JWK and either the encrypted PKCS#8 or the URI of the private half. A worker decrypts with the
 * passphrase that it read at its start, and opens a URI itself. It does so between two requests: it keeps an opened private
 * half as long as the row describes the same key, opens keys that sign first, and stops after SIGNING_KEYS_OPEN_MS; the
 * following calls open the rest. */
#ifndef APP_REGION_SIGNING_KEYS_H
#define APP_REGION_SIGNING_KEYS_H

#include "../../lib/jose/keyring.h"
#include "../keys/passphrase.h"
#include "region.h"

/* Keeper. Publishes the keys, at most REGION_KEYS. Does nothing if equal keys are published already. */
void signing_keys_publish(struct region *region, const struct region_keys *keys);

/* A private half that a worker has opened or failed to open. */
struct signing_keys_entry {
    unsigned char digest[32]; /* of the columns that identify the key */
    EVP_PKEY *key;            /* NULL: it could not be opened; tried again when the keys change */
    bool wanted;              /* the current keys need it */
};

/* A worker's private halves. */
struct keyfile {
    bool pending;    /* some are not opened yet */
    uint64_t opened; /* number of attempts to open a private half */
    size_t count;
    struct signing_keys_entry entries[2 * REGION_KEYS]; /* of the previous keys and of the current ones */
};

enum { SIGNING_KEYS_OPEN_MS = 10 };

/* Worker. Updates keyring when the region's keys have changed or some are pending; otherwise costs one load. A key that
 * cannot be read is skipped, and one whose private half no reading of the passphrase opens only verifies; each with a log
 * line. */
void signing_keys_refresh(struct keyfile *file, const struct region *region, const struct passphrase *passphrase,
                          struct keyring *keyring);

/* Frees the private halves. */
void signing_keys_close(struct keyfile *file);

#endif

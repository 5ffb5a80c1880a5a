/* keyfile: signing keys on their way from the database to a worker's keyring.
 *
 * The region carries the public JWK and either the encrypted PKCS#8 or the URI of the private half. A worker decrypts with the
 * passphrase it read at start, and opens what a URI names by itself. It does so between two requests, so it keeps what it has
 * opened as long as the row stands for the same key, opens first what signs, and stops after KEYFILE_OPEN_MS: the rest is
 * opened at the next calls. */
#ifndef APP_KEYFILE_H
#define APP_KEYFILE_H

#include "../lib/jose/keyring.h"
#include "passphrase.h"
#include "region.h"

/* Keeper: publishes the keys (at most REGION_KEYS). Does nothing when they are the ones that stand there. */
void keyfile_publish(struct region *region, const struct region_keys *keys);

/* A private half that a worker has opened, or could not. */
struct keyfile_entry {
    unsigned char digest[32];           /* of all that makes it this key */
    EVP_PKEY *key;                      /* NULL: it cannot be opened, which is tried again when the keys change */
    bool wanted;                        /* by the keys as they are now */
};

struct keyfile {
    bool pending;                       /* some are not opened yet */
    uint64_t opened;                    /* how often a private half was opened, or tried */
    size_t count;
    struct keyfile_entry entries[2 * REGION_KEYS];      /* those of the keys before, and of the keys now */
};

enum { KEYFILE_OPEN_MS = 10 };

/* Worker: brings keyring up to date when the region's keys have changed since, or some are pending; cheap when not (one load).
 * A key that cannot be read is left out, one that cannot be decrypted verifies only; each with a line in the log. What any
 * reading of the passphrase opens is taken. */
void keyfile_refresh(struct keyfile *file, const struct region *region, const struct passphrase *passphrase,
                     struct keyring *keyring);

/* Frees what was opened. */
void keyfile_close(struct keyfile *file);

#endif

/* signing_keys: signing keys on their way from the database to a worker's keyring.
 *
 * The region carries the public JWK and either the encrypted PKCS#8 or the URI of the private half. A worker decrypts with the
 * passphrase it read at start, and opens what a URI names by itself. It does so between two requests, so it keeps what it has
 * opened as long as the row stands for the same key, opens first what signs, and stops after SIGNING_KEYS_OPEN_MS: the rest is
 * opened at the next calls. */
#ifndef APP_REGION_SIGNING_KEYS_H
#define APP_REGION_SIGNING_KEYS_H

#include "../../lib/jose/keyring.h"
#include "../keys/passphrase.h"
#include "region.h"

/* Keeper: publishes the keys (at most REGION_KEYS). Does nothing when they are the ones that stand there. */
void signing_keys_publish(struct region *region, const struct region_keys *keys);

/* A private half that a worker has opened, or could not. */
struct signing_keys_entry {
    unsigned char digest[32]; /* of all that makes it this key */
    EVP_PKEY *key;            /* NULL: it cannot be opened, which is tried again when the keys change */
    bool wanted;              /* by the keys as they are now */
};

struct keyfile {
    bool pending;    /* some are not opened yet */
    uint64_t opened; /* how often a private half was opened, or tried */
    size_t count;
    struct signing_keys_entry entries[2 * REGION_KEYS]; /* those of the keys before, and of the keys now */
};

enum { SIGNING_KEYS_OPEN_MS = 10 };

/* Worker: brings keyring up to date when the region's keys have changed since, or some are pending; cheap when not (one load).
 * A key that cannot be read is left out, one that cannot be decrypted verifies only; each with a line in the log. What any
 * reading of the passphrase opens is taken. */
void signing_keys_refresh(struct keyfile *file, const struct region *region, const struct passphrase *passphrase,
                          struct keyring *keyring);

/* Frees what was opened. */
void signing_keys_close(struct keyfile *file);

#endif

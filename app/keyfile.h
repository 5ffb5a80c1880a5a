/* keyfile: signing keys on their way from the database to a worker's keyring.
 *
 * The region carries the public JWK and either the encrypted PKCS#8 or the URI of the private half. A worker decrypts with the
 * passphrase it read at start, and opens what a URI names by itself; only when the keys have changed. */
#ifndef APP_KEYFILE_H
#define APP_KEYFILE_H

#include "../lib/jose/keyring.h"
#include "passphrase.h"
#include "region.h"

/* Keeper: publishes the keys (at most REGION_KEYS). Does nothing when they are the ones that stand there. */
void keyfile_publish(struct region *region, const struct region_keys *keys);

/* Worker: brings keyring up to date when the region's keys have changed since; cheap when they have not (one load).
 * A key that cannot be read is left out, one that cannot be decrypted verifies only; each with a line in the log.
 * What any reading of the passphrase opens is taken. */
void keyfile_refresh(const struct region *region, const struct passphrase *passphrase, struct keyring *keyring);

#endif

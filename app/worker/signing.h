/* signing: publishes which algorithms each worker can sign with, in its row of the scoreboard. It does not sign.
 *
 * A worker that cannot open a key (wrong passphrase, a file that was moved) would answer some token requests with 503. While
 * other workers can, it should not serve, and during a reload the old generation should stay. */
#ifndef APP_WORKER_SIGNING_H
#define APP_WORKER_SIGNING_H

#include "../../lib/jose/keyring.h"
#include "../region/region.h"

/* Stores in row, which the caller owns, the algorithms that keyring can sign with now. */
void signing_note(struct region_process *row, const struct keyring *keyring);

/* Returns whether another serving worker can sign with an algorithm that this keyring has lost: it has active keys of it and
 * can open none, or can open no key at all. Call it after signing_note(). */
bool signing_lost(const struct region *region, const struct region_process *row, const struct keyring *keyring);

#endif

/* signing: which algorithms each worker can sign with, in its row of the region.
 *
 * A worker that cannot open a key (wrong passphrase, a file that was moved) would answer some requests for tokens with 503.
 * While others can, it is better that it does not serve; during a reload, that the old generation stays. */
#ifndef APP_WORKER_SIGNING_H
#define APP_WORKER_SIGNING_H

#include "../../lib/jose/keyring.h"
#include "../region/region.h"

/* Writes into row what keyring can sign with now. */
void signing_note(struct region_process *row, const struct keyring *keyring);

/* Whether another worker that serves can sign with an algorithm, and this keyring has lost it: has active keys of it and can
 * open none, or can open no key at all. After signing_note(). */
bool signing_lost(const struct region *region, const struct region_process *row, const struct keyring *keyring);

#endif

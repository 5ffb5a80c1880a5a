/* key_replica: copies the rows of signing_key that have a valid MAC into the region. It neither makes nor rotates keys
 * (key_renewal.h); key_seal.h defines the MAC.
 *
 * Of a row without a MAC only the names are copied, so that its tokens are not reported as inactive. A row with a
 * wrong MAC is left out. If all MACs are wrong, the passphrase is wrong and no key is known. */
#ifndef APP_KEEPER_KEY_REPLICA_H
#define APP_KEEPER_KEY_REPLICA_H

#include "../db/db.h"
#include "../keys/key_seal.h"
#include "../region/region.h"

struct key_replica;

/* seal must outlive the object. Returns NULL if out of memory. */
struct key_replica *key_replica_new(struct region *region, const struct key_seal *seal);

/* Frees it with everything in it; NULL is allowed. */
void key_replica_free(struct key_replica *replica);

/* Reads the rows and publishes them. Faults of rows are logged when they change. Returns 0, or -1: db_why(). */
int key_replica_load(struct key_replica *replica, struct db *db);

/* Adds a key, or leaves out the key that is needed least if there are too many: each algorithm keeps the key that
 * signs at now. Exported for key_replica_load() and its test. */
void key_replica_put(struct region_keys *keys, const struct region_key *key, int64_t now);

#endif

/* key_replica: from the rows of signing_key to the region, those alone whose MAC is good (key_seal.h).
 *
 * A row without a MAC goes there by its names only, so that its tokens are not called inactive. One with a wrong MAC is left
 * out; when all of them are wrong it is the passphrase that is, and no key is known. */
#ifndef APP_KEEPER_KEY_REPLICA_H
#define APP_KEEPER_KEY_REPLICA_H

#include "../db/db.h"
#include "../keys/key_seal.h"
#include "../region/region.h"

struct key_replica;

/* seal outlives it. NULL without memory. */
struct key_replica *key_replica_new(struct region *region, const struct key_seal *seal);
void key_replica_free(struct key_replica *replica);

/* Reads the rows and publishes them. What is wrong with some goes into the log when it changes. 0, or -1: db_why(). */
int key_replica_load(struct key_replica *replica, struct db *db);

/* Adds a key to those that fit, or leaves out the one that is needed least: whatever comes, each algorithm keeps the key
 * that signs at now. For key_replica_load() and its test. */
void key_replica_put(struct region_keys *keys, const struct region_key *key, int64_t now);

#endif

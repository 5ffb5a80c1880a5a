/* replica: loads the rows of the database into the shared region. It does not follow changes (feed.h).
 *
 * A complete load reads page by page, each page in one snapshot, and the keeper does its other work in between: memory
 * use is constant, no transaction stays open, and a million clients delay no revocation. No snapshot of the whole is
 * needed, because the caller notes the numbers of the change feed before the load and applies later changes
 * afterwards. After a lost connection the load continues where it stopped.
 *
 * An invalid row is left out alone (client_rows.h), logged as an error and counted (status->bad_rows). */
#ifndef APP_KEEPER_REPLICA_H
#define APP_KEEPER_REPLICA_H

#include "../db/db.h"
#include "../keys/key_seal.h"
#include "../region/region.h"

enum { REPLICA_COMPLAINTS = 20 }; /* logged bad rows of one complete load; further ones are only counted */

/* REPLICA_RECONCILE names no bad rows: it logs only if there are more of them than before. */
enum replica_load { REPLICA_RECONCILE, REPLICA_REPLACE };

struct replica;

/* row: the process whose heartbeat is updated during loads. seal: verifies the MACs of signing_key; it must outlive
 * the replica. Returns NULL if out of memory. */
struct replica *replica_new(struct region *region, struct region_process *row, const struct key_seal *seal);

/* Frees it with everything in it; NULL is allowed. */
void replica_free(struct replica *replica);

/* Begins a complete load, and restarts one that is in progress. */
void replica_load_begin(struct replica *replica, enum replica_load purpose);

/* Loads the next page. Returns 1 if the load is complete, 0 if there is more, -1: db_why(). */
int replica_load_step(struct replica *replica, struct db *db);

/* Read again: one client, the rules, the keys or the scopes. Each returns 0, or -1: db_why(). */
int replica_client(struct replica *replica, struct db *db, struct text client_id);
int replica_rules(struct replica *replica, struct db *db);
int replica_keys(struct replica *replica, struct db *db);
int replica_scopes(struct replica *replica, struct db *db);

/* Applies a row of revoked_token. expires_at: seconds in decimal, as the database returns them. */
void replica_revoke(struct replica *replica, struct text jti, struct text expires_at);

#endif

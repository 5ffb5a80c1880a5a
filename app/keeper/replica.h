/* replica: from the rows of the database to the shared region.
 *
 * A complete load goes page by page, each page one snapshot, and the keeper does its other work in between: memory
 * stays flat, no transaction stays open, and a million clients delay no revocation. It needs no snapshot of the whole,
 * because whoever loads took note of the change feed's numbers before and applies what came since. The load goes on
 * where it stood when the connection was lost.
 * A row that cannot be right is left out alone (client_rows.h), with an error in the log, and counted (board->bad_rows). */
#ifndef APP_KEEPER_REPLICA_H
#define APP_KEEPER_REPLICA_H

#include "../db/db.h"
#include "../keys/key_seal.h"
#include "../region/region.h"

enum { REPLICA_COMPLAINTS = 20 }; /* lines about bad rows of one complete load; the rest is counted */

/* Reconciling names no bad row: it reports when there are more of them than the feed has told of. */
enum replica_load { REPLICA_RECONCILE, REPLICA_REPLACE };

struct replica;

/* row: whose heartbeat to keep going. seal: by which rows of signing_key are believed; it outlives the replica. NULL when
 * memory is not to be had. */
struct replica *replica_new(struct region *region, struct region_process *row, const struct key_seal *seal);
void replica_free(struct replica *replica);

/* Begins a complete load, over again if one is under way. */
void replica_load_begin(struct replica *replica, enum replica_load purpose);

/* Loads the next page: 1 when the load is complete, 0 when there is more, -1: db_why(). */
int replica_load_step(struct replica *replica, struct db *db);

/* Reads one client again, the rules, the keys, or the scopes. 0, or -1: db_why(). */
int replica_client(struct replica *replica, struct db *db, struct text client_id);
int replica_rules(struct replica *replica, struct db *db);
int replica_keys(struct replica *replica, struct db *db);
int replica_scopes(struct replica *replica, struct db *db);

/* A row of revoked_token; expires_at as the database writes seconds. */
void replica_revoke(struct replica *replica, struct text jti, struct text expires_at);

#endif

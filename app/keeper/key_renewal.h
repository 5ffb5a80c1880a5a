/* key_renewal: creates successors of the signing keys in time, for the algorithms that sign access tokens and those
 * that audiences name (key_rotation.h has the transaction, rotation.h the schedule). Logs once when an algorithm
 * that the operator chose does not sign. */
#ifndef APP_KEEPER_KEY_RENEWAL_H
#define APP_KEEPER_KEY_RENEWAL_H

#include "../../lib/jose/jws.h"
#include "../db/db.h"
#include "../keys/key_seal.h"

struct key_renewal {
    const struct config *config;
    const char *holder;            /* holder of the lease: the feed stream of this host */
    const struct key_seal *seal;   /* seals new keys, and verifies the MAC of existing rows */
    bool issues[JWS_ALGORITHMS];   /* the configuration or an audience names it */
    bool stranded[JWS_ALGORITHMS]; /* a log line said that it does not sign */
    bool unsealed;                 /* a log line said that no row has a valid MAC */
};

/* Checks all keys and makes those that are due. Returns 0, or -1 after logging the reason: try again later. */
int key_renewal_turn(struct key_renewal *renew, struct db *db);

#endif

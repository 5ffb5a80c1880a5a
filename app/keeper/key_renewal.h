/* key_renewal: the keeper's care for the signing keys: each algorithm that has one, the one that signs access tokens and those
 * that audiences name get a successor in time (key_rotation.h). Says in the log, once, when one that the operator chose does not
 * sign. */
#ifndef APP_KEEPER_KEY_RENEWAL_H
#define APP_KEEPER_KEY_RENEWAL_H

#include "../../lib/jose/jws.h"
#include "../db/db.h"
#include "../keys/key_seal.h"

struct key_renewal {
    const struct config *config;
    const char *holder;            /* who rotates: the feed stream of this host */
    const struct key_seal *seal;   /* what seals new keys, and tells which rows count */
    bool issues[JWS_ALGORITHMS];   /* the configuration or an audience names it */
    bool stranded[JWS_ALGORITHMS]; /* that it does not sign was said */
    bool unsealed;                 /* that no row can be believed was said */
};

/* Looks after the keys. 0, or -1 after lines in the log: try again later. */
int key_renewal_turn(struct key_renewal *renew, struct db *db);

#endif

/* renew: the keeper's care for the signing keys: each algorithm that has one, the one that signs access tokens and those
 * that audiences name get a successor in time (rotate.h). Says in the log, once, when one that the operator chose does not
 * sign. */
#ifndef APP_RENEW_H
#define APP_RENEW_H

#include "../lib/jose/jws.h"
#include "db.h"
#include "passphrase.h"

struct renew {
    const struct config *config;
    const char *holder;                 /* who rotates: the feed stream of this host */
    struct passphrase passphrase;
    bool issues[JWS_ALGORITHMS];        /* the configuration or an audience names it */
    bool stranded[JWS_ALGORITHMS];      /* that it does not sign was said */
};

/* Reads the passphrase. When that fails nothing is rotated; the log says so. holder outlives it. */
void renew_open(struct renew *renew, const struct config *config, const char *holder);
void renew_close(struct renew *renew);

/* Looks after the keys. 0, or -1 after lines in the log: try again later. */
int renew_turn(struct renew *renew, struct db *db);

#endif

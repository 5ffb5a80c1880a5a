/* renew: the keeper's care for the signing keys: each algorithm that has one, and the one that signs access tokens, gets a
 * successor in time (rotate.h). Says in the log, once, when the algorithm that the operator chose does not sign. */
#ifndef APP_RENEW_H
#define APP_RENEW_H

#include "db.h"
#include "passphrase.h"

struct renew {
    const struct config *config;
    const char *holder;                 /* who rotates: the feed stream of this host */
    struct passphrase passphrase;
    bool stranded;                      /* that it does not sign was said */
};

/* Reads the passphrase when keys are rotated by themselves. When that fails nothing is rotated; the log says so. holder
 * outlives it. */
void renew_open(struct renew *renew, const struct config *config, const char *holder);
void renew_close(struct renew *renew);

/* Looks after the keys. 0, or -1 after lines in the log: try again later. */
int renew_turn(struct renew *renew, struct db *db);

#endif

/* timeline: the signing keys of the database, and which of them does what at a moment. When each should begin and end is
 * rotation.h's. */
#ifndef APP_TIMELINE_H
#define APP_TIMELINE_H

#include "../lib/jose/rotation.h"
#include "config.h"
#include "db.h"

enum { TIMELINE_KEYS = 256 };

struct timeline {
    size_t count;
    struct rotation_key keys[TIMELINE_KEYS];
};

/* The bounds as the configuration has them. */
struct rotation_rules timeline_rules(const struct config *config);

/* 0, or -1: db_why(). More than TIMELINE_KEYS are left out. */
int timeline_read(struct db *db, struct timeline *timeline_r);

/* NULL when there is no such key. */
const struct rotation_key *timeline_find(const struct timeline *timeline, const char *kid);

/* The key that signs with this algorithm at a moment, or another when there is none of it (as keyring_signer() has it),
 * except for one that is left out of account (or NULL); NULL when there is none. */
const struct rotation_key *timeline_signer(const struct timeline *timeline, enum jws_algorithm algorithm, int64_t at,
                                           const struct rotation_key *except);

/* planned, published, active, retired or removed. */
const char *timeline_state(const struct rotation_key *key, int64_t now);

#endif

/* timeline: the signing keys of the database, and which of them does what at a moment.
 *
 * The bounds: a key signs only after every verifier that caches the JWK Set can have seen it, and leaves the set only
 * after the last token it signed has ended. */
#ifndef M2MCTL_TIMELINE_H
#define M2MCTL_TIMELINE_H

#include "../../lib/jose/keyring.h"
#include "../db.h"

enum { TIMELINE_KEYS = 256, TIMELINE_MARGIN = 60, TIMELINE_LONGEST_TOKEN = 86400 };

struct timeline_key {
    char kid[JWK_KID_BYTES + 1];
    char algorithm[8];
    struct keyring_times times;
};

struct timeline {
    size_t count;
    struct timeline_key keys[TIMELINE_KEYS];
};

/* 0, or -1: db_why(). More than TIMELINE_KEYS are left out. */
int timeline_read(struct db *db, struct timeline *timeline_r);

/* NULL when there is no such key. */
const struct timeline_key *timeline_find(const struct timeline *timeline, const char *kid);

/* The key that signs at a moment, except for one that is left out of account (or NULL); NULL when there is none. */
const struct timeline_key *timeline_signer(const struct timeline *timeline, int64_t at,
                                           const struct timeline_key *except);

/* planned, published, active, retired or removed. */
const char *timeline_state(const struct timeline_key *key, int64_t now);

#endif

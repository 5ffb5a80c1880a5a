/* timeline: the signing keys of the database, and which of them does what at a moment. When each should begin and end is
 * rotation.h's. */
#ifndef APP_TIMELINE_H
#define APP_TIMELINE_H

#include "../lib/jose/rotation.h"
#include "config.h"
#include "db.h"
#include "key_seal.h"

enum { TIMELINE_KEYS = 256, TIMELINE_OTHERS = 64 };

struct timeline {
    size_t count, good;                 /* those with a good MAC come first, and they alone are of account */
    size_t others;                      /* not removed, and not good */
    size_t reading;                     /* of the passphrase that seals the newest good one; a new key is sealed with it, too */
    struct rotation_key keys[TIMELINE_KEYS];
    enum key_seal_state seals[TIMELINE_KEYS];
};

/* The bounds as the configuration has them. */
struct rotation_rules timeline_rules(const struct config *config);

/* seal NULL: MACs cannot be judged, and those that are there are taken for good. 0, or -1: db_why(). More than TIMELINE_KEYS
 * are left out, and of those without a good MAC more than TIMELINE_OTHERS. */
int timeline_read(struct db *db, const struct key_seal *seal, struct timeline *timeline_r);

/* For all that is planned: the good ones. */
struct rotation timeline_rotation(const struct timeline *timeline, const struct rotation_rules *rules, int64_t now);

/* Whether there are keys and none of them can be believed: no MAC yet, or another passphrase. Then nothing is planned. */
bool timeline_is_unsealed(const struct timeline *timeline);

/* NULL when there is no such key, whatever its MAC. */
const struct rotation_key *timeline_find(const struct timeline *timeline, const char *kid);

/* The good key that signs with this algorithm at a moment, or another when there is none of it (as keyring_signer() has it),
 * except for one that is left out of account (or NULL); NULL when there is none. */
const struct rotation_key *timeline_signer(const struct timeline *timeline, enum jws_algorithm algorithm, int64_t at,
                                           const struct rotation_key *except);

/* The good key of this algorithm that is the first to sign with it after a moment; NULL when none is planned. */
const struct rotation_key *timeline_next(const struct timeline *timeline, enum jws_algorithm algorithm, int64_t after);

/* planned, published, active, retired or removed. */
const char *timeline_state(const struct rotation_key *key, int64_t now);

#endif

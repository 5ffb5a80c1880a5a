/* key_rows: the signing keys of the database, and which of them does what at a moment. When each should begin and end is
 * rotation.h's. */
#ifndef APP_DB_KEY_ROWS_H
#define APP_DB_KEY_ROWS_H

#include "../../lib/jose/rotation.h"
#include "../platform/config.h"
#include "db.h"
#include "../keys/key_seal.h"

enum { KEY_ROWS_KEYS = 256, KEY_ROWS_OTHERS = 64 };

struct key_rows {
    size_t count, good; /* those with a good MAC come first, and they alone are of account */
    size_t others;      /* not removed, and not good */
    size_t reading;     /* of the passphrase that seals the newest good one; a new key is sealed with it, too */
    struct rotation_key keys[KEY_ROWS_KEYS];
    enum key_seal_state seals[KEY_ROWS_KEYS];
};

/* The bounds as the configuration has them. */
struct rotation_rules key_rows_rules(const struct config *config);

/* seal NULL: MACs cannot be judged, and those that are there are taken for good. 0, or -1: db_why(). More than KEY_ROWS_KEYS
 * are left out, and of those without a good MAC more than KEY_ROWS_OTHERS. */
int key_rows_read(struct db *db, const struct key_seal *seal, struct key_rows *key_rows_r);

/* For all that is planned: the good ones. */
struct rotation key_rows_rotation(const struct key_rows *timeline, const struct rotation_rules *rules, int64_t now);

/* Whether there are keys and none of them can be believed: no MAC yet, or another passphrase. Then nothing is planned. */
bool key_rows_is_unsealed(const struct key_rows *timeline);

/* NULL when there is no such key, whatever its MAC. */
const struct rotation_key *key_rows_find(const struct key_rows *timeline, const char *kid);

/* The good key that signs with this algorithm at a moment, or another when there is none of it (as keyring_signer() has it),
 * except for one that is left out of account (or NULL); NULL when there is none. */
const struct rotation_key *key_rows_signer(const struct key_rows *timeline, enum jws_algorithm algorithm, int64_t at,
                                           const struct rotation_key *except);

/* The good key of this algorithm that is the first to sign with it after a moment; NULL when none is planned. */
const struct rotation_key *key_rows_next(const struct key_rows *timeline, enum jws_algorithm algorithm, int64_t after);

/* planned, published, active, retired or removed. */
const char *key_rows_state(const struct rotation_key *key, int64_t now);

#endif

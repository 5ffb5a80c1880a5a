/* key_rows: reads the signing keys from the database and finds the one that has a given role at a given time. It
 * does not plan when keys begin and end (rotation.h) and changes nothing (key_rotation.h). */
#ifndef APP_DB_KEY_ROWS_H
#define APP_DB_KEY_ROWS_H

#include "../../lib/jose/rotation.h"
#include "../platform/config.h"
#include "db.h"
#include "../keys/key_seal.h"

enum { KEY_ROWS_KEYS = 256, KEY_ROWS_OTHERS = 64 };

struct key_rows {
    size_t count, good; /* keys with a valid MAC come first, and only they are used */
    size_t others;      /* not removed, without a valid MAC */
    size_t reading; /* index of the passphrase that sealed the newest valid key; a new key is sealed with it as well */
    struct rotation_key keys[KEY_ROWS_KEYS];
    enum key_seal_state seals[KEY_ROWS_KEYS];
};

/* The rules of rotation.h with the values of the configuration. */
struct rotation_rules key_rows_rules(const struct config *config);

/* Reads all keys. seal NULL: MACs cannot be verified, and every row with a MAC counts as valid. Keys beyond
 * KEY_ROWS_KEYS are left out, and those without a valid MAC beyond KEY_ROWS_OTHERS. Returns 0, or -1: db_why(). */
int key_rows_read(struct db *db, const struct key_seal *seal, struct key_rows *key_rows_r);

/* The keys with a valid MAC as input of rotation.h; a view into timeline. */
struct rotation key_rows_rotation(const struct key_rows *timeline, const struct rotation_rules *rules, int64_t now);

/* Whether there are keys but none has a valid MAC: not sealed yet, or another passphrase. Then nothing is planned. */
bool key_rows_is_unsealed(const struct key_rows *timeline);

/* Finds a key by its kid, whether or not its MAC is valid. Returns NULL if there is none. */
const struct rotation_key *key_rows_find(const struct key_rows *timeline, const char *kid);

/* Returns the valid key that signs with this algorithm at the time at, or one of another algorithm if there is none
 * (as keyring_signer() does). except: a key to ignore, or NULL. Returns NULL if no key signs. */
const struct rotation_key *key_rows_signer(const struct key_rows *timeline, enum jws_algorithm algorithm, int64_t at,
                                           const struct rotation_key *except);

/* Returns the valid key of this algorithm that is next to sign after a time, or NULL if none is planned. */
const struct rotation_key *key_rows_next(const struct key_rows *timeline, enum jws_algorithm algorithm, int64_t after);

/* Returns "planned", "published", "active", "retired" or "removed". */
const char *key_rows_state(const struct rotation_key *key, int64_t now);

#endif

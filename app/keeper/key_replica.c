#include "key_replica.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "../region/signing_keys.h"
#include "../platform/log.h"

enum { TOLD_MOST = 8, TOLD_BYTES = 4096 };

struct key_replica {
    struct region *region;
    const struct key_seal *seal;
    struct region_keys keys;
    int64_t now;
    size_t good, unsealed, wrong;                /* rows of the load in progress */
    char faults[TOLD_BYTES], before[TOLD_BYTES]; /* the faults of rows, in this load and in the previous one */
};

struct key_replica *key_replica_new(struct region *region, const struct key_seal *seal)
{
    struct key_replica *replica = calloc(1, sizeof *replica);
    if (!replica) return NULL;
    replica->region = region;
    replica->seal = seal;
    return replica;
}

void key_replica_free(struct key_replica *replica) { free(replica); }

static bool reached(int64_t time, int64_t now) { return time != 0 && time <= now; }

static bool active(const struct region_key *key, int64_t now)
{
    return !key->unproven && reached(key->activate, now) && !reached(key->retire, now);
}

/* Whether another key of the same algorithm signs instead of this one. */
static bool superseded(const struct region_keys *keys, const struct region_key *key, int64_t now)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct region_key *other = &keys->keys[i];
        if (other != key && strcmp(other->algorithm, key->algorithm) == 0 && active(other, now) &&
            other->activate > key->activate)
            return true;
    }
    return false;
}

/* How much a key is needed: of keys not yet active, the one that begins first; of retired keys, the one that
 * retired last. */
struct need {
    enum { NEED_NAME, NEED_LATER, NEED_RETIRED, NEED_ACTIVE, NEED_SIGNER } rank;
    int64_t order;
};

static struct need need_of(const struct region_keys *keys, const struct region_key *key, int64_t now)
{
    if (key->unproven) return (struct need){ NEED_NAME, key->publish };
    if (active(key, now)) return (struct need){ superseded(keys, key, now) ? NEED_ACTIVE : NEED_SIGNER, key->activate };
    if (reached(key->activate, now)) return (struct need){ NEED_RETIRED, key->retire };
    return (struct need){ NEED_LATER, key->activate ? -key->activate : INT64_MIN };
}

static size_t least_needed(const struct region_keys *keys, int64_t now)
{
    size_t least = 0;
    for (size_t i = 1; i < keys->count; i++) {
        struct need a = need_of(keys, &keys->keys[i], now), b = need_of(keys, &keys->keys[least], now);
        if (a.rank < b.rank || (a.rank == b.rank && a.order < b.order)) least = i;
    }
    return least;
}

void key_replica_put(struct region_keys *keys, const struct region_key *key, int64_t now)
{
    static_assert(sizeof keys->keys / sizeof keys->keys[0] == REGION_KEYS + 1, "room for the one that is left out");
    keys->keys[keys->count++] = *key;
    if (keys->count <= REGION_KEYS) return;
    size_t least = least_needed(keys, now);
    keys->count--;
    keys->incomplete = 1;
    memmove(&keys->keys[least], &keys->keys[least + 1], (keys->count - least) * sizeof *key);
    memset(&keys->keys[keys->count], 0, sizeof *key);
}

static int64_t seconds(struct text column)
{
    uint64_t value = 0;
    return text_present(column) && text_number(column, INT64_MAX, &value) == 0 ? (int64_t)value : 0;
}

/* An SQL NULL becomes an empty string. */
static bool copy(struct text column, char *place, size_t size)
{
    if (column.size >= size) return false;
    if (column.size > 0) memcpy(place, column.data, column.size);
    return true;
}

/* Adds one line for the log, unless the previous load logged the same line. */
static void note(struct key_replica *replica, struct text kid, const char *what)
{
    size_t used = strlen(replica->faults);
    if (replica->wrong + replica->unsealed > TOLD_MOST) return;
    snprintf(replica->faults + used, sizeof replica->faults - used, "key %.*s: %s\n",
             (int)(kid.size < REGION_KID ? kid.size : REGION_KID), kid.data, what);
}

/* Returns false if a value is too long. Of a row without a MAC only kid and alg are copied. */
static bool copy_row(struct region_key *key, const struct text *columns)
{
    if (!copy(columns[COLUMN_KEY_kid], key->kid, sizeof key->kid) ||
        !copy(columns[COLUMN_KEY_alg], key->algorithm, sizeof key->algorithm))
        return false;
    return key->unproven || (copy(columns[COLUMN_KEY_public_jwk], key->jwk, sizeof key->jwk) &&
                             copy(columns[COLUMN_KEY_private_pem], key->pem, sizeof key->pem) &&
                             copy(columns[COLUMN_KEY_private_uri], key->uri, sizeof key->uri));
}

/* Counts the row. Returns NULL, or the text for the log. */
static const char *check_row(struct key_replica *replica, enum key_seal_state state)
{
    static const char *const words[] = {
        [KEY_SEAL_NONE] = "its row of signing_key has no MAC and is not used: check it, then run m2mctl key seal",
        [KEY_SEAL_WRONG] =
            "its row of signing_key has a wrong MAC and is not used: it was not written with the passphrase; m2mctl "
            "key drop removes it",
    };
    if (state == KEY_SEAL_GOOD) replica->good++;
    else if (state == KEY_SEAL_NONE) replica->unsealed++;
    else replica->wrong++;
    return state == KEY_SEAL_GOOD ? NULL : words[state];
}

static int take_key(void *context, const struct text *columns, size_t count)
{
    struct key_replica *replica = context;
    size_t reading;
    if (count != COLUMN_KEY_COUNT) return -1;
    const struct key_seal_row row = { columns[COLUMN_KEY_kid], columns[COLUMN_KEY_alg], columns[COLUMN_KEY_public_jwk],
                                      columns[COLUMN_KEY_private_uri] };
    enum key_seal_state state = key_seal_check(replica->seal, &row, columns[COLUMN_KEY_mac], &reading);
    const char *why = check_row(replica, state);
    if (why) note(replica, columns[COLUMN_KEY_kid], why);
    if (state == KEY_SEAL_WRONG) return 0;
    struct region_key key = { .publish = seconds(columns[COLUMN_KEY_publish_at]),
                              .activate = seconds(columns[COLUMN_KEY_activate_at]),
                              .retire = seconds(columns[COLUMN_KEY_retire_at]),
                              .remove = seconds(columns[COLUMN_KEY_remove_at]),
                              .unproven = state == KEY_SEAL_NONE };
    if (copy_row(&key, columns)) key_replica_put(&replica->keys, &key, replica->now);
    else
        note(replica, columns[COLUMN_KEY_kid],
             "public_jwk, private_pem or private_uri is too long: the key is left out");
    return 0;
}

static void log_faults(struct key_replica *replica)
{
    size_t used = strlen(replica->faults);
    if (replica->wrong > 0 && replica->good == 0)
        snprintf(replica->faults + used, sizeof replica->faults - used,
                 "no row of signing_key has a valid MAC: key_passphrase_file of "
                 "this host is not the passphrase of the keys; until it is, tokens are answered with 503\n");
    else if (replica->keys.incomplete)
        snprintf(replica->faults + used, sizeof replica->faults - used,
                 "there are more than %d signing keys: those needed "
                 "least are left out; m2mctl key drop removes one\n",
                 REGION_KEYS);
    if (strcmp(replica->faults, replica->before) != 0) log_lines(LOG_LEVEL_ERROR, "signing_key", replica->faults);
    memcpy(replica->before, replica->faults, sizeof replica->before);
}

int key_replica_load(struct key_replica *replica, struct db *db)
{
    memset(&replica->keys, 0, sizeof replica->keys);
    memset(replica->faults, 0, sizeof replica->faults);
    replica->good = replica->unsealed = replica->wrong = 0;
    replica->now = time(NULL);
    if (db_query(db, DB_READ_KEYS, NULL, 0, take_key, replica) < 0) return -1;
    log_faults(replica);
    if (replica->wrong > 0 && replica->good == 0) replica->keys.incomplete = 1;
    signing_keys_publish(replica->region, &replica->keys);
    atomic_store(&replica->region->status->bad_key_rows, replica->wrong + replica->unsealed);
    return 0;
}

#include "key_rows.h"

#include <time.h>

struct reading {
    struct key_rows *timeline;
    const struct key_seal *seal;
    int64_t now, newest;
};

/* A host whose keys are older than validate_seconds tells verifiers not to cache the JWK Set; one whose keys are
 * older than issue_seconds issues no tokens. */
struct rotation_rules key_rows_rules(const struct config *config)
{
    return (struct rotation_rules){ config->key_seconds, config->jwks_max_age_seconds, config->validate_seconds,
                                    config->issue_seconds };
}

static int64_t time_of(struct text column)
{
    uint64_t seconds = 0;
    return text_present(column) && text_number(column, INT64_MAX, &seconds) == 0 ? (int64_t)seconds : 0;
}

static bool reached(int64_t time, int64_t at) { return time != 0 && time <= at; }

static enum key_seal_state seal_of(const struct reading *reading, const struct text *columns, size_t *reading_r)
{
    const struct key_seal_row row = { columns[COLUMN_LISTED_KEY_kid], columns[COLUMN_LISTED_KEY_alg],
                                      columns[COLUMN_LISTED_KEY_public_jwk], columns[COLUMN_LISTED_KEY_private_uri] };
    *reading_r = 0;
    if (!reading->seal) return columns[COLUMN_LISTED_KEY_mac].size > 0 ? KEY_SEAL_GOOD : KEY_SEAL_NONE;
    return key_seal_check(reading->seal, &row, columns[COLUMN_LISTED_KEY_mac], reading_r);
}

/* Keys with a valid MAC come first; the others are appended. */
static void insert(struct key_rows *timeline, const struct rotation_key *key, enum key_seal_state seal)
{
    size_t last = timeline->count++;
    size_t at = seal == KEY_SEAL_GOOD ? timeline->good++ : last;
    timeline->keys[last] = timeline->keys[at];
    timeline->seals[last] = timeline->seals[at];
    timeline->keys[at] = *key;
    timeline->seals[at] = seal;
}

static int take(void *context, const struct text *columns, size_t count)
{
    struct reading *reading = context;
    struct key_rows *timeline = reading->timeline;
    size_t sealed_by;
    if (count != COLUMN_LISTED_KEY_COUNT) return -1;
    enum key_seal_state seal = seal_of(reading, columns, &sealed_by);
    struct rotation_key key = {
        .times = { time_of(columns[COLUMN_LISTED_KEY_publish_at]), time_of(columns[COLUMN_LISTED_KEY_activate_at]),
                   time_of(columns[COLUMN_LISTED_KEY_retire_at]), time_of(columns[COLUMN_LISTED_KEY_remove_at]) },
    };
    if (columns[COLUMN_LISTED_KEY_kid].size >= sizeof key.kid ||
        columns[COLUMN_LISTED_KEY_alg].size >= sizeof key.algorithm)
        return 0;
    memcpy(key.kid, columns[COLUMN_LISTED_KEY_kid].data, columns[COLUMN_LISTED_KEY_kid].size);
    memcpy(key.algorithm, columns[COLUMN_LISTED_KEY_alg].data, columns[COLUMN_LISTED_KEY_alg].size);
    bool removed = reached(key.times.remove, reading->now);
    if (seal != KEY_SEAL_GOOD && !removed) timeline->others++;
    if (seal == KEY_SEAL_GOOD && !removed && key.times.publish >= reading->newest) {
        reading->newest = key.times.publish;
        timeline->reading = sealed_by;
    }
    if (timeline->count == KEY_ROWS_KEYS) return 0;
    if (seal != KEY_SEAL_GOOD && timeline->count - timeline->good == KEY_ROWS_OTHERS) return 0;
    insert(timeline, &key, seal);
    return 0;
}

int key_rows_read(struct db *db, const struct key_seal *seal, struct key_rows *key_rows_r)
{
    struct reading reading = { key_rows_r, seal, time(NULL), 0 };
    key_rows_r->count = key_rows_r->good = key_rows_r->others = key_rows_r->reading = 0;
    return db_query(db, DB_LIST_KEYS, NULL, 0, take, &reading) < 0 ? -1 : 0;
}

struct rotation key_rows_rotation(const struct key_rows *timeline, const struct rotation_rules *rules, int64_t now)
{
    return (struct rotation){ *rules, now, timeline->keys, timeline->good };
}

bool key_rows_is_unsealed(const struct key_rows *timeline)
{
    int64_t now = time(NULL);
    for (size_t i = 0; i < timeline->good; i++)
        if (!reached(timeline->keys[i].times.remove, now)) return false;
    return timeline->others > 0;
}

const struct rotation_key *key_rows_find(const struct key_rows *timeline, const char *kid)
{
    for (size_t i = 0; i < timeline->count; i++)
        if (strcmp(timeline->keys[i].kid, kid) == 0) return &timeline->keys[i];
    return NULL;
}

static bool active(const struct rotation_key *key, int64_t at)
{
    return reached(key->times.activate, at) && !reached(key->times.retire, at) && !reached(key->times.remove, at);
}

static bool signs_rather(const struct rotation_key *key, const struct rotation_key *than, const char *algorithm)
{
    bool wanted = strcmp(key->algorithm, algorithm) == 0, other = strcmp(than->algorithm, algorithm) == 0;
    return wanted != other ? wanted : key->times.activate > than->times.activate;
}

const struct rotation_key *key_rows_signer(const struct key_rows *timeline, enum jws_algorithm algorithm, int64_t at,
                                           const struct rotation_key *except)
{
    const struct rotation_key *signer = NULL;
    for (size_t i = 0; i < timeline->good; i++) {
        const struct rotation_key *key = &timeline->keys[i];
        if (key == except || !active(key, at)) continue;
        if (!signer || signs_rather(key, signer, jws_algorithm_name(algorithm).data)) signer = key;
    }
    return signer;
}

const struct rotation_key *key_rows_next(const struct key_rows *timeline, enum jws_algorithm algorithm, int64_t after)
{
    const struct rotation_key *next = NULL;
    for (size_t i = 0; i < timeline->good; i++) {
        const struct rotation_key *key = &timeline->keys[i];
        if (!text_equal(text_of(key->algorithm), jws_algorithm_name(algorithm)) || key->times.activate <= after ||
            !active(key, key->times.activate))
            continue;
        if (!next || key->times.activate < next->times.activate) next = key;
    }
    return next;
}

const char *key_rows_state(const struct rotation_key *key, int64_t now)
{
    if (reached(key->times.remove, now)) return "removed";
    if (reached(key->times.retire, now)) return "retired";
    if (reached(key->times.activate, now)) return "active";
    return reached(key->times.publish, now) ? "published" : "planned";
}

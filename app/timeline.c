#include "timeline.h"

enum { KID, ALG, PUBLISH, ACTIVATE, RETIRE, REMOVE, COLUMNS };

/* A host whose keys are older than validate_seconds tells verifiers not to keep the JWK Set; one whose keys are older than
 * issue_seconds issues nothing. */
struct rotation_rules timeline_rules(const struct config *config)
{
    return (struct rotation_rules){ config->key_seconds, config->jwks_max_age_seconds, config->validate_seconds,
                                    config->issue_seconds };
}

static int64_t time_of(struct text column)
{
    uint64_t seconds = 0;
    return text_present(column) && text_number(column, INT64_MAX, &seconds) == 0 ? (int64_t)seconds : 0;
}

static int take(void *context, const struct text *columns, size_t count)
{
    struct timeline *timeline = context;
    if (count != COLUMNS || timeline->count == TIMELINE_KEYS) return -1;
    struct rotation_key *key = &timeline->keys[timeline->count++];
    if (columns[KID].size >= sizeof key->kid || columns[ALG].size >= sizeof key->algorithm) return -1;
    *key = (struct rotation_key){
        .times = { time_of(columns[PUBLISH]), time_of(columns[ACTIVATE]), time_of(columns[RETIRE]),
                   time_of(columns[REMOVE]) },
    };
    memcpy(key->kid, columns[KID].data, columns[KID].size);
    memcpy(key->algorithm, columns[ALG].data, columns[ALG].size);
    return 0;
}

int timeline_read(struct db *db, struct timeline *timeline_r)
{
    timeline_r->count = 0;
    return db_query(db, DB_LIST_KEYS, NULL, 0, take, timeline_r) < 0 ? -1 : 0;
}

const struct rotation_key *timeline_find(const struct timeline *timeline, const char *kid)
{
    for (size_t i = 0; i < timeline->count; i++)
        if (strcmp(timeline->keys[i].kid, kid) == 0) return &timeline->keys[i];
    return NULL;
}

static bool reached(int64_t time, int64_t at)
{
    return time != 0 && time <= at;
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

const struct rotation_key *timeline_signer(const struct timeline *timeline, enum jws_algorithm algorithm, int64_t at,
                                           const struct rotation_key *except)
{
    const struct rotation_key *signer = NULL;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct rotation_key *key = &timeline->keys[i];
        if (key == except || !active(key, at)) continue;
        if (!signer || signs_rather(key, signer, jws_algorithm_name(algorithm).data)) signer = key;
    }
    return signer;
}

const char *timeline_state(const struct rotation_key *key, int64_t now)
{
    if (reached(key->times.remove, now)) return "removed";
    if (reached(key->times.retire, now)) return "retired";
    if (reached(key->times.activate, now)) return "active";
    return reached(key->times.publish, now) ? "published" : "planned";
}

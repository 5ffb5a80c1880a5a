#include "rotation.h"

int64_t rotation_known(const struct rotation_rules *rules, int64_t publish)
{
    return publish + rules->lag + rules->max_age + ROTATION_SKEW;
}

int64_t rotation_forgotten(const struct rotation_rules *rules, int64_t retire)
{
    return retire + ROTATION_LONGEST_TOKEN + rules->late + ROTATION_SKEW;
}

static bool is_of(const struct rotation_key *key, enum jws_algorithm algorithm)
{
    return text_equal(text_of(key->algorithm), jws_algorithm_name(algorithm));
}

static bool reached(int64_t time, int64_t now) { return time != 0 && time <= now; }

/* It signs or will sign, and its end is not planned. */
static bool stays(const struct rotation_key *key)
{
    return key->times.activate != 0 && key->times.retire == 0 && key->times.remove == 0;
}

const struct rotation_key *rotation_newest(const struct rotation *rotation, enum jws_algorithm algorithm)
{
    const struct rotation_key *newest = NULL;
    for (size_t i = 0; i < rotation->count; i++) {
        const struct rotation_key *key = &rotation->keys[i];
        if (!is_of(key, algorithm) || !stays(key)) continue;
        if (!newest || key->times.activate > newest->times.activate) newest = key;
    }
    return newest;
}

static bool somebody_signs(const struct rotation *rotation)
{
    for (size_t i = 0; i < rotation->count; i++) {
        const struct keyring_times *times = &rotation->keys[i].times;
        if (reached(times->activate, rotation->now) && !reached(times->retire, rotation->now) &&
            !reached(times->remove, rotation->now))
            return true;
    }
    return false;
}

static bool is_full(const struct rotation *rotation)
{
    size_t count = 0;
    for (size_t i = 0; i < rotation->count; i++) count += !reached(rotation->keys[i].times.remove, rotation->now);
    return count >= KEYRING_KEYS;
}

static enum rotation_reason reason_of(const struct rotation *rotation, enum jws_algorithm algorithm,
                                      enum rotation_purpose purpose)
{
    const struct rotation_key *newest = rotation_newest(rotation, algorithm);
    int64_t age = newest ? rotation->now - newest->times.activate : 0, most = rotation->rules.key_seconds;
    if (purpose == ROTATION_KEEP && !newest) return ROTATION_IDLE;
    if (purpose != ROTATION_KEEP && !somebody_signs(rotation)) return ROTATION_FIRST;
    if (!newest) return ROTATION_MISSING;
    if (age < 0) return ROTATION_PENDING;
    return purpose == ROTATION_FORCE || (most > 0 && age >= most) ? ROTATION_DUE : ROTATION_IDLE;
}

enum rotation_reason rotation_plan(const struct rotation *rotation, enum jws_algorithm algorithm,
                                   enum rotation_purpose purpose, struct rotation_plan *plan_r)
{
    const struct rotation_rules *rules = &rotation->rules;
    enum rotation_reason reason = reason_of(rotation, algorithm, purpose);
    if (reason < ROTATION_DUE) return reason;
    if (is_full(rotation)) return ROTATION_FULL;
    int64_t now = rotation->now, activate = reason == ROTATION_FIRST ? now : rotation_known(rules, now);
    /* A host that does not know the successor yet signs with the predecessor, which therefore retires later by lag. */
    int64_t retire = activate + rules->lag;
    *plan_r = (struct rotation_plan){ { now, activate, 0, 0 }, retire, rotation_forgotten(rules, retire) };
    return reason;
}

bool rotation_follows(const struct rotation_plan *plan, enum jws_algorithm algorithm, const struct rotation_key *key)
{
    return is_of(key, algorithm) && stays(key) && key->times.activate <= plan->successor.activate;
}

#include "key_renewal.h"

#include <assert.h>
#include <time.h>

#include "../platform/log.h"
#include "../db/key_rotation.h"

/* Logs the result. Returns 0, or -1 if no key was made although one is due. */
static int report_result(const struct db *db, enum key_rotation_result result, const struct key_rotation_report *report,
                         enum jws_algorithm algorithm)
{
    const char *name = jws_algorithm_name(algorithm).data;
    const struct keyring_times *times = &report->plan.successor;
    bool full = result == KEY_ROTATION_IDLE && report->reason == ROTATION_FULL;
    if (result == KEY_ROTATION_DONE)
        log_event(LOG_LEVEL_NOTICE, "key_rotated", "key %s (%s) is published and signs in %lld s", report->kid, name,
                  (long long)(times->activate - times->publish));
    if (full)
        log_event(LOG_LEVEL_ERROR, "rotation",
                  "a key for %s is due, but there are %d keys already: drop those that are "
                  "not needed (m2mctl key list)",
                  name, KEYRING_KEYS);
    if (result == KEY_ROTATION_NO_KEY) log_event(LOG_LEVEL_ERROR, "rotation", "a key for %s could not be made", name);
    if (result == KEY_ROTATION_FAILED) log_event(LOG_LEVEL_ERROR, "rotation", "%s", db_why(db));
    return full || result == KEY_ROTATION_NO_KEY || result == KEY_ROTATION_FAILED ? -1 : 0;
}

static int take_algorithm(void *context, const struct text *columns, size_t count)
{
    struct key_renewal *renew = context;
    enum jws_algorithm algorithm = count == 1 ? jws_algorithm_find(columns[0]) : JWS_NONE;
    if (algorithm != JWS_NONE) renew->issues[algorithm] = true;
    return 0;
}

/* Determines the algorithms that need a signing key. Returns 0, or -1: db_why(). */
static int read_algorithms(struct key_renewal *renew, struct db *db)
{
    memset(renew->issues, 0, sizeof renew->issues);
    enum jws_algorithm algorithm = jws_algorithm_find_own(text_of(renew->config->token_algorithm));
    assert(algorithm != JWS_NONE); /* config_read() takes only the names of the list */
    renew->issues[algorithm] = true;
    /* With HS256, audiences that name another algorithm get no tokens. */
    if (algorithm == JWS_HS256) return 0;
    return db_query(db, DB_READ_AUDIENCE_ALGORITHMS, NULL, 0, take_algorithm, renew) < 0 ? -1 : 0;
}

static int renew_one(const struct key_renewal *renew, struct db *db, enum jws_algorithm algorithm)
{
    struct key_rotation_report report;
    const struct key_rotation_order order = {
        .seal = renew->seal,
        .holder = text_of(renew->holder),
        .algorithm = algorithm,
        .purpose = renew->issues[algorithm] ? ROTATION_ISSUE : ROTATION_KEEP,
        .rules = key_rows_rules(renew->config),
    };
    enum key_rotation_result result = key_rotation_run(db, &order, &report);
    if (result == KEY_ROTATION_UNSEALED) return 0; /* watch_signers() reports it */
    return report_result(db, result, &report, algorithm);
}

/* Appends when the configured algorithm takes effect: the key that will sign, or that none is planned. */
static void put_next(const struct key_rows *timeline, enum jws_algorithm algorithm, int64_t now, char *words,
                     size_t size)
{
    const struct rotation_key *next = key_rows_next(timeline, algorithm, now);
    if (next) snprintf(words, size, "; key %s signs in %lld s", next->kid, (long long)(next->times.activate - now));
    else snprintf(words, size, "; no key of it is planned");
}

static void warn(const struct key_renewal *renew, const struct key_rows *timeline, enum jws_algorithm algorithm,
                 int64_t now)
{
    const char *name = jws_algorithm_name(algorithm).data;
    char next[128];
    put_next(timeline, algorithm, now, next, sizeof next);
    if (strcmp(name, renew->config->token_algorithm) == 0)
        log_event(LOG_LEVEL_WARNING, "signing_key", "no key of token_algorithm (%s) is active: %s%s", name,
                  key_rows_signer(timeline, algorithm, now, NULL) ? "one of another algorithm signs"
                                                                  : "nothing can be signed",
                  next);
    else
        log_event(LOG_LEVEL_WARNING, "signing_key", "no key of %s is active: audiences that name it get no tokens%s",
                  name, next);
}

/* Logs once that no key is made because no row has a valid MAC. */
static void report_unsealed(struct key_renewal *renew, bool unsealed)
{
    if (unsealed && !renew->unsealed)
        log_event(LOG_LEVEL_ERROR, "rotation",
                  "no row of signing_key has a valid MAC, so no key is made: m2mctl key seal, or the "
                  "passphrase of the other hosts");
    renew->unsealed = unsealed;
}

/* Tokens are issued as long as any key signs, except for an audience that names another algorithm. The operator
 * needs to know of both cases. */
static int watch_signers(struct key_renewal *renew, struct db *db)
{
    struct key_rows timeline;
    int64_t now = time(NULL);
    if (key_rows_read(db, renew->seal, &timeline)) return -1;
    report_unsealed(renew, key_rows_is_unsealed(&timeline));
    for (int i = 0; i < JWS_ALGORITHMS; i++) {
        const struct rotation_key *key = key_rows_signer(&timeline, (enum jws_algorithm)i, now, NULL);
        bool signs = key && text_equal(text_of(key->algorithm), jws_algorithm_name((enum jws_algorithm)i));
        bool stranded = renew->issues[i] && !signs;
        if (stranded && !renew->stranded[i]) warn(renew, &timeline, (enum jws_algorithm)i, now);
        renew->stranded[i] = stranded;
    }
    return 0;
}

int key_renewal_turn(struct key_renewal *renew, struct db *db)
{
    if (read_algorithms(renew, db)) {
        log_event(LOG_LEVEL_ERROR, "rotation", "%s", db_why(db));
        return -1;
    }
    /* The configured algorithm comes first, because the first key of an empty database signs at once. */
    int first = (int)jws_algorithm_find_own(text_of(renew->config->token_algorithm));
    for (int i = 0; i < JWS_ALGORITHMS && renew->config->key_seconds > 0 && renew->seal->passphrase.count > 0; i++)
        if (renew_one(renew, db, (enum jws_algorithm)((first + i) % JWS_ALGORITHMS))) return -1;
    return watch_signers(renew, db);
}

#include "renew.h"

#include <time.h>

#include "log.h"
#include "rotate.h"

void renew_open(struct renew *renew, const struct config *config, const char *holder)
{
    *renew = (struct renew){ .config = config, .holder = holder };
    (void)passphrase_open(&renew->passphrase, config, true);
}

void renew_close(struct renew *renew)
{
    passphrase_close(&renew->passphrase);
}

/* 0, or -1 when it did not come about. */
static int tell(const struct db *db, enum rotate_result result, const struct rotate_report *report,
                enum jws_algorithm algorithm)
{
    const char *name = jws_algorithm_name(algorithm).data;
    const struct keyring_times *times = &report->plan.successor;
    bool full = result == ROTATE_IDLE && report->reason == ROTATION_FULL;
    if (result == ROTATE_DONE)
        log_event(LOG_LEVEL_NOTICE, "key_rotated", "key %s (%s) is published and signs in %lld s", report->kid, name,
                  (long long)(times->activate - times->publish));
    if (full)
        log_event(LOG_LEVEL_ERROR, "rotation", "a key for %s is due, but there are %d keys already: drop those that are "
                  "not needed (m2mctl key list)", name, KEYRING_KEYS);
    if (result == ROTATE_NO_KEY) log_event(LOG_LEVEL_ERROR, "rotation", "a key for %s could not be made", name);
    if (result == ROTATE_FAILED) log_event(LOG_LEVEL_ERROR, "rotation", "%s", db_why(db));
    return full || result == ROTATE_NO_KEY || result == ROTATE_FAILED ? -1 : 0;
}

static int take_algorithm(void *context, const struct text *columns, size_t count)
{
    struct renew *renew = context;
    int algorithm = count == 1 ? jws_algorithm_find(columns[0]) : -1;
    if (algorithm >= 0) renew->issues[algorithm] = true;
    return 0;
}

/* Which algorithms have to have a key. 0, or -1: db_why(). */
static int read_algorithms(struct renew *renew, struct db *db)
{
    memset(renew->issues, 0, sizeof renew->issues);
    int algorithm = jws_algorithm_find_own(text_of(renew->config->token_algorithm));
    renew->issues[algorithm] = true;
    /* With HS256 the audiences that name another get no tokens. */
    if (algorithm == JWS_HS256) return 0;
    return db_query(db, DB_READ_AUDIENCE_ALGORITHMS, NULL, 0, take_algorithm, renew) < 0 ? -1 : 0;
}

static int renew_one(const struct renew *renew, struct db *db, enum jws_algorithm algorithm)
{
    struct rotate_report report;
    const struct rotate_order order = {
        .passphrase = renew->passphrase.text, .holder = text_of(renew->holder), .algorithm = algorithm,
        .purpose = renew->issues[algorithm] ? ROTATION_ISSUE : ROTATION_KEEP, .rules = timeline_rules(renew->config),
    };
    enum rotate_result result = rotate_run(db, &order, &report);
    return tell(db, result, &report, algorithm);
}

static void warn(const struct renew *renew, enum jws_algorithm algorithm, const struct rotation_key *signer)
{
    struct text name = jws_algorithm_name(algorithm);
    if (text_equal(name, text_of(renew->config->token_algorithm)))
        log_event(LOG_LEVEL_WARNING, "signing_key", "no key of token_algorithm (%s) is active: %s", name.data,
                  signer ? "one of another algorithm signs" : "nothing can be signed");
    else
        log_event(LOG_LEVEL_WARNING, "signing_key", "no key of %s is active: audiences that name it get no tokens",
                  name.data);
}

/* Whoever signs, tokens are issued, but for an audience that names its algorithm; an operator will want to know of both. */
static int watch_signers(struct renew *renew, struct db *db)
{
    struct timeline timeline;
    int64_t now = time(NULL);
    if (timeline_read(db, &timeline)) return -1;
    for (int i = 0; i < JWS_ALGORITHMS; i++) {
        const struct rotation_key *key = timeline_signer(&timeline, (enum jws_algorithm)i, now, NULL);
        bool signs = key && text_equal(text_of(key->algorithm), jws_algorithm_name((enum jws_algorithm)i));
        bool stranded = renew->issues[i] && !signs;
        if (stranded && !renew->stranded[i]) warn(renew, (enum jws_algorithm)i, key);
        renew->stranded[i] = stranded;
    }
    return 0;
}

int renew_turn(struct renew *renew, struct db *db)
{
    if (read_algorithms(renew, db)) {
        log_event(LOG_LEVEL_ERROR, "rotation", "%s", db_why(db));
        return -1;
    }
    /* That of the configuration before the others, because the first key of an empty database signs at once. */
    int first = jws_algorithm_find_own(text_of(renew->config->token_algorithm));
    for (int i = 0; i < JWS_ALGORITHMS && renew->config->key_seconds > 0 && text_present(renew->passphrase.text); i++)
        if (renew_one(renew, db, (enum jws_algorithm)((first + i) % JWS_ALGORITHMS))) return -1;
    return watch_signers(renew, db);
}

#include "renew.h"

#include <time.h>

#include "log.h"
#include "rotate.h"

void renew_open(struct renew *renew, const struct config *config, const char *holder)
{
    *renew = (struct renew){ .config = config, .holder = holder };
    if (config->key_seconds > 0) (void)passphrase_open(&renew->passphrase, config);
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

static int renew_one(const struct renew *renew, struct db *db, enum jws_algorithm algorithm)
{
    const struct config *config = renew->config;
    bool issues = text_equal(jws_algorithm_name(algorithm), text_of(config->token_algorithm));
    struct rotate_report report;
    const struct rotate_order order = {
        .passphrase = renew->passphrase.text, .holder = text_of(renew->holder), .algorithm = algorithm,
        .purpose = issues ? ROTATION_ISSUE : ROTATION_KEEP, .rules = timeline_rules(config),
    };
    enum rotate_result result = rotate_run(db, &order, &report);
    return tell(db, result, &report, algorithm);
}

/* Whoever signs, tokens are issued; an operator who chose another algorithm will want to know. */
static int watch_signer(struct renew *renew, struct db *db)
{
    struct timeline timeline;
    struct text wanted = text_of(renew->config->token_algorithm);
    if (timeline_read(db, &timeline)) return -1;
    const struct rotation_key *key =
        timeline_signer(&timeline, (enum jws_algorithm)jws_algorithm_find(wanted), time(NULL), NULL);
    bool stranded = !key || !text_equal(text_of(key->algorithm), wanted);
    if (stranded && !renew->stranded)
        log_event(LOG_LEVEL_WARNING, "signing_key", "no key of token_algorithm (%s) is active: %s", wanted.data,
                  key ? "one of another algorithm signs" : "nothing can be signed");
    renew->stranded = stranded;
    return 0;
}

int renew_turn(struct renew *renew, struct db *db)
{
    for (int i = 0; i < JWS_ALGORITHMS && text_present(renew->passphrase.text); i++)
        if (renew_one(renew, db, (enum jws_algorithm)i)) return -1;
    return watch_signer(renew, db);
}

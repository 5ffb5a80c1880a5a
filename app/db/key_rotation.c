#include "key_rotation.h"

#include <inttypes.h>
#include <time.h>

enum { NUMBER_BYTES = 24 };

struct number {
    char digits[NUMBER_BYTES];
};

static struct text number(struct number *number, int64_t value)
{
    int size = snprintf(number->digits, sizeof number->digits, "%" PRId64, value);
    return (struct text){ number->digits, (size_t)size };
}

/* Determines what is due, without the key to be dropped. Returns 0, or -1: db_why(). */
static int decide(struct db *db, const struct key_rotation_order *order, struct key_rows *timeline,
                  struct key_rotation_report *report)
{
    int64_t now = time(NULL);
    if (key_rows_read(db, order->seal, timeline)) return -1;
    report->unsealed = key_rows_is_unsealed(timeline);
    report->reason = ROTATION_IDLE;
    if (report->unsealed) return 0;
    for (size_t i = 0; order->drop && i < timeline->count; i++)
        if (strcmp(timeline->keys[i].kid, order->drop) == 0) timeline->keys[i].times.remove = now;
    const struct rotation rotation = key_rows_rotation(timeline, &order->rules, now);
    report->reason = rotation_plan(&rotation, order->algorithm, order->purpose, &report->plan);
    return 0;
}

struct new_key {
    struct keypair pair; /* kid is empty: no key was made */
    char mac[KEY_SEAL_MAC + 1];
    size_t reading; /* index of the passphrase that sealed it */
};

static int add(struct db *db, const struct key_rotation_order *order, const struct new_key *key,
               const struct rotation_plan *plan)
{
    struct number publish, activate;
    const struct text row[] = {
        text_of(key->pair.kid),
        jws_algorithm_name(order->algorithm),
        text_of(key->pair.jwk),
        text_of(key->pair.pem),
        { NULL, 0 },
        text_of(key->mac),
        number(&publish, plan->successor.publish),
        number(&activate, plan->successor.activate),
    };
    return db_call(db, DB_CALL_ADD_KEY, DB_ADD_KEY, row, sizeof row / sizeof *row) < 0 ? -1 : 0;
}

static int retire_others(struct db *db, const struct key_rotation_order *order, const struct key_rows *timeline,
                         const struct rotation_plan *plan)
{
    struct number retire, remove;
    for (size_t i = 0; i < timeline->good; i++) {
        const struct rotation_key *key = &timeline->keys[i];
        if (!rotation_follows(plan, order->algorithm, key)) continue;
        const struct text row[] = { number(&retire, plan->retire), number(&remove, plan->remove), text_of(key->kid) };
        if (db_call(db, DB_CALL_RETIRE_KEY, DB_RETIRE_KEY, row, 3) < 0) return -1;
    }
    return 0;
}

static int drop(struct db *db, const struct key_rotation_order *order)
{
    struct number now;
    const struct text row[] = { number(&now, time(NULL)), text_of(order->drop) };
    return order->drop && db_call(db, DB_CALL_DROP_KEY, DB_DROP_KEY, row, 2) < 0 ? -1 : 0;
}

/* Runs inside the transaction. kid of key is empty if no key was due before it. */
static enum key_rotation_result change(struct db *db, const struct key_rotation_order *order, const struct new_key *key,
                                       struct key_rotation_report *report)
{
    const struct text lease[] = { order->holder, order->holder };
    struct key_rows timeline;
    long taken = db_query(db, DB_TAKE_LEASE, lease, 2, NULL, NULL);
    if (taken < 0) return KEY_ROTATION_FAILED;
    if (taken == 0) return KEY_ROTATION_BUSY;
    if (decide(db, order, &timeline, report) || drop(db, order)) return KEY_ROTATION_FAILED;
    if (report->reason < ROTATION_DUE) return KEY_ROTATION_IDLE;
    if (!key->pair.kid[0] || key->reading != timeline.reading) return KEY_ROTATION_BUSY;
    /* Before the new key is among them. */
    if (retire_others(db, order, &timeline, &report->plan) || add(db, order, key, &report->plan))
        return KEY_ROTATION_FAILED;
    memcpy(report->kid, key->pair.kid, sizeof report->kid);
    return KEY_ROTATION_DONE;
}

/* On Galera the commit fails if another node was faster; on other servers waiting for the row of the lease fails. */
static enum key_rotation_result fault(const struct db *db)
{
    unsigned error = db_errno(db);
    return error == DB_DEADLOCK || error == DB_LOCK_WAIT || error == DB_TIMED_OUT ? KEY_ROTATION_BUSY
                                                                                  : KEY_ROTATION_FAILED;
}

static enum key_rotation_result transact(struct db *db, const struct key_rotation_order *order,
                                         const struct new_key *key, struct key_rotation_report *report)
{
    if (db_query(db, DB_BEGIN, NULL, 0, NULL, NULL) < 0) return KEY_ROTATION_FAILED;
    enum key_rotation_result result = change(db, order, key, report);
    bool good = result == KEY_ROTATION_DONE || result == KEY_ROTATION_IDLE;
    if (good && db_query(db, DB_COMMIT, NULL, 0, NULL, NULL) >= 0) return result;
    if (good || result == KEY_ROTATION_FAILED) result = fault(db);
    /* Otherwise the next BEGIN would commit what was changed here. */
    return db_query(db, DB_ROLLBACK, NULL, 0, NULL, NULL) < 0 ? KEY_ROTATION_FAILED : result;
}

/* Generates and seals a key. Returns 0, or -1 if that failed. */
static int make(const struct key_rotation_order *order, const struct key_rows *timeline, struct new_key *key_r)
{
    const struct key_seal *seal = order->seal;
    key_r->reading = timeline->reading;
    if (!seal || timeline->reading >= seal->passphrase.count) return -1;
    if (keypair_new(order->algorithm, seal->passphrase.readings[timeline->reading], &key_r->pair)) return -1;
    const struct key_seal_row row = {
        text_of(key_r->pair.kid), jws_algorithm_name(order->algorithm), text_of(key_r->pair.jwk), { NULL, 0 }
    };
    return key_seal_put(seal, timeline->reading, &row, key_r->mac);
}

enum key_rotation_result key_rotation_run(struct db *db, const struct key_rotation_order *order,
                                          struct key_rotation_report *report_r)
{
    struct key_rows timeline;
    struct new_key key = { .mac = "" };
    *report_r = (struct key_rotation_report){ .kid = "" };
    if (decide(db, order, &timeline, report_r)) return KEY_ROTATION_FAILED;
    if (report_r->unsealed && !order->drop) return KEY_ROTATION_UNSEALED;
    if (report_r->reason < ROTATION_DUE && !order->drop) return KEY_ROTATION_IDLE;
    /* Made before the transaction, because generating an RSA key is slow and the lease must not be held for so
     * long. */
    if (report_r->reason >= ROTATION_DUE && make(order, &timeline, &key)) return KEY_ROTATION_NO_KEY;
    return transact(db, order, &key, report_r);
}

#include "rotate.h"

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

/* What is due by the keys as they stand, the one that is dropped left out of account. 0, or -1: db_why(). */
static int decide(struct db *db, const struct rotate_order *order, struct timeline *timeline,
                  struct rotate_report *report)
{
    int64_t now = time(NULL);
    if (timeline_read(db, timeline)) return -1;
    for (size_t i = 0; order->drop && i < timeline->count; i++)
        if (strcmp(timeline->keys[i].kid, order->drop) == 0) timeline->keys[i].times.remove = now;
    const struct rotation rotation = { order->rules, now, timeline->keys, timeline->count };
    report->reason = rotation_plan(&rotation, order->algorithm, order->purpose, &report->plan);
    return 0;
}

static int add(struct db *db, const struct rotate_order *order, const struct keypair *keypair,
               const struct rotation_plan *plan)
{
    struct number publish, activate;
    const struct text row[] = {
        text_of(keypair->kid), jws_algorithm_name(order->algorithm), text_of(keypair->jwk), text_of(keypair->pem),
        number(&publish, plan->successor.publish), number(&activate, plan->successor.activate),
    };
    return db_query(db, DB_ADD_KEY, row, sizeof row / sizeof *row, NULL, NULL) < 0 ? -1 : 0;
}

static int retire_others(struct db *db, const struct rotate_order *order, const struct timeline *timeline,
                         const struct rotation_plan *plan)
{
    struct number retire, remove;
    for (size_t i = 0; i < timeline->count; i++) {
        const struct rotation_key *key = &timeline->keys[i];
        if (!rotation_follows(plan, order->algorithm, key)) continue;
        const struct text row[] = { number(&retire, plan->retire), number(&remove, plan->remove), text_of(key->kid) };
        if (db_query(db, DB_RETIRE_KEY, row, 3, NULL, NULL) < 0) return -1;
    }
    return 0;
}

static int drop(struct db *db, const struct rotate_order *order)
{
    struct number now;
    const struct text row[] = { number(&now, time(NULL)), text_of(order->drop) };
    return order->drop && db_query(db, DB_DROP_KEY, row, 2, NULL, NULL) < 0 ? -1 : 0;
}

/* Inside of the transaction. keypair has no kid when none was due before it. */
static enum rotate_result change(struct db *db, const struct rotate_order *order, const struct keypair *keypair,
                                 struct rotate_report *report)
{
    const struct text lease[] = { order->holder, order->holder };
    struct timeline timeline;
    long taken = db_query(db, DB_TAKE_LEASE, lease, 2, NULL, NULL);
    if (taken < 0) return ROTATE_FAILED;
    if (taken == 0) return ROTATE_ELSEWHERE;
    if (decide(db, order, &timeline, report) || drop(db, order)) return ROTATE_FAILED;
    if (report->reason < ROTATION_DUE) return ROTATE_IDLE;
    if (!keypair->kid[0]) return ROTATE_ELSEWHERE;
    /* Before the new one stands among them. */
    if (retire_others(db, order, &timeline, &report->plan) || add(db, order, keypair, &report->plan)) return ROTATE_FAILED;
    memcpy(report->kid, keypair->kid, sizeof report->kid);
    return ROTATE_DONE;
}

/* On Galera it is the commit that fails when another node was faster; elsewhere the wait for the lease's row. */
static enum rotate_result fault(const struct db *db)
{
    unsigned error = db_errno(db);
    return error == DB_DEADLOCK || error == DB_LOCK_WAIT ? ROTATE_ELSEWHERE : ROTATE_FAILED;
}

static enum rotate_result transact(struct db *db, const struct rotate_order *order, const struct keypair *keypair,
                                   struct rotate_report *report)
{
    if (db_query(db, DB_BEGIN, NULL, 0, NULL, NULL) < 0) return ROTATE_FAILED;
    enum rotate_result result = change(db, order, keypair, report);
    bool good = result == ROTATE_DONE || result == ROTATE_IDLE;
    if (good && db_query(db, DB_COMMIT, NULL, 0, NULL, NULL) >= 0) return result;
    if (good || result == ROTATE_FAILED) result = fault(db);
    /* What began here must not be committed by the next statement that begins something. */
    return db_query(db, DB_ROLLBACK, NULL, 0, NULL, NULL) < 0 ? ROTATE_FAILED : result;
}

enum rotate_result rotate_run(struct db *db, const struct rotate_order *order, struct rotate_report *report_r)
{
    struct timeline timeline;
    struct keypair keypair = { .kid = "" };
    *report_r = (struct rotate_report){ .kid = "" };
    if (decide(db, order, &timeline, report_r)) return ROTATE_FAILED;
    if (report_r->reason < ROTATION_DUE && !order->drop) return ROTATE_IDLE;
    /* An RSA key takes its time, and the lease is not held for so long. */
    if (report_r->reason >= ROTATION_DUE &&
        (!text_present(order->passphrase) || keypair_new(order->algorithm, order->passphrase, &keypair)))
        return ROTATE_NO_KEY;
    return transact(db, order, &keypair, report_r);
}

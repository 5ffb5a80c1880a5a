#include "jobs.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "../region/mailbox.h"

enum {
    JOBS = 64,       /* in one transaction */
    JOBS_TRIES = 5,  /* attempts for one transaction */
    JOBS_PAUSE = 20, /* the longest pause between two attempts, in milliseconds */
};

enum commit {
    COMMIT_DONE,
    COMMIT_AGAIN,  /* nothing was committed; a retry may succeed */
    COMMIT_FAILED, /* the server failed or ran out of time */
    COMMIT_REFUSED /* nothing was committed; one of the jobs may be the cause */
};

/* All keepers insert proofs in the same order, so that two transactions with several proofs in common cannot
 * deadlock. */
static int compare(const void *a, const void *b)
{
    const struct region_job *left = &((const struct mailbox_job *)a)->job;
    const struct region_job *right = &((const struct mailbox_job *)b)->job;
    if (left->kind != right->kind) return left->kind < right->kind ? -1 : 1;
    return memcmp(left->proof, right->proof, sizeof left->proof);
}

/* When the row may be purged, as digits. */
struct end {
    char digits[24];
};

static struct text end_of(const struct region_job *job, struct end *end)
{
    int size = snprintf(end->digits, sizeof end->digits, "%lld", (long long)job->expires_at);
    return (struct text){ end->digits, (size_t)size };
}

static long add_row(struct db *db, const struct region_job *job)
{
    struct end end;
    struct text seconds = end_of(job, &end);
    struct text proof[] = { { job->proof, sizeof job->proof }, seconds };
    struct text revocation[] = { { job->jti, job->jti_size }, { job->client_id, job->client_id_size }, seconds };
    if (job->kind == REGION_KIND_PROOF) return db_query(db, DB_ADD_USED_PROOF, proof, 2, NULL, NULL);
    return db_query(db, DB_ADD_REVOKED_TOKEN, revocation, 3, NULL, NULL);
}

/* A row that would be deleted before the token expires does not revoke it: its expires_at is moved later. */
static long find_revocation(struct db *db, const struct region_job *job)
{
    struct end end;
    struct text jti = { job->jti, job->jti_size }, seconds = end_of(job, &end);
    struct text find[] = { jti, seconds }, keep[] = { seconds, jti };
    long rows = db_query(db, DB_FIND_REVOKED_TOKEN, find, 2, NULL, NULL);
    if (rows != 0) return rows;
    if (db_query(db, DB_KEEP_REVOKED_TOKEN, keep, 2, NULL, NULL) < 0) return -1;
    return db_query(db, DB_FIND_REVOKED_TOKEN, find, 2, NULL, NULL);
}

static long find_row(struct db *db, const struct region_job *job)
{
    struct text proof = { job->proof, sizeof job->proof };
    if (job->kind == REGION_KIND_PROOF) return db_query(db, DB_FIND_USED_PROOF, &proof, 1, NULL, NULL);
    return find_revocation(db, job);
}

/* A duplicate row undoes only its own statement; the other jobs continue. Whether the row exists is read from its
 * own table: the duplicate key may belong to a row that a trigger adds to another table, and then the row of the
 * job has not been stored. */
static int write_one(struct db *db, struct mailbox_job *job)
{
    job->answer = MAILBOX_DURABLE;
    if (add_row(db, &job->job) >= 0) return 0;
    if (db_errno(db) != DB_DUPLICATE) return -1;
    /* If no row is found, db keeps the error of the INSERT. */
    if (find_row(db, &job->job) <= 0) return -1;
    /* Revoking a revoked token succeeds. */
    if (job->job.kind == REGION_KIND_PROOF) job->answer = MAILBOX_USED;
    return 0;
}

/* Writes all jobs and commits. Returns 0 if each holds its answer. Returns -1 if it is not known that anything was
 * written: db has the error number and the transaction may still be open. Reorders jobs. */
static int write_all(struct db *db, struct mailbox_job *jobs, size_t count)
{
    qsort(jobs, count, sizeof *jobs, compare);
    if (db_query(db, DB_BEGIN, NULL, 0, NULL, NULL) < 0) return -1;
    for (size_t i = 0; i < count; i++)
        if (write_one(db, &jobs[i])) return -1;
    return db_query(db, DB_COMMIT, NULL, 0, NULL, NULL) < 0 ? -1 : 0;
}

static bool report(const struct jobs_writer *writer, enum jobs_fault fault, unsigned number, const char *why)
{
    return writer->failed(writer->context, fault, number, why);
}

static enum commit commit_once(const struct jobs_writer *writer, struct mailbox_job *jobs, size_t count)
{
    char why[DB_WHY];
    struct db *db = *writer->db;
    atomic_store_explicit(&writer->row->heartbeat_ms, region_milliseconds(), memory_order_relaxed);
    if (write_all(db, jobs, count) == 0) return COMMIT_DONE;
    unsigned number = db_errno(db);
    snprintf(why, sizeof why, "%s", db_why(db));
    if (db_query(db, DB_ROLLBACK, NULL, 0, NULL, NULL) < 0) {
        (void)report(writer, JOBS_LOST, number, why);
        return COMMIT_FAILED;
    }
    if (number == DB_READ_ONLY || number == DB_READ_ONLY_MODE)
        return report(writer, JOBS_READ_ONLY, number, why) ? COMMIT_AGAIN : COMMIT_FAILED;
    if (number == DB_LOCK_WAIT || number == DB_DEADLOCK) return COMMIT_AGAIN;
    (void)report(writer, JOBS_REFUSED, number, why);
    return number == DB_TIMED_OUT ? COMMIT_FAILED : COMMIT_REFUSED;
}

/* Writes all jobs in one transaction: durable together or not at all. It retries only if it is certain that nothing
 * was committed; otherwise a proof would find its own row and be reported as used. */
static enum commit commit_all(const struct jobs_writer *writer, struct mailbox_job *jobs, size_t count)
{
    for (int try = 1; *writer->db && try <= JOBS_TRIES; try++) {
        enum commit result = commit_once(writer, jobs, count);
        if (result != COMMIT_AGAIN) return result;
        poll(NULL, 0, 1 + (int)arc4random_uniform(JOBS_PAUSE));
    }
    if (*writer->db) (void)report(writer, JOBS_CONTENDED, db_errno(*writer->db), db_why(*writer->db));
    return COMMIT_FAILED;
}

static void answer(struct mailbox_job *job, enum commit result)
{
    mailbox_answer(job, result == COMMIT_DONE ? job->answer : MAILBOX_FAILED);
}

/* Commits each job alone, so that one bad job does not cost the others their answer. After several refusals the
 * cause is not a single job, and the rest fails at once. */
static void commit_each(const struct jobs_writer *writer, struct mailbox_job *jobs, size_t count)
{
    int refused = 0;
    for (size_t i = 0; i < count; i++) {
        enum commit result = refused < JOBS_TRIES ? commit_all(writer, &jobs[i], 1) : COMMIT_FAILED;
        refused += result == COMMIT_REFUSED;
        answer(&jobs[i], result);
    }
}

void jobs_answer(const struct jobs_writer *writer)
{
    struct mailbox_job jobs[JOBS];
    size_t count;
    do {
        count = mailbox_collect(writer->region, jobs, JOBS);
        if (count == 0) return;
        enum commit result = commit_all(writer, jobs, count);
        if (result == COMMIT_REFUSED && count > 1) {
            commit_each(writer, jobs, count);
            continue;
        }
        for (size_t i = 0; i < count; i++) answer(&jobs[i], result);
    } while (count == JOBS);
}

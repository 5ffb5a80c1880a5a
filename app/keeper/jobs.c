#include "jobs.h"

#include <stdio.h>
#include <stdlib.h>

/* All keepers write proofs in one order: two that have several in common wait for each other, but not in a circle. */
static int compare(const void *a, const void *b)
{
    const struct region_job *left = &((const struct mailbox_job *)a)->job;
    const struct region_job *right = &((const struct mailbox_job *)b)->job;
    if (left->kind != right->kind) return left->kind < right->kind ? -1 : 1;
    return memcmp(left->proof, right->proof, sizeof left->proof);
}

static long add_row(struct db *db, const struct region_job *job)
{
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)job->expires_at);
    struct text seconds = { digits, (size_t)size };
    struct text proof[] = { { job->proof, sizeof job->proof }, seconds };
    struct text revocation[] = { { job->jti, job->jti_size }, { job->client_id, job->client_id_size }, seconds };
    if (job->kind == REGION_KIND_PROOF) return db_query(db, DB_ADD_USED_PROOF, proof, 2, NULL, NULL);
    return db_query(db, DB_ADD_REVOKED_TOKEN, revocation, 3, NULL, NULL);
}

static long find_row(struct db *db, const struct region_job *job)
{
    struct text proof = { job->proof, sizeof job->proof }, jti = { job->jti, job->jti_size };
    if (job->kind == REGION_KIND_PROOF) return db_query(db, DB_FIND_USED_PROOF, &proof, 1, NULL, NULL);
    return db_query(db, DB_FIND_REVOKED_TOKEN, &jti, 1, NULL, NULL);
}

/* A row that is there already undoes nothing but its own statement: the other letters go on. Whether it is there is asked
 * of its table: the duplicate may also be that of a row that a trigger adds to another table, and then the letter's row
 * has not been stored. */
static int write_one(struct db *db, struct mailbox_job *job)
{
    job->answer = MAILBOX_DURABLE;
    if (add_row(db, &job->job) >= 0) return 0;
    if (db_errno(db) != DB_DUPLICATE) return -1;
    /* What finds nothing leaves db the error of the INSERT. */
    if (find_row(db, &job->job) <= 0) return -1;
    /* A token that was revoked before is revoked. */
    if (job->job.kind == REGION_KIND_PROOF) job->answer = MAILBOX_USED;
    return 0;
}

int jobs_write(struct db *db, struct mailbox_job *jobs, size_t count)
{
    qsort(jobs, count, sizeof *jobs, compare);
    if (db_query(db, DB_BEGIN, NULL, 0, NULL, NULL) < 0) return -1;
    for (size_t i = 0; i < count; i++)
        if (write_one(db, &jobs[i])) return -1;
    return db_query(db, DB_COMMIT, NULL, 0, NULL, NULL) < 0 ? -1 : 0;
}

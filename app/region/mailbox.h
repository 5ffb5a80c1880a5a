/* mailbox: passes one job at a time from a worker to the keeper, and the keeper's answer back.
 *
 * A job makes a revocation durable, or checks a proof against the database. The mailbox does not run jobs: keeper/jobs.h does.
 *
 * The mailbox word of a row is (number << 3) | state. The worker writes the job, publishes POSTED with a new number and sets
 * the wake-up event; the keeper copies the jobs of all posted rows into one transaction and answers each with the number it
 * read; the worker waits on the futex until its number is answered or the deadline passes. A keeper that exits leaves jobs
 * posted, and its successor collects them. A revocation may thus be written twice, which has the same effect as once. A proof
 * that was written before its keeper exited is found by the successor and counts as used: its client signs a new one. */
#ifndef APP_REGION_MAILBOX_H
#define APP_REGION_MAILBOX_H

#include "region.h"

/* A word goes from EMPTY to POSTED (worker), and from POSTED to DURABLE, USED or FAILED (keeper). USED: the row of the proof
 * existed before. */
enum mailbox_state { MAILBOX_EMPTY, MAILBOX_POSTED, MAILBOX_DURABLE, MAILBOX_USED, MAILBOX_FAILED };

/* Worker, for its own row. Returns the keeper's answer: DURABLE, USED or FAILED; FAILED also when deadline_ms
 * (region_milliseconds) has passed, and at once for a proof while an earlier revocation of this row is still posted. */
enum mailbox_state mailbox_send(struct region *region, struct region_process *row, const struct region_job *job,
                                uint64_t deadline_ms);

/* A posted job, with what is needed to answer it. */
struct mailbox_job {
    struct region_process *row;
    uint64_t number;
    struct region_job job;
    enum mailbox_state answer; /* for the caller's use; mailbox_collect() does not set it */
};

/* Keeper. Copies posted jobs to jobs_r, at most max (above 0), and returns their number. They stay posted. */
size_t mailbox_collect(struct region *region, struct mailbox_job *jobs_r, size_t max);

/* Keeper. Answers a collected job with DURABLE, USED or FAILED and wakes its worker; does nothing when the row has a newer
 * job, or an answer. */
void mailbox_answer(const struct mailbox_job *job, enum mailbox_state state);

#endif

/* mailbox: how a worker has a revocation made durable by the keeper, or a proof judged by the database.
 *
 * The row's word is (number << 3) | state. The worker fills the letter, publishes POSTED with a new number and rings
 * the doorbell; the keeper copies the letters of all posted rows into one transaction and answers each with the number
 * it read; the worker waits on the futex until its number is answered or its time is over. A keeper that dies leaves
 * letters posted, and its successor takes them: a revocation may be written twice, which is once. A proof that was written
 * before its keeper died is found by the successor and counts as used: its client signs a new one. */
#ifndef APP_REGION_MAILBOX_H
#define APP_REGION_MAILBOX_H

#include "region.h"

/* used: of a proof, that its row was there before. */
enum mailbox_state { MAILBOX_EMPTY, MAILBOX_POSTED, MAILBOX_DURABLE, MAILBOX_USED, MAILBOX_FAILED };

/* Worker: the keeper's answer, durable, used or failed; failed also when deadline_ms (region_milliseconds) has passed, and at
 * once for a proof while a revocation of before still waits. */
enum mailbox_state mailbox_send(struct region *region, struct region_process *row, const struct region_job *job,
                                uint64_t deadline_ms);

/* Keeper: the posted letters, at most max, with what is needed to answer them. The count. */
struct mailbox_job {
    struct region_process *row;
    uint64_t number;
    struct region_job job;
    enum mailbox_state answer; /* room for who collected it; mailbox_collect leaves it alone */
};
size_t mailbox_collect(struct region *region, struct mailbox_job *letters_r, size_t max);
void mailbox_answer(const struct mailbox_job *job, enum mailbox_state state);

#endif

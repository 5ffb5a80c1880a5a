/* mailbox: how a worker has a revocation made durable by the keeper.
 *
 * The row's word is (number << 2) | state. The worker fills the letter, publishes POSTED with a new number and rings
 * the doorbell; the keeper copies the letters of all posted rows into one transaction and answers each with the number
 * it read; the worker waits on the futex until its number is answered or its time is over. A keeper that dies leaves
 * letters posted, and its successor takes them: a revocation may be written twice, which is once. */
#ifndef APP_MAILBOX_H
#define APP_MAILBOX_H

#include "region.h"

enum mailbox_state { MAILBOX_EMPTY, MAILBOX_POSTED, MAILBOX_DURABLE, MAILBOX_FAILED };

/* Worker: 0 once durable, -1 when it failed or deadline_ms (region_milliseconds) has passed. */
int mailbox_send(struct region *region, struct region_row *row, const struct region_letter *letter,
                 uint64_t deadline_ms);

/* Keeper: the posted letters, at most max, with what is needed to answer them. The count. */
struct mailbox_letter {
    struct region_row *row;
    uint64_t number;
    struct region_letter letter;
};
size_t mailbox_collect(struct region *region, struct mailbox_letter *letters_r, size_t max);
void mailbox_answer(const struct mailbox_letter *letter, enum mailbox_state state);

#endif

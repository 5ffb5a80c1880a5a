#include "mailbox.h"

#include <assert.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "shared_copy.h"

enum { STATE_BITS = 3 };

static_assert(MAILBOX_FAILED < 1 << STATE_BITS, "a state fits below the number");

static uint64_t word_make(uint64_t number, enum mailbox_state state) { return number << STATE_BITS | (uint64_t)state; }
static uint64_t word_number(uint64_t word) { return word >> STATE_BITS; }

static enum mailbox_state word_state(uint64_t word)
{
    return (enum mailbox_state)(word & (((uint64_t)1 << STATE_BITS) - 1));
}

static_assert(sizeof(struct region_job) % sizeof(uint64_t) == 0, "a job is copied in words");

/* The new number is stored before the first byte of the job changes, so that a keeper that is copying the previous job
 * detects it. */
static uint64_t post(struct region_process *row, const struct region_job *job)
{
    uint64_t number = word_number(atomic_load(&row->mailbox)) + 1;
    atomic_store_explicit(&row->mailbox, word_make(number, MAILBOX_EMPTY), memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    shared_copy_store(&row->job, job, sizeof *job);
    atomic_store_explicit(&row->mailbox, word_make(number, MAILBOX_POSTED), memory_order_seq_cst);
    return number;
}

static void wake_keeper(const struct region *region)
{
    const uint64_t one = 1;
    /* When the write fails, the event is set already, or the keeper collects the job at its next poll. */
    if (write(region->wake_event, &one, sizeof one) < 0) return;
}

/* Waits until *wake differs from seen, at most for so many milliseconds; may return early. */
static void sleep_on(_Atomic uint32_t *wake, uint32_t seen, uint64_t milliseconds)
{
    struct timespec limit = { (time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000 };
    (void)syscall(SYS_futex, wake, FUTEX_WAIT, seen, &limit, NULL, 0);
}

/* A revocation that was not answered in time must still be made durable, so a proof, which the client can sign again, must
 * not overwrite it. */
static bool is_taken(const struct region_process *row, const struct region_job *job)
{
    return job->kind == REGION_KIND_PROOF && word_state(atomic_load(&row->mailbox)) == MAILBOX_POSTED &&
           row->job.kind == REGION_KIND_REVOCATION;
}

/* A row has one writer. Without a pid it belongs to the process that took it. */
static bool is_owner(const struct region_process *row)
{
    int32_t pid = atomic_load(&row->pid);
    return atomic_load(&row->role) != REGION_FREE && (pid == 0 || pid == (int32_t)getpid());
}

enum mailbox_state mailbox_send(struct region *region, struct region_process *row, const struct region_job *job,
                                uint64_t deadline_ms)
{
    assert(is_owner(row));
    if (is_taken(row, job)) return MAILBOX_FAILED;
    uint64_t number = post(row, job);
    wake_keeper(region);
    for (;;) {
        uint32_t seen = atomic_load(&row->wake);
        uint64_t word = atomic_load(&row->mailbox), now_ms = region_milliseconds();
        if (word != word_make(number, MAILBOX_POSTED))
            return word_number(word) == number ? word_state(word) : MAILBOX_FAILED;
        /* A job that was not answered in time stays posted: a revocation that is written late is better than none. */
        if (now_ms >= deadline_ms) return MAILBOX_FAILED;
        sleep_on(&row->wake, seen, deadline_ms - now_ms);
    }
}

/* The keeper does not trust what a worker has written: sizes must fit their fields. */
static bool is_possible(const struct region_job *job)
{
    return job->kind <= REGION_KIND_PROOF && job->jti_size <= REGION_JTI && job->client_id_size <= REGION_CLIENT_ID;
}

size_t mailbox_collect(struct region *region, struct mailbox_job *jobs_r, size_t max)
{
    size_t count = 0;
    assert(max > 0);
    for (size_t i = 0; i < region->process_count && count < max; i++) {
        struct region_process *row = &region->scoreboard[i];
        struct mailbox_job *job = &jobs_r[count];
        uint64_t word = atomic_load_explicit(&row->mailbox, memory_order_acquire);
        if (word_state(word) != MAILBOX_POSTED) continue;
        shared_copy_load(&row->job, sizeof job->job, &job->job);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&row->mailbox, memory_order_relaxed) != word) continue;
        if (!is_possible(&job->job)) continue;
        job->row = row;
        job->number = word_number(word);
        count++;
    }
    return count;
}

void mailbox_answer(const struct mailbox_job *job, enum mailbox_state state)
{
    assert(state == MAILBOX_DURABLE || state == MAILBOX_USED || state == MAILBOX_FAILED);
    assert(job->row && job->number > 0); /* 0 is the number of a row that never posted a job */
    uint64_t posted = word_make(job->number, MAILBOX_POSTED);
    if (!atomic_compare_exchange_strong(&job->row->mailbox, &posted, word_make(job->number, state))) return;
    atomic_fetch_add(&job->row->wake, 1);
    (void)syscall(SYS_futex, &job->row->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

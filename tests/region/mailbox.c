/* A job on its way to the keeper: answered, late, cancelled, and with either process killed in between. */
#include "../../app/region/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include "fixture.h"

enum { SENDERS = 8, JOBS = 40, LIMIT_MS = 120000, SLOW_MS = 60000, COLLECTED = 20000 };

static struct config config;
static struct region region;

/* Alternates revocations and proofs. */
static struct region_job job_of(unsigned number)
{
    struct region_job job = { .kind = (uint16_t)(number % 2), .jti_size = 16,
                                    .client_id_size = (uint16_t)(number % 128), .expires_at = number };
    memset(job.jti, (int)(number & 0x7f), sizeof job.jti);
    memset(job.client_id, (int)(number & 0x7f), sizeof job.client_id);
    memset(job.proof, (int)(number & 0xff), sizeof job.proof);
    return job;
}

static bool is_whole(const struct region_job *job)
{
    struct region_job expected = job_of((unsigned)job->expires_at);
    return memcmp(job, &expected, sizeof expected) == 0;
}

static enum mailbox_state send_one(struct region_process *row, unsigned number, uint64_t limit_ms)
{
    struct region_job job = job_of(number);
    return mailbox_send(&region, row, &job, region_milliseconds() + limit_ms);
}

/* Collects and answers until it is killed. */
static void answer_all(enum mailbox_state state)
{
    struct mailbox_job jobs[SENDERS];
    struct pollfd event = { .fd = region.wake_event, .events = POLLIN };
    for (;;) {
        uint64_t count_r;
        (void)poll(&event, 1, 5);
        if (read(region.wake_event, &count_r, sizeof count_r) < 0) count_r = 0;
        size_t count = mailbox_collect(&region, jobs, SENDERS);
        for (size_t i = 0; i < count; i++)
            mailbox_answer(&jobs[i], is_whole(&jobs[i].job) ? state : MAILBOX_FAILED);
    }
}

static pid_t start_keeper(enum mailbox_state state)
{
    pid_t pid = fixture_fork();
    if (pid == 0) answer_all(state);
    return pid;
}

static int stop(pid_t pid)
{
    return kill(pid, SIGKILL) == 0 && fixture_wait(pid) == 128 + SIGKILL ? 0 : -1;
}

static void without_an_answer_the_deadline_holds(void)
{
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    struct mailbox_job job;
    uint64_t before = region_milliseconds();
    CHECK(row && send_one(row, 1, 60) == MAILBOX_FAILED);
    uint64_t took = region_milliseconds() - before;
    CHECK(took >= 60 && took < SLOW_MS);
    CHECK(mailbox_collect(&region, &job, 1) == 1 && is_whole(&job.job) && job.job.expires_at == 1);
}

/* Without an answer the revocation stays posted, and no proof replaces it; another revocation does. */
static void a_proof_does_not_replace_a_revocation(void)
{
    struct mailbox_job job;
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    CHECK(row);
    CHECK(send_one(row, 2, 1) == MAILBOX_FAILED && send_one(row, 3, 1) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &job, 1) == 1 && job.job.expires_at == 2);
    CHECK(send_one(row, 4, 1) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &job, 1) == 1 && job.job.expires_at == 4);
    mailbox_answer(&job, MAILBOX_DURABLE);
    CHECK(send_one(row, 5, 1) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &job, 1) == 1 && job.job.expires_at == 5);
    mailbox_answer(&job, MAILBOX_USED);
    region_process_release(row);
}

static void the_wake_event_is_readable(void)
{
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    struct pollfd event = { .fd = region.wake_event, .events = POLLIN };
    uint64_t count_r;
    CHECK(poll(&event, 1, 0) == 0);
    CHECK(read(region.wake_event, &count_r, sizeof count_r) == -1);
    CHECK(send_one(row, 1, 0) == MAILBOX_FAILED);
    CHECK(poll(&event, 1, 0) == 1 && read(region.wake_event, &count_r, sizeof count_r) == sizeof count_r && count_r == 1);
}

static void each_answer_arrives_at_once(void)
{
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    pid_t keeper = start_keeper(MAILBOX_DURABLE);
    for (unsigned i = 0; i < 100; i++) CHECK(send_one(row, i, LIMIT_MS) == MAILBOX_DURABLE);
    CHECK(stop(keeper) == 0);
    for (enum mailbox_state state = MAILBOX_USED; state <= MAILBOX_FAILED; state++) {
        keeper = start_keeper(state);
        uint64_t before = region_milliseconds();
        for (unsigned i = 0; i < 100; i++) CHECK(send_one(row, i, LIMIT_MS) == state);
        CHECK(region_milliseconds() - before < SLOW_MS);
        CHECK(stop(keeper) == 0);
    }
}

static void an_answer_is_for_its_own_job(void)
{
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    struct mailbox_job old, current;
    CHECK(send_one(row, 1, 0) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &old, 1) == 1);
    CHECK(send_one(row, 2, 0) == MAILBOX_FAILED);
    mailbox_answer(&old, MAILBOX_DURABLE);
    CHECK(mailbox_collect(&region, &current, 1) == 1 && current.job.expires_at == 2);
    CHECK(current.number != old.number);
    mailbox_answer(&current, MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &current, 1) == 0);
}

/* The next owner of a row must not get the answer to a job of the previous one. */
static void a_row_goes_on_counting_under_its_next_owner(void)
{
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    struct mailbox_job orphan, current;
    CHECK(send_one(row, 1, 0) == MAILBOX_FAILED);
    region_process_release(row);
    CHECK(mailbox_collect(&region, &orphan, 1) == 1 && is_whole(&orphan.job));
    CHECK(region_process_take(&region, REGION_WORKER) == row);
    CHECK(send_one(row, 2, 0) == MAILBOX_FAILED);
    mailbox_answer(&orphan, MAILBOX_DURABLE);
    CHECK(mailbox_collect(&region, &current, 1) == 1 && current.job.expires_at == 2);
}

static void jobs_of_all_rows_are_collected_together(void)
{
    struct mailbox_job jobs[SENDERS];
    unsigned seen = 0;
    for (unsigned i = 0; i < SENDERS; i++) CHECK(send_one(region_process_take(&region, REGION_WORKER), i, 0) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, jobs, 3) == 3);
    CHECK(mailbox_collect(&region, jobs, SENDERS) == SENDERS);
    for (size_t i = 0; i < SENDERS; i++) {
        CHECK(is_whole(&jobs[i].job));
        seen |= 1U << jobs[i].job.expires_at;
    }
    CHECK(seen == (1U << SENDERS) - 1);
}

static void a_job_of_the_longest_client_and_jti_is_collected(void)
{
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    struct region_job job = job_of(2);
    struct mailbox_job collected;
    job.jti_size = REGION_JTI;
    job.client_id_size = REGION_CLIENT_ID;
    CHECK(mailbox_send(&region, row, &job, 0) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &collected, 1) == 1 && memcmp(&collected.job, &job, sizeof job) == 0);
}

static void a_job_of_impossible_size_or_kind_is_not_collected(void)
{
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    struct region_job job = job_of(3);
    struct mailbox_job collected;
    job.jti_size = REGION_JTI + 1;
    CHECK(mailbox_send(&region, row, &job, 0) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &collected, 1) == 0);
    job.jti_size = 1;
    job.client_id_size = REGION_CLIENT_ID + 1;
    CHECK(mailbox_send(&region, row, &job, 0) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &collected, 1) == 0);
    job = job_of(3);
    job.kind = REGION_KIND_PROOF + 1;
    CHECK(mailbox_send(&region, row, &job, 0) == MAILBOX_FAILED);
    CHECK(mailbox_collect(&region, &collected, 1) == 0);
}

/* A keeper that has read the jobs dies before it answers; its successor reads and answers them. */
static void a_successor_answers(void)
{
    struct region_process *row = region_process_take(&region, REGION_WORKER);
    pid_t worker = fixture_fork();
    if (worker == 0) _exit(send_one(row, 5, LIMIT_MS) == MAILBOX_DURABLE ? 0 : 1);
    pid_t first = fixture_fork();
    if (first == 0) {
        struct mailbox_job job;
        while (mailbox_collect(&region, &job, 1) == 0) fixture_sleep_us(200);
        kill(getpid(), SIGKILL);
    }
    CHECK(fixture_wait(first) == 128 + SIGKILL);
    pid_t second = start_keeper(MAILBOX_DURABLE);
    CHECK(fixture_wait(worker) == 0);
    CHECK(stop(second) == 0);
}

static void send_all(struct region_process *row)
{
    for (unsigned i = 0; i < JOBS; i++)
        if (send_one(row, i, LIMIT_MS) != MAILBOX_DURABLE) _exit(1);
    _exit(0);
}

static void keepers_are_killed_and_every_job_is_answered(void)
{
    pid_t senders[SENDERS], keeper = start_keeper(MAILBOX_DURABLE);
    for (int i = 0; i < SENDERS; i++) {
        struct region_process *row = region_process_take(&region, REGION_WORKER);
        senders[i] = fixture_fork();
        if (senders[i] == 0) send_all(row);
    }
    for (unsigned kills = 0; kills < 20; kills++) {
        fixture_sleep_us(300 + kills * 7919 % 3000);
        CHECK(stop(keeper) == 0);
        keeper = start_keeper(MAILBOX_DURABLE);
    }
    for (int i = 0; i < SENDERS; i++) CHECK(fixture_wait(senders[i]) == 0);
    CHECK(stop(keeper) == 0);
}

static _Atomic int senders_stop;

static void *send_without_waiting(void *row)
{
    for (unsigned i = 0; !atomic_load(&senders_stop); i++) (void)send_one(row, i, 0);
    return NULL;
}

/* A worker whose wait timed out writes its next job while the keeper copies: no copy mixes two jobs. */
static void no_job_is_torn(void)
{
    pthread_t sender;
    struct mailbox_job job;
    unsigned collected = 0, torn = 0;
    CHECK(pthread_create(&sender, NULL, send_without_waiting, region_process_take(&region, REGION_WORKER)) == 0);
    while (collected < COLLECTED) {
        if (mailbox_collect(&region, &job, 1) == 0) continue;
        collected++;
        torn += !is_whole(&job.job);
    }
    atomic_store(&senders_stop, 1);
    pthread_join(sender, NULL);
    CHECK(torn == 0);
}

#define RUN_IN(test) \
    do { \
        config = fixture_config(); \
        region = fixture_region(&config); \
        RUN(test); \
        region_close(&region); \
    } while (0)

int main(void)
{
    RUN_IN(without_an_answer_the_deadline_holds);
    RUN_IN(a_proof_does_not_replace_a_revocation);
    RUN_IN(the_wake_event_is_readable);
    RUN_IN(each_answer_arrives_at_once);
    RUN_IN(an_answer_is_for_its_own_job);
    RUN_IN(a_row_goes_on_counting_under_its_next_owner);
    RUN_IN(jobs_of_all_rows_are_collected_together);
    RUN_IN(a_job_of_the_longest_client_and_jti_is_collected);
    RUN_IN(a_job_of_impossible_size_or_kind_is_not_collected);
    RUN_IN(a_successor_answers);
    RUN_IN(keepers_are_killed_and_every_job_is_answered);
    RUN_IN(no_job_is_torn);
    return CHECK_EXIT();
}

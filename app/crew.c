#include "crew.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper.h"
#include "log.h"
#include "worker.h"

enum { HEARTBEAT_MS = 10000 };

static const struct job {
    const char *name;
    const char *title;      /* in the process list; the kernel keeps 15 bytes */
    int (*run)(struct region *region, struct region_row *row, const struct config *config);
} jobs[] = {
    [REGION_WORKER] = { "worker", "m2mauth-worker", worker_run },
    [REGION_KEEPER] = { "keeper", "m2mauth-keeper", keeper_run },
};

const char *crew_role_name(enum region_role role)
{
    return jobs[role].name;
}

/* The child ends when its master does; if that was before prctl(), at once. */
static _Noreturn void work(struct crew *crew, const struct crew_member *member, pid_t master,
                           const struct config *config)
{
    const struct job *job = &jobs[member->role];
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) || getppid() != master) _exit(EXIT_FAILURE);
    (void)prctl(PR_SET_NAME, job->title, 0, 0, 0);
    atomic_store(&member->row->pid, getpid());
    log_open(config->log_target, job->name);
    exit(job->run(crew->region, member->row, config));
}

int crew_start(struct crew *crew, enum region_role role, uint32_t generation, const struct config *config)
{
    struct crew_member member = { .role = role, .generation = generation, .born_ms = region_milliseconds() };
    pid_t master = getpid();
    if (crew->count < CREW_MEMBERS) member.row = region_row_take(crew->region, role);
    if (!member.row) {
        log_repeated(LOG_LEVEL_ERROR, "fork", "no row is left in the region for another %s", crew_role_name(role));
        return -1;
    }
    member.pid = fork();
    if (member.pid == 0) work(crew, &member, master, config);
    if (member.pid < 0) {
        log_repeated(LOG_LEVEL_ERROR, "fork", "no %s: %s", crew_role_name(role), strerror(errno));
        region_row_give(member.row);
        return -1;
    }
    crew->members[crew->count++] = member;
    return 0;
}

bool crew_bury(struct crew *crew, struct crew_member *dead_r, int *status_r)
{
    for (;;) {
        pid_t pid = waitpid(-1, status_r, WNOHANG);
        if (pid <= 0) return false;
        for (size_t i = 0; i < crew->count; i++) {
            if (crew->members[i].pid != pid) continue;
            *dead_r = crew->members[i];
            crew->members[i] = crew->members[--crew->count];
            region_row_give(dead_r->row);
            return true;
        }
    }
}

void crew_dismiss(struct crew *crew, const struct crew_order *order)
{
    for (size_t i = 0; i < crew->count; i++) {
        struct crew_member *member = &crew->members[i];
        bool meant = member->generation >= order->first && member->generation <= order->last;
        if (member->role != order->role || !meant) continue;
        if (member->gone_by_ms == 0) member->gone_by_ms = order->gone_by_ms;
        kill(member->pid, order->signal);
    }
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Why a member must be killed, or NULL. A worker has no heartbeat while it is busy, a keeper none while it waits for a
 * database that is silent. */
static const char *fault_of(const struct crew_member *member, const struct config *config, uint64_t now,
                            uint64_t awake_ms)
{
    uint64_t since = later(member->born_ms, awake_ms);
    uint64_t busy = atomic_load(&member->row->busy_since_ms);
    uint64_t heartbeat = later(atomic_load(&member->row->heartbeat_ms), since);
    uint64_t busy_limit = member->role == REGION_WORKER ? config->busy_seconds * 1000ULL : 0;
    if (member->gone_by_ms > 0 && now >= member->gone_by_ms) return "did not leave in time";
    if (busy_limit > 0 && busy > 0 && now > later(busy, since) + busy_limit) return "was too long at one request";
    return now > heartbeat + busy_limit + HEARTBEAT_MS ? "shows no heartbeat" : NULL;
}

void crew_watch(struct crew *crew, const struct config *config, uint64_t awake_ms)
{
    uint64_t now = region_milliseconds();
    for (size_t i = 0; i < crew->count; i++) {
        struct crew_member *member = &crew->members[i];
        const char *fault = member->killed ? NULL : fault_of(member, config, now, awake_ms);
        if (!fault) continue;
        log_event(LOG_LEVEL_WARNING, "killed", "%s %d %s", crew_role_name(member->role), (int)member->pid, fault);
        member->killed = kill(member->pid, SIGKILL) == 0;
    }
}

size_t crew_count(const struct crew *crew, enum region_role role, uint32_t generation, bool ready)
{
    size_t count = 0;
    for (size_t i = 0; i < crew->count; i++) {
        const struct crew_member *member = &crew->members[i];
        if (member->role == role && member->generation == generation && member->gone_by_ms == 0 &&
            (!ready || atomic_load(&member->row->ready)))
            count++;
    }
    return count;
}

size_t crew_total(const struct crew *crew, enum region_role role)
{
    size_t count = 0;
    for (size_t i = 0; i < crew->count; i++) count += crew->members[i].role == role;
    return count;
}

bool crew_is_leaving(const struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        if (crew->members[i].gone_by_ms > 0) return true;
    return false;
}

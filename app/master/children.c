#include "children.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../keeper/keeper.h"
#include "../platform/log.h"
#include "../worker/worker.h"

enum { HEARTBEAT_MS = 10000 };

static const struct role {
    const char *name;
    const char *title; /* in the process list; the kernel keeps 15 bytes */
    int (*run)(struct region *region, struct region_process *row, const struct config *config);
} roles[] = {
    [REGION_WORKER] = { "worker", "m2mauth-worker", worker_run },
    [REGION_KEEPER] = { "keeper", "m2mauth-keeper", keeper_run },
};

const char *children_role_name(enum region_role role)
{
    assert(role == REGION_WORKER || role == REGION_KEEPER);
    return roles[role].name;
}

/* Runs the child, which gets SIGTERM when its master exits. A master that exited before prctl() is detected by getppid(). */
static _Noreturn void run_child(struct children *children, const struct child *member, pid_t master,
                                const struct config *config)
{
    const struct role *role = &roles[member->role];
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) || getppid() != master) _exit(EXIT_FAILURE);
    (void)prctl(PR_SET_NAME, role->title, 0, 0, 0);
    region_process_own(member->row);
    log_open(config->log_target, role->name);
    exit(role->run(children->region, member->row, config));
}

int children_start(struct children *children, enum region_role role, uint32_t generation, const struct config *config)
{
    struct child member = { .role = role, .generation = generation, .born_ms = region_milliseconds() };
    pid_t master = getpid();
    if (children->count < CHILDREN_MAX) member.row = region_process_take(children->region, role);
    if (!member.row) {
        log_repeated(LOG_LEVEL_ERROR, "fork", "cannot start another %s: all rows of the scoreboard are in use",
                     children_role_name(role));
        return -1;
    }
    member.pid = fork();
    if (member.pid == 0) run_child(children, &member, master, config);
    if (member.pid < 0) {
        log_repeated(LOG_LEVEL_ERROR, "fork", "cannot start a %s: %s", children_role_name(role), strerror(errno));
        region_process_release(member.row);
        return -1;
    }
    children->members[children->count++] = member;
    return 0;
}

bool children_reap(struct children *children, struct child *exited_r, int *status_r)
{
    for (;;) {
        pid_t pid = waitpid(-1, status_r, WNOHANG);
        if (pid <= 0) return false;
        for (size_t i = 0; i < children->count; i++) {
            if (children->members[i].pid != pid) continue;
            *exited_r = children->members[i];
            children->members[i] = children->members[--children->count];
            region_process_release(exited_r->row);
            return true;
        }
    }
}

void children_stop(struct children *children, const struct children_stop_order *order)
{
    assert(order->gone_by_ms > 0); /* 0 would mean that the process may stay */
    for (size_t i = 0; i < children->count; i++) {
        struct child *member = &children->members[i];
        bool meant = member->generation >= order->first && member->generation <= order->last;
        if (member->role != order->role || !meant) continue;
        if (member->gone_by_ms == 0) member->gone_by_ms = order->gone_by_ms;
        kill(member->pid, order->signal);
    }
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Returns why a process must be killed, or NULL. A worker has no heartbeat while it is busy; a keeper has none while it waits
 * for a database that does not respond. */
static const char *fault_of(const struct child *member, const struct config *config, uint64_t now, uint64_t awake_ms)
{
    uint64_t since = later(member->born_ms, awake_ms);
    uint64_t busy = atomic_load(&member->row->busy_since_ms);
    uint64_t heartbeat = later(atomic_load(&member->row->heartbeat_ms), since);
    uint64_t busy_limit = member->role == REGION_WORKER ? config->busy_seconds * 1000ULL : 0;
    if (member->gone_by_ms > 0 && now >= member->gone_by_ms) return "did not exit in time";
    if (busy_limit > 0 && busy > 0 && now > later(busy, since) + busy_limit)
        return "was busy with one request for longer than busy_seconds";
    return now > heartbeat + busy_limit + HEARTBEAT_MS ? "has no heartbeat" : NULL;
}

void children_watch(struct children *children, const struct config *config, uint64_t awake_ms)
{
    uint64_t now = region_milliseconds();
    for (size_t i = 0; i < children->count; i++) {
        struct child *member = &children->members[i];
        const char *fault = member->killed ? NULL : fault_of(member, config, now, awake_ms);
        if (!fault) continue;
        log_event(LOG_LEVEL_WARNING, "killed", "%s %d %s", children_role_name(member->role), (int)member->pid, fault);
        member->killed = kill(member->pid, SIGKILL) == 0;
    }
}

size_t children_count(const struct children *children, enum region_role role, uint32_t generation, bool ready)
{
    size_t count = 0;
    for (size_t i = 0; i < children->count; i++) {
        const struct child *member = &children->members[i];
        if (member->role == role && member->generation == generation && member->gone_by_ms == 0 &&
            (!ready || atomic_load(&member->row->ready)))
            count++;
    }
    return count;
}

size_t children_total(const struct children *children, enum region_role role)
{
    size_t count = 0;
    for (size_t i = 0; i < children->count; i++) count += children->members[i].role == role;
    return count;
}

bool children_is_leaving(const struct children *children)
{
    for (size_t i = 0; i < children->count; i++)
        if (children->members[i].gone_by_ms > 0) return true;
    return false;
}

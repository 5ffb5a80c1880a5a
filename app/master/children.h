/* children: the processes that the master has forked, their rows of the scoreboard, and their deadlines to exit.
 *
 * It starts, signals, watches and reaps processes. It does not decide how many there should be: the master does. */
#ifndef APP_MASTER_CHILDREN_H
#define APP_MASTER_CHILDREN_H

#include <signal.h>
#include <stdbool.h>

#include "../platform/config.h"
#include "../region/region.h"

enum { CHILDREN_MAX = 256 };

struct child {
    pid_t pid;
    enum region_role role;
    uint32_t generation;
    struct region_process *row;
    uint64_t born_ms;
    uint64_t gone_by_ms; /* 0: not signalled to exit; else it is killed after this time */
    bool killed;
};

struct children {
    struct region *region;
    size_t count;
    struct child members[CHILDREN_MAX];
};

/* Returns the name in logs of a role that is not REGION_FREE. */
const char *children_role_name(enum region_role role);

/* Forks a worker or keeper, which runs with config. Returns 0, or -1 with a log line. */
int children_start(struct children *children, enum region_role role, uint32_t generation, const struct config *config);

/* Reaps one exited process and frees its row. Returns true with what it was and its wait status, or false when no process
 * has exited. */
bool children_reap(struct children *children, struct child *exited_r, int *status_r);

/* Which processes to stop: those of a role, from generation `first` to `last`; how and until when. */
struct children_stop_order {
    enum region_role role;
    uint32_t first, last;
    int signal;
    uint64_t gone_by_ms;
};

/* Sends the signal; an earlier deadline of a process stays. */
void children_stop(struct children *children, const struct children_stop_order *order);

/* Kills each process that has passed its deadline, has been busy with one request for too long or has no heartbeat. Times
 * before awake_ms do not count: the whole host may have been suspended until then. */
void children_watch(struct children *children, const struct config *config, uint64_t awake_ms);

/* Returns the number of processes of a role and generation without a deadline; with ready, only of those that serve. */
size_t children_count(const struct children *children, enum region_role role, uint32_t generation, bool ready);

/* Returns the number of processes of a role, of all generations, with or without a deadline. */
size_t children_total(const struct children *children, enum region_role role);

/* Returns whether any process has a deadline to exit. */
bool children_is_leaving(const struct children *children);

#endif

/* children: the processes that the master has forked, their rows in the region, and when they must be gone.
 *
 * It knows how to start, tell, watch and bury a process; how many there should be is the master's affair. */
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
    uint64_t gone_by_ms; /* 0: may stay; told to leave, and killed after this time */
    bool killed;
};

struct children {
    struct region *region;
    size_t count;
    struct child members[CHILDREN_MAX];
};

/* The name of a role in logs. */
const char *children_role_name(enum region_role role);

/* Forks a worker or keeper, which runs under config. 0, or -1 with a log line. */
int children_start(struct children *children, enum region_role role, uint32_t generation, const struct config *config);

/* Takes one dead process off the list. True with what it was and its wait status, false when nobody has died. */
bool children_reap(struct children *children, struct child *dead_r, int *status_r);

/* Tells members of a role, from generation `first` to `last`, to go: by signal and before gone_by_ms. */
struct children_stop_order {
    enum region_role role;
    uint32_t first, last;
    int signal;
    uint64_t gone_by_ms;
};
void children_stop(struct children *children, const struct children_stop_order *order);

/* Kills who has overstayed, is busy with one request for too long or shows no heartbeat. Nobody is judged by what
 * happened before awake_ms: the whole host may have slept until then. */
void children_watch(struct children *children, const struct config *config, uint64_t awake_ms);

/* Members of a role and generation that are to stay; only those that serve when ready is asked for. */
size_t children_count(const struct children *children, enum region_role role, uint32_t generation, bool ready);

/* Members of a role, whatever their generation, leaving or not. */
size_t children_total(const struct children *children, enum region_role role);

bool children_is_leaving(const struct children *children);

#endif

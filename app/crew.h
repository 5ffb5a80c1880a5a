/* crew: the processes that the master has forked, their rows in the region, and when they must be gone.
 *
 * It knows how to start, tell, watch and bury a process; how many there should be is the master's affair. */
#ifndef APP_CREW_H
#define APP_CREW_H

#include <signal.h>
#include <stdbool.h>

#include "config.h"
#include "region.h"

enum { CREW_MEMBERS = 256 };

struct crew_member {
    pid_t pid;
    enum region_role role;
    uint32_t generation;
    struct region_row *row;
    uint64_t born_ms;
    uint64_t gone_by_ms;        /* 0: may stay; told to leave, and killed after this time */
    bool killed;
};

struct crew {
    struct region *region;
    size_t count;
    struct crew_member members[CREW_MEMBERS];
};

/* The name of a role in logs. */
const char *crew_role_name(enum region_role role);

/* Forks a worker or keeper, which runs under config. 0, or -1 with a log line. */
int crew_start(struct crew *crew, enum region_role role, uint32_t generation, const struct config *config);

/* Takes one dead process off the list. True with what it was and its wait status, false when nobody has died. */
bool crew_bury(struct crew *crew, struct crew_member *dead_r, int *status_r);

/* Tells members of a role, from generation `first` to `last`, to go: by signal and before gone_by_ms. */
struct crew_order {
    enum region_role role;
    uint32_t first, last;
    int signal;
    uint64_t gone_by_ms;
};
void crew_dismiss(struct crew *crew, const struct crew_order *order);

/* Kills who has overstayed, is busy with one request for too long or shows no heartbeat. Nobody is judged by what
 * happened before awake_ms: the whole host may have slept until then. */
void crew_watch(struct crew *crew, const struct config *config, uint64_t awake_ms);

/* Members of a role and generation that are to stay; only those that serve when ready is asked for. */
size_t crew_count(const struct crew *crew, enum region_role role, uint32_t generation, bool ready);

/* Members of a role, whatever their generation, leaving or not. */
size_t crew_total(const struct crew *crew, enum region_role role);

bool crew_is_leaving(const struct crew *crew);

#endif

#include "master.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>

#include "children.h"
#include "../platform/log.h"

enum {
    LISTENER = 0,
    QUICK_MS = 1000, /* a process that exits sooner delays the start of the next of its role */
    PAUSE_FIRST_MS = 100,
    PAUSE_LAST_MS = 5000,
    START_MS = 5000,    /* a process that rejects the configuration within this time ends the whole start */
    READY_MS = 30000,   /* time for a new generation to load and serve; the old one serves meanwhile */
    OVERTIME_MS = 3000, /* beyond drain_seconds, and for the keeper's last commit */
    ASLEEP_MS = 5000,   /* when the master was not woken for so long, the host was suspended */
    TICK_MS = 1000,
    PAUSED_TICK_MS = 100,
    BUSY_TICK_MS = 20,
    ACCEPT_US = 1000, /* limit of a wait in accept() while the listening socket is in blocking mode */
};

enum reload { RELOAD_NONE, RELOAD_STARTING, RELOAD_REPLACING };

struct setting {
    struct config config;
    uint32_t generation;
};

/* When the next of a role may be forked. */
struct pace {
    uint64_t pause_ms, not_before_ms;
};

struct master {
    const char *path;
    unsigned workers;
    struct setting current, former;
    uint32_t generations;
    struct region region;
    struct children children;
    struct pace paces[REGION_KEEPER + 1];
    enum reload reload;
    bool reload_wanted, stopping;
    int status;
    uint64_t now, started_ms, ready_by_ms, awake_ms;
    sigset_t signals;
};

static uint64_t drained_by(const struct master *master)
{
    uint32_t current = master->current.config.drain_seconds, former = master->former.config.drain_seconds;
    return master->now + (current > former ? current : former) * 1000ULL + OVERTIME_MS;
}

static void stop_workers(struct master *master, uint32_t first, uint32_t last, int signal)
{
    children_stop(&master->children,
                  &(struct children_stop_order){ REGION_WORKER, first, last, signal, drained_by(master) });
}

static void stop_keeper(struct master *master)
{
    children_stop(&master->children,
                  &(struct children_stop_order){ REGION_KEEPER, 0, UINT32_MAX, SIGTERM, master->now + OVERTIME_MS });
}

static void begin_stop(struct master *master, int status)
{
    if (master->stopping) return;
    log_event(LOG_LEVEL_NOTICE, "stop", "signalling %zu processes to exit", master->children.count);
    master->stopping = true;
    master->status = status;
    stop_workers(master, 0, UINT32_MAX, SIGTERM);
}

/* The keeper is stopped last, and only once: until then workers may post jobs. */
static void step_stop(struct master *master)
{
    if (children_total(&master->children, REGION_WORKER) == 0 && !children_is_leaving(&master->children))
        stop_keeper(master);
}

/* Sizes of the region, which cannot change while the master runs. */
#define SIZE_LIST(X) X(clients_max) X(client_bytes) X(revocations_max) X(rules_max) X(verified_max) X(seen_max)

static void keep_sizes(const struct config *old, struct config *new)
{
#define KEEP_SIZE(key) \
    if (new->key != old->key) \
        log_event(LOG_LEVEL_WARNING, "reload", \
                  #key " cannot change by a reload and remains %u; restart m2mauth to change it", old->key); \
    new->key = old->key;
    SIZE_LIST(KEEP_SIZE)
#undef KEEP_SIZE
}

/* Reads the file. Complaints go to the log, because stderr may be /dev/null. */
static int read_config(const struct master *master, struct config *config_r)
{
    char *complaints = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&complaints, &size);
    if (!file) return -1;
    int fault = config_read(master->path, config_r, file);
    fclose(file);
    log_lines(LOG_LEVEL_ERROR, "config", complaints);
    free(complaints);
    if (master->workers > 0) config_r->workers = master->workers;
    return fault;
}

static void begin_reload(struct master *master)
{
    struct config new;
    assert(master->reload == RELOAD_NONE);
    master->reload_wanted = false;
    if (read_config(master, &new)) {
        log_event(LOG_LEVEL_ERROR, "reload", "the configuration has errors; the old one stays in force");
        return;
    }
    keep_sizes(&master->current.config, &new);
    master->former = master->current;
    master->current = (struct setting){ new, ++master->generations };
    master->paces[REGION_WORKER] = (struct pace){ 0, 0 };
    master->reload = RELOAD_STARTING;
    master->ready_by_ms = master->now + READY_MS;
    log_open(new.log_target, "master");
    log_event(LOG_LEVEL_NOTICE, "reload", "generation %u starts", master->current.generation);
}

/* Stops the new generation, which does not serve; the old one has never stopped. */
static void abandon_reload(struct master *master)
{
    uint32_t generation = master->current.generation;
    assert(master->reload == RELOAD_STARTING);
    log_event(LOG_LEVEL_ERROR, "reload", "generation %u does not serve; the old one stays in force", generation);
    stop_workers(master, generation, generation, SIGTERM);
    master->current = master->former;
    master->reload = RELOAD_REPLACING;
}

static void stop_former(struct master *master)
{
    assert(master->reload == RELOAD_STARTING && master->current.generation > 0);
    stop_workers(master, 0, master->current.generation - 1, SIGHUP);
    stop_keeper(master);
    master->reload = RELOAD_REPLACING;
}

/* Reloads do not overlap: any number of requests during one reload cause one more after it. */
static void step_reload(struct master *master)
{
    if (master->reload == RELOAD_NONE && master->reload_wanted) begin_reload(master);
    if (master->reload == RELOAD_STARTING) {
        size_t ready = children_count(&master->children, REGION_WORKER, master->current.generation, true);
        bool late = master->now >= master->ready_by_ms;
        if (ready >= master->current.config.workers || (late && ready > 0)) stop_former(master);
        else if (late) abandon_reload(master);
    }
    if (master->reload == RELOAD_REPLACING && !children_is_leaving(&master->children)) {
        master->reload = RELOAD_NONE;
        log_event(LOG_LEVEL_NOTICE, "reload", "generation %u serves", master->current.generation);
    }
}

/* Forks the missing processes of a role, unless the last ones exited too quickly. */
static void fill_role(struct master *master, enum region_role role, size_t wanted, size_t there)
{
    struct pace *pace = &master->paces[role];
    while (there < wanted && master->now >= pace->not_before_ms) {
        if (children_start(&master->children, role, master->current.generation, &master->current.config))
            pace->not_before_ms = master->now + PAUSE_LAST_MS;
        else there++;
    }
}

/* There is at most one keeper at any time, so a new one waits until the old one has exited. Returns whether a process is
 * still missing. */
static bool fill_all(struct master *master)
{
    const struct config *config = &master->current.config;
    fill_role(master, REGION_KEEPER, 1, children_total(&master->children, REGION_KEEPER));
    fill_role(master, REGION_WORKER, config->workers,
              children_count(&master->children, REGION_WORKER, master->current.generation, false));
    return children_total(&master->children, REGION_KEEPER) == 0 ||
           children_count(&master->children, REGION_WORKER, master->current.generation, false) < config->workers;
}

static void log_exit(const struct child *exited, int status)
{
    const char *role = children_role_name(exited->role);
    if (WIFSIGNALED(status))
        log_event(LOG_LEVEL_WARNING, "died", "%s %d by signal %d", role, (int)exited->pid, WTERMSIG(status));
    else if (WEXITSTATUS(status))
        log_event(LOG_LEVEL_WARNING, "died", "%s %d with status %d", role, (int)exited->pid, WEXITSTATUS(status));
}

static void slow_down(struct master *master, const struct child *exited)
{
    struct pace *pace = &master->paces[exited->role];
    if (master->now - exited->born_ms >= QUICK_MS) pace->pause_ms = 0;
    else if (pace->pause_ms == 0) pace->pause_ms = PAUSE_FIRST_MS;
    else pace->pause_ms = pace->pause_ms * 2 < PAUSE_LAST_MS ? pace->pause_ms * 2 : PAUSE_LAST_MS;
    pace->not_before_ms = master->now + pace->pause_ms;
}

/* A child that cannot run with the configuration has logged why. At the start that stops the pool, during a reload it
 * abandons the reload; later (a file was moved, for example) the other processes continue. */
static void reject_config(struct master *master, const struct child *exited)
{
    bool new = exited->role == REGION_WORKER && exited->generation == master->current.generation;
    if (master->reload == RELOAD_STARTING && new) abandon_reload(master);
    else if (master->now - master->started_ms < START_MS &&
             children_count(&master->children, REGION_WORKER, master->current.generation, true) == 0)
        begin_stop(master, EX_CONFIG);
}

static void reap(struct master *master)
{
    struct child exited;
    int status;
    while (children_reap(&master->children, &exited, &status)) {
        log_exit(&exited, status);
        if (master->stopping || exited.gone_by_ms > 0) continue;
        slow_down(master, &exited);
        if (WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG) reject_config(master, &exited);
    }
}

static void take_signal(struct master *master, int signal)
{
    if (signal == SIGHUP) master->reload_wanted = true;
    else if (signal == SIGTERM || signal == SIGINT || signal == SIGUSR1) begin_stop(master, EX_OK);
}

static void wait_signal(struct master *master, long milliseconds)
{
    struct timespec limit = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
    uint64_t before = master->now;
    int signal = sigtimedwait(&master->signals, NULL, &limit);
    master->now = region_milliseconds();
    if (master->now - before > ASLEEP_MS) master->awake_ms = master->now;
    take_signal(master, signal);
}

/* accept() on the listening socket must not block: of several workers that are woken, only one gets the connection. The flag
 * belongs to the open file description, which the launcher shares: systemd clears it whenever it starts a process with
 * StandardInput=socket, as it does for each command of ExecReload=. */
static int keep_nonblocking(void)
{
    int flags = fcntl(LISTENER, F_GETFL);
    if (flags < 0) return -1;
    return flags & O_NONBLOCK ? 0 : fcntl(LISTENER, F_SETFL, flags | O_NONBLOCK);
}

/* The time-out belongs to the socket, and no launcher changes it: while the flag is cleared, accept() returns EAGAIN after
 * it. Accepted TCP sockets inherit it; fcgi_accept() sets their own. */
static int open_listener(void)
{
    struct timeval limit = { .tv_usec = ACCEPT_US };
    if (setsockopt(LISTENER, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit)) return -1;
    return keep_nonblocking();
}

static int master_loop(struct master *master)
{
    for (;;) {
        bool missing = false;
        if (keep_nonblocking())
            log_repeated(LOG_LEVEL_ERROR, "listener", "cannot set O_NONBLOCK on the listening socket: %s",
                         strerror(errno));
        log_turn(master->now);
        reap(master);
        if (master->stopping && master->children.count == 0) return master->status;
        children_watch(&master->children, &master->current.config, master->awake_ms);
        if (master->stopping) {
            step_stop(master);
        } else {
            step_reload(master);
            missing = fill_all(master);
        }
        bool busy = master->stopping || master->reload != RELOAD_NONE;
        wait_signal(master, busy ? BUSY_TICK_MS : missing ? PAUSED_TICK_MS : TICK_MS);
    }
}

static int open_signals(struct master *master)
{
    sigemptyset(&master->signals);
    sigaddset(&master->signals, SIGCHLD);
    sigaddset(&master->signals, SIGHUP);
    sigaddset(&master->signals, SIGINT);
    sigaddset(&master->signals, SIGTERM);
    sigaddset(&master->signals, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    return sigprocmask(SIG_BLOCK, &master->signals, NULL);
}

int master_run(const char *path, unsigned workers)
{
    struct master master = { .path = path, .workers = workers, .now = region_milliseconds() };
    struct config *config = &master.current.config;
    master.started_ms = master.awake_ms = master.now;
    if (read_config(&master, config)) return EX_CONFIG;
    log_open(config->log_target, "master");
    master.current.generation = ++master.generations;
    master.former = master.current;
    master.children.region = &master.region;
    if (open_signals(&master) || open_listener()) {
        log_event(LOG_LEVEL_ERROR, "start", "cannot set up signals or the listening socket: %s", strerror(errno));
        return EX_OSERR;
    }
    if (region_open(&master.region, config)) return EX_OSERR;
    log_event(LOG_LEVEL_NOTICE, "start", "%u workers, issuer %s", config->workers, config->issuer);
    log_count_in(master.region.log_lost, master.region.log_left_out);
    int status = master_loop(&master);
    log_flush();
    log_count_in(NULL, NULL);
    log_event(LOG_LEVEL_NOTICE, "stop", "all processes have exited");
    region_close(&master.region);
    return status;
}

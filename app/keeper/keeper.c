#include "keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "../../lib/oauth/store.h"
#include "../db/db.h"
#include "feed.h"
#include "jobs.h"
#include "../platform/log.h"
#include "purge.h"
#include "key_renewal.h"
#include "replica.h"
#include "../db/schema.h"
#include "../platform/secret_file.h"

enum {
    STREAM_BYTES = 65,
    BACKOFF_MS = 100,
    BACKOFF_MOST_MS = 5000,
    COMPLAINTS = 8,
    COMPLAINT_MS = 60000,
    TURN_MS = 1000,  /* the longest pause between two heartbeats */
    LOAD_SHARE = 10, /* reconciling takes at most 1/LOAD_SHARE of the time */
    RENEW_MS = 5000,
    RENEW_AGAIN_MS = 60000, /* after a failure */
    WRITABLE_MS = 1000,
    REOPEN_MS = 5000,
    SCHEMA_MS = 60000,
    SCHEMA_AGAIN_MS = 2000, /* while something is missing */
    PURGE_SOON_MS = 10000,
    PURGE_MS = 60000,
    PURGE_AGAIN_MS = 200
};

struct complaint {
    const char *event;
    unsigned number; /* db_errno() */
    uint64_t until_ms;
    char why[DB_WHY];
};

struct keeper {
    struct region *region;
    struct region_process *row;
    const struct config *config;
    struct replica *replica;
    struct feed *feed;
    struct db *db; /* NULL: not connected */
    int signals;
    bool ending;
    bool loading;
    bool required;  /* until a load is complete, the replica differs from the database */
    bool again;     /* the load in progress began too early: start it again */
    bool read_only; /* the server refuses writes */
    uint64_t connect_ms, poll_ms, load_ms, purge_ms, renew_ms, writable_ms, reopen_ms,
        schema_ms; /* when the next one is due */
    uint64_t load_began_ms;
    uint64_t backoff_ms;
    struct purge purge;
    size_t streams_left_out; /* at the last poll */
    size_t streams_warned;   /* warn again above this number */
    struct key_seal seal;
    struct key_renewal renew;
    char stream[STREAM_BYTES];
    struct complaint complaints[COMPLAINTS];
};

static void beat(struct keeper *keeper)
{
    atomic_store_explicit(&keeper->row->heartbeat_ms, region_milliseconds(), memory_order_relaxed);
}

/* Between ms / 2 and ms, so that hosts that lost the same database do not all reconnect at once. */
static uint64_t jittered(uint64_t ms) { return ms / 2 + arc4random_uniform((uint32_t)(ms / 2 + 1)); }

/* Logs the first text of a minute again, so that the log can count equal lines: the text may name a row, while
 * number identifies the cause. number 0: the text itself is the cause. */
static void complain(struct keeper *keeper, const char *event, unsigned number, const char *why)
{
    struct complaint *complaint = &keeper->complaints[0];
    uint64_t now_ms = region_milliseconds();
    for (size_t i = 1; i < COMPLAINTS && complaint->event && strcmp(complaint->event, event) != 0; i++)
        complaint = &keeper->complaints[i];
    if (number == 0 || complaint->number != number || now_ms >= complaint->until_ms) {
        *complaint = (struct complaint){ event, number, now_ms + COMPLAINT_MS, "" };
        snprintf(complaint->why, sizeof complaint->why, "%s", why);
    }
    log_repeated(LOG_LEVEL_ERROR, event, "%s", complaint->why);
}

/* Closes the connection. The first reconnect follows soon; each failure doubles the delay. */
static void lose(struct keeper *keeper, const char *why)
{
    atomic_store(&keeper->region->status->database_up, 0);
    atomic_store(&keeper->region->status->database_away, 1);
    unsigned number = keeper->db ? db_errno(keeper->db) : 0;
    bool older = number == DB_NO_TABLE || number == DB_NO_COLUMN;
    complain(keeper, older ? "database_not_migrated" : "database_down", number, why);
    db_close(keeper->db);
    keeper->db = NULL;
    keeper->connect_ms = region_milliseconds() + jittered(keeper->backoff_ms);
    keeper->backoff_ms = keeper->backoff_ms * 2 < BACKOFF_MOST_MS ? keeper->backoff_ms * 2 : BACKOFF_MOST_MS;
}

static void report_left_out(const char *what) { log_repeated(LOG_LEVEL_ERROR, "bad_row", "%s", what); }

static void connect_now(struct keeper *keeper)
{
    char why[DB_WHY] = "";
    keeper->db = db_open(keeper->config, keeper->stream, why);
    if (!keeper->db) {
        lose(keeper, why);
        return;
    }
    db_report_left_out(keeper->db, report_left_out);
    keeper->poll_ms = keeper->writable_ms = keeper->schema_ms = 0;
}

static void degrade(struct keeper *keeper, enum store_degraded reason, bool degraded)
{
    static const char *const what[] = {
#define KEEPER_DEGRADED(name, help) #name ": " help,
        STORE_DEGRADED_LIST(KEEPER_DEGRADED)
#undef KEEPER_DEGRADED
    };
    if (!region_degrade(keeper->region, reason, degraded)) return;
    log_repeated(degraded ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE, degraded ? "degraded" : "no_longer_degraded", "%s",
                 what[reason]);
}

/* Reconnects if the server refuses writes: after a failover its name may belong to another server now. Not
 * repeatedly, if it is the only server. Returns true if there is a new connection. */
static bool refuse_read_only(struct keeper *keeper)
{
    uint64_t now_ms = region_milliseconds();
    keeper->read_only = true;
    degrade(keeper, STORE_DEGRADED_read_only_database, true);
    if (now_ms < keeper->reopen_ms) return false;
    keeper->reopen_ms = now_ms + REOPEN_MS / 2 + jittered(REOPEN_MS);
    db_close(keeper->db);
    keeper->db = NULL;
    connect_now(keeper);
    return keeper->db != NULL;
}

static int take_read_only(void *context, const struct text *columns, size_t count)
{
    struct keeper *keeper = context;
    keeper->read_only = false;
    for (size_t i = 0; i < count; i++)
        keeper->read_only |= !text_equal(columns[i], TEXT("0")) && !text_equal_nocase(columns[i], TEXT("OFF"));
    return 0;
}

static void look_whether_writable(struct keeper *keeper)
{
    keeper->writable_ms = region_milliseconds() + WRITABLE_MS;
    if (db_query(keeper->db, DB_READ_WRITABLE, NULL, 0, take_read_only, keeper) < 0) lose(keeper, db_why(keeper->db));
    else if (keeper->read_only) (void)refuse_read_only(keeper);
    else degrade(keeper, STORE_DEGRADED_read_only_database, false);
}

/* After a restore from a dump without routines, the database can be read but not changed. An older schema is
 * reported by the poll. */
static void check_schema(struct keeper *keeper)
{
    char why[DB_WHY];
    enum schema_state state = schema_check(keeper->db, why);
    unsigned number = state == SCHEMA_UNKNOWN ? db_errno(keeper->db) : 0;
    keeper->schema_ms = region_milliseconds() + (state == SCHEMA_WHOLE ? SCHEMA_MS : SCHEMA_AGAIN_MS);
    if (number >= DB_LOST_FIRST && number <= DB_LOST_LAST) lose(keeper, why);
    if (state == SCHEMA_MISSING) log_repeated(LOG_LEVEL_ERROR, "missing_routines", "%s", why);
    if (state != SCHEMA_UNKNOWN) degrade(keeper, STORE_DEGRADED_missing_routines, state == SCHEMA_MISSING);
}

/* jobs_writer.failed */
static bool jobs_failed(void *context, enum jobs_fault fault, unsigned number, const char *why)
{
    struct keeper *keeper = context;
    if (fault == JOBS_READ_ONLY) return refuse_read_only(keeper);
    if (fault == JOBS_LOST) lose(keeper, why);
    else complain(keeper, "commit_failed", number, why);
    if (fault == JOBS_REFUSED) keeper->schema_ms = 0;
    return false;
}

/* A worker waits for the answer to each job, so jobs are answered even without a database. */
static void answer_jobs(struct keeper *keeper)
{
    jobs_answer(&(struct jobs_writer){ keeper->region, keeper->row, &keeper->db, jobs_failed, keeper });
}

static void begin_load(struct keeper *keeper, bool required)
{
    replica_load_begin(keeper->replica, required ? REPLICA_REPLACE : REPLICA_RECONCILE);
    keeper->loading = true;
    keeper->required |= required;
    keeper->again = false;
    keeper->load_began_ms = region_milliseconds();
}

static void end_load(struct keeper *keeper)
{
    struct region_status *status = keeper->region->status;
    uint64_t now_ms = region_milliseconds(), took_ms = now_ms - keeper->load_began_ms;
    uint64_t pause_ms = (uint64_t)keeper->config->reconcile_seconds * 1000;
    atomic_fetch_add(&status->reloads, 1);
    keeper->load_ms = now_ms + (took_ms * LOAD_SHARE > pause_ms ? took_ms * LOAD_SHARE : pause_ms);
    if (keeper->again) {
        begin_load(keeper, true);
        return;
    }
    keeper->loading = false;
    if (!keeper->required) return;
    keeper->required = false;
    keeper->poll_ms = 0;
    log_event(LOG_LEVEL_NOTICE, "loaded", "%llu clients in %llu ms", (unsigned long long)atomic_load(&status->clients),
              (unsigned long long)took_ms);
}

static void load(struct keeper *keeper)
{
    int done = replica_load_step(keeper->replica, keeper->db);
    if (done < 0) lose(keeper, db_why(keeper->db));
    if (done > 0) end_load(keeper);
}

static void reload(struct keeper *keeper)
{
    log_repeated(LOG_LEVEL_NOTICE, "reload", "%s", feed_why(keeper->feed));
    keeper->schema_ms = 0;
    if (keeper->loading && keeper->required) keeper->again = true; /* a load that is restarted each time never ends */
    else begin_load(keeper, true);
}

/* The age of the replica counts from the moment before the poll began. */
static void polled(struct keeper *keeper, uint64_t began_ms, bool current)
{
    struct region_status *status = keeper->region->status;
    uint64_t pause_ms = keeper->config->poll_ms, now_ms = region_milliseconds();
    bool was_up = atomic_exchange(&status->database_up, 1) == 1;
    if (!was_up) log_repeated(LOG_LEVEL_NOTICE, "database_up", "as %s", keeper->stream);
    atomic_store(&status->database_away, 0);
    keeper->backoff_ms = BACKOFF_MS;
    atomic_store_explicit(&status->poll_ms, now_ms - began_ms, memory_order_relaxed);
    /* A slow poll is followed by a pause, too, but not one that left rows unread. */
    keeper->poll_ms = !current                                    ? now_ms
                    : began_ms + pause_ms > now_ms + pause_ms / 4 ? began_ms + pause_ms
                                                                  : now_ms + pause_ms / 4;
    if (!current || keeper->required) return;
    atomic_store(&status->synced_ms, began_ms);
    atomic_store(&status->complete, 1);
}

/* Warns long before the limit: hosts that get a new name at each start leave one stream each. */
static void watch_streams(struct keeper *keeper)
{
    size_t streams = feed_streams(keeper->feed);
    atomic_store_explicit(&keeper->region->status->streams, streams, memory_order_relaxed);
    if (feed_left_out(keeper->feed) > keeper->streams_left_out)
        log_event(LOG_LEVEL_ERROR, "feed_streams",
                  "%zu rows of feed_stream are left out: over 65536 of them, or a name of "
                  "over 64 bytes; DELETE them",
                  feed_left_out(keeper->feed));
    keeper->streams_left_out = feed_left_out(keeper->feed);
    uint64_t soon_ms = region_milliseconds() + jittered(PURGE_SOON_MS);
    if (streams > PURGE_STREAMS_MANY && keeper->purge_ms > soon_ms + PURGE_SOON_MS) keeper->purge_ms = soon_ms;
    if (streams < PURGE_STREAMS_MANY / 2) keeper->streams_warned = PURGE_STREAMS_MANY;
    if (streams <= keeper->streams_warned) return;
    keeper->streams_warned = streams * 2;
    log_event(LOG_LEVEL_WARNING, "feed_streams",
              "feed_stream has %zu rows, one for each host that changed something lately; "
              "those of hosts that are gone are removed by themselves: set host_id where host names do not last "
              "(containers)",
              streams);
}

static void poll_feed(struct keeper *keeper)
{
    uint64_t began_ms = region_milliseconds();
    enum feed_result result = feed_poll(keeper->feed, keeper->replica, keeper->db);
    if (result == FEED_FAILED) {
        lose(keeper, feed_why(keeper->feed));
        return;
    }
    if (result == FEED_RELOAD) reload(keeper);
    watch_streams(keeper);
    polled(keeper, began_ms, result != FEED_BEHIND);
}

static void purge(struct keeper *keeper)
{
    int done = purge_turn(&keeper->purge, keeper->db, feed_streams(keeper->feed));
    unsigned number = done < 0 ? db_errno(keeper->db) : 0;
    keeper->purge_ms = region_milliseconds() + (done > 0 ? PURGE_MS : PURGE_AGAIN_MS);
    if (number >= DB_LOST_FIRST && number <= DB_LOST_LAST) lose(keeper, db_why(keeper->db));
    else if (done < 0 && number != DB_LOCK_WAIT && number != DB_DEADLOCK)
        complain(keeper, "purge", number, db_why(keeper->db));
}

static void renew(struct keeper *keeper)
{
    beat(keeper);
    keeper->renew_ms = region_milliseconds() +
                       (key_renewal_turn(&keeper->renew, keeper->db) ? RENEW_AGAIN_MS : RENEW_MS);
    beat(keeper);
    unsigned number = db_errno(keeper->db);
    if (number >= DB_LOST_FIRST && number <= DB_LOST_LAST) lose(keeper, db_why(keeper->db));
}

static void turn(struct keeper *keeper)
{
    uint64_t now_ms = region_milliseconds();
    beat(keeper);
    log_turn(now_ms);
    if (!keeper->db && now_ms >= keeper->connect_ms) connect_now(keeper);
    answer_jobs(keeper);
    if (keeper->db && now_ms >= keeper->poll_ms) poll_feed(keeper);
    if (keeper->db && !keeper->loading && now_ms >= keeper->load_ms) begin_load(keeper, false);
    if (keeper->db && keeper->loading) load(keeper);
    if (keeper->db && now_ms >= keeper->writable_ms) look_whether_writable(keeper);
    if (keeper->db && now_ms >= keeper->schema_ms) check_schema(keeper);
    if (keeper->db && !keeper->read_only && now_ms >= keeper->renew_ms) renew(keeper);
    if (keeper->db && !keeper->read_only && now_ms >= keeper->purge_ms) purge(keeper);
}

static int pause_of(const struct keeper *keeper)
{
    uint64_t now_ms = region_milliseconds(), due_ms = now_ms + TURN_MS;
    if (!keeper->db) due_ms = keeper->connect_ms < due_ms ? keeper->connect_ms : due_ms;
    else if (keeper->loading) due_ms = now_ms;
    else if (keeper->poll_ms < due_ms) due_ms = keeper->poll_ms;
    return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

/* Waits for a job, for the next time at which something is due, or for a signal. */
static void await(struct keeper *keeper)
{
    struct pollfd events[] = { { keeper->region->wake_event, POLLIN, 0 }, { keeper->signals, POLLIN, 0 } };
    uint64_t count;
    if (poll(events, 2, pause_of(keeper)) <= 0) return;
    /* Cleared before the jobs are collected: a job that arrives later sets the event again. */
    if (events[0].revents && read(keeper->region->wake_event, &count, sizeof count) < 0 && errno != EAGAIN)
        log_event(LOG_LEVEL_ERROR, "wake_event", "cannot be read: %s", strerror(errno));
    if (events[1].revents) keeper->ending = true;
}

/* A terminal's Ctrl-C reaches every process; the master decides the order in which they end. */
static int open_signals(struct keeper *keeper)
{
    sigset_t blocked, ends;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    sigaddset(&blocked, SIGUSR1);
    sigaddset(&blocked, SIGPIPE);
    sigaddset(&blocked, SIGTERM);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    if (sigprocmask(SIG_SETMASK, &blocked, NULL)) return -1;
    keeper->signals = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
    return keeper->signals < 0 ? -1 : 0;
}

/* No host may write to the operators' stream. */
static void name_stream(struct keeper *keeper)
{
    const char *id = keeper->config->host_id;
    char host[STREAM_BYTES] = "";
    (void)gethostname(host, sizeof host - 1);
    snprintf(keeper->stream, sizeof keeper->stream, "host:%.59s", id[0] ? id : host);
}

/* The password is read at each connection; the characters ignored in its file are reported once. */
static void report_password(const struct config *config)
{
    struct secret_file password;
    char notes[DB_WHY] = "";
    FILE *file = config->db_password_file[0] ? fmemopen(notes, sizeof notes, "w") : NULL;
    if (!file) return;
    int failed = secret_file_read(&password, config->db_password_file, file);
    fclose(file);
    secret_file_wipe(&password);
    if (!failed) log_lines(LOG_LEVEL_WARNING, "db_password", notes);
}

/* Returns NULL, or the part that could not be opened; errno says why. */
static const char *open_parts(struct keeper *keeper)
{
    keeper->replica = replica_new(keeper->region, keeper->row, &keeper->seal);
    keeper->feed = feed_new();
    if (!keeper->replica || !keeper->feed) return "memory for the copy of the database";
    return open_signals(keeper) ? "signalfd" : NULL;
}

static int open_all(struct keeper *keeper)
{
    report_password(keeper->config);
    name_stream(keeper);
    keeper->renew = (struct key_renewal){ .config = keeper->config, .holder = keeper->stream, .seal = &keeper->seal };
    /* Without the passphrase no row of signing_key can be verified; the log says why, and the workers do not start. */
    if (passphrase_open(&keeper->seal.passphrase, keeper->config, true) == 0 && key_seal_derive(&keeper->seal)) {
        log_event(LOG_LEVEL_ERROR, "passphrase", "no key could be derived from it");
        key_seal_close(&keeper->seal);
    }
    const char *fault = open_parts(keeper);
    if (!fault) return EX_OK;
    log_event(LOG_LEVEL_ERROR, "start", "the keeper cannot start: %s: %s", fault, strerror(errno));
    return EX_OSERR;
}

int keeper_run(struct region *region, struct region_process *row, const struct config *config)
{
    struct keeper keeper = { .region = region,
                             .row = row,
                             .config = config,
                             .signals = -1,
                             .backoff_ms = BACKOFF_MS,
                             .streams_warned = PURGE_STREAMS_MANY };
    int status = open_all(&keeper);
    uint64_t now_ms = region_milliseconds();
    keeper.load_ms = now_ms + (uint64_t)config->reconcile_seconds * 1000;
    keeper.purge_ms = now_ms + jittered(PURGE_SOON_MS);
    atomic_store(&row->ready, 1);
    while (status == EX_OK && !keeper.ending) {
        turn(&keeper);
        await(&keeper);
    }
    if (status == EX_OK) answer_jobs(&keeper);
    log_flush();
    atomic_store(&region->status->database_up, 0);
    db_close(keeper.db);
    key_seal_close(&keeper.seal);
    replica_free(keeper.replica);
    feed_free(keeper.feed);
    if (keeper.signals >= 0) close(keeper.signals);
    return status;
}

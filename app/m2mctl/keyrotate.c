#include "keyrotate.h"

#include <time.h>

#include "../db/key_rotation.h"
#include "instant.h"
#include "keynew.h"

/* The request and its context. */
struct job {
    const struct command *self;
    const struct command_session *session;
    const char *passphrase_path;  /* NULL: that of the configuration */
    enum jws_algorithm algorithm; /* JWS_NONE: that of the dropped key or of the configuration */
    const char *kid;              /* key to drop, or NULL */
    struct config config;
    struct db *db;
};

static void put_moment(const char *before, int64_t when, int64_t now)
{
    char text[INSTANT_BYTES], distance[INSTANT_BYTES];
    instant_format(when, text);
    instant_format_distance(when, now, distance);
    printf("%s %s (%s)", before, text, distance);
}

static void tell_new(const struct job *job, const struct key_rotation_report *report)
{
    const struct rotation_plan *plan = &report->plan;
    int64_t now = plan->successor.publish;
    printf("key %s (%s) is published", report->kid, jws_algorithm_name(job->algorithm).data);
    put_moment(" and signs from", plan->successor.activate, now);
    putchar('\n');
    if (report->reason != ROTATION_DUE) return;
    put_moment("the one before it signs no longer from", plan->retire, now);
    put_moment(" and leaves the JWK Set", plan->remove, now);
    putchar('\n');
}

static int refuse(const struct job *job, enum rotation_reason reason)
{
    if (reason == ROTATION_FULL)
        command_complain(job->self, "there are %d keys already; m2mctl key list shows which could be dropped",
                         KEYRING_KEYS);
    else command_complain(job->self, "a successor is already planned; see m2mctl key list");
    return COMMAND_NO;
}

/* After a drop, only verifiers' cached copies of the key remain. */
static void report_dropped(const struct job *job)
{
    printf("key %s is dropped: its tokens are inactive here at once\n", job->kid);
    if (job->algorithm == JWS_HS256) return;
    printf("verifiers that cache the JWK Set may accept its tokens for up to %u seconds more: inform their operators\n",
           job->config.jwks_max_age_seconds);
}

static int conclude(const struct job *job, enum key_rotation_result result, const struct key_rotation_report *report)
{
    switch (result) {
    case KEY_ROTATION_DONE:
    case KEY_ROTATION_IDLE:
        if (job->kid) report_dropped(job);
        if (result == KEY_ROTATION_DONE) tell_new(job, report);
        if (result == KEY_ROTATION_DONE || (job->kid && report->reason < ROTATION_FULL)) return COMMAND_FINE;
        return refuse(job, report->reason);
    case KEY_ROTATION_BUSY:
        command_complain(job->self, "another process is changing the keys: check m2mctl key list and try again");
        return COMMAND_TROUBLE;
    case KEY_ROTATION_UNSEALED:
        command_complain(
            job->self,
            "there are keys, and none of them has a valid MAC: run m2mctl key seal first, or this is not the "
            "passphrase of the hosts; nothing was changed");
        return COMMAND_NO;
    case KEY_ROTATION_NO_KEY:
        command_complain(job->self, "the key could not be generated; nothing was changed");
        return COMMAND_TROUBLE;
    case KEY_ROTATION_FAILED: break;
    }
    command_complain(job->self, "%s", db_why(job->db));
    return command_blame(job->db);
}

/* Sets the algorithm to that of the dropped key. Returns COMMAND_FINE or an exit code. */
static int find_dropped(struct job *job)
{
    struct key_rows timeline;
    if (key_rows_read(job->db, NULL, &timeline)) return conclude(job, KEY_ROTATION_FAILED, NULL);
    const struct rotation_key *key = key_rows_find(&timeline, job->kid);
    if (!key) {
        command_complain(job->self, "no such key; see m2mctl key list");
        return COMMAND_NO;
    }
    job->algorithm = jws_algorithm_find_own(text_of(key->algorithm));
    if (job->algorithm == JWS_NONE) job->algorithm = jws_algorithm_find_own(text_of(job->config.token_algorithm));
    return COMMAND_FINE;
}

/* With a drop, no key is due for age; a new one is made only if none is left. */
static int turn(const struct job *job)
{
    struct key_seal seal = { .keys = { { 0 } } };
    struct key_rotation_report report;
    int status = keynew_seal(job->self, &job->config, job->passphrase_path, &seal);
    /* A stolen key is removed even without a passphrase, as long as another key signs. */
    if (status != COMMAND_FINE && !job->kid) return status;
    struct key_rotation_order order = {
        .seal = status == COMMAND_FINE ? &seal : NULL,
        .holder = TEXT("operator"),
        .algorithm = job->algorithm,
        .purpose = job->kid ? ROTATION_ISSUE : ROTATION_FORCE,
        .drop = job->kid,
        .rules = key_rows_rules(&job->config),
    };
    if (job->kid) order.rules.key_seconds = 0;
    enum key_rotation_result result = key_rotation_run(job->db, &order, &report);
    key_seal_close(&seal);
    return conclude(job, result, &report);
}

/* Returns COMMAND_FINE or an exit code. help_r: only the help was printed. */
static int read_options(struct job *job, const struct option *options, int argc, char **argv, bool *help_r)
{
    int option;
    while ((option = command_option(job->self, argc, argv, options)) != -1) {
        *help_r = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == 'p') job->passphrase_path = optarg;
        if (option != 'a') continue;
        job->algorithm = jws_algorithm_find_own(text_of(optarg));
        if (job->algorithm == JWS_NONE)
            return command_usage(job->self, "--alg takes ES256, RS256, PS256, EdDSA or HS256");
    }
    return COMMAND_FINE;
}

int keyrotate_run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = {
        { "alg", required_argument, NULL, 'a' },
        { "passphrase-file", required_argument, NULL, 'p' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct job job = { .self = self, .session = session, .algorithm = JWS_NONE };
    bool help = false;
    int status = read_options(&job, options, argc, argv, &help);
    if (status != COMMAND_FINE || help) return status;
    if (optind != argc) return command_usage(self, "key rotate takes options only");
    job.db = command_database(self, session, &job.config);
    if (!job.db) return COMMAND_TROUBLE;
    if (job.algorithm == JWS_NONE) job.algorithm = jws_algorithm_find_own(text_of(job.config.token_algorithm));
    status = turn(&job);
    db_close(job.db);
    return status;
}

int keyrotate_run_drop(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    static const struct option options[] = {
        { "passphrase-file", required_argument, NULL, 'p' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct job job = { .self = self, .session = session, .algorithm = JWS_NONE };
    bool help = false;
    int status = read_options(&job, options, argc, argv, &help);
    if (status != COMMAND_FINE || help) return status;
    if (optind != argc - 1) return command_usage(self, "key drop takes one KID");
    job.kid = argv[optind];
    job.db = command_database(self, session, &job.config);
    if (!job.db) return COMMAND_TROUBLE;
    status = find_dropped(&job);
    if (status == COMMAND_FINE) status = turn(&job);
    db_close(job.db);
    return status;
}

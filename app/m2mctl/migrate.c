#include "migrate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "history.h"
#include "instant.h"
#include "preflight.h"
#include "routines.h"
#include "script.h"

#define BASE_FOLDER PKGDATADIR "/migrations"
#define ROUTINES_FILE PKGDATADIR "/routines.sql"
#define OPERATOR_FOLDER SYSCONFDIR "/m2mauth/migrations"

enum task { APPLY, STATUS, DRY_RUN, MARK_DONE, FORGET };
enum { OPTION_ROUTINES = FORGET + 1 };

struct run {
    const struct command *self;
    enum task task;
    struct text version; /* for MARK_DONE and FORGET */
    struct migration_list list;
    size_t shipped;            /* number of migrations before the routines */
    const char *routines_path; /* NULL: no routines */
    struct routines_file routines;
    struct history history;
    struct db *db;
};

static const char *kind_word(const struct migration *migration)
{
    return migration->kind == MIGRATION_DDL ? "ddl" : "data";
}

static int fail(const struct run *run)
{
    command_complain(run->self, "%s", db_why(run->db));
    return command_blame(run->db);
}

/* Runs a statement; absent parameters are omitted. Returns whether it succeeded. */
static bool ask(const struct run *run, enum db_statement statement, struct text first, struct text second)
{
    const struct text parameters[] = { first, second };
    size_t count = text_present(second) ? 2 : text_present(first) ? 1 : 0;
    return db_query(run->db, statement, parameters, count, NULL, NULL) >= 0;
}

static bool tell(const struct run *run, enum db_statement statement)
{
    return db_query(run->db, statement, NULL, 0, NULL, NULL) >= 0;
}

static int take_number(void *context, const struct text *columns, size_t count)
{
    return count == 1 ? text_number(columns[0], UINT32_MAX, context) : -1;
}

/* Reads the number of a single row; 0 also for NULL. */
static int number_of(const struct run *run, enum db_statement statement, uint64_t *number_r)
{
    *number_r = 0;
    return db_query(run->db, statement, NULL, 0, take_number, number_r) < 0 ? -1 : 0;
}

static void explain_unfinished(const char *version)
{
    fprintf(
        stderr,
        "  MariaDB commits each change of a table by itself, so the first part of the file may have been applied.\n"
        "  Compare the file with the database (SHOW CREATE TABLE ...), then either\n"
        "    undo that part by hand and run it again:      m2mctl migrate --forget %s\n"
        "    or complete it by hand and record it as done: m2mctl migrate --mark-done %s\n"
        "  Nothing else is applied before that. For a database without data it is easiest to drop it, create it again\n"
        "  and migrate from the beginning.\n",
        version, version);
}

/* Checks for anything that blocks all migrations. */
static int check(const struct run *run)
{
    int status = COMMAND_FINE;
    for (size_t i = 0; i < run->history.count; i++) {
        const struct history_record *record = &run->history.records[i];
        const struct migration *migration = migration_find(&run->list, text_of(record->version));
        if (record->running) {
            command_complain(run->self, "%s (%s) was begun by %s and not finished", record->version,
                             migration ? migration->path : "its file is not here", record->user);
            explain_unfinished(record->version);
            status = COMMAND_NO;
        } else if (migration && history_differs(record, migration)) {
            command_complain(run->self,
                             "%s was changed after it was applied: %s; undo the change, and put what is new into "
                             "a file of its own",
                             record->version, migration->path);
            status = COMMAND_NO;
        }
    }
    return status;
}

/* Names the line in the file: the server only knows the line within the statement. */
static int run_statements(const struct run *run, const struct migration *migration, struct text sql)
{
    struct script script = script_open(sql);
    struct script_statement statement;
    while (script_next(&script, &statement) > 0) {
        if (db_script(run->db, statement.sql) == 0) continue;
        printf("failed\n");
        fflush(stdout);
        fprintf(stderr, "%s:%u: %s\n", migration->path, statement.line, db_why(run->db));
        return -1;
    }
    return 0;
}

/* A record is left after ROLLBACK only if a statement of the file committed it. */
static int clean_up(struct run *run, const struct migration *migration, int status)
{
    history_free(&run->history);
    if (!tell(run, DB_ROLLBACK) || history_read(run->db, &run->history)) {
        command_complain(run->self, "the connection was lost; run it again to see whether %s was applied",
                         migration->version);
        return COMMAND_TROUBLE;
    }
    if (!history_find(&run->history, text_of(migration->version))) {
        command_complain(run->self, "nothing of %s was kept: correct it%s and run it again", migration->version,
                         status == COMMAND_TROUBLE ? ", or wait until the database is less busy," : "");
        return status;
    }
    command_complain(run->self, "%s ended its own transaction, which a data file must not do", migration->version);
    explain_unfinished(migration->version);
    return COMMAND_NO;
}

static int run_data(struct run *run, const struct migration *migration, struct text sql)
{
    struct text version = text_of(migration->version), sha256 = text_of(migration->sha256);
    uint64_t in_transaction;
    if (!tell(run, DB_BEGIN) || !ask(run, DB_START_MIGRATION, version, sha256)) return fail(run);
    if (run_statements(run, migration, sql)) return clean_up(run, migration, command_blame(run->db));
    if (number_of(run, DB_READ_IN_TRANSACTION, &in_transaction) || in_transaction == 0)
        return clean_up(run, migration, COMMAND_NO);
    if (ask(run, DB_FINISH_MIGRATION, sha256, version) && tell(run, DB_COMMIT)) return COMMAND_FINE;
    command_complain(run->self, "%s", db_why(run->db));
    return clean_up(run, migration, command_blame(run->db));
}

static int run_ddl(const struct run *run, const struct migration *migration, struct text sql)
{
    struct text version = text_of(migration->version), sha256 = text_of(migration->sha256);
    if (!ask(run, DB_START_MIGRATION, version, sha256)) return fail(run);
    if (run_statements(run, migration, sql)) {
        int status = command_blame(run->db);
        explain_unfinished(migration->version);
        return status;
    }
    return ask(run, DB_FINISH_MIGRATION, sha256, version) ? COMMAND_FINE : fail(run);
}

static int apply_file(struct run *run, const struct migration *migration)
{
    struct text sql;
    if (migration_read(migration, &sql, stderr)) return COMMAND_TROUBLE;
    printf("%s (%s) ... ", migration->version, kind_word(migration));
    fflush(stdout);
    int status = migration->kind == MIGRATION_DDL ? run_ddl(run, migration, sql) : run_data(run, migration, sql);
    if (status == COMMAND_FINE) printf("done\n");
    free((char *)sql.data);
    return status;
}

/* Applies the files first to last of the list that the database does not have. */
static int apply_files(struct run *run, size_t first, size_t last, size_t *applied)
{
    int status = COMMAND_FINE;
    for (size_t i = first; status == COMMAND_FINE && i < last; i++) {
        const struct migration *migration = &run->list.items[i];
        if (history_find(&run->history, text_of(migration->version))) continue;
        if (run->task == DRY_RUN)
            printf("would apply %s (%s) %s\n", migration->version, kind_word(migration), migration->path);
        else status = apply_file(run, migration);
        if (status == COMMAND_FINE) (*applied)++;
    }
    return status;
}

/* The database has a larger number than the file: another host was upgraded first. */
static int leave_routines(const struct run *run, const struct routines_record *record)
{
    printf("routines %" PRIu64 " of the database are newer than routines %" PRIu64 " of %s: left unchanged\n",
           record->number, run->routines.number, run->routines.path);
    if (!record->running && record->missing == 0) return COMMAND_FINE;
    command_complain(run->self,
                     "routines %" PRIu64 " are not complete (missing: %s); run m2mctl migrate on a host that has them: "
                     "the newest version of m2mauth here",
                     record->number, record->missing ? record->names : "unknown, they were not installed completely");
    return COMMAND_NO;
}

static int lay_routines(const struct run *run)
{
    unsigned line;
    printf("routines %" PRIu64 " (%zu procedures and triggers) ... ", run->routines.number, run->routines.count);
    fflush(stdout);
    if (routines_install(run->db, &run->routines, &line) == 0) {
        printf("done\n");
        return COMMAND_FINE;
    }
    int status = command_blame(run->db);
    printf("failed\n");
    fflush(stdout);
    fprintf(stderr, "%s:%u: %s\n  Correct the cause and run m2mctl migrate again: it installs all of them again.\n",
            run->routines.path, line, db_why(run->db));
    return status;
}

static int apply_routines(const struct run *run, size_t *applied)
{
    struct routines_record record;
    if (!run->routines_path) return COMMAND_FINE;
    if (routines_read(run->db, &record)) return fail(run);
    enum routines_state state = routines_compare(&run->routines, &record);
    if (state == ROUTINES_NEWER) return leave_routines(run, &record);
    if (state == ROUTINES_DONE) return COMMAND_FINE;
    if (state == ROUTINES_MISSING)
        printf("%zu of the procedures and triggers are missing (%s), as after a restore from a dump without --routines "
               "--triggers\n",
               record.missing, record.names);
    (*applied)++;
    if (run->task != DRY_RUN) return lay_routines(run);
    printf("would install routines %" PRIu64 " %s\n", run->routines.number, run->routines.path);
    return COMMAND_FINE;
}

/* Whether any table, procedure or trigger will be changed; data migrations need no right to do that. */
static int changes_schema(const struct run *run, bool *changes_r)
{
    struct routines_record record;
    *changes_r = false;
    for (size_t i = 0; i < run->list.count; i++) {
        const struct migration *migration = &run->list.items[i];
        if (migration->kind == MIGRATION_DDL && !history_find(&run->history, text_of(migration->version)))
            *changes_r = true;
    }
    if (!run->routines_path) return 0;
    if (routines_read(run->db, &record)) return -1;
    enum routines_state state = routines_compare(&run->routines, &record);
    if (state != ROUTINES_DONE && state != ROUTINES_NEWER) *changes_r = true;
    return 0;
}

/* Checks the conditions before the first statement of a file is run. */
static int prepare(const struct run *run)
{
    bool changes;
    int status = check(run);
    if (status != COMMAND_FINE || run->task == DRY_RUN) return status;
    if (changes_schema(run, &changes)) return fail(run);
    if (changes) status = preflight_run(run->self, run->db);
    if (status != COMMAND_FINE) return status;
    return tell(run, DB_CREATE_MIGRATIONS) ? COMMAND_FINE : fail(run);
}

static int apply(struct run *run)
{
    size_t applied = 0;
    int status = prepare(run);
    if (status == COMMAND_FINE) status = apply_files(run, 0, run->shipped, &applied);
    if (status == COMMAND_FINE) status = apply_routines(run, &applied);
    if (status == COMMAND_FINE) status = apply_files(run, run->shipped, run->list.count, &applied);
    if (status == COMMAND_FINE && applied == 0) printf("nothing to do: all %zu are applied\n", run->list.count);
    return status;
}

static void put_line(const char *state, int64_t at, const char *what, const char *user)
{
    char when[INSTANT_BYTES] = "-";
    if (at > 0) instant_format(at, when);
    printf("%-12s %-23s  %s%s%s\n", state, when, what, user ? "  by " : "", user ? user : "");
}

static void put_status(const char *state, const char *version, const struct history_record *record)
{
    int64_t at = !record ? 0 : record->running ? record->started : record->finished;
    put_line(state, at, version, record ? record->user : NULL);
}

/* Prints the state of the routines. Returns whether they are up to date; -1: db_why(). Without a file, only the
 * routines recorded in the database are checked. */
static int show_routines(const struct run *run)
{
    static const char *const words[] = {
        [ROUTINES_DONE] = "done",       [ROUTINES_NOT_INSTALLED] = "to be done", [ROUTINES_OLDER] = "older",
        [ROUTINES_DIFFERENT] = "other", [ROUTINES_UNFINISHED] = "UNFINISHED",    [ROUTINES_MISSING] = "MISSING",
        [ROUTINES_NEWER] = "newer",
    };
    struct routines_record record;
    char what[ROUTINES_SHOWN + 100];
    if (routines_read(run->db, &record)) return -1;
    if (!record.known && !run->routines_path) return 1;
    enum routines_state state = record.missing ? ROUTINES_MISSING : ROUTINES_DONE;
    if (record.running) state = ROUTINES_UNFINISHED;
    if (run->routines_path) state = routines_compare(&run->routines, &record);
    bool whole = record.missing == 0 && !record.running && (state == ROUTINES_DONE || state == ROUTINES_NEWER);
    int size = snprintf(what, sizeof what, "routines %" PRIu64, record.known ? record.number : run->routines.number);
    if (record.missing)
        snprintf(what + size, sizeof what - (size_t)size, ", %zu missing: %s", record.missing, record.names);
    put_line(words[state], record.installed_at, what, record.known ? record.user : NULL);
    return whole;
}

static int show_status(const struct run *run)
{
    bool all_done = true;
    for (size_t i = 0; i < run->history.count; i++) {
        const struct history_record *record = &run->history.records[i];
        const struct migration *migration = migration_find(&run->list, text_of(record->version));
        bool edited = migration && history_differs(record, migration);
        if (record->running || edited) all_done = false;
        put_status(record->running ? "UNFINISHED"
                   : edited        ? "EDITED"
                   : migration     ? "done"
                                   : "done, no file",
                   record->version, record);
    }
    for (size_t i = 0; i < run->list.count; i++) {
        if (history_find(&run->history, text_of(run->list.items[i].version))) continue;
        put_status("to be done", run->list.items[i].version, NULL);
        all_done = false;
    }
    int whole = show_routines(run);
    if (whole < 0) return fail(run);
    if (!whole) all_done = false;
    return all_done ? COMMAND_FINE : COMMAND_NO;
}

/* Resolves a ddl file that was interrupted. */
static int settle(const struct run *run)
{
    const struct history_record *record = history_find(&run->history, run->version);
    const struct migration *migration = migration_find(&run->list, run->version);
    int size = (int)run->version.size;
    if (!record || !record->running) {
        command_complain(run->self, "%.*s is not left half-way; see m2mctl migrate --status", size, run->version.data);
        return COMMAND_NO;
    }
    if (run->task == FORGET) {
        if (!ask(run, DB_FORGET_MIGRATION, run->version, (struct text){ NULL, 0 })) return fail(run);
        printf("%s is forgotten; the next m2mctl migrate runs it from its beginning\n", record->version);
        return COMMAND_FINE;
    }
    if (!migration) {
        command_complain(run->self, "the file of %s was not found; name its folder", record->version);
        return COMMAND_NO;
    }
    if (!ask(run, DB_FINISH_MIGRATION, text_of(migration->sha256), run->version)) return fail(run);
    printf("%s is done, as %s stands now\n", record->version, migration->path);
    return COMMAND_FINE;
}

/* Only one process migrates at a time; reading the status needs no lock. */
static int lock(const struct run *run)
{
    uint64_t locked;
    if (run->task == STATUS || run->task == DRY_RUN) return COMMAND_FINE;
    if (number_of(run, DB_LOCK_MIGRATIONS, &locked)) return fail(run);
    if (locked != 1) {
        command_complain(run->self, "another m2mctl migrate is running on this database; try again when it has ended");
        return COMMAND_TROUBLE;
    }
    return COMMAND_FINE;
}

static int carry_out(struct run *run)
{
    int status = lock(run);
    if (status != COMMAND_FINE) return status;
    if (history_read(run->db, &run->history)) return fail(run);
    if (run->task == STATUS) return show_status(run);
    if (run->task == MARK_DONE || run->task == FORGET) return settle(run);
    return apply(run);
}

/* Returns COMMAND_FINE or an exit code. help_r: only the help was printed. */
static int read_options(struct run *run, int argc, char **argv, bool *help_r)
{
    static const struct option options[] = {
        { "status", no_argument, NULL, STATUS },
        { "mark-done", required_argument, NULL, MARK_DONE },
        { "dry-run", no_argument, NULL, DRY_RUN },
        { "forget", required_argument, NULL, FORGET },
        { "help", no_argument, NULL, 'h' },
        { "routines", required_argument, NULL, OPTION_ROUTINES },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = command_option(run->self, argc, argv, options)) != -1) {
        *help_r = option == 'h';
        if (option == 'h') return COMMAND_FINE;
        if (option == '?') return COMMAND_USAGE;
        if (option == OPTION_ROUTINES) {
            run->routines_path = optarg;
            continue;
        }
        if (run->task != APPLY)
            return command_usage(run->self, "one of --status, --dry-run, --mark-done and --forget at a time");
        run->task = (enum task)option;
        run->version = text_of(optarg);
    }
    return COMMAND_FINE;
}

static int find_files(struct run *run, int count, char **folders)
{
    int failed = 0;
    for (int i = 0; i < count; i++) {
        failed |= migration_list_add(&run->list, folders[i], false, stderr);
        if (i == 0) run->shipped = run->list.count;
    }
    if (count == 0) {
        failed |= migration_list_add(&run->list, BASE_FOLDER, false, stderr);
        run->shipped = run->list.count;
        failed |= migration_list_add(&run->list, OPERATOR_FOLDER, true, stderr);
        if (!run->routines_path) run->routines_path = ROUTINES_FILE;
    }
    if (run->routines_path) failed |= routines_load(run->routines_path, &run->routines, stderr);
    return failed ? COMMAND_NO : COMMAND_FINE;
}

static int run(const struct command *self, const struct command_session *session, int argc, char **argv)
{
    struct run run = { .self = self, .task = APPLY };
    struct config config;
    bool help = false;
    int status = read_options(&run, argc, argv, &help);
    if (status != COMMAND_FINE || help) return status;
    status = find_files(&run, argc - optind, argv + optind);
    if (status == COMMAND_FINE) {
        run.db = command_database(self, session, &config);
        status = run.db ? carry_out(&run) : COMMAND_TROUBLE;
    }
    db_close(run.db);
    history_free(&run.history);
    migration_list_free(&run.list);
    routines_free(&run.routines);
    return status;
}

const struct command migrate_command = {
    "migrate",
    "bring the database up to date with the migration files",
    "m2mctl migrate [--status | --dry-run] [--routines FILE] [FOLDER ...]\n"
    "m2mctl migrate --mark-done VERSION [FOLDER ...]\n"
    "m2mctl migrate --forget VERSION [FOLDER ...]\n"
    "\n"
    "Applies the files NNNN_name.sql of each folder that the database does not have yet, in the order of their\n"
    "names, each once. Without FOLDER: " BASE_FOLDER "\n"
    "and then " OPERATOR_FOLDER ", if it exists.\n"
    "Between the two it installs the procedures and triggers of " ROUTINES_FILE ",\n"
    "if the database has none, older or different ones, or if one is missing; newer ones are left unchanged.\n"
    "The first line of a file selects how it runs:\n"
    "  -- data   in one transaction: all or nothing; it may be run again after a failure\n"
    "  -- ddl    statement by statement, since MariaDB commits each change of a table by itself; a file that failed\n"
    "            or was interrupted blocks all others until an operator resolves it\n"
    "A file that was changed after it was applied is refused. DELIMITER is supported.\n"
    "\n"
    "  --status              list all, applied and to be done; exit code 1 if some are not done\n"
    "  --dry-run             print what would be applied\n"
    "  --routines FILE       with FOLDERs: install the routines of this file after the first FOLDER\n"
    "  --mark-done VERSION   an interrupted ddl file was completed by hand; record its present content as applied\n"
    "  --forget VERSION      an interrupted ddl file was undone by hand; run it again\n"
    "\n"
    "exit codes: 0 done; 1 refused or failed because of the content of a file, or not all done (--status);\n"
    "2 usage; 3 database or system trouble\n",
    run,
};

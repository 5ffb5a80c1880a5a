#include "preflight.h"

#include <stdio.h>

enum { VERSION_TEXT = 100, OLDEST_MAJOR = 10, OLDEST_MINOR = 6 };

/* In this order: each statement needs the objects of the previous ones. The inserted row is removed with the table. */
static const char *const probes[] = {
    "CREATE OR REPLACE TABLE schema_probe (a INT UNSIGNED NOT NULL PRIMARY KEY) ENGINE=InnoDB",
    "ALTER TABLE schema_probe ADD COLUMN b INT UNSIGNED NULL",
    "CREATE OR REPLACE PROCEDURE schema_probe() SQL SECURITY INVOKER DO 0",
    "CREATE OR REPLACE TRIGGER schema_probe BEFORE INSERT ON schema_probe FOR EACH ROW CALL schema_probe()",
    "INSERT INTO schema_probe (a) VALUES (1)",
    "UPDATE schema_probe SET b = 1",
    "DELETE FROM schema_probe",
};

/* Runs after a failure as well. Dropping the table drops its trigger. */
static const char *const removals[] = {
    "DROP TABLE IF EXISTS schema_probe",
    "DROP PROCEDURE IF EXISTS schema_probe",
};

static const struct {
    unsigned number;
    const char *mend;
} mends[] = {
    { 1419,
      "the server writes a binary log and does not trust those who make triggers: an administrator runs SET GLOBAL "
      "log_bin_trust_function_creators = 1 (and puts it into the server's configuration), or runs m2mctl migrate with "
      "an account that has SUPER" },
    { 1290, "the server is read only: run m2mctl migrate against the server that takes writes" },
    { 1836, "the server is read only: run m2mctl migrate against the server that takes writes" },
    { 1286, "the server has no InnoDB: remove skip-innodb from its configuration" },
};

static const char *mend_of(unsigned number)
{
    for (size_t i = 0; i < sizeof mends / sizeof *mends; i++)
        if (mends[i].number == number) return mends[i].mend;
    return "the account needs ALL PRIVILEGES on the database: SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, "
           "INDEX, "
           "REFERENCES, TRIGGER, CREATE ROUTINE, ALTER ROUTINE, EXECUTE; SHOW GRANTS shows what it has";
}

static int take_version(void *context, const struct text *columns, size_t count)
{
    snprintf(context, VERSION_TEXT, "%.*s", count == 1 ? (int)columns[0].size : 0, columns[0].data);
    return 0;
}

/* Only MariaDB has CREATE OR REPLACE of routines, SET STATEMENT and the comparison of TIMESTAMP columns as points
 * in time. */
static int check_version(const struct command *self, struct db *db)
{
    char version[VERSION_TEXT] = "";
    int major = 0, minor = 0;
    if (db_query(db, DB_READ_VERSION, NULL, 0, take_version, version) < 0) {
        command_complain(self, "%s", db_why(db));
        return command_blame(db);
    }
    bool known = strstr(version, "MariaDB") && sscanf(version, "%d.%d", &major, &minor) == 2;
    if (known && (major > OLDEST_MAJOR || (major == OLDEST_MAJOR && minor >= OLDEST_MINOR))) return COMMAND_FINE;
    command_complain(self, "the server is %s; MariaDB %d.%d or newer is needed, nothing was done", version,
                     OLDEST_MAJOR, OLDEST_MINOR);
    return COMMAND_NO;
}

static int probe(const struct command *self, struct db *db)
{
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        if (db_script(db, text_of(probes[i])) == 0) continue;
        command_complain(self, "nothing was done, because the server refuses what migrations need: %s\n  Mend: %s",
                         db_why(db), mend_of(db_errno(db)));
        return command_blame(db);
    }
    return COMMAND_FINE;
}

int preflight_run(const struct command *self, struct db *db)
{
    int status = check_version(self, db);
    if (status != COMMAND_FINE) return status;
    status = probe(self, db);
    for (size_t i = 0; i < sizeof removals / sizeof *removals; i++) {
        if (db_script(db, text_of(removals[i])) == 0 || status != COMMAND_FINE) continue;
        command_complain(self, "schema_probe, a trial of what the server allows, cannot be removed: %s\n  Mend: %s",
                         db_why(db), mend_of(db_errno(db)));
        status = command_blame(db);
    }
    return status;
}

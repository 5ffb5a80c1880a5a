#include "db.h"

#include <assert.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

#include "secret_file.h"

struct db {
    MYSQL *mysql;
    unsigned number;
    char why[DB_WHY];
    void (*report)(const char *what);
    MYSQL_STMT *statements[DB_STATEMENTS];
    unsigned long sizes[DB_COLUMNS];
    my_bool nulls[DB_COLUMNS];
    char values[DB_COLUMNS][DB_VALUE];
};

/* Who connects, and how long it may take; seconds 0: no limit. */
struct caller {
    const char *user, *password;
    unsigned connect_seconds, seconds;
};

static const char *const statement_sql[] = {
#define STATEMENT_SQL(name, sql) sql,
    DB_STATEMENT_LIST(STATEMENT_SQL)
#undef STATEMENT_SQL
};

static const unsigned short longest[DB_STATEMENTS][DB_COLUMNS] = {
#define STATEMENT_LONGEST(name, ...) [DB_##name] = { __VA_ARGS__ },
    DB_LONGEST_LIST(STATEMENT_LONGEST)
#undef STATEMENT_LONGEST
};

static long fail(struct db *db, unsigned number, const char *text)
{
    db->number = number;
    int size = snprintf(db->why, sizeof db->why, "%.480s", text);
    if (number > 0) snprintf(db->why + size, sizeof db->why - (size_t)size, " (error %u)", number);
    return -1;
}

static long fail_statement(struct db *db, MYSQL_STMT *statement)
{
    return fail(db, mysql_stmt_errno(statement), mysql_stmt_error(statement));
}

static long fail_connection(struct db *db)
{
    return fail(db, mysql_errno(db->mysql), mysql_error(db->mysql));
}

/* Without VERIFY_SERVER_CERT the library falls back to clear text in silence, whatever else is asked of it. Without a
 * ca file the system's certificates decide. */
static bool set_address(MYSQL *mysql, const struct config *config)
{
    unsigned protocol = config->db_socket[0] ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    my_bool verify = 1;
    if (mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol)) return false;
    if (config->db_socket[0]) return true;
    if (config->db_ca_file[0] && mysql_options(mysql, MYSQL_OPT_SSL_CA, config->db_ca_file)) return false;
    return mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify) == 0;
}

static bool set_options(MYSQL *mysql, const struct caller *caller)
{
    unsigned no = 0;
    my_bool never = 0;
    return mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &caller->connect_seconds) == 0 &&
           mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &caller->seconds) == 0 &&
           mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &caller->seconds) == 0 &&
           mysql_options(mysql, MYSQL_OPT_RECONNECT, &never) == 0 &&
           mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no) == 0 &&
           mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4") == 0;
}

/* A failed connect frees the options of its handle, so a handle is tried once. */
static int connect_once(struct db *db, const struct config *config, const struct caller *caller)
{
    bool local = config->db_socket[0] != '\0';
    db->mysql = mysql_init(NULL);
    if (!db->mysql) return (int)fail(db, 0, "out of memory");
    if (!set_options(db->mysql, caller) || !set_address(db->mysql, config)) return (int)fail_connection(db);
    if (!mysql_real_connect(db->mysql, local ? NULL : config->db_host, caller->user, caller->password, config->db_name,
                            config->db_port, local ? config->db_socket : NULL, 0))
        return (int)fail_connection(db);
    if (!local && !mysql_get_ssl_cipher(db->mysql))
        return (int)fail(db, 0, "the connection is not encrypted: the server must offer TLS, or set db_socket");
    return 0;
}

static struct db *open_as(const struct config *config, const struct caller *caller, char why[DB_WHY])
{
    struct db *db = calloc(1, sizeof *db);
    if (!db) {
        snprintf(why, DB_WHY, "out of memory");
    } else if (connect_once(db, config, caller)) {
        memcpy(why, db->why, DB_WHY);
        db_close(db);
        db = NULL;
    }
    return db;
}

static int keep_refusals(void *context, const struct text *columns, size_t count)
{
    char *refused = context;
    snprintf(refused, DB_WHY / 2, "%.*s", count == 1 ? (int)columns[0].size : 0, columns[0].data);
    return 0;
}

/* Closes db and gives NULL when the session is not what we asked for. */
static struct db *checked(struct db *db, long set, enum db_statement check, const struct text *stream, char why[DB_WHY])
{
    char refused[DB_WHY / 2] = " (no answer)";
    if (set >= 0 && db_query(db, check, stream, stream ? 1 : 0, keep_refusals, refused) >= 0) {
        if (!refused[0]) return db;
        snprintf(why, DB_WHY, "the server did not take these settings of the session:%s", refused);
    } else {
        memcpy(why, db->why, DB_WHY);
    }
    db_close(db);
    return NULL;
}

static int read_password(const struct config *config, struct secret_file *password_r, char why[DB_WHY])
{
    FILE *notes = fmemopen(why, DB_WHY, "w");
    if (!notes) return -1;
    int failed = secret_file_read(password_r, config->db_password_file, notes);
    fclose(notes);
    why[strcspn(why, "\n")] = '\0';
    return failed;
}

/* Where versions up to 0.1.0 read another password in the file, that one is tried, too. */
static struct db *open_by_password(const struct config *config, char why[DB_WHY])
{
    struct secret_file password;
    struct caller caller = { config->db_user, password.bytes, DB_SECONDS, DB_SECONDS };
    snprintf(why, DB_WHY, "db_password_file cannot be read");
    if (read_password(config, &password, why)) return NULL;
    struct db *db = open_as(config, &caller, why);
    caller.password = password.literal_bytes;
    if (!db && text_present(password.literal)) db = open_as(config, &caller, why);
    secret_file_wipe(&password);
    return db;
}

struct db *db_open(const struct config *config, const char *stream, char why[DB_WHY])
{
    struct caller caller = { config->db_user, NULL, DB_SECONDS, DB_SECONDS };
    struct text name = text_of(stream);
    struct db *db = config->db_password_file[0] ? open_by_password(config, why) : open_as(config, &caller, why);
    if (!db) return NULL;
    long set = db_query(db, DB_SET_SESSION, &name, 1, NULL, NULL);
    /* A server without Galera has no such variable and needs none. */
    if (set >= 0 && db_query(db, DB_SET_SYNC_WAIT, NULL, 0, NULL, NULL) < 0)
        set = db->number == DB_UNKNOWN_VARIABLE ? 0 : -1;
    return checked(db, set, DB_CHECK_SESSION, &name, why);
}

struct db *db_open_operator(const struct config *config, const char *user, const char *password, char why[DB_WHY])
{
    struct caller caller = { user, password, 10, 0 };
    struct db *db = open_as(config, &caller, why);
    if (!db) return NULL;
    long set = db_query(db, DB_SET_OPERATOR_SESSION, NULL, 0, NULL, NULL);
    return checked(db, set, DB_CHECK_OPERATOR_SESSION, NULL, why);
}

void db_report_left_out(struct db *db, void (*report)(const char *what))
{
    db->report = report;
}

void db_close(struct db *db)
{
    if (!db) return;
    for (size_t i = 0; i < DB_STATEMENTS; i++)
        if (db->statements[i]) mysql_stmt_close(db->statements[i]);
    if (db->mysql) mysql_close(db->mysql);
    free(db);
}

static int prepare(struct db *db, enum db_statement which)
{
    const char *sql = statement_sql[which];
    MYSQL_STMT *statement = db->statements[which];
    if (statement) return 0;
    statement = mysql_stmt_init(db->mysql);
    if (!statement) return (int)fail(db, 0, "out of memory");
    if (mysql_stmt_prepare(statement, sql, strlen(sql)) == 0) {
        db->statements[which] = statement;
        return 0;
    }
    fail_statement(db, statement);
    mysql_stmt_close(statement);
    return -1;
}

static int execute(struct db *db, MYSQL_STMT *statement, const struct text *parameters, size_t count)
{
    MYSQL_BIND binds[DB_PARAMETERS] = { { 0 } };
    unsigned long sizes[DB_PARAMETERS];
    assert(count <= DB_PARAMETERS && mysql_stmt_param_count(statement) == count);
    for (size_t i = 0; i < count; i++) {
        sizes[i] = parameters[i].size;
        binds[i].buffer_type = text_present(parameters[i]) ? MYSQL_TYPE_STRING : MYSQL_TYPE_NULL;
        binds[i].buffer = (void *)(uintptr_t)parameters[i].data;
        binds[i].buffer_length = sizes[i];
        binds[i].length = &sizes[i];
    }
    if (count > 0 && mysql_stmt_bind_param(statement, binds)) return (int)fail_statement(db, statement);
    return mysql_stmt_execute(statement) ? (int)fail_statement(db, statement) : 0;
}

static int bind_columns(struct db *db, MYSQL_STMT *statement, size_t count)
{
    MYSQL_BIND binds[DB_COLUMNS] = { { 0 } };
    assert(count <= DB_COLUMNS);
    for (size_t i = 0; i < count; i++) {
        binds[i].buffer_type = MYSQL_TYPE_STRING;
        binds[i].buffer = db->values[i];
        binds[i].buffer_length = DB_VALUE;
        binds[i].length = &db->sizes[i];
        binds[i].is_null = &db->nulls[i];
    }
    return mysql_stmt_bind_result(statement, binds) ? (int)fail_statement(db, statement) : 0;
}

struct walk {
    int (*row)(void *context, const struct text *columns, size_t count);
    void *context;
};

static unsigned long longest_of(enum db_statement which, size_t column)
{
    return longest[which][column] > 0 ? longest[which][column] : DB_VALUE;
}

/* The first column of the row that is too long; count: none is. */
static size_t too_long(const struct db *db, enum db_statement which, size_t count)
{
    size_t i = 0;
    while (i < count && (db->nulls[i] || db->sizes[i] <= longest_of(which, i))) i++;
    return i;
}

/* Names the row by its first column, cut, and without what a log could not show. */
static void leave_out(struct db *db, enum db_statement which, size_t column)
{
    enum { NAME_BYTES = 64 };
    char name[NAME_BYTES + 1], what[DB_WHY];
    size_t size = db->nulls[0] ? 0 : db->sizes[0] < NAME_BYTES ? db->sizes[0] : NAME_BYTES;
    for (size_t i = 0; i < size; i++) name[i] = db->values[0][i] >= ' ' && db->values[0][i] <= '~' ? db->values[0][i] : '?';
    name[size] = '\0';
    MYSQL_RES *facts = mysql_stmt_result_metadata(db->statements[which]);
    const MYSQL_FIELD *field = facts ? mysql_fetch_field_direct(facts, (unsigned)column) : NULL;
    snprintf(what, sizeof what, "%.64s %s: column %.64s has %lu bytes, %lu at most; the row is left out: mend or DELETE it",
             field && field->org_table[0] ? field->org_table : "row", name, field ? field->name : "?", db->sizes[column],
             longest_of(which, column));
    if (facts) mysql_free_result(facts);
    if (db->report) db->report(what);
}

/* Row by row off the wire: memory stays flat however long the answer is. */
static long fetch(struct db *db, enum db_statement which, const struct walk *walk)
{
    MYSQL_STMT *statement = db->statements[which];
    struct text columns[DB_COLUMNS];
    size_t count = mysql_stmt_field_count(statement);
    long rows = 0;
    if (bind_columns(db, statement, count)) return -1;
    for (;;) {
        int result = mysql_stmt_fetch(statement);
        if (result == MYSQL_NO_DATA) return rows;
        if (result && result != MYSQL_DATA_TRUNCATED) return fail_statement(db, statement);
        rows++;
        size_t bad = too_long(db, which, count);
        if (bad < count) {
            leave_out(db, which, bad);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            columns[i] = (struct text){ db->nulls[i] ? NULL : db->values[i], db->nulls[i] ? 0 : db->sizes[i] };
        if (walk->row && walk->row(walk->context, columns, count)) return rows;
    }
}

/* A procedure answers with several results; all must be taken off the wire. */
static int drain(struct db *db, MYSQL_STMT *statement)
{
    int more;
    mysql_stmt_free_result(statement);
    while ((more = mysql_stmt_next_result(statement)) == 0) mysql_stmt_free_result(statement);
    return more > 0 ? (int)fail_statement(db, statement) : 0;
}

long db_query(struct db *db, enum db_statement which, const struct text *parameters, size_t count,
              int (*row)(void *context, const struct text *columns, size_t count), void *context)
{
    const struct walk walk = { row, context };
    if (prepare(db, which)) return -1;
    MYSQL_STMT *statement = db->statements[which];
    if (execute(db, statement, parameters, count)) return -1;
    bool answers = mysql_stmt_field_count(statement) > 0;
    long rows = answers ? fetch(db, which, &walk) : (long)mysql_stmt_affected_rows(statement);
    if (rows >= 0) return drain(db, statement) ? -1 : rows;
    mysql_stmt_free_result(statement);
    return -1;
}

int db_script(struct db *db, struct text sql)
{
    int more = 0;
    if (mysql_set_server_option(db->mysql, MYSQL_OPTION_MULTI_STATEMENTS_ON)) return (int)fail_connection(db);
    int bad = mysql_real_query(db->mysql, sql.data, sql.size);
    while (!bad && more == 0) {
        MYSQL_RES *result = mysql_store_result(db->mysql);
        if (result) mysql_free_result(result);
        more = mysql_next_result(db->mysql);
        bad = more > 0;
    }
    if (bad) fail_connection(db);
    if (mysql_set_server_option(db->mysql, MYSQL_OPTION_MULTI_STATEMENTS_OFF) && !bad) {
        fail_connection(db);
        bad = 1;
    }
    return bad ? -1 : 0;
}

const char *db_why(const struct db *db)
{
    return db->why;
}

unsigned db_errno(const struct db *db)
{
    return db->number;
}

#include "db.h"

#include <assert.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

#include "session.h"

#include "../platform/secret_file.h"

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

/* The database account, and the time limit in seconds (0: none). */
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

static long fail_connection(struct db *db) { return fail(db, mysql_errno(db->mysql), mysql_error(db->mysql)); }

/* Without VERIFY_SERVER_CERT the library silently falls back to an unencrypted connection, whatever other option is
 * set. Without a CA file the certificates of the system are used. */
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

/* A failed mysql_real_connect() frees the options of its handle, so each handle is used for one attempt. */
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

static bool is_lost(unsigned number) { return number >= DB_LOST_FIRST && number <= DB_LOST_LAST; }

static int take_number(void *context, const struct text *columns, size_t count)
{
    return count == 1 ? text_number(columns[0], UINT64_MAX, context) : -1;
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

static int run(struct db *db, const struct buffer *sql)
{
    assert(!sql->full);
    return mysql_real_query(db->mysql, sql->data, sql->size) ? (int)fail_connection(db) : 0;
}

/* Sets all variables in one statement; if the server refuses that, each in a statement of its own, so that one that
 * the server does not know, or that the account may not set, does not affect the others. find_wrong() then reports
 * what is wrong. */
static int set_variables(struct db *db, enum session_who who)
{
    char bytes[SESSION_SQL];
    const struct session_variable *variable;
    struct buffer sql = { bytes, 0, sizeof bytes, false };
    session_put_set(&sql, who);
    if (run(db, &sql) == 0) return 0;
    for (size_t i = 0; (variable = session_variable(who, i)) != NULL; i++) {
        if (!variable->value) continue;
        sql.size = 0;
        session_put_set_one(&sql, variable);
        if (run(db, &sql) && is_lost(db->number)) return -1;
    }
    return 0;
}

static int roll_back(struct db *db) { return mysql_rollback(db->mysql) ? (int)fail_connection(db) : 0; }

static void put_wrong(struct buffer *wrong, const struct session_variable *variable, const char *value)
{
    buffer_put(wrong, wrong->size > 0 ? TEXT(", ") : TEXT(""));
    buffer_put(wrong, text_of(variable->name));
    buffer_put(wrong, TEXT(" is "));
    buffer_put(wrong, value ? text_slice(text_of(value), 0, 64) : TEXT("not known"));
    if (!variable->shown && variable->value) return;
    buffer_put(wrong, variable->value ? TEXT(", not ") : TEXT(", below "));
    if (variable->value) buffer_put(wrong, text_of(variable->shown));
    else buffer_put_number(wrong, variable->least);
}

/* Returns the value that SHOW VARIABLES lists for the variable, or NULL. */
static const char *shown(MYSQL_RES *rows, const char *name)
{
    MYSQL_ROW row;
    mysql_data_seek(rows, 0);
    while ((row = mysql_fetch_row(rows)) != NULL)
        if (row[0] && row[1] && strcmp(row[0], name) == 0) return row[1];
    return NULL;
}

/* Appends the variables with a wrong value. Returns 0, or -1. */
static int find_wrong(struct db *db, enum session_who who, struct buffer *wrong)
{
    char bytes[SESSION_SQL];
    const struct session_variable *variable;
    struct buffer sql = { bytes, 0, sizeof bytes, false };
    session_put_show(&sql, who);
    if (run(db, &sql)) return -1;
    MYSQL_RES *rows = mysql_store_result(db->mysql);
    if (!rows) return (int)fail_connection(db);
    for (size_t i = 0; (variable = session_variable(who, i)) != NULL; i++) {
        const char *value = shown(rows, variable->name);
        bool right = value ? session_is_right(variable, text_of(value)) : variable->may_be_absent;
        if (!right) put_wrong(wrong, variable, value);
    }
    mysql_free_result(rows);
    return 0;
}

static int set_stream(struct db *db, struct text stream)
{
    uint64_t same = 0;
    if (db_query(db, DB_SET_STREAM, &stream, 1, NULL, NULL) < 0) return -1;
    if (db_query(db, DB_CHECK_STREAM, &stream, 1, take_number, &same) < 0) return -1;
    return same == 1
             ? 0
             : (int)fail(db, 0, "the server did not keep @m2m_stream: connect without a proxy that shares sessions");
}

/* Sets up and verifies the session. If it is not what the statements rely on, closes db and returns NULL. */
static struct db *begin_session(struct db *db, enum session_who who, struct text stream, char why[DB_WHY])
{
    char bytes[DB_WHY / 2];
    struct buffer wrong = { bytes, 0, sizeof bytes, false };
    /* init_connect may have begun a transaction; with the server's completion_type, ending it could also end the
     * session. */
    if (set_variables(db, who) || roll_back(db) || find_wrong(db, who, &wrong) || set_stream(db, stream))
        memcpy(why, db->why, DB_WHY);
    else if (wrong.size > 0)
        snprintf(why, DB_WHY,
                 "the server did not accept these session settings: %.*s; correct its configuration or its "
                 "init_connect",
                 (int)wrong.size, wrong.data);
    else return db;
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

/* If versions up to 0.1.0 would have read a different password from the file, that one is tried second. */
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
    struct db *db = config->db_password_file[0] ? open_by_password(config, why) : open_as(config, &caller, why);
    if (!db) return NULL;
    return begin_session(db, SESSION_KEEPER, text_of(stream), why);
}

struct db *db_open_operator(const struct config *config, const char *user, const char *password, char why[DB_WHY])
{
    struct caller caller = { user, password, 10, 0 };
    struct db *db = open_as(config, &caller, why);
    if (!db) return NULL;
    return begin_session(db, SESSION_OPERATOR, (struct text){ NULL, 0 }, why);
}

void db_report_left_out(struct db *db, void (*report)(const char *what)) { db->report = report; }

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

/* Returns the index of the first column of the row that is too long, or count. */
static size_t too_long(const struct db *db, enum db_statement which, size_t count)
{
    size_t i = 0;
    while (i < count && (db->nulls[i] || db->sizes[i] <= longest_of(which, i))) i++;
    return i;
}

/* Names the row by its first column, shortened and without characters unfit for the log. */
static void leave_out(struct db *db, enum db_statement which, size_t column)
{
    enum { NAME_BYTES = 64 };
    char name[NAME_BYTES + 1], what[DB_WHY];
    size_t size = db->nulls[0] ? 0 : db->sizes[0] < NAME_BYTES ? db->sizes[0] : NAME_BYTES;
    for (size_t i = 0; i < size; i++)
        name[i] = db->values[0][i] >= ' ' && db->values[0][i] <= '~' ? db->values[0][i] : '?';
    name[size] = '\0';
    MYSQL_RES *facts = mysql_stmt_result_metadata(db->statements[which]);
    const MYSQL_FIELD *field = facts ? mysql_fetch_field_direct(facts, (unsigned)column) : NULL;
    snprintf(what, sizeof what,
             "%.64s %s: column %.64s has %lu bytes, %lu at most; the row is left out: correct or DELETE it",
             field && field->org_table[0] ? field->org_table : "row", name, field ? field->name : "?",
             db->sizes[column], longest_of(which, column));
    if (facts) mysql_free_result(facts);
    if (db->report) db->report(what);
}

/* Fetches row by row, so that memory use does not depend on the size of the result. */
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

/* A procedure returns several results; all of them must be read before the next statement. */
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

long db_call(struct db *db, enum db_statement procedure, enum db_statement statement, const struct text *parameters,
             size_t count)
{
    long rows = db_query(db, procedure, parameters, count, NULL, NULL);
    if (rows >= 0 || (db->number != DB_PROCEDURE_DENIED && db->number != DB_NO_PROCEDURE)) return rows;
    return db_query(db, statement, parameters, count, NULL, NULL);
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

const char *db_why(const struct db *db) { return db->why; }

unsigned db_errno(const struct db *db) { return db->number; }

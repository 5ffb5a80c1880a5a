/* db: the connection to MariaDB and every statement that is sent. db.c is the only file that includes mysql.h; table
 * and column names occur only here and in sql/.
 *
 * Statements are constant, prepared on first use and kept for the life of the connection; every parameter and
 * result is a string. A connection that failed cannot be used again: close it and open another. Connect, read and
 * write time out after DB_SECONDS. TLS is verified or the connection is refused; option files are not read. */
#ifndef APP_DB_DB_H
#define APP_DB_DB_H

#include <stddef.h>

#include "../../lib/base/text.h"
#include "../platform/config.h"
#include "result_columns.h"

enum { DB_SECONDS = 1, DB_COLUMNS = 16, DB_PARAMETERS = 16, DB_WHY = 512, DB_VALUE = 16384 };

/* Each entry NAME becomes the constant DB_NAME; `-> LIST` refers to result_columns.h. A string parameter that is
 * compared with a number is CAST, or MariaDB would compare both as doubles. No value may be longer than DB_VALUE. */
#define DB_STATEMENT_LIST(X) DB_SESSION_LIST(X) DB_KEEPER_LIST(X) DB_KEY_LIST(X) DB_OPERATOR_LIST(X)

/* Session variables are in session.h. */
#define DB_SESSION_LIST(X) \
    X(SET_STREAM, /* stream; NULL: the stream of the operators */ \
      "SET @m2m_stream = ?") \
    X(CHECK_STREAM, /* stream -> 1, or 0 if the session has another one */ \
      "SELECT @m2m_stream <=> ?") \
    X(BEGIN, "START TRANSACTION") \
    X(BEGIN_SNAPSHOT, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY") \
    X(COMMIT, "COMMIT") \
    X(ROLLBACK, "ROLLBACK")

#define DB_KEEPER_LIST(X) \
    X(SET_DIRTY, /* for the next statement, which then also reads uncommitted rows and walks no chain of row
                    versions */ \
      "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED") \
    X(READ_WRITABLE, /* -> read_only and innodb_read_only of the server */ \
      "SELECT @@GLOBAL.read_only, @@GLOBAL.innodb_read_only") \
    X(READ_MISSING, /* -> kind, name of each recorded procedure and trigger that does not exist */ \
      "CALL routines_missing()") \
    X(READ_STREAMS, /* -> STREAM; one row with a NULL stream if there are none */ \
      DB_SELECT(STREAM) " FROM (SELECT 1 AS one) o " \
                        "LEFT JOIN feed_epoch e ON e.only_row = o.one " \
                        "LEFT JOIN feed_stream s ON TRUE ORDER BY s.stream") \
    X(READ_STREAM, /* stream -> seq */ \
      "SELECT seq FROM feed_stream WHERE stream = ?") \
    X(READ_FEED, /* stream, seq, seq again -> CHANGE: the next 10000 */ \
      DB_SELECT(CHANGE) " FROM feed f " \
                        "LEFT JOIN revoked_token r ON f.kind = 'revoked_token' AND r.jti = f.item " \
                        "WHERE f.stream = ? AND f.seq > CAST(? AS UNSIGNED) AND f.seq <= CAST(? AS UNSIGNED) + 10000 " \
                        "ORDER BY f.seq") \
    X(READ_FEED_ROW, /* stream, seq -> seq */ \
      "SELECT seq FROM feed WHERE stream = ? AND seq = CAST(? AS UNSIGNED)") \
    X(READ_FEED_OLDEST, /* stream, seq -> the smallest seq above it, or no row */ \
      "SELECT seq FROM feed WHERE stream = ? AND seq > CAST(? AS UNSIGNED) ORDER BY seq LIMIT 1") \
    X(READ_CLIENTS, /* first, last -> CLIENT; by client_id, at most 1000 */ \
      DB_SELECT(CLIENT) " FROM client " \
                        "WHERE client_id >= ? AND client_id <= ? ORDER BY client_id LIMIT 1000") \
    X(READ_SECRETS, /* first, last -> SECRET; by client_id */ \
      DB_SELECT(SECRET) " FROM client_secret " \
                        "WHERE client_id >= ? AND client_id <= ? ORDER BY client_id, label") \
    X(READ_CLIENT_KEYS, /* first, last -> CLIENT_KEY; by client_id */ \
      DB_SELECT(CLIENT_KEY) " FROM client_key " \
                            "WHERE client_id >= ? AND client_id <= ? ORDER BY client_id, kid") \
    X(READ_GRANTS, /* first, last -> GRANT; by client_id */ \
      DB_SELECT(GRANT) " FROM client_grant g " \
                       "LEFT JOIN audience a ON a.audience = g.audience " \
                       "WHERE g.client_id >= ? AND g.client_id <= ? ORDER BY g.client_id, g.audience, g.scope") \
    X(READ_READERS, /* first, last -> INTROSPECTED; by client_id */ \
      DB_SELECT(INTROSPECTED) " FROM audience_reader " \
                              "WHERE client_id >= ? AND client_id <= ? ORDER BY client_id, audience") \
    X(READ_SCOPES, /* -> scope, sorted, without duplicates; at most 8193, twice as many as 8192 bytes can hold */ \
      "SELECT DISTINCT scope FROM audience_scope ORDER BY scope LIMIT 8193") \
    X(READ_REVOKED_TOKENS, /* last seen -> REVOKED_TOKEN; by jti, at most 10000 */ \
      DB_SELECT(REVOKED_TOKEN) " FROM revoked_token " \
                               "WHERE jti > ? AND expires_at > CURRENT_TIMESTAMP ORDER BY jti LIMIT 10000") \
    X(READ_RULES, /* -> RULE; rules for the same tokens are adjacent, those without issued_from first */ \
      DB_SELECT(RULE) " FROM revocation_rule " \
                      "WHERE expires_at > CURRENT_TIMESTAMP ORDER BY client_id, label, issued_from") \
    X(READ_KEYS, /* -> KEY: of the keys that are not removed */ \
      DB_SELECT( \
          KEY) " FROM signing_key " \
               "WHERE remove_at IS NULL OR remove_at > CURRENT_TIMESTAMP ORDER BY publish_at DESC, kid LIMIT 1000") \
    X(ADD_REVOKED_TOKEN, /* jti, client_id, expires_at */ \
      "INSERT INTO revoked_token (jti, client_id, expires_at) VALUES (?, ?, FROM_UNIXTIME(CAST(? AS UNSIGNED)))") \
    X(ADD_USED_PROOF, /* proof, expires_at */ \
      "INSERT INTO used_proof (proof, expires_at) VALUES (?, FROM_UNIXTIME(CAST(? AS UNSIGNED)))") \
    X(FIND_REVOKED_TOKEN, /* jti, expires_at -> 1 if the row exists now, regardless of the snapshot of the
                             transaction, and is kept until expires_at */ \
      "SELECT 1 FROM revoked_token WHERE jti = ? AND UNIX_TIMESTAMP(expires_at) >= CAST(? AS UNSIGNED) LOCK IN SHARE " \
      "MODE") \
    X(KEEP_REVOKED_TOKEN, /* expires_at, jti */ "CALL revoked_token_keep(?, ?)") \
    X(FIND_USED_PROOF, /* proof -> 1 if the row exists now */ \
      "SELECT 1 FROM used_proof WHERE proof = ? LOCK IN SHARE MODE") \
    X(PURGE_REVOKED_TOKENS, "DELETE FROM revoked_token WHERE expires_at < CURRENT_TIMESTAMP - INTERVAL 1 HOUR " \
                            "ORDER BY expires_at, jti LIMIT 1000") \
    X(PURGE_RULES, "DELETE FROM revocation_rule WHERE expires_at < CURRENT_TIMESTAMP - INTERVAL 1 HOUR " \
                   "ORDER BY rule_id LIMIT 1000") \
    X(PURGE_USED_PROOFS, /* after they expired, with a margin for the difference between the clocks of hosts */ \
      "DELETE FROM used_proof WHERE expires_at < CURRENT_TIMESTAMP - INTERVAL 10 MINUTE " \
      "ORDER BY expires_at, proof LIMIT 1000") \
    X(PURGE_FEED, \
      "DELETE FROM feed WHERE at < CURRENT_TIMESTAMP - INTERVAL 7 DAY ORDER BY at, stream, seq LIMIT 1000") \
    X(PURGE_FEED_EARLY, /* while there are many streams */ \
      "DELETE FROM feed WHERE at < CURRENT_TIMESTAMP - INTERVAL 1 HOUR AND stream <> 'operator' " \
      "ORDER BY at, stream, seq LIMIT 1000") \
    X(READ_IDLE_STREAMS, /* -> stream, seq, began; those without a row in feed, at most 100 */ \
      "SELECT s.stream, s.seq, s.began FROM feed_stream s WHERE s.stream <> 'operator' AND " \
      "NOT EXISTS (SELECT 1 FROM feed f WHERE f.stream = s.stream) ORDER BY s.stream LIMIT 100") \
    X(REMOVE_STREAM, /* stream, seq, began; only if the stream has not changed since: seq and the rows of feed
                        are written together */ \
      "DELETE FROM feed_stream WHERE stream = ? AND seq = CAST(? AS UNSIGNED) AND began = CAST(? AS UNSIGNED)")

/* The lifecycle of signing keys: for the keeper and m2mctl. */
#define DB_KEY_LIST(X) \
    X(TAKE_LEASE, /* holder, holder again; changes no row while another host holds the lease, but an operator
                     need not wait. The row stays locked until the end of the transaction; on Galera, where locks
                     are local to a node, all commits but the first fail because turn differs */ \
      "UPDATE rotation_lease SET holder = ?, turn = turn + 1, ends_at = CURRENT_TIMESTAMP + INTERVAL 10 SECOND " \
      "WHERE only_row = 1 AND (? IN (holder, 'operator') OR ends_at <= CURRENT_TIMESTAMP)") \
    X(READ_AUDIENCE_ALGORITHMS, /* -> token_algorithm: each algorithm that an audience names */ \
      "SELECT DISTINCT token_algorithm FROM audience WHERE token_algorithm IS NOT NULL") \
    X(LIST_KEYS, /* -> LISTED_KEY; removed keys last, then by publish_at. Removed keys stay in the table and are
                    listed for a week */ \
      DB_SELECT(LISTED_KEY) " FROM signing_key " \
                            "WHERE remove_at IS NULL OR remove_at > CURRENT_TIMESTAMP - INTERVAL 7 DAY ORDER BY " \
                            "remove_at IS NOT NULL AND remove_at <= CURRENT_TIMESTAMP, publish_at, kid LIMIT 1000") \
    X(CALL_ADD_KEY, /* kid, alg, public_jwk, private_pem, private_uri, mac, publish_at, activate_at */ \
      "CALL signing_key_add(?, ?, ?, ?, ?, ?, ?, ?)") \
    X(ADD_KEY, /* the same */ \
      "INSERT INTO signing_key (kid, alg, public_jwk, private_pem, private_uri, mac, publish_at, activate_at) VALUES " \
      "(?, ?, ?, ?, ?, ?, FROM_UNIXTIME(CAST(? AS UNSIGNED)), FROM_UNIXTIME(CAST(? AS UNSIGNED)))") \
    X(CALL_RETIRE_KEY, /* retire_at, remove_at, kid */ \
      "CALL signing_key_retire(?, ?, ?)") \
    X(RETIRE_KEY, /* the same */ \
      "UPDATE signing_key SET retire_at = FROM_UNIXTIME(CAST(? AS UNSIGNED)), " \
      "remove_at = FROM_UNIXTIME(CAST(? AS UNSIGNED)) WHERE kid = ?") \
    X(CALL_DROP_KEY, /* remove_at, kid */ \
      "CALL signing_key_remove(?, ?)") \
    X(DROP_KEY, /* the same */ \
      "UPDATE signing_key SET remove_at = FROM_UNIXTIME(CAST(? AS UNSIGNED)) WHERE kid = ?") \
    X(CALL_STRIP_KEYS, /* deletes the private keys of rows removed a day ago; the rows stay, so that no key can
                          be added again */ \
      "CALL signing_key_strip()") \
    X(CALL_PURGE_RULES, "CALL revocation_rule_purge()") \
    X(CALL_PURGE_REVOKED_TOKENS, "CALL revoked_token_purge()") \
    X(CALL_PURGE_USED_PROOFS, "CALL used_proof_purge()") \
    X(CALL_PURGE_FEED, "CALL feed_purge()") \
    X(CALL_PURGE_FEED_EARLY, "CALL feed_purge_early()") \
    X(CALL_REMOVE_STREAM, /* stream, seq, began */ "CALL feed_stream_remove(?, ?, ?)")

/* The columns of a client as m2mctl shows them: name, and expression in the SELECT list. */
/* clang-format off */
#define DB_CLIENT_COLUMN_LIST(X) \
    X(client_id, "client_id") \
    X(enabled, ", enabled") \
    X(description, ", description") \
    X(auth_methods, ", auth_methods") \
    X(default_audience, ", default_audience") \
    X(omitted_scope, ", omitted_scope") \
    X(token_seconds, ", token_seconds") \
    X(rate_per_minute, ", rate_per_minute") \
    X(rate_burst, ", rate_burst") \
    X(assertion_audience, ", assertion_audience") \
    X(assertion_seconds, ", assertion_seconds") \
    X(require_binding, ", require_binding") \
    X(tls_subject_kind, ", tls_subject_kind") \
    X(tls_subject, ", tls_subject") \
    X(tls_issuer, ", tls_issuer") \
    X(created_at, ", UNIX_TIMESTAMP(created_at)")
/* clang-format on */
#define DB_CLIENT_COLUMN_SQL(name, sql) sql

/* For m2mctl. */
#define DB_OPERATOR_LIST(X) \
    X(LOCK_MIGRATIONS, /* -> 1, or 0 if another session has the lock; it ends with the session. A server has one
                          name space of locks for all databases */ \
      "SELECT GET_LOCK(CONCAT('m2mauth.', DATABASE()), 2)") \
    X(CREATE_MIGRATIONS, \
      "CREATE TABLE IF NOT EXISTS schema_migration (version VARBINARY(128) NOT NULL PRIMARY KEY, " \
      "sha256 CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'of the file as it was applied', " \
      "state ENUM('running','done') NOT NULL COMMENT 'running: under way, or it failed half-way', " \
      "db_user VARCHAR(255) NOT NULL, started_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, " \
      "finished_at TIMESTAMP NULL DEFAULT NULL) ENGINE=InnoDB COMMENT='migrations applied by m2mctl migrate'") \
    X(READ_MIGRATIONS, /* -> MIGRATION; in the order in which they were started */ \
      DB_SELECT(MIGRATION) " FROM schema_migration ORDER BY started_at, version") \
    X(START_MIGRATION, /* version, sha256 */ \
      "INSERT INTO schema_migration (version, sha256, state, db_user) VALUES (?, ?, 'running', USER())") \
    X(FINISH_MIGRATION, /* sha256, version */ \
      "UPDATE schema_migration SET state = 'done', sha256 = ?, finished_at = CURRENT_TIMESTAMP " \
      "WHERE version = ? AND state = 'running'") \
    X(FORGET_MIGRATION, /* version */ \
      "DELETE FROM schema_migration WHERE version = ? AND state = 'running'") \
    X(READ_VERSION, "SELECT @@version") \
    X(READ_ROUTINE_FILE, /* -> ROUTINE_FILE; no row or one */ \
      DB_SELECT(ROUTINE_FILE) " FROM schema_routine_file") \
    X(READ_MISSING_ROUTINES, /* -> ROUTINE: each recorded routine that does not exist */ \
      DB_SELECT(ROUTINE) " FROM schema_routine s " \
                         "LEFT JOIN information_schema.ROUTINES r ON s.kind <> 'TRIGGER' AND r.ROUTINE_SCHEMA = " \
                         "DATABASE() AND r.ROUTINE_TYPE = s.kind AND r.ROUTINE_NAME = s.name " \
                         "LEFT JOIN information_schema.TRIGGERS t ON s.kind = 'TRIGGER' AND t.TRIGGER_SCHEMA = " \
                         "DATABASE() AND t.TRIGGER_NAME = s.name " \
                         "WHERE r.ROUTINE_NAME IS NULL AND t.TRIGGER_NAME IS NULL ORDER BY s.kind, s.name") \
    X(START_ROUTINES, /* number, sha256 */ \
      "REPLACE INTO schema_routine_file (only_row, number, sha256, state, db_user) " \
      "VALUES (1, CAST(? AS UNSIGNED), ?, 'running', USER())") \
    X(FORGET_ROUTINES, "DELETE FROM schema_routine") \
    X(ADD_ROUTINE, /* kind, name */ "INSERT INTO schema_routine (kind, name) VALUES (?, ?)") \
    X(FINISH_ROUTINES, \
      "UPDATE schema_routine_file SET state = 'done', laid_at = CURRENT_TIMESTAMP WHERE state = 'running'") \
    X(READ_CLIENT_VIEWS, /* first, last -> DB_CLIENT_COLUMN_LIST; by client_id, at most 100 */ \
      "SELECT " DB_CLIENT_COLUMN_LIST( \
          DB_CLIENT_COLUMN_SQL) " FROM client WHERE client_id >= ? AND client_id <= ? ORDER BY client_id LIMIT 100") \
    X(READ_IN_TRANSACTION, /* -> 1 in a transaction, else 0 */ \
      "SELECT @@in_transaction") \
    X(FIND_KEY, /* kid -> kid, also of a removed key */ \
      "SELECT kid FROM signing_key WHERE kid = ?") \
    X(SEAL_KEY, /* mac, kid, alg, public_jwk, private_uri: changes only the row that was shown, and only if it
                   has no MAC */ \
      "UPDATE signing_key SET mac = ? WHERE kid = ? AND alg = ? AND public_jwk = ? AND private_uri <=> ? AND mac = " \
      "''") \
    X(RESEAL_KEY, /* private_pem, mac, kid, mac before */ \
      "UPDATE signing_key SET private_pem = ?, mac = ? WHERE kid = ? AND mac = ?") \
    X(ACTIVATE_KEY, /* activate_at, kid */ \
      "UPDATE signing_key SET activate_at = FROM_UNIXTIME(CAST(? AS UNSIGNED)) WHERE kid = ?")

/* The longest accepted value of the first columns of a result, in bytes, where memory for it is limited. A CHECK or
 * the type of the column prevents longer values, except in a schema that was restored or made by others. For other
 * columns the limit is DB_VALUE. */
#define DB_LONGEST_LIST(X) \
    X(READ_STREAMS, 64) \
    X(READ_RULES, 128, 64) \
    X(READ_KEYS, 64, 7) \
    X(LIST_KEYS, 64, 7)

enum db_statement {
#define DB_STATEMENT_NAME(name, sql) DB_##name,
    DB_STATEMENT_LIST(DB_STATEMENT_NAME)
#undef DB_STATEMENT_NAME
        DB_STATEMENTS
};

struct db;

/* Opens the keeper's connection and sets up and verifies its session. Returns NULL with the reason in why. stream:
 * the feed stream of this host, to which its own changes are added. */
struct db *db_open(const struct config *config, const char *stream, char why[DB_WHY]);

/* Opens a connection for m2mctl: with user instead of the configured account, no time limit for statements, and no
 * feed stream. password may be NULL (unix_socket authentication). Returns NULL with the reason in why. */
struct db *db_open_operator(const struct config *config, const char *user, const char *password, char why[DB_WHY]);

/* Closes the connection and frees db; NULL is allowed. */
void db_close(struct db *db);

/* From now on, report is called with a sentence naming table, row and column for each row that is left out of a
 * result because a value is too long. */
void db_report_left_out(struct db *db, void (*report)(const char *what));

/* Runs a statement. row (may be NULL) is called for each result row while the rest is still being received: it must
 * not use db, and ends the walk by a non-zero return. Returns the number of rows read (including those left out) or
 * changed, or -1: db_why(). SQL NULLs are absent texts; columns are valid until the row function returns. */
long db_query(struct db *db, enum db_statement statement, const struct text *parameters, size_t count,
              int (*row)(void *context, const struct text *columns, size_t count), void *context);

/* Runs SQL text of several statements, as the mariadb client would, but without DELIMITER. For migrations. Returns
 * 0, or -1: db_why(). */
int db_script(struct db *db, struct text sql);

/* The text of the last failure, for a log or message; valid until the next call or db_close(). */
const char *db_why(const struct db *db);
/* Runs a procedure that does what statement does; runs statement itself if the account may not call the procedure
 * yet (sql/grants.sql of an older version) or the database does not have it. As db_query() without rows. */
long db_call(struct db *db, enum db_statement procedure, enum db_statement statement, const struct text *parameters,
             size_t count);

unsigned db_errno(const struct db *db); /* the error number of the server or client library for the last failure */

/* Values of db_errno() that callers distinguish. */
enum {
    DB_NO_COLUMN = 1054,
    DB_DUPLICATE = 1062,
    DB_DENIED = 1142,
    DB_NO_TABLE = 1146,
    DB_UNKNOWN_VARIABLE = 1193,
    DB_LOCK_WAIT = 1205,
    DB_DEADLOCK = 1213,
    DB_READ_ONLY = 1290,
    DB_NO_PROCEDURE = 1305,
    DB_PROCEDURE_DENIED = 1370,
    DB_READ_ONLY_MODE = 1836,
    DB_TIMED_OUT = 1969,
    DB_LOST_FIRST = 2000,
    DB_LOST_LAST = 2999
};

#endif

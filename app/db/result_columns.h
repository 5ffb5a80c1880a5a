/* result_columns: the columns of each result that is read by name, as lists of which the SELECT list of the statement (db.h)
 * and the index of a column in a row are both made, so that the two cannot differ. The statements themselves are in db.h. */
#ifndef APP_DB_RESULT_COLUMNS_H
#define APP_DB_RESULT_COLUMNS_H

/* The beginning of a statement with this result: DB_SELECT(SECRET) is "SELECT client_id, label, ...". */
#define DB_SELECT(list) "SELECT " RESULT_##list(DB_SELECT_FIRST, DB_SELECT_NEXT)
#define DB_SELECT_FIRST(list, name, sql) sql
#define DB_SELECT_NEXT(list, name, sql) ", " sql

/* The indexes of its columns: COLUMN_SECRET_hash; COLUMN_SECRET_COUNT is their number. */
#define RESULT_INDEX(list, name, sql) COLUMN_##list##_##name,
#define RESULT_INDEXES(list) enum { RESULT_##list(RESULT_INDEX, RESULT_INDEX) COLUMN_##list##_COUNT }

/* A client; an ENUM is its index from 1, auth_methods its bits. */
#define RESULT_CLIENT(FIRST, NEXT) \
    FIRST(CLIENT, client_id, "client_id") \
    NEXT(CLIENT, enabled, "enabled") \
    NEXT(CLIENT, auth_methods, "CAST(auth_methods AS UNSIGNED)") \
    NEXT(CLIENT, default_audience, "LEFT(default_audience, 256)") \
    NEXT(CLIENT, omitted_scope, "CAST(omitted_scope AS UNSIGNED)") \
    NEXT(CLIENT, token_seconds, "token_seconds") \
    NEXT(CLIENT, rate_per_minute, "rate_per_minute") \
    NEXT(CLIENT, rate_burst, "rate_burst") \
    NEXT(CLIENT, assertion_audience, "CAST(assertion_audience AS UNSIGNED)") \
    NEXT(CLIENT, require_binding, "CAST(require_binding AS UNSIGNED)") \
    NEXT(CLIENT, tls_subject_kind, "CAST(tls_subject_kind AS UNSIGNED)") \
    NEXT(CLIENT, tls_subject, "LEFT(tls_subject, 513)") \
    NEXT(CLIENT, assertion_seconds, "assertion_seconds") \
    NEXT(CLIENT, tls_issuer, "LEFT(tls_issuer, 513)")

#define RESULT_SECRET(FIRST, NEXT) \
    FIRST(SECRET, client_id, "client_id") \
    NEXT(SECRET, label, "label") \
    NEXT(SECRET, hash, "LEFT(hash, 256)") \
    NEXT(SECRET, not_before, "UNIX_TIMESTAMP(not_before)") \
    NEXT(SECRET, expires_at, "UNIX_TIMESTAMP(expires_at)")

#define RESULT_CLIENT_KEY(FIRST, NEXT) \
    FIRST(CLIENT_KEY, client_id, "client_id") \
    NEXT(CLIENT_KEY, kid, "kid") \
    NEXT(CLIENT_KEY, alg, "alg") \
    NEXT(CLIENT_KEY, public_jwk, "LEFT(public_jwk, 4097)") \
    NEXT(CLIENT_KEY, not_before, "UNIX_TIMESTAMP(not_before)") \
    NEXT(CLIENT_KEY, expires_at, "UNIX_TIMESTAMP(expires_at)")

/* A grant, and token_seconds and token_algorithm of its audience. */
#define RESULT_GRANT(FIRST, NEXT) \
    FIRST(GRANT, client_id, "g.client_id") \
    NEXT(GRANT, audience, "LEFT(g.audience, 256)") \
    NEXT(GRANT, scope, "LEFT(g.scope, 256)") \
    NEXT(GRANT, is_default, "g.is_default") \
    NEXT(GRANT, token_seconds, "a.token_seconds") \
    NEXT(GRANT, token_algorithm, "a.token_algorithm")

/* An audience whose tokens the client may introspect. */
#define RESULT_INTROSPECTED(FIRST, NEXT) \
    FIRST(INTROSPECTED, client_id, "client_id") \
    NEXT(INTROSPECTED, audience, "LEFT(audience, 256)")

#define RESULT_REVOKED_TOKEN(FIRST, NEXT) \
    FIRST(REVOKED_TOKEN, jti, "LEFT(jti, 65)") \
    NEXT(REVOKED_TOKEN, expires_at, "UNIX_TIMESTAMP(expires_at)")

#define RESULT_RULE(FIRST, NEXT) \
    FIRST(RULE, client_id, "client_id") \
    NEXT(RULE, label, "label") \
    NEXT(RULE, issued_from, "UNIX_TIMESTAMP(issued_from)") \
    NEXT(RULE, issued_before, "UNIX_TIMESTAMP(issued_before)") \
    NEXT(RULE, expires_at, "UNIX_TIMESTAMP(expires_at)")

#define RESULT_STREAM(FIRST, NEXT) \
    FIRST(STREAM, stream, "s.stream") \
    NEXT(STREAM, seq, "s.seq") \
    NEXT(STREAM, began, "s.began") \
    NEXT(STREAM, began_seq, "s.began_seq") \
    NEXT(STREAM, epoch, "e.epoch")

/* A row of feed, and expires_at of the revoked token. */
#define RESULT_CHANGE(FIRST, NEXT) \
    FIRST(CHANGE, seq, "f.seq") \
    NEXT(CHANGE, kind, "f.kind") \
    NEXT(CHANGE, item, "f.item") \
    NEXT(CHANGE, expires_at, "UNIX_TIMESTAMP(r.expires_at)")

/* A signing key with its private key: private_pem or private_uri. A value that is too long is shortened, but stays too long to be accepted. */
#define RESULT_KEY(FIRST, NEXT) \
    FIRST(KEY, kid, "kid") \
    NEXT(KEY, alg, "alg") \
    NEXT(KEY, public_jwk, "LEFT(public_jwk, 4096)") \
    NEXT(KEY, private_pem, "LEFT(private_pem, 16000)") \
    NEXT(KEY, private_uri, "private_uri") \
    NEXT(KEY, mac, "mac") \
    NEXT(KEY, publish_at, "UNIX_TIMESTAMP(publish_at)") \
    NEXT(KEY, activate_at, "UNIX_TIMESTAMP(activate_at)") \
    NEXT(KEY, retire_at, "UNIX_TIMESTAMP(retire_at)") \
    NEXT(KEY, remove_at, "UNIX_TIMESTAMP(remove_at)")

/* A signing key without its private key. */
#define RESULT_LISTED_KEY(FIRST, NEXT) \
    FIRST(LISTED_KEY, kid, "kid") \
    NEXT(LISTED_KEY, alg, "alg") \
    NEXT(LISTED_KEY, public_jwk, "LEFT(public_jwk, 4096)") \
    NEXT(LISTED_KEY, private_uri, "private_uri") \
    NEXT(LISTED_KEY, mac, "mac") \
    NEXT(LISTED_KEY, publish_at, "UNIX_TIMESTAMP(publish_at)") \
    NEXT(LISTED_KEY, activate_at, "UNIX_TIMESTAMP(activate_at)") \
    NEXT(LISTED_KEY, retire_at, "UNIX_TIMESTAMP(retire_at)") \
    NEXT(LISTED_KEY, remove_at, "UNIX_TIMESTAMP(remove_at)")

#define RESULT_MIGRATION(FIRST, NEXT) \
    FIRST(MIGRATION, version, "version") \
    NEXT(MIGRATION, sha256, "sha256") \
    NEXT(MIGRATION, state, "state") \
    NEXT(MIGRATION, db_user, "db_user") \
    NEXT(MIGRATION, started_at, "UNIX_TIMESTAMP(started_at)") \
    NEXT(MIGRATION, finished_at, "UNIX_TIMESTAMP(finished_at)")

#define RESULT_ROUTINE_FILE(FIRST, NEXT) \
    FIRST(ROUTINE_FILE, number, "number") \
    NEXT(ROUTINE_FILE, sha256, "sha256") \
    NEXT(ROUTINE_FILE, state, "state") \
    NEXT(ROUTINE_FILE, db_user, "db_user") \
    NEXT(ROUTINE_FILE, laid_at, "UNIX_TIMESTAMP(laid_at)")

#define RESULT_ROUTINE(FIRST, NEXT) \
    FIRST(ROUTINE, kind, "s.kind") \
    NEXT(ROUTINE, name, "s.name")

RESULT_INDEXES(CLIENT);
RESULT_INDEXES(SECRET);
RESULT_INDEXES(CLIENT_KEY);
RESULT_INDEXES(GRANT);
RESULT_INDEXES(INTROSPECTED);
RESULT_INDEXES(REVOKED_TOKEN);
RESULT_INDEXES(RULE);
RESULT_INDEXES(STREAM);
RESULT_INDEXES(CHANGE);
RESULT_INDEXES(KEY);
RESULT_INDEXES(LISTED_KEY);
RESULT_INDEXES(MIGRATION);
RESULT_INDEXES(ROUTINE_FILE);
RESULT_INDEXES(ROUTINE);

#endif

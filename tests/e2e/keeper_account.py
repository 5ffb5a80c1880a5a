#!/usr/bin/env python3
"""keeper_account: the account of sql/grants.sql can do the keeper's work and no more, regardless of its session settings.

usage: keeper_account.py BUILDDIR
"""
import os
import subprocess

import rig
from rig import PASSWORD, SOURCE, check, equal, must

HASH = "$sha256$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
API = "https://api.example.com/"
PEM = "-----BEGIN ENCRYPTED PRIVATE KEY-----"


def rows(db, sql):
    return db.sql(sql)


def refused(db, sql, word):
    done = db.run(sql, check=False, schema="m2mauth")
    must(done.returncode != 0, f"not refused: {sql}")
    must(word in done.stderr.decode(), f"{word!r} is not in {done.stderr.decode()!r}")


def as_keeper(db, sql):
    return subprocess.run(["mariadb", "--no-defaults", f"--socket={db.socket}", "--user=m2mauth", f"--password={PASSWORD}",
                           "--batch", "--skip-column-names", "m2mauth"], input=sql.encode(), capture_output=True, timeout=600,
                          check=False)


@check("the keeper's account can do its work")
def keeper_can(db):
    done = as_keeper(db, """
        SET @m2m_stream = 'host:keeper';
        START TRANSACTION; INSERT INTO revoked_token (jti, client_id, expires_at) VALUES ('k1', 'c', '2000-01-01'); COMMIT;
        SELECT COUNT(*) FROM client c JOIN client_secret USING (client_id) JOIN client_grant USING (client_id);
        SELECT COUNT(*) FROM audience_reader; SELECT COUNT(*) FROM signing_key;
        SELECT DISTINCT token_algorithm FROM audience WHERE token_algorithm IS NOT NULL; SELECT epoch FROM feed_epoch;
        CALL revoked_token_purge();
        CALL revocation_rule_purge();
        CALL feed_purge(); CALL feed_purge_early(); CALL feed_stream_remove('host:none', 0, 0);
        SET @m2m_stream = 'host:keys';
        START TRANSACTION;
        UPDATE rotation_lease SET holder = 'host:keys', turn = turn + 1, ends_at = NOW() + INTERVAL 10 SECOND
          WHERE only_row = 1 AND ('host:keys' IN (holder, 'operator') OR ends_at <= NOW());
        CALL signing_key_add('k1', 'ES256', '{}', '-----BEGIN ENCRYPTED PRIVATE KEY-----', NULL, REPEAT('A', 43),
                             UNIX_TIMESTAMP(), UNIX_TIMESTAMP());
        CALL signing_key_retire(UNIX_TIMESTAMP(), UNIX_TIMESTAMP() + 90000, 'k1');
        CALL signing_key_remove(UNIX_TIMESTAMP() - 2 * 86400, 'k1');
        COMMIT;
        CALL signing_key_strip();
        INSERT INTO used_proof (proof, expires_at) VALUES (UNHEX(REPEAT('AB', 32)), NOW() - INTERVAL 2 HOUR);
        CALL used_proof_purge();
        """)
    must(done.returncode == 0, done.stderr.decode())
    equal(rows(db, "SELECT stream, kind, item FROM feed WHERE stream = 'host:keeper'"),
          [["host:keeper", "revoked_token", "k1"]], "the keeper's own stream")
    equal(rows(db, "SELECT kind, item FROM feed WHERE stream = 'host:keys'"), [["signing_key", "k1"]] * 4, "its keys")
    equal(rows(db, "SELECT private_pem, private_uri FROM signing_key WHERE kid = 'k1'"), [["NULL", "NULL"]], "a removed key")
    equal(rows(db, "SELECT COUNT(*) FROM used_proof"), [["0"]], "used proofs that have ended")


@check("the keeper's account brings no removed key back, and ends nothing that is in force")
def keeper_moves_forward(db):
    pem, mac = "-----BEGIN ENCRYPTED PRIVATE KEY-----", "REPEAT('A', 43)"
    later = "UNIX_TIMESTAMP() + 86400"
    state = "SELECT kid, UNIX_TIMESTAMP(retire_at) <= UNIX_TIMESTAMP(), UNIX_TIMESTAMP(remove_at) <= UNIX_TIMESTAMP() FROM signing_key WHERE kid = 'k1'"
    for sql in ("UPDATE signing_key SET remove_at = NULL WHERE kid = 'k1'", "DELETE FROM signing_key WHERE kid = 'k1'",
                f"INSERT INTO signing_key (kid, alg, public_jwk, private_pem, mac) VALUES ('k2', 'ES256', '{{}}', '{pem}', {mac})",
                f"CALL signing_key_add('k1', 'ES256', '{{}}', '{pem}', NULL, {mac}, UNIX_TIMESTAMP(), NULL)",
                f"REPLACE INTO signing_key (kid, alg, public_jwk, private_pem, mac) VALUES ('k1', 'ES256', '{{}}', '{pem}', {mac})",
                f"CALL signing_key_add('k2', 'ES256', '{{}}', '{pem}', NULL, '', UNIX_TIMESTAMP(), NULL)",
                f"CALL signing_key_add('k2', 'ES256', '{{}}', '{pem}', NULL, NULL, UNIX_TIMESTAMP(), NULL)",
                f"CALL signing_key_retire(NULL, {later}, 'k1')", f"CALL signing_key_retire({later}, NULL, 'k1')",
                "CALL signing_key_retire(0, 0, 'k1')", f"CALL signing_key_retire({later}, 4000000000, 'k1')",
                "CALL signing_key_remove(NULL, 'k1')", "CALL signing_key_remove(-1, 'k1')", "DELETE FROM revocation_rule",
                "DELETE FROM revoked_token", "DELETE FROM used_proof"):
        must(as_keeper(db, sql).returncode != 0, f"{sql} was done")
    for zone in "+00:00", "-12:00", "+13:00":
        for clock in "0", "86400", "2000000000":
            done = as_keeper(db, f"SET timestamp = {clock}, time_zone = '{zone}'; SET @later = 2000000000;"
                                 "CALL signing_key_retire(@later, @later, 'k1'); CALL signing_key_remove(@later, 'k1')")
            must(done.returncode == 0, done.stderr.decode())
            equal(rows(db, state), [["k1", "1", "1"]], f"the key, clock {clock}, zone {zone}")
    db.sql("INSERT INTO revocation_rule (reason, issued_before, expires_at) VALUES "
           "('alive', NOW(), NOW() + INTERVAL 1 DAY), ('ended', NOW(), NOW() - INTERVAL 1 DAY);"
           "INSERT INTO revoked_token (jti, expires_at) VALUES ('alive', NOW() + INTERVAL 1 DAY), ('ended', NOW() - INTERVAL 1 DAY)")
    for clock in "0", "2000000000":
        done = as_keeper(db, f"SET timestamp = {clock}; CALL revocation_rule_purge(); CALL revoked_token_purge(); CALL used_proof_purge()")
        must(done.returncode == 0, done.stderr.decode())
    equal(rows(db, "SELECT reason FROM revocation_rule WHERE reason IN ('alive', 'ended')"), [["alive"]], "rules")
    equal(rows(db, "SELECT jti FROM revoked_token WHERE jti IN ('alive', 'ended')"), [["alive"]], "revoked tokens")
    done = as_keeper(db, "CALL revoked_token_keep(1, 'alive'); CALL revoked_token_keep(NULL, 'alive'); CALL revoked_token_keep(0, 'alive')")
    must(done.returncode == 0, done.stderr.decode())
    equal(rows(db, "SELECT expires_at > NOW() FROM revoked_token WHERE jti = 'alive'"), [["1"]], "the end of a revoked token")
    refused(db, "UPDATE signing_key SET remove_at = NULL WHERE kid = 'k1'", "cannot be used again")
    refused(db, "UPDATE signing_key SET remove_at = NOW() + INTERVAL 1 DAY WHERE kid = 'k1'", "cannot be used again")
    refused(db, "UPDATE signing_key SET retire_at = NULL WHERE kid = 'k1'", "cannot sign again")


@check("the keeper's account hides no change: it deletes what is old in the feed, and streams without a change, whatever its session is")
def keeper_hides_nothing(db):
    db.sql("""INSERT INTO feed_stream (stream, seq) VALUES ('host:busy', 1), ('host:idle', 1);
        INSERT INTO feed (stream, seq, kind, item, at) VALUES
          ('host:busy', 1, 'client', 'new', NOW()), ('host:hour', 1, 'client', 'hour', NOW() - INTERVAL 61 MINUTE),
          ('operator', 999999, 'client', 'hour', NOW() - INTERVAL 61 MINUTE), ('host:week', 1, 'client', 'week', NOW() - INTERVAL 8 DAY)""")
    left = "SELECT stream, item FROM feed WHERE item IN ('new', 'hour', 'week') ORDER BY stream"
    for clock in "0", "1000000000", "2000000000":
        done = as_keeper(db, f"SET timestamp = {clock}, time_zone = '-12:00'; CALL feed_purge()")
        must(done.returncode == 0, done.stderr.decode())
        equal(rows(db, left), [["host:busy", "new"], ["host:hour", "hour"], ["operator", "hour"]], f"after feed_purge, clock {clock}")
    for clock in "2000000000", "0":
        done = as_keeper(db, f"SET timestamp = {clock}, time_zone = '+13:00'; CALL feed_purge_early()")
        must(done.returncode == 0, done.stderr.decode())
        equal(rows(db, left), [["host:busy", "new"], ["operator", "hour"]], f"after feed_purge_early, clock {clock}")
    began = dict(rows(db, "SELECT stream, began FROM feed_stream WHERE stream IN ('host:busy', 'host:idle', 'operator')"))
    seq = rows(db, "SELECT seq FROM feed_stream WHERE stream = 'operator'")[0][0]
    snapshot = "START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT COUNT(*) FROM feed;"
    for level in "READ UNCOMMITTED", "REPEATABLE READ":
        done = as_keeper(db, f"SET SESSION TRANSACTION ISOLATION LEVEL {level}; {snapshot}"
                             f"CALL feed_stream_remove('host:busy', 1, {began['host:busy']}); CALL feed_stream_remove('host:idle', 2, {began['host:idle']});"
                             f"CALL feed_stream_remove('host:idle', 1, 7); CALL feed_stream_remove('operator', {seq}, {began['operator']}); COMMIT")
        must(done.returncode == 0, done.stderr.decode())
    equal(rows(db, "SELECT COUNT(*) FROM feed_stream WHERE stream IN ('host:busy', 'host:idle', 'operator')"), [["3"]], "streams that stay")
    done = as_keeper(db, f"CALL feed_stream_remove('host:idle', 1, {began['host:idle']})")
    must(done.returncode == 0, done.stderr.decode())
    equal(rows(db, "SELECT stream FROM feed_stream WHERE stream LIKE 'host:idle'"), [], "a stream without a change")
    db.sql("DELETE FROM feed WHERE item IN ('new', 'hour', 'week'); DELETE FROM feed_stream WHERE stream = 'host:busy'")


def junk(count, publish, remove, kid="CONCAT('junk', {})"):
    """Rows written without the passphrase."""
    return "".join(f"CALL signing_key_add({kid.format(number)}, 'ES256', '{{}}', '{PEM}', NULL, REPEAT('A', 43), "
                   f"{publish}, NULL); CALL signing_key_remove({remove}, {kid.format(number)});" for number in range(count))


@check("more keys than the limit are refused, and a bad kid, whatever clock and CHECKs the session has")
def keeper_adds_few(db):
    done = as_keeper(db, f"SET timestamp = 2147483646; {junk(300, 1, 2147483640)}")
    must("there are 256 signing keys" in done.stderr.decode(), f"300 keys were added: {done.stderr.decode()}")
    equal(rows(db, "SELECT COUNT(*) FROM signing_key WHERE kid LIKE 'junk%'"), [["255"]], "rows beside the one that signs")
    db.sql("DELETE FROM signing_key WHERE kid LIKE 'junk%'")
    for kid in "CONCAT('a', CHAR(10), {})", "CONCAT(CHAR(27), {})", "''":
        done = as_keeper(db, f"SET check_constraint_checks = 0; {junk(1, 1, 1, kid)}")
        must("kid_is_a_plain_word" in done.stderr.decode(), f"{kid} was added: {done.stderr.decode()}")


@check("rows of removed keys, however many, hide none that signs: key list shows it first")
def removed_hide_none(db):
    done = as_keeper(db, "SET @at = UNIX_TIMESTAMP();" + junk(1000, 1, "@at"))
    must(done.returncode == 0, done.stderr.decode())
    (kid,), = rows(db, "SELECT kid FROM signing_key WHERE remove_at IS NULL")
    said = db.operator.m2mctl("key", "list", database=True)
    line = said.stdout.decode().splitlines()[1]
    must(line.startswith(kid) and "signs" in line and not said.stderr, f"{line} {said.stderr}")
    db.sql("DELETE FROM signing_key WHERE kid LIKE 'junk%'")


@check("key list and key seal send no control character of a row to the terminal")
def plain_lists(db):
    for mac in "REPEAT('A', 43)", "''":
        db.sql("SET check_constraint_checks = 0; INSERT INTO signing_key (kid, alg, public_jwk, private_pem, mac) VALUES "
               f"(CONCAT('bad', CHAR(27), '[2J', CHAR(13), CHAR(10), 'x'), 'ES256', '{{}}', '{PEM}', {mac})")
        for words in ("list",), ("seal",), ("reseal", "--former-file", db.operator.passphrase_file):
            done = db.operator.m2mctl("key", *words, database=True, check=False)
            for said in done.stdout, done.stderr:
                must(not any(byte < 32 and byte != 10 for byte in said), f"key {words[0]}: {said!r}")
        must(b"bad?[2J??x" in db.operator.m2mctl("key", "list", database=True).stdout, "the row is not in the list")
        db.sql("DELETE FROM signing_key WHERE kid LIKE 'bad%'")


@check("the keeper's account can do no more")
def keeper_cannot(db):
    for sql in ("UPDATE client SET enabled = 1", "INSERT INTO client (client_id) VALUES ('x')", "DELETE FROM client",
                "UPDATE client_secret SET hash = hash", f"INSERT INTO client_secret VALUES ('demo-client', 'x', '{HASH}', "
                "NULL, NULL, NOW())", "DELETE FROM client_secret", "DELETE FROM client_grant",
                f"INSERT INTO client_grant VALUES ('demo-client', '{API}', '', 0)",
                f"INSERT INTO audience_reader VALUES ('{API}', 'demo-client')", "DELETE FROM audience_reader",
                "INSERT INTO audience (audience) VALUES ('https://x/')", "UPDATE audience SET token_algorithm = NULL",
                "UPDATE revoked_token SET expires_at = NOW()",
                "INSERT INTO revocation_rule (issued_before, expires_at) VALUES (NOW(), NOW())",
                "UPDATE revocation_rule SET expires_at = NOW()", "UPDATE signing_key SET private_pem = ''",
                "UPDATE signing_key SET public_jwk = '{}'", "UPDATE signing_key SET publish_at = NOW()",
                "UPDATE signing_key SET alg = 'RS256'", "UPDATE signing_key SET kid = 'x'",
                "UPDATE signing_key SET mac = ''", "UPDATE signing_key SET remove_at = NOW()", "DELETE FROM signing_key",
                "INSERT INTO signing_key (kid) VALUES ('x')", "DELETE FROM revoked_token", "DELETE FROM revocation_rule", "DELETE FROM rotation_lease",
                "INSERT INTO rotation_lease (only_row) VALUES (2)", "INSERT INTO feed VALUES ('operator', 1000000, 'client', 'x', NOW())",
                "UPDATE feed SET item = ''", "UPDATE feed_stream SET seq = 0", "DELETE FROM feed", "DELETE FROM feed_stream",
                "INSERT INTO feed_stream (stream, seq) VALUES ('host:x', 7)",
                "UPDATE used_proof SET expires_at = NOW()", "UPDATE used_proof SET proof = UNHEX(REPEAT('CD', 32))",
                "UPDATE feed_epoch SET epoch = ''", "CALL client_disable('demo-client')", "CALL feed_put('client', 'x')",
                "CREATE TABLE mine (a INT)", "DROP TABLE client", "ALTER TABLE client ADD mine INT", "TRUNCATE TABLE feed",
                "DROP TRIGGER client_fixed", "CREATE PROCEDURE mine() DO 0", "SELECT * FROM mysql.global_priv",
                "SELECT LOAD_FILE('/etc/passwd') IS NULL INTO OUTFILE '/dev/null'", "SET GLOBAL max_connections = 5",
                "CREATE USER mine", "GRANT SELECT ON client TO mine"):
        done = as_keeper(db, sql)
        said = done.stderr.decode()
        must(done.returncode != 0 and "denied" in said, f"{sql}: {said or 'was done'}")


@check("the grants can be applied again")
def grants_again(db):
    with open(os.path.join(SOURCE, "sql", "grants.sql"), encoding="utf-8") as grants:
        db.sql(grants.read())


def script(build, scratch):
    db = rig.Database(scratch)
    db.start()
    db.operator = rig.Operator(scratch, build, db)
    db.operator.install()
    rig.run_checks("", db)


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""instants: a stored time is the same instant in every session: in every time zone, in each hour of a clock change, under
every sql_mode; and a row whose word or time would be changed silently is refused.

usage: instants.py BUILDDIR
"""
import os
import subprocess
import sys

import rig
from rig import check, equal, must

HASH = "$sha256$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
JWK = f'{{"kty":"EC","crv":"P-256","x":"{X}","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}'
API = "https://api.example/"
MODES = ["STRICT_ALL_TABLES", "", "ANSI", "ORACLE", "TRADITIONAL,TIME_ROUND_FRACTIONAL,NO_BACKSLASH_ESCAPES"]

# The instant of a clock change. In London an hour comes twice (autumn) or not at all (spring), on Lord Howe half an hour.
CHANGES = [("Europe/London", 1824944400), ("Europe/London", 1806195600), ("America/New_York", 1825567200),
           ("Australia/Lord_Howe", 1822402800)]
TRANSIENT = "DELETE FROM revocation_rule; DELETE FROM revoked_token;"


def around(change):
    """The day before and after the change by the hour, the hours at the change by the quarter."""
    return sorted({change + 3600 * hour for hour in range(-26, 27)} | {change + 900 * quarter for quarter in range(-9, 10)}
                  | {change - 1, change + 1799, change + 3599})


def failed(db, sql, *words):
    done = db.run(sql, False, "m2mauth")
    said = done.stderr.decode()
    must(done.returncode != 0, f"not refused: {sql}")
    for word in words:
        must(word in said, f"{word!r} is not in {said!r} ({sql})")


def stored(db):
    """What the procedures have stored, in seconds after @now; and the zone of the session, which must be as it was."""
    return """SELECT CONCAT_WS(' ', @@time_zone, @now,
        (SELECT GROUP_CONCAT(UNIX_TIMESTAMP(issued_before) - @now, '/', UNIX_TIMESTAMP(expires_at) - @now ORDER BY rule_id)
           FROM revocation_rule),
        (SELECT UNIX_TIMESTAMP(expires_at) - @now FROM revoked_token),
        (SELECT UNIX_TIMESTAMP(expires_at) - @now FROM client_secret WHERE client_id = 'orders'),
        (SELECT UNIX_TIMESTAMP(expires_at) - @now FROM client_key WHERE client_id = 'orders'),
        (SELECT UNIX_TIMESTAMP(updated_at) - @now FROM client WHERE client_id = 'orders'));"""


@check("revocation and expiry are right in each hour of a clock change, in named zones")
def clock_changes(db):
    calls = """CALL client_revoke_tokens('orders', ''); CALL secret_revoke_tokens('orders', 's', NULL);
        CALL key_revoke_tokens('orders', 'k', 'x'); CALL all_revoke_tokens('x'); CALL token_revoke('t', NULL);
        CALL client_expire_secret('orders', 's', NULL); CALL client_expire_key('orders', 'k', 'now');
        CALL client_disable('orders'); CALL client_enable('orders');"""
    for zone, change in CHANGES:
        sql, wanted = [f"SET time_zone = '{zone}';"], []
        for now in around(change):
            sql.append(f"SET timestamp = {now}, @now = {now};{calls}{stored(db)}{TRANSIENT}")
            wanted.append([f"{zone} {now} {','.join(['1/86460'] * 4)} 86460 0 0 0"])
        equal(db.sql("\n".join(sql)), wanted, zone)


@check("the same under every sql_mode of the session; nothing of the session is changed, not by a failure either")
def modes(db):
    calls = """CALL client_revoke_tokens('orders', ''); CALL token_revoke('t', NULL);
        CALL client_expire_secret('orders', 's', '+1h'); CALL client_expire_key('orders', 'k', NULL);"""
    zone, change = CHANGES[0]
    sql, wanted = [f"SET time_zone = '{zone}'; UPDATE client SET updated_at = '2020-01-01 12:00:00' WHERE client_id = 'orders';"], []
    for mode in MODES:
        now = change + 1800
        sql.append(f"SET sql_mode = '{mode}', timestamp = {now}, @now = {now};{calls}SELECT @@sql_mode LIKE '%{mode[:6]}%';"
                   f"{stored(db)}{TRANSIENT}")
        wanted += [["1"], [f"{zone} {now} 1/86460 86460 3600 0 {1577880000 - now}"]]
    equal(db.sql("\n".join(sql)), wanted, "each mode")
    failing = f"""SET time_zone = '{zone}';
DELIMITER //
        BEGIN NOT ATOMIC DECLARE CONTINUE HANDLER FOR SQLEXCEPTION SET @failed = COALESCE(@failed, 0) + 1;
        CALL token_revoke('', NULL); CALL token_revoke('x y', NULL); CALL client_add_secret('orders', 'bad', 'clear', NULL);
        CALL client_add_key('orders', 'bad', 'ES256', '[]', NULL); CALL client_revoke_tokens('orders', REPEAT('x', 300)); END//
        SELECT @failed, @@time_zone//"""
    equal(db.sql(failing), [["5", zone]], "failures, zone after them")


FORMS = [
    ("'2027-01-31'", 1801353600), ("'2027-01-31T12:00:00Z'", 1801396800), ("'2027-01-31t12:00z'", 1801396800),
    ("'2027-01-31 12:00:00Z'", 1801396800), ("'2027-01-31 12:00:00 UTC'", 1801396800), ("'2027-01-31T12:00:00.75Z'", 1801396800),
    ("'2027-01-31T14:00:00+02:00'", 1801396800), ("'2027-01-31T06:30:00-0530'", 1801396800), ("'2028-02-29'", 1835395200),
    ("'2027-10-31T01:30:00Z'", 1824946200), ("'2027-03-28T01:30:00Z'", 1806197400), ("'2038-01-19T03:14:07Z'", 2147483647),
    ("'now'", 1800000000), ("'+90s'", 1800000090), ("'+15m'", 1800000900), ("'+12h'", 1800043200), ("'+7d'", 1800604800),
]
REFUSED = [("'9999-12-31'", "NULL for never"), ("'9999-12-31 23:59:59Z'", "NULL"), ("'2038-01-19T03:14:08Z'", "NULL"),
           ("'2038-01-20'", "NULL"), ("'+999999999d'", "NULL"), ("'2027-02-29'", "is not a date"), ("'2027-04-31T10:00:00Z'", "is not a date"),
           ("'1970-01-01'", "is not a date after 1970"), ("'0000-00-00'", "is not a time"), ("'2027-13-01'", "is not a time"),
           ("'2027-01-31T24:00:00Z'", "is not a time"), ("'2027-01-31T10:00:60Z'", "is not a time"), ("'2027-1-1'", "is not a time"),
           ("'31.01.2027'", "is not a time"), ("20270131", "is not a time"), ("1801353600", "is not a time"), ("''", "is not a time"),
           ("'never'", "is not a time"), ("'-1d'", "is not a time"), ("'+7'", "is not a time"), ("'2027-01-31\n'", "is not a time"),
           ("'2027-01-31T12:00:00Europe/London'", "is not a time"), ("'2027-01-31T12:00:00+25:00'", "is not a time"),
           ("CONCAT('2027-01-31', REPEAT(' ', 300))", "is not a time")]


@check("times as people write them are taken, the same in every zone, or refused with a sentence")
def forms(db):
    for zone in "+00:00", "Europe/London", "Pacific/Auckland":
        for mode in MODES[:3]:
            session = f"SET time_zone = '{zone}', sql_mode = '{mode}', timestamp = 1800000000;"
            sql = "".join(f"CALL client_expire_secret('orders', 's', {text}); SELECT UNIX_TIMESTAMP(expires_at) FROM client_secret "
                          "WHERE client_id = 'orders';" for text, _ in FORMS)
            equal(db.sql(session + sql), [[str(seconds)] for _, seconds in FORMS], f"{zone} {mode}")
    for text, words in REFUSED:
        failed(db, f"SET sql_mode = ''; CALL client_expire_secret('orders', 's', {text})", words)
        failed(db, f"CALL token_revoke('refused', {text})", words)


@check("a time without a zone: as before in a session of UTC, refused in any other, never taken for another instant")
def without_zone(db):
    read = "SELECT UNIX_TIMESTAMP(expires_at) FROM client_secret WHERE client_id = 'orders';"
    for text in "'2027-01-31 12:00:00'", "'2027-01-31T12:00:00'", "FROM_UNIXTIME(1801396800)", "CAST('2027-01-31 12:00' AS DATETIME(3))", \
            "TIMESTAMP'2027-01-31 11:00:00' + INTERVAL 1 HOUR":
        call = f"CALL client_expire_secret('orders', 's', {text});"
        for zone in "+00:00", "SYSTEM", "UTC", "Etc/UTC":
            equal(db.sql(f"SET time_zone = '{zone}'; {call}{read}"), [["1801396800"]], f"{text} in {zone}")
        for zone in "Europe/London", "+01:00", "Africa/Abidjan":
            failed(db, f"SET time_zone = '{zone}'; {call}", "has no zone", "+7d")


@check("a session that is not strict: a word, a text, a number or a time that does not fit is refused, not stored as another")
def not_strict(db):
    rule = "INSERT INTO revocation_rule (issued_before, expires_at{}) VALUES ({})".format
    key = "INSERT INTO signing_key (kid, mac, alg, public_jwk, private_uri, publish_at) VALUES ('nk', '', {}, '{{}}', 'file:/k', {})".format
    for sql, column in (
            ("UPDATE client SET auth_methods = 'client_secret_basic,private_key_jvt' WHERE client_id = 'orders'", "auth_methods"),
            ("INSERT INTO client (client_id, auth_methods) VALUES ('n', 'client_secret_basic,nope')", "auth_methods"),
            ("INSERT INTO client (client_id, auth_methods) VALUES ('n', 'private_key_jwt'), ('n2', 'nope,private_key_jwt')", "auth_methods"),
            ("INSERT INTO client (client_id, omitted_scope) VALUES ('n', 'some')", "omitted_scope"),
            ("UPDATE client SET omitted_scope = 'some'", "omitted_scope"), ("UPDATE client SET omitted_scope = ''", "omitted_scope"),
            ("UPDATE client SET require_binding = 'tls'", "require_binding"), ("UPDATE client SET assertion_audience = 'as'", "audience"),
            ("UPDATE client SET tls_subject = 'a', tls_subject_kind = 'dn'", "tls_subject_kind"),
            ("INSERT IGNORE INTO client (client_id, require_binding) VALUES ('n', 'tls')", "require_binding"),
            ("UPDATE IGNORE client SET require_binding = 'tls'", "require_binding"),
            ("INSERT INTO client (client_id, require_binding) VALUES ('orders', 'tls') ON DUPLICATE KEY UPDATE enabled = 1", "binding"),
            ("INSERT INTO client (client_id) VALUES ('orders') ON DUPLICATE KEY UPDATE require_binding = 'tls'", "require_binding"),
            ("SET max_error_count = 1; UPDATE client SET require_binding = 'tls' WHERE client_id <> 5", "max_error_count"),
            ("SET max_error_count = 0; UPDATE client SET require_binding = 'tls'", "max_error_count"),
            ("UPDATE client SET rate_per_minute = 'many'", "rate_per_minute"), ("UPDATE client SET rate_burst = 99999999999", "rate_burst"),
            ("INSERT INTO client (client_id) VALUES (REPEAT('x', 129))", "client_id"),
            (f"INSERT INTO client_secret (client_id, label, hash) VALUES ('orders', REPEAT('x', 33), '{HASH}')", "label"),
            (f"INSERT INTO client_secret (client_id, label, hash, expires_at) VALUES ('orders', 'n', '{HASH}', 'soon')", "expires_at"),
            (f"INSERT INTO client_secret (client_id, label, hash, expires_at) VALUES ('orders', 'n', '{HASH}', '9999-12-31')", "expires_at"),
            (f"INSERT INTO client_secret (client_id, label, hash, expires_at) VALUES ('orders', 'n', '{HASH}', '0000-00-00')", "not a time"),
            ("UPDATE client_secret SET expires_at = '2027-02-30'", "expires_at"), ("UPDATE client_secret SET not_before = 0", "not a time"),
            ("SET time_zone = 'Europe/London'; UPDATE client_secret SET expires_at = '2027-03-28 01:30:00'", "expires_at"),
            (f"INSERT INTO client_key (client_id, kid, alg, public_jwk) VALUES ('orders', 'n', 'ES512', '{JWK}')", "alg"),
            ("UPDATE client_key SET expires_at = '2039-01-01'", "expires_at"),
            (f"INSERT INTO client_grant (client_id, audience, scope) VALUES ('orders', '{API}', REPEAT('x', 256))", "scope"),
            ("UPDATE client_grant SET is_default = 'yes'", "is_default"),
            (f"INSERT INTO audience_reader (audience, client_id) VALUES ('{API}', CONCAT('orders', REPEAT(' ', 200)))", "client_id"),
            ("INSERT INTO audience (audience, token_algorithm) VALUES ('https://n/', 'RS512')", "token_algorithm"),
            ("UPDATE audience SET token_algorithm = 'RS512'", "token_algorithm"), ("UPDATE audience SET token_seconds = 'x'", "token_seconds"),
            (f"INSERT INTO audience_scope (audience, scope) VALUES ('{API}', REPEAT('x', 256))", "scope"),
            ("INSERT INTO revoked_token (jti) VALUES (REPEAT('x', 65))", "jti"),
            ("INSERT INTO revoked_token (jti, expires_at) VALUES ('n', '')", "expires_at"),
            ("INSERT INTO revoked_token (jti, expires_at) VALUES ('n', '0000-00-00')", "not a time"),
            (rule(", client_id", "NOW(), NOW(), REPEAT('x', 129)"), "client_id"), (rule("", "'0000-00-00', NOW()"), "not a time"),
            (rule("", "'yesterday', NOW()"), "issued_before"), (rule(", issued_from", "NOW(), NOW(), '0000-00-00'"), "not a time"),
            (key("'RS512'", "NOW()"), "alg"), (key("'ES256'", "'0000-00-00'"), "not a time"), (key("'ES256'", "'x'"), "publish_at")):
        failed(db, f"SET sql_mode = '', time_zone = '+00:00'; {sql}", column)
    equal(db.sql("SELECT COUNT(*) FROM client WHERE client_id LIKE 'n%' OR require_binding <> 'none' OR omitted_scope <> 'default'"),
          [["0"]], "clients that were changed")


@check("a session that is not strict: what fits is stored, whatever it warned about before")
def not_strict_fits(db):
    db.sql("SET sql_mode = ''; SELECT CAST('12x' AS INT), 1 / 0; CALL client_create('fits', 'in another mode');"
           "UPDATE client SET auth_methods = 'private_key_jwt', omitted_scope = 'all', require_binding = 'dpop' WHERE client_id = 'fits';"
           "INSERT IGNORE INTO client (client_id) VALUES ('orders'), ('fits'), ('fits2');"
           "UPDATE client SET description = 'x' WHERE client_id = 'fits2' AND description <> 5; DELETE FROM client WHERE client_id LIKE 'fits%'")


@check("a procedure that is called from a session that is not strict cuts no parameter and takes no word for another")
def parameters(db):
    db.sql("CALL client_create(REPEAT('y', 128), '')")
    for call, words in (("client_disable(REPEAT('y', 129))", "there is no client"), ("client_create(REPEAT('z', 129), '')", "client_id"),
                        ("client_create('long', REPEAT('x', 300))", "description"),
                        (f"client_add_key('orders', REPEAT('k', 65), 'ES256', '{JWK}', NULL)", "kid"),
                        (f"client_add_key('orders', 'n', 'ES25', '{JWK}', NULL)", "alg"),
                        (f"client_add_secret('orders', REPEAT('k', 33), '{HASH}', NULL)", "label"),
                        ("client_set_tls_subject('orders', 'san_dnss', 'a')", "kind of a subject"),
                        (f"client_allow('orders', '{API}', CONCAT('read', REPEAT(' ', 300)), 0)", "scope"),
                        ("token_revoke(REPEAT('j', 65), NULL)", "jti")):
        failed(db, f"SET sql_mode = ''; CALL {call}", words)


@check("what m2mctl prints means the same instant in the mariadb client of any zone")
def printed(db):
    for words, seconds in ((["--expires", "2027-10-31T00:30:00Z"], "1824942600"), (["--expires", "2027-10-31T01:30:00Z"], "1824946200")):
        made = subprocess.run([db.m2mctl, "secret", *words, "orders"], capture_output=True, timeout=600)
        equal(made.returncode, 0, made.stderr.decode())
        db.sql(f"SET time_zone = 'Europe/London';\n{made.stdout.decode()}")
        equal(db.sql("SELECT UNIX_TIMESTAMP(expires_at) FROM client_secret WHERE client_id = 'orders' AND label <> 's'"),
              [[seconds]], "expires_at")
        db.sql("DELETE FROM client_secret WHERE client_id = 'orders' AND label <> 's'")


def script(build, scratch):
    db = rig.Database(scratch)
    db.m2mctl = os.path.join(build, "m2mctl")
    db.start()
    zones = subprocess.run(["mariadb-tzinfo-to-sql", "/usr/share/zoneinfo"], capture_output=True, timeout=600)
    db.sql(zones.stdout.decode(), "mysql")
    rig.Operator(scratch, build, db).install()
    db.sql(f"""CALL client_create('orders', ''); CALL client_add_secret('orders', 's', '{HASH}', NULL);
        CALL client_add_key('orders', 'k', 'ES256', '{JWK}', NULL); INSERT INTO audience (audience) VALUES ('{API}');
        CALL client_allow('orders', '{API}', '', TRUE)""")
    rig.run_checks("", db)


if __name__ == "__main__":
    rig.main(script)

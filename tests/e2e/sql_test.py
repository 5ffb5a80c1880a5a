#!/usr/bin/env python3
"""sql_test: the promises of the database itself: bad rows are refused with the solution, the procedures work, and the change
feed has no gaps. keeper_account.py tests the rights of the keeper's account.

Needs no build. Prints `ok - name` and `not ok - name # why` lines."""
import glob
import os
import signal
import subprocess
import sys
import threading

import rig
from rig import MIGRATIONS, SOURCE, check, equal, must

HASH = "$sha256$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
PASSWORD = "keeper-password-of-the-test"
API = "https://api.example.com/"
JWK = '{"kty":"EC"}'
PEM = "-----BEGIN ENCRYPTED PRIVATE KEY-----"


def rows(db, sql):
    return db.sql(sql)


def value(db, sql):
    return db.sql(sql)[0][0]


def refused(db, sql, *words):
    """sql must fail, and say so in these words."""
    done = db.run(sql, check=False, schema="m2mauth")
    said = done.stderr.decode()
    must(done.returncode != 0, f"not refused: {sql}")
    for word in words:
        must(word in said, f"{word!r} is not in {said!r}")


def apply(db, path):
    with open(path, encoding="utf-8") as file:
        db.sql(file.read())


def fresh_client(db, name):
    db.sql(f"CALL client_create('{name}', 'made by a test')")
    return name


CLIENT_JWK = ('{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
              '"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}')


# --- invalid rows ---------------------------------------------------------------------------------------------------

@check("a bad row is refused by the name of its rule")
def bad_rows(db):
    client = "INSERT INTO client (client_id, {}) VALUES ('bad', {})".format
    secret = "INSERT INTO client_secret (client_id, label, hash) VALUES ('demo-client', '{}', '{}')".format
    key = "INSERT INTO signing_key (mac, kid, alg, public_jwk, private_pem{}) VALUES ('', '{}', 'ES256', '{}', '{}'{})".format
    uri = "INSERT INTO signing_key (mac, kid, alg, public_jwk, private_uri) VALUES ('', 'k', 'ES256', '{{}}', '{}')".format
    for sql, rule in (
            ("INSERT INTO client (client_id) VALUES ('')", "client_id_is_vschar"),
            ("INSERT INTO client (client_id) VALUES ('t\tab')", "client_id_is_vschar"),
            ("INSERT INTO client (client_id) VALUES (X'C3A4')", "client_id_is_vschar"),
            (client("auth_methods", "''"), "client_has_an_auth_method"),
            (client("enabled", "2"), "client_enabled_0_or_1"),
            (client("token_seconds", "4"), "client_token_seconds_5_to_86400"),
            (client("token_seconds", "86401"), "client_token_seconds_5_to_86400"),
            (client("rate_per_minute", "0"), "client_rate_1_to_1000000"),
            (client("rate_burst", "0"), "client_burst_1_to_100000"),
            (client("assertion_seconds", "0"), "client_assertion_seconds_1_to_3600"),
            (client("assertion_seconds", "3601"), "client_assertion_seconds_1_to_3600"),
            (client("default_audience", "'https://unknown/'"), "client_default_audience"),
            (secret("a b", HASH), "label_is_a_plain_word"),
            (secret("clear", "my-secret"), "hash_is_a_hash_not_a_secret"),
            (secret("clear", "$sha256$short$short"), "hash_is_a_hash_not_a_secret"),
            (secret("clear", HASH + "="), "hash_is_a_hash_not_a_secret"), (secret("slow", HASH.replace("sha256", "pbkdf2-sha256$5000001")), "10000 to 5000000 rounds"),
            ("INSERT INTO audience (audience) VALUES ('api.example.com')", "audience_is_an_absolute_uri"),
            ("INSERT INTO audience (audience) VALUES ('https://a b/')", "audience_is_an_absolute_uri"),
            ("INSERT INTO audience (audience) VALUES ('https://a/#fragment\"')", "audience_is_an_absolute_uri"),
            ("INSERT INTO audience (audience, token_seconds) VALUES ('https://a/', 4)", "audience_token_seconds_5_to_86400"),
            ("INSERT INTO audience (audience, token_algorithm) VALUES ('https://a/', 'HS256')", "token_algorithm"),
            ("INSERT INTO audience (audience, token_algorithm) VALUES ('https://a/', '')", "token_algorithm"),
            (f"INSERT INTO audience_scope (audience, scope) VALUES ('{API}', 'two words')", "scope_is_one_word"),
            (f"INSERT INTO audience_scope (audience, scope) VALUES ('{API}', '\"')", "scope_is_one_word"),
            ("INSERT INTO audience_scope (audience, scope) VALUES ('https://unknown/', 'a')", "audience_scope_of_audience"),
            ("INSERT INTO revoked_token (jti) VALUES ('a b')", "jti_is_printable"),
            ("INSERT INTO revocation_rule (label, issued_before, expires_at) VALUES ('x', NOW(), NOW())",
             "rule_label_needs_client_id"),
            ("INSERT INTO revocation_rule (issued_from, issued_before, expires_at) VALUES (NOW(), NOW(), NOW())",
             "rule_window_is_not_empty"),
            (key("", "a b", JWK, PEM, ""), "kid_is_a_plain_word"),
            (key("", "k", "not json", PEM, ""), "public_jwk_is_a_json_object"),
            (key("", "k", "[]", PEM, ""), "public_jwk_is_a_json_object"),
            (key("", "k", '{"d":"x"}', PEM, ""), "public_jwk_has_no_private_member"),
            (key("", "k", JWK, "-----BEGIN PRIVATE KEY-----", ""), "private_pem_is_encrypted"),
            ("INSERT INTO signing_key (mac, kid, alg, public_jwk) VALUES ('', 'k', 'ES256', '{}')", "key_has_private_pem_or_private_uri"),
            (key(", private_uri", "k", JWK, PEM, ", 'file:/k'"), "key_has_private_pem_or_private_uri"),
            (uri("file:k.pem"), "private_uri_is_absolute"), (uri("/k.pem"), "private_uri_is_absolute"),
            (uri("file://host/k.pem"), "private_uri_is_absolute"), (uri("file:/k k"), "private_uri_is_absolute"),
            (uri(""), "private_uri_is_absolute"), (uri("pkcs11:object=k?pin-value=1234"), "private_uri_holds_no_pin"),
            (uri("file:/k").replace("'ES256', '{}'", "'HS256', '{\"kty\":\"oct\"}'"), "hs256_has_no_private_uri"),
            (key("", "k", '{"kty":"oct"}', PEM, ""), "hs256_has_no_public_key"),
            (key("", "k", JWK, PEM, "").replace("'ES256'", "'HS256'"), "hs256_has_no_public_key"),
            (key("", "k", '{"kty":"oct","k":"AA"}', PEM, "").replace("'ES256'", "'HS256'"), "public_jwk_has_no_private_member"),
            (key(", publish_at, activate_at", "k", JWK, PEM, ", '2030-01-02', '2030-01-01'"), "key_is_published_before_it_signs"),
            (key(", retire_at", "k", JWK, PEM, ", '2030-01-01'"), "key_signs_before_it_retires")):
        refused(db, sql, rule)


@check("ids are bytes: case, trailing blanks and numbers are never equal to something else")
def ids_are_bytes(db):
    fresh_client(db, "7")
    for other in ("'7 '", "'07'", "'7a'"):
        db.sql(f"CALL client_create({other}, '')")
    equal(value(db, "SELECT COUNT(*) FROM client WHERE client_id = '7'"), "1", "clients called 7")
    db.sql("CALL client_create('UPPER', ''); CALL client_create('upper', '')")


@check("what names a thing never changes, and the message says what to do instead")
def fixed_names(db):
    db.sql(f"CALL client_add_secret('demo-client', 'fixed', '{HASH}', NULL); INSERT INTO revoked_token (jti) VALUES ('fixed');"
           f"INSERT INTO signing_key (mac, kid, alg, public_jwk, private_pem) VALUES ('', 'fixed', 'ES256', '{JWK}', '{PEM}')")
    refused(db, "UPDATE client SET client_id = 'other' WHERE client_id = 'demo-client'", "client_id never changes", "disable")
    refused(db, "UPDATE client_secret SET label = 'other' WHERE label = 'fixed'", "label of a secret never change")
    refused(db, "UPDATE client_grant SET scope = '' WHERE scope = 'read'", "only is_default of a grant can change")
    refused(db, f"UPDATE audience_reader SET client_id = 'demo-client' WHERE audience = '{API}'", "a row of audience_reader never changes")
    refused(db, "UPDATE revoked_token SET jti = 'other' WHERE jti = 'fixed'", "jti of a revoked token never changes")
    refused(db, "UPDATE signing_key SET alg = 'RS256' WHERE kid = 'fixed'", "only the times of a signing key can change")
    refused(db, "UPDATE signing_key SET public_jwk = '{}' WHERE kid = 'fixed'", "only the times of a signing key can change")
    refused(db, "UPDATE signing_key SET private_pem = NULL, private_uri = 'file:/k' WHERE kid = 'fixed'", "only the times of a signing key can change")
    db.sql("INSERT INTO signing_key (mac, kid, alg, public_jwk, private_uri) VALUES ('', 'uri', 'ES256', '{}', 'pkcs11:object=k;type=private'),"
           "('', 'uri3', 'ES256', '{}', 'file:///k.pem')")
    refused(db, "UPDATE signing_key SET private_uri = 'file:/k' WHERE kid = 'uri'", "only the times of a signing key can change")
    db.sql("UPDATE signing_key SET activate_at = publish_at WHERE kid = 'uri'")
    refused(db, "UPDATE audience_scope SET scope = 'other' WHERE scope = 'read'", "only the description of a scope can change")
    refused(db, "DELETE FROM audience_scope WHERE scope = 'read'", "granted to clients")
    refused(db, "DELETE FROM client WHERE client_id = 'demo-client'", "foreign key")
    db.sql("UPDATE signing_key SET activate_at = NOW() WHERE kid = 'fixed'; UPDATE client SET description = 'new';"
           "DELETE FROM signing_key; UPDATE client_grant SET is_default = 1 WHERE scope = 'write'")


@check("keys of clients: bad ones are refused by name, at most 8, and only their times change")
def client_keys(db):
    name = fresh_client(db, "with-keys")
    add = "CALL client_add_key('" + name + "', '{}', '{}', '{}', NULL)"
    for kid, alg, jwk, rule in (
            ("a b", "ES256", CLIENT_JWK, "client_key_kid_is_a_plain_word"), ("k" * 64 + "x", "ES256", CLIENT_JWK, "'kid'"),
            ("k", "none", CLIENT_JWK, "alg must be"), ("k", "ES256", "[]", "not a JSON object"),
            ("k", "ES256", CLIENT_JWK[:-1] + ',"x5u":"' + "A" * 5000 + '"}', "client_key_is_at_most_4096_bytes")):
        refused(db, add.format(kid, alg, jwk), rule)
    refused(db, add.format("k", "ES256", CLIENT_JWK).replace(name, "nobody-at-all"), "there is no client")
    db.sql(add.format("k0", "ES256", CLIENT_JWK[:-1] + ',"kid":"k0","alg":"ES256"}'))
    equal(value(db, f"SELECT auth_methods FROM client WHERE client_id = '{name}'"),
          "client_secret_basic,client_secret_post,private_key_jwt", "auth_methods")
    refused(db, add.format("k0", "ES256", CLIENT_JWK), "a key with this kid already")
    refused(db, f"UPDATE client_key SET alg = 'RS256' WHERE client_id = '{name}'", "only the times of a client key can change")
    for number in range(1, 8):
        db.sql(add.format(f"k{number}", "ES256", CLIENT_JWK))
    refused(db, add.format("k8", "ES256", CLIENT_JWK), "at most 8 keys")
    before = int(value(db, "SELECT seq FROM feed_stream WHERE stream = 'operator'"))
    db.sql(f"CALL client_expire_key('{name}', 'k0', NULL); CALL key_revoke_tokens('{name}', 'k0', 'why')")
    equal(int(value(db, "SELECT seq FROM feed_stream WHERE stream = 'operator'")), before + 2, "the feed tells both")
    refused(db, f"CALL client_expire_key('{name}', 'none', NULL)", "no key with this kid")
    refused(db, f"CALL key_revoke_tokens('{name}', 'none', '')", "no key with this kid")


@check("at most 8 secrets, 256 grants and 64 audiences to read")
def limits(db):
    name = fresh_client(db, "many")
    for n in range(8):
        db.sql(f"CALL client_add_secret('{name}', 's{n}', '{HASH}', NULL)")
    refused(db, f"CALL client_add_secret('{name}', 's8', '{HASH}', NULL)", "at most 8 secrets")
    db.sql("INSERT INTO audience (audience) SELECT CONCAT('https://many/', seq) FROM seq_1_to_257")
    db.sql(f"INSERT INTO client_grant (client_id, audience) SELECT '{name}', CONCAT('https://many/', seq) FROM seq_1_to_256")
    refused(db, f"CALL client_allow('{name}', 'https://many/257', '', FALSE)", "at most 256 grants")
    db.sql(f"INSERT INTO audience_reader (audience, client_id) SELECT CONCAT('https://many/', seq), '{name}' FROM seq_1_to_64")
    refused(db, f"CALL client_may_read('{name}', 'https://many/65')", "at most 64 audiences")


# --- the everyday edits ---------------------------------------------------------------------------------------------

@check("procedures do what they say")
def procedures(db):
    name = fresh_client(db, "every-day")
    db.sql(f"CALL client_allow('{name}', '{API}', 'read', TRUE); CALL client_allow('{name}', '{API}', NULL, NULL);"
           f"CALL client_allow('{name}', '{API}', 'read', FALSE); CALL client_may_read('{name}', '{API}');"
           f"CALL client_may_read('{name}', '{API}'); CALL client_add_secret('{name}', 'a', '{HASH}', '2030-01-01')")
    equal(rows(db, f"SELECT scope, is_default FROM client_grant WHERE client_id = '{name}' ORDER BY scope"),
          [["", "0"], ["read", "0"]], "grants")
    equal(value(db, f"SELECT COUNT(*) FROM audience_reader WHERE client_id = '{name}'"), "1", "readers")
    db.sql(f"CALL client_disable('{name}')")
    equal(value(db, f"SELECT enabled FROM client WHERE client_id = '{name}'"), "0", "enabled")
    db.sql(f"CALL client_enable('{name}'); CALL client_expire_secret('{name}', 'a', NULL)")
    equal(value(db, f"SELECT expires_at <= NOW() FROM client_secret WHERE client_id = '{name}'"), "1", "expired")
    db.sql(f"CALL client_revoke_tokens('{name}', 'why'); CALL secret_revoke_tokens('{name}', 'a', NULL)")
    equal(rows(db, "SELECT COALESCE(label, '-'), issued_from IS NULL, issued_before > created_at, "
                   "TIMESTAMPDIFF(SECOND, issued_before, expires_at) >= 86400, reason FROM revocation_rule "
                   f"WHERE client_id = '{name}' ORDER BY rule_id"),
          [["-", "1", "1", "1", "why"], ["a", "1", "1", "1", ""]], "rules")
    db.sql("CALL token_revoke('t1', '2030-01-01'); CALL token_revoke('t1', '2029-01-01'); CALL token_revoke('t2', NULL)")
    equal(rows(db, "SELECT jti, expires_at = '2030-01-01', expires_at > NOW() FROM revoked_token WHERE jti LIKE 't_'"),
          [["t1", "1", "1"], ["t2", "0", "1"]], "revoked tokens")


@check("procedures say why not")
def procedures_refuse(db):
    unknown = "there is no client 'no\\'body'"
    for call in ("client_add_secret({}, 'a', 'h', NULL)", "client_expire_secret({}, 'a', NULL)",
                 f"client_allow({{}}, '{API}', 'read', 1)", "client_disable({})", "client_enable({})",
                 f"client_may_read({{}}, '{API}')", "client_revoke_tokens({}, '')", "secret_revoke_tokens({}, 'a', '')"):
        refused(db, "CALL " + call.format("'no''body'"), unknown, "CALL client_create first")
        refused(db, "CALL " + call.format("NULL"), "there is no client NULL")
    refused(db, "CALL client_create('demo-client', '')", "already")
    refused(db, "CALL client_create('', '')", "client_id_is_vschar")
    refused(db, f"CALL client_add_secret('demo-client', 'fixed', '{HASH}', NULL)", "use another label")
    refused(db, "CALL client_add_secret('demo-client', 'clear', 'my-secret', NULL)", "hash_is_a_hash_not_a_secret")
    refused(db, "CALL client_expire_secret('demo-client', 'none', NULL)", "no secret with this label")
    refused(db, "CALL secret_revoke_tokens('demo-client', 'none', '')", "no secret with this label")
    refused(db, "CALL client_allow('demo-client', 'https://unknown/', '', 0)", "INSERT INTO audience first")
    refused(db, "CALL client_allow('demo-client', NULL, '', 0)", "INSERT INTO audience first")
    refused(db, f"CALL client_allow('demo-client', '{API}', 'fly', 0)", "no such scope")
    refused(db, "CALL client_may_read('demo-client', 'https://unknown/')", "INSERT INTO audience first")
    refused(db, "CALL token_revoke('', NULL)", "jti_is_printable")


@check("the examples run in their order")
def examples(db):
    db.sql(f"CALL client_add_secret('demo-client', 'first', '{HASH}', NULL)")
    for path in sorted(glob.glob(os.path.join(SOURCE, "sql", "examples", "*.sql")))[2:]:
        apply(db, path)
    equal(value(db, "SELECT enabled FROM client WHERE client_id = 'demo-client'"), "0", "enabled")
    db.sql("CALL client_enable('demo-client')")


# --- the feed -------------------------------------------------------------------------------------------------------

def feed_of(db, sql):
    """What the feed got by this SQL."""
    last = value(db, "SELECT seq FROM feed_stream WHERE stream = 'operator'")
    db.sql(sql)
    return rows(db, f"SELECT kind, item FROM feed WHERE stream = 'operator' AND seq > {last} ORDER BY seq")


@check("every change is in the feed, by the key to read again")
def feed_kinds(db):
    name, client, rule = "feed", [["client", "feed"]], [["revocation_rule", ""]]
    key = f"INSERT INTO signing_key (mac, kid, alg, public_jwk, private_pem) VALUES ('', 'fk', 'ES256', '{JWK}', '{PEM}')"
    for sql, wanted in (
            (f"CALL client_create('{name}', '')", client),
            (f"UPDATE client SET enabled = 0 WHERE client_id = '{name}'", client),
            (f"CALL client_add_secret('{name}', 's', '{HASH}', NULL)", client),
            (f"UPDATE client_secret SET expires_at = NOW() WHERE client_id = '{name}'", client),
            (f"CALL client_allow('{name}', '{API}', 'read', 0)", client),
            (f"CALL client_allow('{name}', '{API}', 'read', 1)", client),
            (f"CALL client_may_read('{name}', '{API}')", client),
            (f"DELETE FROM audience_reader WHERE client_id = '{name}'", client),
            (f"DELETE FROM client_grant WHERE client_id = '{name}'", client),
            (f"DELETE FROM client_secret WHERE client_id = '{name}'", client),
            (f"DELETE FROM client WHERE client_id = '{name}'", client),
            ("INSERT INTO revoked_token (jti, client_id) VALUES ('feed-1', 'x'), ('feed-2', 'x')",
             [["revoked_token", "feed-1"], ["revoked_token", "feed-2"]]),
            ("UPDATE revoked_token SET expires_at = '2031-01-01' WHERE jti = 'feed-1'", [["revoked_token", "feed-1"]]),
            ("DELETE FROM revoked_token WHERE jti = 'feed-1'", []),
            ("INSERT INTO revocation_rule (issued_before, expires_at) VALUES (NOW(), NOW())", rule),
            ("UPDATE revocation_rule SET reason = 'feed' WHERE client_id IS NULL AND reason = ''", rule),
            ("DELETE FROM revocation_rule WHERE reason = 'feed'", rule),
            (key, [["signing_key", "fk"]]),
            ("UPDATE signing_key SET activate_at = NOW()", [["signing_key", "fk"]]),
            ("DELETE FROM signing_key", [["signing_key", "fk"]]),
            (f"INSERT INTO audience_scope (audience, scope) VALUES ('{API}', 'a'), ('{API}', 'b')", 2 * [["audience_scope", ""]]),
            ("UPDATE audience_scope SET description = 'x' WHERE scope = 'a'", []),
            ("DELETE FROM audience_scope WHERE scope IN ('a', 'b')", 2 * [["audience_scope", ""]]),
            (f"UPDATE audience SET token_seconds = 60 WHERE audience = '{API}'", [["everything", ""]]),
            (f"UPDATE audience SET token_algorithm = 'PS256' WHERE audience = '{API}'", [["everything", ""]]),
            (f"UPDATE audience SET token_algorithm = 'EdDSA' WHERE audience = '{API}'", [["everything", ""]]),
            (f"UPDATE audience SET description = 'x', token_algorithm = 'EdDSA' WHERE audience = '{API}'", []),
            (f"UPDATE audience SET token_algorithm = NULL, token_seconds = NULL WHERE audience = '{API}'", [["everything", ""]]),
            (f"UPDATE audience SET description = 'x' WHERE audience = '{API}'", []),
            (f"START TRANSACTION; CALL client_create('gone', ''); ROLLBACK", [])):
        equal(feed_of(db, sql), wanted, sql)


def change_often(db, worker):
    """Transactions of three changes, every other of which is undone; in two streams."""
    stream = "NULL" if worker % 2 else "'host:two'"
    lines = [f"SET @m2m_stream = {stream};"]
    for n in range(40):
        lines.append(f"START TRANSACTION; UPDATE client SET description = '{worker}.{n}' WHERE client_id = 'w{worker}';"
                     f"INSERT INTO revoked_token (jti) VALUES ('w{worker}.{n}'); "
                     f"UPDATE client SET enabled = 1 - enabled WHERE client_id = 'w{worker}'; "
                     f"{'ROLLBACK' if n % 2 else 'COMMIT'};")
    return db.run("\n".join(lines), check=False, schema="m2mauth")


@check("the feed has no gap and no duplicate number, regardless of which transactions commit, wait or roll back")
def gapless(db):
    db.sql("INSERT INTO feed_stream (stream) VALUES ('host:two')")
    for n in range(6):
        fresh_client(db, f"w{n}")
    before = dict(rows(db, "SELECT stream, seq FROM feed_stream"))
    done = []
    workers = [threading.Thread(target=lambda n=n: done.append(change_often(db, n))) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for result in done:
        must(result.returncode == 0, result.stderr.decode())
    for stream, seq in rows(db, "SELECT stream, seq FROM feed_stream"):
        numbers = [int(row[0]) for row in rows(db, f"SELECT seq FROM feed WHERE stream = '{stream}' ORDER BY seq")]
        equal(numbers, list(range(1, int(seq) + 1)), f"numbers of stream {stream}")
        equal(int(seq) - int(before[stream]), 3 * 20 * 3, f"new numbers of stream {stream}")


@check("a stream without a row gets one above its rows in the feed; one that is set back lifts itself")
def stream_lifts_itself(db):
    edit = "UPDATE client SET enabled = 1 - enabled WHERE client_id = 'w1'"
    for stream in ("NULL", "'host:two'", "'host:new'"):
        name = "operator" if stream == "NULL" else stream.strip("'")
        for before in ("DELETE FROM feed_stream", "UPDATE feed_stream SET seq = 0", "UPDATE feed_stream SET seq = 3"):
            highest = int(value(db, f"SELECT COALESCE(MAX(seq), 0) FROM feed WHERE stream = '{name}'"))
            db.sql(f"{before} WHERE stream = '{name}'; SET @m2m_stream = {stream}; {edit}; {edit}")
            seq = int(value(db, f"SELECT seq FROM feed_stream WHERE stream = '{name}'"))
            must(seq >= highest + 2 or highest == 0, f"{before}: {name} is at {seq}, its rows were at {highest}")
            equal(int(value(db, f"SELECT MAX(seq) FROM feed WHERE stream = '{name}'")), seq, f"{before}: the last row of {name}")
    before = int(value(db, "SELECT MAX(began) FROM feed_stream"))
    db.sql(f"DELETE FROM feed_stream WHERE stream = 'host:two'; SET @m2m_stream = 'host:two'; {edit}")
    began, began_seq, seq = map(int, rows(db, "SELECT began, began_seq, seq FROM feed_stream WHERE stream = 'host:two'")[0])
    equal((began > before, began_seq), (True, seq - 1), "began, began_seq of a stream that came back")


@check("a stream that is neither a host's nor the operators' is refused")
def unknown_stream(db):
    refused(db, "SET @m2m_stream = 'hots:none'; UPDATE client SET description = 'x' WHERE client_id = 'w1'",
            "@m2m_stream names neither")


# --- leases and proofs ----------------------------------------------------------------------------------------------

LEASE = """UPDATE rotation_lease SET holder = '{0}', turn = turn + 1, ends_at = NOW() + INTERVAL 10 SECOND
           WHERE only_row = 1 AND ('{0}' IN (holder, 'operator') OR ends_at <= NOW()); SELECT ROW_COUNT();"""


@check("the lease of the rotation: one host at a time, again for the same, never in an operator's way")
def lease(db):
    db.sql("UPDATE rotation_lease SET ends_at = NOW() - INTERVAL 1 SECOND")
    taken = [rows(db, LEASE.format(holder)) for holder in ("host:a", "host:b", "host:a", "operator", "host:b")]
    equal(taken, [[["1"]], [["0"]], [["1"]], [["1"]], [["0"]]], "taken by a, b, a, the operator, b")
    waiting = f"SET innodb_lock_wait_timeout = 1; {LEASE.format('operator')}"
    with subprocess.Popen(["mariadb", "--no-defaults", f"--socket={db.socket}", "--user=root", "--batch", "--unbuffered",
                           "m2mauth"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdin.write(f"START TRANSACTION; {LEASE.format('operator')}\n".encode())
        holder.stdin.flush()
        holder.stdout.readline()
        refused(db, waiting, "Lock wait timeout")
        holder.stdin.close()
        holder.wait(10)
    refused(db, "INSERT INTO rotation_lease (only_row) VALUES (2)", "one_lease")


@check("a used proof: once, any 32 bytes, none that differ only at the end taken for one; the feed does not tell")
def used_proofs(db):
    insert = "INSERT INTO used_proof (proof, expires_at) VALUES (X'{}', '2030-01-01')".format
    twins = ["00" * 32, "00" * 31 + "20", "00" * 31 + "41", "00" * 31 + "61", "ff" * 32]
    equal(feed_of(db, "; ".join(map(insert, twins))), [], "the feed")
    for proof in twins:
        refused(db, insert(proof), "Duplicate entry")
    equal(len(rows(db, "SELECT HEX(proof) FROM used_proof")), len(twins), "rows")
    refused(db, insert("aa" * 33), "Data too long")


def script(scratch):
    db = rig.Database(scratch)
    db.start()
    db.sql("CREATE DATABASE m2mauth CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "")
    for path in sorted(glob.glob(os.path.join(MIGRATIONS, "*.sql"))):
        apply(db, path)
    apply(db, rig.ROUTINES)
    apply(db, os.path.join(SOURCE, "sql", "grants.sql"))
    db.sql(f"ALTER USER m2mauth@localhost IDENTIFIED BY '{PASSWORD}'")
    for path in sorted(glob.glob(os.path.join(SOURCE, "sql", "examples", "*.sql")))[:2]:
        apply(db, path)
    rig.run_checks("", db)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    with rig.Scratch() as place:
        rig.run_check(None, script, place)
    sys.exit(1 if rig.Checks.failed else 0)

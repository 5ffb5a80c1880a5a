#!/usr/bin/env python3
"""streams: streams of the change feed are removed, reset, restored, or many, and no acknowledged change is lost.

Two hosts, each with its own pool and name, on one private mariadbd; requests go to the sockets without a front server."""
import concurrent.futures
import json
import threading
import time

import fastcgi
import rig
import tokens
import web
from stack import Stack
from pool import Pool
from rig import await_true, check, equal, must
from signer import TYPE, Signer, add_key

REVOCATIONS = 10
WORKERS = 4


class Host:
    def __init__(self, operator, pool):
        self.operator, self.pool = operator, pool
        self.stream = f"host:{operator.settings['host_id']}"

    def post(self, path, form, client="reader"):
        headers = [("HTTP_AUTHORIZATION", web.basic(client, self.operator.secrets[client])[1])] if client else []
        answer = self.pool.ask("POST", path, web.form(form), headers)
        must(answer is not None, f"no answer from {self.stream}")
        return answer

    def token(self, client="reader"):
        answer = self.post("/token", {"grant_type": "client_credentials"}, client)
        equal(answer.status, 200, f"/token of {self.stream}")
        return json.loads(answer.body)["access_token"]

    def active(self, token):
        answer = self.post("/validate", {"token": token})
        equal(answer.status, 200, f"/validate of {self.stream}")
        return json.loads(answer.body)["active"]

    def revoke(self, token):
        return self.post("/revoke", {"token": token}).status

    def degraded(self):
        return json.loads(self.pool.ask("GET", "/ready").body).get("degraded", [])

    def metric(self, name):
        page = self.pool.ask("GET", "/metrics").body.decode()
        return float(next(line.split()[1] for line in page.splitlines() if line.startswith(f"m2mauth_{name} ")))


class Hosts:
    """Two pools on one database."""

    def __init__(self, stack, second):
        self.stack, self.database = stack, stack.database
        operator = rig.Operator(second, stack.build, stack.database, **{**stack.operator.settings, "host_id": "other"})
        self.first, self.other = Host(stack.operator, stack.pool), Host(operator, Pool(operator))
        self.all = (self.first, self.other)
        stack.operator.client("reader", "--default-scope", "read", "--token-seconds", "3600")
        operator.secrets = stack.operator.secrets

    def configure(self, **settings):
        for host in self.all:
            host.operator.configure(**settings)

    def start(self):
        for host in self.all:
            host.pool.start(workers=WORKERS)

    def stop(self):
        for host in self.all:
            host.pool.stop()

    def number(self, sql):
        return int(self.database.sql(sql)[0][0])

    def is_stored(self, token):
        return self.number(f"SELECT COUNT(*) FROM revoked_token WHERE jti = '{tokens.claims(token)['jti']}'") == 1

    def reloads(self):
        return [host.metric("reloads_total") for host in self.all]

    def revoke_on_first(self, count=REVOCATIONS):
        """Revokes tokens on the first host: each is acknowledged, stored, and seen by the other."""
        issued = [self.first.token() for _ in range(count)]
        equal([self.first.revoke(token) for token in issued], [200] * count, "/revoke")
        equal([self.is_stored(token) for token in issued], [True] * count, "acknowledged revocations that are stored")
        await_true(lambda: not any(self.other.active(token) for token in issued), 5, "the other host has seen them all")


# --- a row is stored, or the caller gets an error -------------------------------------------------------------------

@check("a host whose stream was removed comes back: 10 of 10 acknowledged revocations stored, no other host reloads")
def removed_stream(hosts):
    hosts.revoke_on_first()
    before = hosts.reloads()
    for pause in (0, 1):                                # the other host sees the stream gone, or does not
        hosts.database.sql(f"DELETE FROM feed_stream WHERE stream = '{hosts.first.stream}'")
        time.sleep(pause)
        hosts.revoke_on_first()
    equal(hosts.reloads(), before, "complete loads of the hosts")


@check("a row that expires before its token is not a revocation: /revoke moves expires_at, token_revoke writes no such row")
def early_end(hosts):
    ends = "UNIX_TIMESTAMP(expires_at) - UNIX_TIMESTAMP()"
    token, other = hosts.first.token(), hosts.first.token()
    jti = tokens.claims(token)["jti"]
    hosts.database.sql(f"INSERT INTO revoked_token (jti, expires_at) VALUES ('{jti}', '2020-01-01')")
    time.sleep(1)
    equal(hosts.first.revoke(token), 200, "/revoke")
    for host in hosts.all:
        await_true(lambda host=host: not host.active(token), 5, "the token is revoked on all hosts")
    must(hosts.number(f"SELECT {ends} FROM revoked_token WHERE jti = '{jti}'") > 0, "the row still ends before the token")
    jti = tokens.claims(other)["jti"]
    hosts.database.sql(f"CALL token_revoke('{jti}', '2020-01-01')")
    for host in hosts.all:
        await_true(lambda host=host: not host.active(other), 5, "the token is revoked on all hosts")
    must(hosts.number(f"SELECT {ends} FROM revoked_token WHERE jti = '{jti}'") > 86400, "the row ends before a token can")


@check("a stream whose number is below its rows lifts itself: 10 of 10 acknowledged revocations stored")
def stream_set_back(hosts):
    for number in (0, 3):
        hosts.database.sql(f"UPDATE feed_stream SET seq = {number} WHERE stream = '{hosts.first.stream}'")
        hosts.revoke_on_first()


@check("the operators' stream removed or set back: the next edit works and is seen by all hosts")
def operators_stream(hosts):
    for number, break_it in enumerate(("DELETE FROM feed_stream WHERE stream = 'operator'",
                                       "UPDATE feed_stream SET seq = 0 WHERE stream = 'operator'",
                                       "DELETE FROM feed_stream")):
        client = f"edited-{number}"
        hosts.first.operator.client(client, "--default-scope", "read")
        await_true(lambda: all(host.post("/token", {"grant_type": "client_credentials"}, client).status == 200
                               for host in hosts.all), 5, "the client is known")
        hosts.database.sql(f"{break_it}; CALL client_disable('{client}')")
        await_true(lambda: all(host.post("/token", {"grant_type": "client_credentials"}, client).status == 401
                               for host in hosts.all), 5, f"{break_it}: the client is disabled on all hosts")


@check("a stream that was removed with all its rows, and comes back at 1, is seen by the other host, which does not reload")
def purged_stream(hosts):
    before = hosts.reloads()
    for pause in (0, 1):
        hosts.database.sql(f"""DELETE FROM feed WHERE stream = '{hosts.first.stream}';
                               DELETE FROM feed_stream WHERE stream = '{hosts.first.stream}'""")
        time.sleep(pause)
        hosts.revoke_on_first()
        equal(hosts.number(f"SELECT seq FROM feed_stream WHERE stream = '{hosts.first.stream}'"), REVOCATIONS, "seq")
    equal(hosts.reloads(), before, "complete loads of the hosts")


@check("rows of feed_stream or feed_epoch that are missing or wrong: no host reloads over and over, all of them go on")
def wrong_rows(hosts):
    for sql in (f"UPDATE feed_stream SET seq = seq + 50 WHERE stream = '{hosts.first.stream}'",
                "INSERT INTO feed_stream (stream, seq) VALUES ('host:far', 18446744073709551615)",
                "INSERT INTO feed_stream (stream, seq) VALUES ('', 7), (REPEAT(X'FF', 64), 7)",
                "DELETE FROM feed_epoch", "INSERT INTO feed_epoch (epoch) VALUES (UUID())"):
        hosts.database.sql(sql)
        before = hosts.reloads()
        time.sleep(1)
        must(all(now - then <= 2 for now, then in zip(hosts.reloads(), before)), f"{sql}: loads over and over")
        hosts.revoke_on_first(2)
    hosts.database.sql("DELETE FROM feed_stream WHERE stream NOT IN ('operator', 'host:test', 'host:other')")


class Revoker(threading.Thread):
    """Revokes tokens in sequence on one host and records the time and answer of each request."""

    def __init__(self, host, count):
        super().__init__(daemon=True)
        self.host, self.tokens, self.over, self.said = host, [host.token() for _ in range(count)], threading.Event(), []

    def run(self):
        while self.tokens and not self.over.is_set():
            token, asked = self.tokens.pop(), time.monotonic()
            self.said.append((asked, token, self.host.revoke(token)))
            time.sleep(0.02)


@check("restore of an older dump while hosts run: each revocation asked for after it is stored, or was answered 503")
def restore(hosts):
    dump = hosts.database.dump()
    hosts.revoke_on_first(20)
    revokers = [Revoker(host, 400) for host in hosts.all]
    for revoker in revokers:
        revoker.start()
    time.sleep(0.5)
    hosts.database.sql(dump)
    hosts.first.operator.grant()                        # a procedure that is replaced by a dump loses its grants
    restored = time.monotonic()
    await_true(lambda: all(sum(asked > restored and status == 200 for asked, _, status in revoker.said) > 20
                           for revoker in revokers), 30, "both hosts acknowledge again")
    for revoker in revokers:
        revoker.over.set()
        revoker.join(20)
    said = [one for revoker in revokers for one in revoker.said]
    must({status for _, _, status in said} <= {200, 503}, f"statuses: { {status for _, _, status in said} }")
    kept = [token for asked, token, status in said if asked > restored and status == 200]
    lost = [token for token in kept if not hosts.is_stored(token)]
    equal((len(lost), len(kept) > 40), (0, True), "acknowledged revocations that are not stored")
    await_true(lambda: not any(host.active(token) for host in hosts.all for token in kept), 10, "all hosts have seen them")


# --- many streams ---------------------------------------------------------------------------------------------------

WARNING = "those of hosts that are gone are removed by themselves: set host_id"


def names(prefix, count):
    return f"SELECT CONCAT('host:{prefix}-', seq) FROM seq_1_to_{count}"


@check("520 names of hosts that are gone stop nothing, a warning comes, and they are removed by themselves")
def gone_hosts(hosts):
    hosts.database.sql(f"INSERT INTO feed_stream (stream) {names('pod', 520)}")
    hosts.revoke_on_first()
    # A host may look when the other one has removed some of them already.
    await_true(lambda: any(WARNING in host.pool.log() for host in hosts.all), 5, "the log warns")
    await_true(lambda: hosts.number("SELECT COUNT(*) FROM feed_stream") < 10, 100, "they are removed", interval=0.5)
    await_true(lambda: all(host.metric("feed_streams") < 10 for host in hosts.all), 5, "the hosts have seen that, too")
    hosts.revoke_on_first()


@check("600 streams with rows in the feed: all hosts go on; those whose last row is an hour old are removed, no other is")
def many_streams(hosts):
    hosts.database.sql(f"""INSERT INTO feed (stream, seq, kind, item, at)
                           SELECT CONCAT('host:many-', seq), 1, 'revoked_token', 'none',
                                  CURRENT_TIMESTAMP - INTERVAL IF(seq > 300, 70, 50) MINUTE FROM seq_1_to_600;
                           INSERT INTO feed_stream (stream) {names('many', 600)}""")
    before = hosts.reloads()
    await_true(lambda: all(host.metric("feed_streams") > 300 for host in hosts.all), 5, "the hosts have seen them")
    hosts.revoke_on_first()
    equal(hosts.reloads(), before, "complete loads of the hosts")
    await_true(lambda: hosts.number("SELECT COUNT(*) FROM feed_stream") < 310, 100, "the gone ones are removed", interval=0.5)
    equal(hosts.number("SELECT COUNT(*) FROM feed_stream WHERE stream LIKE 'host:many%'"), 300, "streams that have rows")
    hosts.revoke_on_first()
    equal([host.pool.ask("GET", "/ready").status for host in hosts.all], [200, 200], "/ready")


@check("one revocation that the database refuses: it alone is answered 503, those of the same transaction 200")
def one_is_refused(hosts):
    first, good, bad, fair = issued = [hosts.first.token() for _ in range(4)]
    hosts.database.sql(f"""CREATE TRIGGER refuse_one BEFORE INSERT ON revoked_token FOR EACH ROW
        SET NEW.client_id = IF(NEW.jti = '{tokens.claims(bad)['jti']}', (SELECT 1 UNION SELECT 2), NEW.client_id)""")
    with concurrent.futures.ThreadPoolExecutor(WORKERS + 1) as crowd:
        held = crowd.submit(hosts.database.sql, "LOCK TABLES revoked_token WRITE; DO SLEEP(0.6); UNLOCK TABLES")
        time.sleep(0.2)
        said = [crowd.submit(hosts.first.revoke, first)]        # waits for the table; the others wait for it
        time.sleep(0.1)
        said += [crowd.submit(hosts.first.revoke, token) for token in (good, bad, fair)]
        held.result()
    hosts.database.sql("DROP TRIGGER refuse_one")
    equal([one.result() for one in said], [200, 200, 503, 200], "/revoke")
    equal([hosts.is_stored(token) for token in issued], [True, True, False, True], "stored")
    equal(hosts.first.revoke(bad), 200, "/revoke once it is not refused")


@check("another table's duplicate key: /revoke is 503 and an assertion is 503, never 200 and never 401")
def duplicate_of_another_table(hosts):
    hosts.database.sql("CREATE TABLE audit (one INT PRIMARY KEY); INSERT INTO audit VALUES (1)")
    first = hosts.first
    signer = Signer(first.operator.scratch, "reader", "key")
    add_key(hosts.database.sql, signer)

    def assertion():
        form = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": signer.sign()}
        return fastcgi.ask(first.pool.socket, "POST", "/oauth/token", web.form(form)).status

    await_true(lambda: assertion() == 200, 5, "the key is known")
    for table in ("revoked_token", "used_proof"):
        hosts.database.sql(f"CREATE TRIGGER {table}_audit AFTER INSERT ON {table} FOR EACH ROW INSERT INTO audit VALUES (1)")
    token = first.token()
    equal((first.revoke(token), hosts.is_stored(token)), (503, False), "/revoke, stored")
    equal(assertion(), 503, "a proof that was not used before")
    hosts.database.sql("DROP TRIGGER revoked_token_audit; DROP TRIGGER used_proof_audit; DROP TABLE audit")
    equal((first.revoke(token), hosts.is_stored(token), first.revoke(token)), (200, True, 200), "/revoke, stored, again")


# --- more rules than fit --------------------------------------------------------------------------------------------

RULES = 16


@check("more revocation rules than rules_max: what they do not revoke is 503, never active; those of one client are one rule")
def many_rules(hosts):
    first = hosts.first
    live = first.token()

    def validate():
        return first.post("/validate", {"token": live}).status

    def add(client, count):
        hosts.database.sql(f"""INSERT INTO revocation_rule (client_id, issued_before, expires_at)
            SELECT {client}, NOW() + INTERVAL 1 SECOND, NOW() + INTERVAL 1 HOUR FROM seq_1_to_{count}""")

    add("'other-client'", 3 * RULES)
    time.sleep(0.5)
    must(first.active(live), "a live token of another client")
    add("CONCAT('client-', seq)", RULES)
    await_true(lambda: validate() == 503, 5, "nothing is known of what does not fit")
    must("revocation_rules_full" in first.degraded(), "/ready names it")
    must('"event":"rules_full"' in first.pool.log(), "the log names it")
    hosts.database.sql("DELETE FROM revocation_rule")
    await_true(lambda: validate() == 200 and first.active(live), 5, "active again")
    must("revocation_rules_full" not in first.degraded(), "/ready names it no longer")


# --- values that are too long ---------------------------------------------------------------------------------------

LONG = 3000
# Constraints that a schema made by others may lack.
LOOSE = f"""SET FOREIGN_KEY_CHECKS = 0, sql_mode = '';
    ALTER TABLE audience_reader DROP FOREIGN KEY audience_reader_of_client;
    ALTER TABLE client_key DROP FOREIGN KEY client_key_of_client;
    ALTER TABLE client_secret DROP FOREIGN KEY client_secret_of_client;
    ALTER TABLE client_grant DROP FOREIGN KEY client_grant_of_client, DROP FOREIGN KEY client_grant_of_audience;
    ALTER TABLE client DROP CONSTRAINT client_id_is_vschar, MODIFY client_id VARBINARY({LONG}) NOT NULL;
    ALTER TABLE client_secret DROP CONSTRAINT label_is_a_plain_word,
        MODIFY client_id VARBINARY({LONG - 200}) NOT NULL, MODIFY label VARBINARY(200) NOT NULL;
    ALTER TABLE client_grant MODIFY audience VARBINARY(2000) NOT NULL;
    ALTER TABLE client MODIFY tls_subject MEDIUMBLOB NULL;
    ALTER TABLE revoked_token DROP CONSTRAINT jti_is_printable, MODIFY jti VARBINARY({LONG}) NOT NULL;
    ALTER TABLE revocation_rule MODIFY client_id VARBINARY({LONG}) NULL;
    ALTER TABLE signing_key DROP CONSTRAINT kid_is_a_plain_word, MODIFY kid VARBINARY({LONG}) NOT NULL;
    ALTER TABLE feed_stream MODIFY stream VARBINARY({LONG}) NOT NULL;
    """
ROWS = f"""SET FOREIGN_KEY_CHECKS = 0, sql_mode = '';
    INSERT INTO client (client_id) VALUES (REPEAT('a', {LONG})), (CONCAT('zz', REPEAT(X'00', {LONG - 2})));
    UPDATE client SET tls_subject_kind = 'subject_dn', tls_subject = REPEAT('x', 100000) WHERE client_id = 'reader';
    INSERT INTO client_secret (client_id, label, hash) VALUES ('reader', REPEAT('l', 200),
        '$sha256$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
    INSERT INTO client_grant (client_id, audience) VALUES ('reader', REPEAT('u', 2000));
    INSERT INTO revoked_token (jti) VALUES (REPEAT('!', {LONG})), (REPEAT('!', 65));
    INSERT INTO revocation_rule (client_id, issued_before, expires_at) VALUES
        (REPEAT('a', {LONG}), NOW() + INTERVAL 1 DAY, NOW() + INTERVAL 1 DAY);
    INSERT INTO signing_key (kid, alg, public_jwk, private_pem) SELECT REPEAT('k', {LONG}), alg, public_jwk, private_pem
        FROM signing_key LIMIT 1;
    INSERT INTO feed_stream (stream) VALUES (REPEAT('s', {LONG}));
    CREATE TRIGGER revoked_token_feed_insert AFTER INSERT ON revoked_token FOR EACH ROW CALL feed_put('revoked_token', NEW.jti);
    CALL feed_put('everything', '');
    """


@check("values of 3,000 bytes in a schema without CHECKs: those rows are left out and named, all hosts go on, also anew")
def long_values(hosts):
    live = [host.token() for host in hosts.all]
    for (trigger,) in hosts.database.sql("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = 'm2mauth'"):
        hosts.database.sql(f"DROP TRIGGER {trigger}")
    hosts.database.sql(LOOSE)
    hosts.database.sql(ROWS)
    time.sleep(1)
    for start in ("at work", "started anew"):
        for host, token in zip(hosts.all, live):
            must(host.active(token), f"{start}: a live token of {host.stream} is active")
            host.token()
        hosts.revoke_on_first(3)
        for name in ("revoked_token !!!", "revocation_rule aaa", "signing_key kkk", "feed_stream sss", "client aaa"):
            await_true(lambda: f'"detail":"{name}' in hosts.first.pool.log(), 20, f"{start}: the log names {name}")
        if start == "at work":
            hosts.stop()
            hosts.start()


def script(build, scratch):
    stack = Stack(build, scratch, kinds=(), poll_ms=100, failures_per_minute=10000, replay="cluster", revoke_wait_ms=3000,
                  rules_max=RULES)
    with rig.Scratch() as second:
        hosts = Hosts(stack, second)
        hosts.start()
        rig.run_checks("", hosts)
        hosts.stop()
        for host in hosts.all:
            rig.run_check(f"no sanitizer report ({host.stream})", host.pool.no_sanitizer_report)


if __name__ == "__main__":
    rig.main(script)

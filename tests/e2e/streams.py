#!/usr/bin/env python3
"""streams: the change feed's streams are removed, set back, restored and many, and nothing that was acknowledged is lost.

Two hosts, each with a pool and a name of its own, on one private mariadbd; requests go straight to the sockets."""
import json
import time

import fastcgi
import rig
import tokens
import web
from house import House
from pool import Pool
from rig import await_true, check, equal, must
from signer import TYPE, Signer, add_key

REVOCATIONS = 10


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

    def metric(self, name):
        page = self.pool.ask("GET", "/metrics").body.decode()
        return float(next(line.split()[1] for line in page.splitlines() if line.startswith(f"m2mauth_{name} ")))


class Hosts:
    """Two pools on one database."""

    def __init__(self, house, second):
        self.house, self.database = house, house.database
        operator = rig.Operator(second, house.build, house.database, **{**house.operator.settings, "host_id": "other"})
        self.first, self.other = Host(house.operator, house.pool), Host(operator, Pool(operator))
        self.all = (self.first, self.other)
        house.operator.client("reader", "--default-scope", "read", "--token-seconds", "3600")
        operator.secrets = house.operator.secrets

    def configure(self, **settings):
        for host in self.all:
            host.operator.configure(**settings)

    def start(self):
        for host in self.all:
            host.pool.start(workers=2)

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


# --- a row is stored, or the caller is told so ----------------------------------------------------------------------

@check("a host whose stream was removed comes back: 10 of 10 acknowledged revocations stored, no other host reloads")
def removed_stream(hosts):
    hosts.revoke_on_first()
    before = hosts.reloads()
    for pause in (0, 1):                                # the other host sees the stream gone, or does not
        hosts.database.sql(f"DELETE FROM feed_stream WHERE stream = '{hosts.first.stream}'")
        time.sleep(pause)
        hosts.revoke_on_first()
    equal(hosts.reloads(), before, "complete loads of the hosts")


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


def script(build, scratch):
    house = House(build, scratch, kinds=(), poll_ms=100, failures_per_minute=10000, replay="cluster", revoke_wait_ms=3000)
    with rig.Scratch() as second:
        hosts = Hosts(house, second)
        hosts.start()
        rig.run_checks("", hosts)
        hosts.stop()
        for host in hosts.all:
            rig.run_check(f"no sanitizer report ({host.stream})", host.pool.no_sanitizer_report)


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""sessions: servers with other defaults than MariaDB's, and servers that take no changes.

One pool, asked straight at its socket; the database is a private mariadbd."""
import json
import os

import rig
import web
from house import House
from rig import await_true, check, equal, must


class Host:
    """The pool as its clients and operators see it."""

    def __init__(self, house):
        self.house, self.operator, self.pool, self.database = house, house.operator, house.pool, house.database

    def post(self, path, form):
        headers = [("HTTP_AUTHORIZATION", web.basic("reader", self.operator.secrets["reader"])[1])]
        answer = self.pool.ask("POST", path, web.form(form), headers)
        must(answer is not None, "no answer")
        return answer

    def token(self):
        answer = self.post("/token", {"grant_type": "client_credentials"})
        equal(answer.status, 200, "/token")
        return json.loads(answer.body)["access_token"]

    def revoke(self, token):
        return self.post("/revoke", {"token": token}).status

    def ready(self):
        answer = self.pool.ask("GET", "/ready")
        return answer.status, json.loads(answer.body).get("degraded", [])

    def degraded(self, reason):
        page = self.pool.ask("GET", "/metrics").body.decode()
        return f'm2mauth_degraded{{reason="{reason}"}} 1' in page

    def connection(self):
        """The id of the keeper's session, or None."""
        rows = self.database.sql("SELECT id FROM information_schema.processlist WHERE user = 'm2mauth'", "")
        return rows[0][0] if rows else None


READ_ONLY = (200, ["read_only_database"])


@check("case 19: read_only after a failover: 503, /ready and a metric say so, the connection is made anew; back by itself")
def read_only(host):
    token, before = host.token(), host.connection()
    host.database.sql("SET GLOBAL read_only = 1", "")
    await_true(lambda: host.ready() == READ_ONLY, 5, "/ready names it before anybody revokes")
    must(host.degraded("read_only_database"), "the metric")
    equal(host.revoke(token), 503, "/revoke")
    await_true(lambda: host.connection() not in (None, before), 5, "another connection")
    host.token()
    host.database.sql("SET GLOBAL read_only = 0", "")
    await_true(lambda: host.revoke(token) == 200, 5, "/revoke works again")
    await_true(lambda: host.ready() == (200, []), 5, "/ready names nothing")
    must(not host.degraded("read_only_database"), "the metric afterwards")
    equal(host.pool.log().count('"degraded"'), 1, "lines of the log that say so")
    must("database_down" not in host.pool.log(), "the log says that the database is down")


def copy_of(host, target):
    """All of the database in another server, as a replica has it."""
    target.sql("CREATE DATABASE m2mauth CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "")
    target.sql(host.database.dump())
    with open(os.path.join(rig.SOURCE, "sql", "grants.sql")) as grants:
        target.sql(grants.read())
    target.sql(f"ALTER USER m2mauth@localhost IDENTIFIED BY '{rig.PASSWORD}'")


def address(host, database):
    """What db_socket names leads to this server from here on, as a virtual address does after a failover."""
    path = host.operator.settings["db_socket"]
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(database.socket, path)


@check("case 19: the address leads to the new primary: the revocation that found the old one read-only is stored in the new one")
def failover(host):
    successor = rig.Database(host.house.scratch)
    successor.start()
    copy_of(host, successor)
    token = host.token()
    address(host, successor)
    host.database.sql("SET GLOBAL read_only = 1", "")
    await_true(lambda: host.revoke(token) == 200, 8, "/revoke at the new primary")
    equal(successor.sql("SELECT COUNT(*) FROM revoked_token"), [["2"]], "revocations in the new primary")
    await_true(lambda: host.ready() == (200, []), 5, "/ready names nothing")
    address(host, host.database)
    successor.stop()
    host.database.sql("SET GLOBAL read_only = 0", "")
    await_true(lambda: host.revoke(host.token()) == 200, 10, "back at the first")


@check("a start against a read-only server: ready, and /ready says what does not work")
def start_read_only(host):
    host.pool.stop()
    host.database.sql("SET GLOBAL read_only = 1", "")
    host.pool.start(workers=2)
    await_true(lambda: host.ready() == READ_ONLY, 5, "/ready names it")
    host.token()
    host.database.sql("SET GLOBAL read_only = 0", "")
    await_true(lambda: host.ready() == (200, []), 5, "/ready names nothing")


def script(build, scratch):
    house = House(build, scratch, kinds=(), revoke_wait_ms=3000, poll_ms=100)
    house.operator.client("reader", "--default-scope", "read")
    host = Host(house)
    house.operator.configure(db_socket=scratch.path("address.sock"))
    address(host, house.database)
    house.pool.start(workers=2)
    rig.run_checks("", host)
    house.pool.stop()
    rig.run_check("no sanitizer report (sessions)", house.pool.no_sanitizer_report)


if __name__ == "__main__":
    rig.main(script)

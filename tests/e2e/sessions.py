#!/usr/bin/env python3
"""sessions: servers with defaults other than those of MariaDB, and servers that refuse writes.

One pool, addressed at its socket; the database is a private mariadbd."""
import json
import os
import threading

import rig
import tokens
import web
from stack import Stack
from rig import await_true, check, equal, must


def patiently(action):
    """Until a session has taken its own max_statement_time the server's limit ends its statements, and those are all that it
    may end. A busy machine needs longer than 10 us for one, so the session is tried again."""
    for _ in range(100):
        try:
            return action()
        except rig.Failure as failure:
            if "max_statement_time exceeded" not in str(failure):
                raise
    return action()


class Host:
    """The pool as its clients and operators see it."""

    def __init__(self, stack):
        self.stack, self.operator, self.pool, self.database = stack, stack.operator, stack.pool, stack.database

    def sql(self, sql, schema="m2mauth"):
        """Runs SQL in a session that does not depend on the defaults of the server."""
        return patiently(lambda: self.database.sql(
            "SET SESSION tx_read_only = 0, max_statement_time = 0, sql_big_selects = 1, "
            f"sql_select_limit = {2 ** 64 - 1}, sql_safe_updates = 0; {sql}", schema))

    def post(self, path, form, client="reader"):
        headers = [("HTTP_AUTHORIZATION", web.basic(client, self.operator.secrets[client])[1])]
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
        rows = self.sql("SELECT id FROM information_schema.processlist WHERE user = 'm2mauth'", "")
        return rows[0][0] if rows else None


READ_ONLY = (200, ["read_only_database"])


@check("read_only after a failover: 503, /ready and a metric say so, the connection is made anew; back by itself")
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
    """Makes db_socket lead to this server from now on, like a virtual address after a failover."""
    path = host.operator.settings["db_socket"]
    if os.path.lexists(path):
        os.unlink(path)
    os.symlink(database.socket, path)


@check("the address leads to the new primary: the revocation that found the old one read-only is stored in the new one")
def failover(host):
    successor = rig.Database(host.stack.scratch)
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


# --- other defaults -------------------------------------------------------------------------------------------------

# Settings of a server, and how they are undone.
DEFAULTS = (
    "init_connect = 'SET NAMES utf8'", "init_connect = 'SET NAMES latin1'",
    "init_connect = 'SET autocommit = 0; START TRANSACTION; SELECT 1'", "init_connect = 'SET timestamp = 1000000000'",
    "init_connect = 'SET sql_mode = ANSI_QUOTES, check_constraint_checks = 0, foreign_key_checks = 0, unique_checks = 0'",
    "autocommit = 0", "completion_type = 'RELEASE'", "tx_read_only = 1", "tx_isolation = 'SERIALIZABLE'",
    "tx_isolation = 'READ-UNCOMMITTED'", "time_zone = '+05:30'",
    "sql_mode = ''", "sql_mode = 'ORACLE'", "sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,NO_UNSIGNED_SUBTRACTION'",
    "sql_select_limit = 1", "sql_safe_updates = 1", "max_join_size = 1", "sql_auto_is_null = 1", "max_sort_length = 64",
    "max_statement_time = 0.00001", "net_read_timeout = 1", "net_write_timeout = 1", "wait_timeout = 1",
    "idle_transaction_timeout = 1", "lock_wait_timeout = 0", "collation_connection = 'utf8mb4_bin'",
    "character_set_server = 'latin1'", "explicit_defaults_for_timestamp = 0",
)


def reconnect(host):
    """The keeper's session ends, and another one begins with the server's defaults of this moment."""
    before = host.connection()
    if before:
        host.database.run(f"KILL {before}", check=False)
    await_true(lambda: host.connection() not in (None, before), 10, "the keeper connects")


def no_other_loss(host, default):
    """A session ends because it is killed, or because a busy machine took longer than the keeper waits."""
    lost = [line for line in host.pool.log().splitlines() if '"database_down"' in line]
    other = [line for line in lost if not any(f"(error {number})" in line for number in (1927, 1969, 2002, 2006, 2013))]
    must(not other, f"{default}: {other[-1:]}")


@check("whatever defaults and init_connect the server has, sessions rely on none of them")
def other_defaults(host):
    tokens_left = [host.token() for _ in DEFAULTS]
    for number, default in enumerate(DEFAULTS):
        name = default.split()[0]
        before = host.sql(f"SELECT @@GLOBAL.{name}", "")[0][0]
        host.sql(f"SET GLOBAL {default}", "")
        try:
            reconnect(host)
            await_true(lambda: host.ready() == (200, []), 5, f"{default}: ready")
            await_true(lambda: host.revoke(tokens_left[number]) == 200, 5, f"{default}: /revoke")
            stored = host.sql("SELECT COUNT(*) FROM revoked_token WHERE jti = "
                                       f"'{tokens.claims(tokens_left[number])['jti']}'")
            equal(stored, [["1"]], f"{default}: the revocation is stored")
            migration = f"-- data\nINSERT INTO audience (audience) VALUES ('https://default-{number}/');\n"
            host.stack.scratch.write(f"migrations/0100_{number:04}.sql", migration)
            patiently(lambda: host.operator.m2mctl("migrate", rig.MIGRATIONS, host.stack.scratch.path("migrations"),
                                                   database=True))
            edit = f"START TRANSACTION; CALL client_{'disable' if number % 2 else 'enable'}('edited'); COMMIT"
            host.sql(edit)
            wanted = 401 if number % 2 else 200
            await_true(lambda: host.post("/token", {"grant_type": "client_credentials"}, "edited").status == wanted, 5,
                       f"{default}: an edit is seen")
            no_other_loss(host, default)
        finally:
            value = before if before.replace(".", "", 1).isdigit() else f"'{before}'"
            host.sql(f"SET GLOBAL {name} = {value}", "")
    equal(host.sql("SELECT COUNT(*) FROM audience WHERE audience LIKE 'https://default-%'"), [[str(len(DEFAULTS))]],
          "what m2mctl migrated")


@check("a setting that a session cannot change is reported with the solution, by the log and by m2mctl, until it is corrected")
def cannot_be_set(host):
    host.database.sql("SET GLOBAL max_allowed_packet = 4096", "")
    before = host.connection()
    host.database.run(f"KILL {before}", check=False)
    await_true(lambda: "max_allowed_packet is 4096, below 65536; correct its configuration" in host.pool.log(), 10, "the log")
    said = host.operator.m2mctl("key", "list", check=False, database=True)
    must(said.returncode == 3 and b"max_allowed_packet is 4096, below 65536" in said.stderr, f"m2mctl says {said.stderr}")
    host.database.sql("SET GLOBAL max_allowed_packet = 16777216", "")
    await_true(lambda: host.revoke(host.token()) == 200, 10, "/revoke works again")


@check("a host has one session, two at most while it is reloaded: what grants.sql reckons with")
def sessions_of_a_host(host):
    count, seen, over = "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'm2mauth'", [], threading.Event()

    def watch():
        while not over.is_set():
            seen.append(int(host.sql(count, "")[0][0]))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    for _ in range(3):
        host.pool.reload()
        await_true(lambda: host.revoke(host.token()) == 200, 10, "/revoke after the reload")
    over.set()
    watcher.join(20)
    must(max(seen) <= 2, f"{max(seen)} sessions")
    await_true(lambda: host.sql(count, "") == [["1"]], 5, "one session afterwards")


def script(build, scratch):
    stack = Stack(build, scratch, kinds=(), revoke_wait_ms=3000, poll_ms=100, failures_per_minute=10000)
    for client in ("reader", "edited"):
        stack.operator.client(client, "--default-scope", "read")
    os.mkdir(scratch.path("migrations"))
    host = Host(stack)
    stack.operator.configure(db_socket=scratch.path("address.sock"))
    address(host, stack.database)
    stack.pool.start(workers=2)
    rig.run_checks("", host)
    stack.pool.stop()
    rig.run_check("no sanitizer report (sessions)", stack.pool.no_sanitizer_report)


if __name__ == "__main__":
    rig.main(script)

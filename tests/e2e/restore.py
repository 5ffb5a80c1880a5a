#!/usr/bin/env python3
"""restore: a database that lacks procedures or triggers is noticed: by /ready and a metric, by m2mauth -t, by m2mctl; and m2mctl
migrate installs them again.

usage: restore.py BUILDDIR
"""
import json
import os
import re
import subprocess

import rig
import web
from stack import Stack
from pool import sanitized
from rig import MIGRATIONS, ROUTINES, await_true, check, equal, must

NAME = "missing_routines"


class Host:
    def __init__(self, stack):
        self.stack, self.operator, self.pool, self.database = stack, stack.operator, stack.pool, stack.database

    def post(self, path, form):
        headers = [("HTTP_AUTHORIZATION", web.basic("orders", self.operator.secrets["orders"])[1])]
        return self.pool.ask("POST", path, web.form(form), headers)

    def token(self):
        return json.loads(self.post("/token", {"grant_type": "client_credentials"}).body)["access_token"]

    def degraded(self):
        answer = self.pool.ask("GET", "/ready")
        page = self.pool.ask("GET", "/metrics").body.decode()
        named = json.loads(answer.body).get("degraded", [])
        equal(answer.status, 200, "/ready")
        return NAME in named and f'm2mauth_degraded{{reason="{NAME}"}} 1' in page

    def check(self, **settings):
        """What m2mauth -t writes; its exit status is 0 and its answer ok."""
        self.operator.configure(**settings)
        done = subprocess.run([self.pool.binary, "-c", self.operator.conf, "-t"], capture_output=True, text=True, timeout=60,
                              env=sanitized())
        equal((done.returncode, done.stdout), (0, "ok\n"), f"m2mauth -t: {done.stderr}")
        return done.stderr

    def migrate(self, *options, check=True):
        done = self.operator.m2mctl("migrate", *options, "--routines", ROUTINES, MIGRATIONS, database=True, check=check)
        return done.stdout.decode()

    def grant(self):
        with open(os.path.join(rig.SOURCE, "sql", "grants.sql")) as grants:
            self.database.sql(grants.read())

    def dump(self, *options):
        done = subprocess.run(["mariadb-dump", "--no-defaults", f"--socket={self.database.socket}", "--user=root", *options,
                               "m2mauth"], capture_output=True, timeout=60)
        equal(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def restore(self, dump):
        self.database.sql("DROP DATABASE m2mauth; CREATE DATABASE m2mauth CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "")
        self.database.sql(dump)


@check("a whole schema: /ready and -t say nothing")
def whole(host):
    await_true(lambda: not host.degraded(), 5, "nothing is missing")
    equal(host.check(), "", "m2mauth -t")


@check("a dump without --routines: /ready, a metric, the log, -t and m2mctl say so; migrate installs them again")
def without_routines(host):
    token = host.token()
    host.restore(host.dump("--single-transaction"))
    await_true(host.degraded, 15, "/ready and the metric name it")
    equal(host.post("/revoke", {"token": token}).status, 503, "/revoke")
    must(re.search(r'"level":"error".*"event":"missing_routines".*m2mctl migrate', host.pool.log()), "the log says what to do")
    warning = host.check()
    must("warning: database m2mauth: " in warning and "m2mctl migrate" in warning and "grants.sql" in warning, warning)
    must("MISSING" in host.migrate("--status", check=False), "m2mctl migrate --status")
    must("as after a restore from a dump without --routines" in host.migrate(), "m2mctl migrate")
    host.grant()
    await_true(lambda: not host.degraded(), 15, "nothing is missing any more")
    equal(host.check(), "", "m2mauth -t")
    equal(host.post("/revoke", {"token": token}).status, 200, "/revoke")


@check("a dump without triggers: the same, by name")
def without_triggers(host):
    host.restore(host.dump("--single-transaction", "--routines", "--skip-triggers"))
    host.grant()
    await_true(host.degraded, 15, "/ready and the metric name it")
    warning = host.check()
    must("warning: database m2mauth: TRIGGER " in warning and "in all)" in warning, warning)
    host.migrate()
    await_true(lambda: not host.degraded(), 15, "nothing is missing any more")


@check("the dump of deploy/doc/operations.md brings all of it back")
def by_the_manual(host):
    with open(os.path.join(rig.SOURCE, "deploy", "doc", "operations.md")) as file:
        line = re.search(r"mariadb-dump (--[a-z-]+(?: --[a-z-]+)*) m2mauth", file.read())
    host.restore(host.dump(*line[1].split()))
    equal(host.migrate().splitlines()[-1].split(":")[0], "nothing to do", "m2mctl migrate")
    equal(host.check(), "", "m2mauth -t")


@check("-t: an account without its rights, an older schema, a database that is away or hangs: a warning, within seconds")
def warnings(host):
    host.database.sql("REVOKE EXECUTE ON PROCEDURE routines_missing FROM m2mauth@localhost")
    must("grants.sql" in host.check(), "no word of grants.sql")
    host.grant()
    host.database.sql("CREATE DATABASE old CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; GRANT ALL ON old.* TO m2mauth@localhost", "")
    must("m2mctl migrate" in host.check(db_name="old"), "an empty schema")
    must("the database was not checked" in host.check(db_name="m2mauth", db_socket="/nonexistent/db.sock"), "a database that is away")
    with rig.socket.socket(rig.socket.AF_UNIX) as silent:
        silent.bind(host.operator.scratch.path("silent.sock"))
        silent.listen(5)
        must("the database was not checked" in host.check(db_socket=host.operator.scratch.path("silent.sock")), "one that hangs")
    host.operator.configure(db_socket=host.database.socket)


def script(build, scratch):
    stack = Stack(build, scratch, kinds=())
    stack.start(workers=1)
    stack.operator.client("orders")
    host = Host(stack)
    await_true(lambda: host.post("/token", {"grant_type": "client_credentials"}).status == 200, 10, "the client is seen")
    rig.run_checks("", host)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

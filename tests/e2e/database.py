#!/usr/bin/env python3
"""database: changes by SQL take effect within a second; the answers while the database is unavailable."""
import os
import signal
import threading
import time

import rig
import tokens
import web
from stack import Stack
from load import Load, token_job, validate_job
from rig import Failure, await_true, check, equal, must

SEEN_SECONDS = 1.0
REVOKE_SECONDS = 10     # 0.8 (revoke_wait_ms) on a quiet machine; a front server gives up after 15 s
VALIDATE_SECONDS, FRESH_SECONDS = 5, 2
OUTAGE_SECONDS = 18
LATE_SECONDS = 8        # on a busy machine an answer may be read long after it was made
REVOCATIONS = 1000
REVOKERS = 8


def edit_is_seen(stack, sql, condition, what):
    """Runs sql and waits for its effect, at most SEEN_SECONDS after the answer of the database."""
    stack.database.sql(sql)
    return await_true(condition, SEEN_SECONDS, what, interval=0.01)


# --- edits ----------------------------------------------------------------------------------------------------------

@check("client disabled by SQL under load: no token, tokens inactive, others not disturbed; enabled again")
def disable(stack, kind):
    client, reader = stack.client("edited", kind), stack.client("reader", kind)
    token = client.token()
    must(reader.active(token), "a new token is not active")
    other = [token_job(reader), validate_job(reader, reader.token())]
    with Load(stack.port(kind), other, threads=4, least=100) as load:
        time.sleep(0.3)
        edit_is_seen(stack, "UPDATE client SET enabled = 0 WHERE client_id = 'edited'",
                     lambda: client.token_answer().status == 401 and not reader.active(token), "disabled")
        for _ in range(20):                             # at every worker
            equal(client.token_answer().status, 401, "token for a disabled client")
            equal(reader.active(token), False, "token of a disabled client")
        edit_is_seen(stack, "UPDATE client SET enabled = 1 WHERE client_id = 'edited'",
                     lambda: client.token_answer().status == 200 and reader.active(token), "enabled")
    load.none_failed(100)


@check("new client, new secret, expired secret: by what m2mctl prints, under load")
def new_client(stack, kind):
    reader = stack.client("reader", kind)
    name = f"new-{kind}"
    with Load(stack.port(kind), [token_job(reader)], threads=4, least=100) as load:
        equal(web.Client(stack.port(kind), name, "x").token_answer().status, 401, "before it is there")
        stack.operator.client(name, "--default-scope", "read")
        first = stack.client(name, kind)
        await_true(lambda: first.token_answer().status == 200, SEEN_SECONDS, "the new client", interval=0.01)
        done = stack.operator.m2mctl("secret", "--label", "second", name)
        second = web.Client(stack.port(kind), name, done.stderr.decode().split()[-1])
        edit_is_seen(stack, done.stdout.decode(), lambda: second.token_answer().status == 200, "the second secret")
        equal(first.token_answer().status, 200, "the first secret beside the second")
        edit_is_seen(stack, f"UPDATE client_secret SET expires_at = NOW() "
                            f"WHERE client_id = '{name}' AND label <> 'second'",
                     lambda: first.token_answer().status == 401, "the first secret has expired")
        equal(second.token_answer().status, 200, "the second secret")
    load.none_failed(100)


@check("rate limit set by SQL: the surplus is 429 with Retry-After; taken away: no limit")
def rate_limit(stack, kind):
    client = stack.client("edited", kind)
    def limited():
        return 429 in {client.token_answer().status for _ in range(6)}
    try:
        edit_is_seen(stack, "UPDATE client SET rate_per_minute = 6, rate_burst = 2 WHERE client_id = 'edited'",
                     limited, "limit")
        answer = client.token_answer()
        equal((answer.status, answer.error()), (429, "temporarily_unavailable"), "answer")
        must(answer.header("Retry-After"), "429 without Retry-After")
        equal(stack.client("reader", kind).token_answer().status, 200, "another client")
    finally:
        stack.database.sql("UPDATE client SET rate_per_minute = NULL, rate_burst = NULL WHERE client_id = 'edited'")
    await_true(lambda: not limited(), SEEN_SECONDS, "no limit")


@check("tokens revoked by SQL: one by its jti, all of a client by a rule")
def revoke_by_sql(stack, kind):
    client, reader = stack.client("edited", kind), stack.client("reader", kind)
    one, other = client.token(), client.token()
    jti = tokens.claims(one)["jti"]
    edit_is_seen(stack, f"INSERT INTO revoked_token (jti, client_id) VALUES ('{jti}', 'edited')",
                 lambda: not reader.active(one), "revoked by jti")
    must(reader.active(other), "the other token is inactive, too")
    edit_is_seen(stack, "INSERT INTO revocation_rule (client_id, issued_before, expires_at) "
                        "VALUES ('edited', NOW() + INTERVAL 1 SECOND, NOW() + INTERVAL 1 DAY)",
                 lambda: not reader.active(other), "revoked by rule")
    time.sleep(1.2)
    must(reader.active(client.token()), "a token issued later is inactive")


@check("no statement reaches the database for a token or a validation")
def no_statements(stack, kind):
    reader = stack.client("reader", kind)
    both = [token_job(reader), validate_job(reader, reader.token())]
    def executed(load_threads):
        names = ("Questions", "Com_stmt_execute")
        before = [stack.database.status(name) for name in names]
        with Load(stack.port(kind), both, threads=load_threads) as load:
            time.sleep(4)
        return max(stack.database.status(name) - old for name, old in zip(names, before)), load.total()
    idle, _ = executed(0)
    busy, requests = executed(6)
    must(requests > 1000, f"only {requests} requests")
    must(busy <= 1.25 * idle + 20, f"{idle} statements in 4 s at rest, {busy} under {requests} requests")


# --- outage ---------------------------------------------------------------------------------------------------------

class Outage:
    """A database that stops under load, and the answers of /validate with their times."""

    def __init__(self, stack):
        self.stack = stack
        self.clients = {kind: stack.client("reader", kind) for kind in stack.fronts}
        self.said = []                                  # (time, status) of /validate

    def jobs(self, kind):
        client = self.clients[kind]
        live, dead = client.token(), client.token()
        client.revoke(dead)
        def noting(job):
            judge = job.wrong
            def wrong(answer):
                self.said.append((time.monotonic(), answer.status))
                if (answer.status, answer.error()) == (503, "temporarily_unavailable"):
                    return None if answer.header("Retry-After") else "503 without Retry-After"
                return judge(answer)
            job.wrong = wrong
            return job
        return [token_job(client), noting(validate_job(client, live)), noting(validate_job(client, dead, False))]

    def revoke_is_refused(self, kind):
        client = self.clients[kind]
        token = client.token()
        start = time.monotonic()
        answer = client.revoke(token)
        must(time.monotonic() - start < REVOKE_SECONDS, f"/revoke took {time.monotonic() - start:.2f} s")
        equal((answer.status, answer.error()), (503, "temporarily_unavailable"), "D6 /revoke")
        must(answer.header("Retry-After"), "D6 503 without Retry-After")

    def unknown_client_cannot_be_judged(self, kind):
        answer = web.Client(self.stack.port(kind), "nobody", "x").token_answer()
        equal(answer.status, 503, "A21 unknown client while the replica is too old to know")
        answer = web.Client(self.stack.port(kind), "reader", "x").token_answer()
        equal(answer.status, 401, "a wrong secret of a known client")

    def during(self):
        stopped = time.monotonic()
        for kind in self.stack.fronts:
            self.revoke_is_refused(kind)
        time.sleep(max(0, stopped + FRESH_SECONDS + 1.5 - time.monotonic()))
        for kind in self.stack.fronts:
            self.unknown_client_cannot_be_judged(kind)
        time.sleep(max(0, stopped + VALIDATE_SECONDS + 2 - time.monotonic()))
        for kind in self.stack.fronts:
            self.revoke_is_refused(kind)
            for path, wanted in (("/live", 200), ("/ready", 503), ("/jwks.json", 200)):
                equal(web.request(self.stack.port(kind), "GET", "/oauth" + path).status, wanted, path)
        time.sleep(max(0, stopped + OUTAGE_SECONDS - time.monotonic()))

    def judge(self, stopped, started):
        early = [at - stopped for at, status in self.said if status == 503 and at < stopped + VALIDATE_SECONDS - 1]
        late = [at - stopped for at, status in self.said
                if status == 200 and stopped + VALIDATE_SECONDS + LATE_SECONDS < at < started]
        must(not early, f"/validate gave up after {early[:1]} s")
        must(not late, f"C7 /validate still answered after {late[-1:]} s")
        must(any(status == 503 for _, status in self.said), "C7 /validate never said 503")


def outage(stack):
    """A21 C7 D6: /token goes on, /validate is right until its limit and then says that it cannot answer."""
    outage_ = Outage(stack)
    loads = [Load(front.port, outage_.jobs(kind), threads=3, pause=0.002, least=500) for kind, front in stack.fronts.items()]
    with loads[0], loads[-1]:
        time.sleep(0.5)
        stack.database.stop()
        stopped = time.monotonic()
        outage_.during()
        started = time.monotonic()
        stack.database.start()
        reader = outage_.clients["nginx"]
        await_true(lambda: reader.validate(reader.token()).status == 200, 7, "/validate answers again")
        time.sleep(0.5)
    for load in loads:
        load.none_failed(500)
    outage_.judge(stopped, started)
    must(reader.revoke(reader.token()).status == 200, "/revoke afterwards")


def silence(stack):
    """Nothing may wait for a database that accepts requests and never answers."""
    reader = stack.client("reader")
    token, late = reader.token(), reader.token()
    os.kill(stack.database.process.pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            start = time.monotonic()
            answer = reader.revoke(late)
            must(time.monotonic() - start < REVOKE_SECONDS, f"/revoke took {time.monotonic() - start:.2f} s")
            equal(answer.status, 503, "D6 /revoke")
            equal(reader.token_answer().status, 200, "/token")
            equal(reader.active(token), True, "C7 /validate")
    finally:
        os.kill(stack.database.process.pid, signal.SIGCONT)
    await_true(lambda: reader.revoke(late).status == 200, 6, "/revoke works again", interval=0.1)
    equal(reader.active(late), False, "the revoked token")


def start_without_database(stack):
    stack.database.stop()
    stack.pool.start(ready=False)
    for path, wanted in (("/live", 200), ("/ready", 503)):
        await_true(lambda: getattr(stack.pool.ask("GET", path), "status", None) == wanted, 5, f"{path} {wanted}")
    for kind in stack.fronts:
        reader = stack.client("reader", kind)
        for answer in (reader.token_answer(), reader.validate("x"), reader.revoke("x")):
            equal((answer.status, answer.error()), (503, "temporarily_unavailable"), "answer before anything is known")
    master = stack.pool.master
    stack.database.start()
    stack.pool.await_ready(8)
    equal(stack.pool.master, master, "master")
    must(stack.client("reader").active(stack.client("reader").token()), "no active token")
    stack.pool.stop()


# --- durability -----------------------------------------------------------------------------------------------------

class Killer(threading.Thread):
    """Kills worker, keeper and mariadbd in turn with SIGKILL, and restarts mariadbd."""

    def __init__(self, stack):
        super().__init__(daemon=True)
        self.stack, self.over, self.kills = stack, threading.Event(), 0

    def run(self):
        pool = self.stack.pool
        while not self.over.wait(0.6):
            turn = self.kills % 4
            if turn == 3:
                self.stack.database.kill()
                self.stack.database.start(wait=False)
            else:
                pid = pool.keeper() if turn == 1 else next(iter(pool.workers()), None)
                if pid:
                    os.kill(pid, signal.SIGKILL)
            self.kills += 1

    def finish(self):
        self.over.set()
        self.join(30)


def revoke_until_acknowledged(client, tokens_left, acknowledged):
    """Takes tokens off the list and revokes each, repeating until 200."""
    while True:
        try:
            token = tokens_left.pop()
        except IndexError:
            return
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            try:
                answer = client.revoke(token)
            except OSError:
                continue
            if answer.status == 200:
                acknowledged.append(token)
                break
            if answer.status not in (500, 502, 503):
                acknowledged.append(Failure(f"/revoke said {answer}"))
                break
            time.sleep(0.05)


def revocations_survive(stack):
    client = stack.client("reader")
    issued = [client.token() for _ in range(REVOCATIONS)]
    left, acknowledged = list(issued), []
    killer = Killer(stack)
    killer.start()
    try:
        revokers = [threading.Thread(target=revoke_until_acknowledged, args=(client, left, acknowledged), daemon=True)
                    for _ in range(REVOKERS)]
        for thread in revokers:
            thread.start()
        while killer.kills < 8 or any(thread.is_alive() for thread in revokers):
            must(killer.is_alive(), "the killer died")
            time.sleep(0.1)
    finally:
        killer.finish()
    odd = [one for one in acknowledged if isinstance(one, Failure)]
    must(not odd, f"{odd[:1]}")
    equal(len(acknowledged), REVOCATIONS, "acknowledged revocations")
    os.kill(stack.pool.master, signal.SIGKILL)
    await_true(lambda: stack.database.answers(), 20, "mariadbd is there")
    stack.database.kill()
    stack.pool.process.wait(10)
    stack.database.start()
    stack.pool.start()
    alive = [token for token in issued if client.active(token)]
    equal(len(alive), 0, f"tokens that are active again after {killer.kills} kills")


def not_migrated(stack):
    """The schema of an older version: serving continues, the log names the cause, and the migration is noticed."""
    client = stack.client("reader")
    column = "require_binding ENUM('none','any','mtls','dpop') NOT NULL DEFAULT 'none' AFTER assertion_audience"
    stack.database.sql("ALTER TABLE client DROP COLUMN require_binding; UPDATE client SET description = 'x'")
    await_true(lambda: "database_not_migrated" in stack.pool.log(), 5, "the log says what is missing")
    must("require_binding" in stack.pool.log(), "it names the column")
    equal(client.token_answer().status, 200, "a client that is known")
    stack.database.sql(f"ALTER TABLE client ADD COLUMN {column}")
    await_true(lambda: client.validate(client.token()).status == 200, 10, "all is well again")


def older_schema(stack):
    """A column of the sixth migration is missing, as after an upgrade of the program alone."""
    event, before = '"database_not_migrated"', stack.pool.log().count('"database_not_migrated"')
    stack.database.sql("ALTER TABLE client RENAME COLUMN require_binding TO not_yet")
    try:
        stack.pool.start(ready=False)
        await_true(lambda: stack.pool.log().count(event) > before, 10, "the log says what to do")
        await_true(lambda: stack.pool.ask("GET", "/live"), 10, "a worker answers")
        answer = stack.pool.ask("POST", "/token", b"grant_type=client_credentials&client_id=reader&client_secret=x")
        equal(answer.status, 503, "/token")
    finally:
        stack.database.sql("ALTER TABLE client RENAME COLUMN not_yet TO require_binding")
    stack.pool.await_ready()
    stack.pool.stop()


def script(build, scratch):
    stack = Stack(build, scratch, validate_seconds=VALIDATE_SECONDS, fresh_seconds=FRESH_SECONDS, log_requests="none",
                  failures_per_minute=10000)
    stack.operator.client("reader", "--default-scope", "read", "--token-seconds", "3600")
    stack.operator.client("edited", "--default-scope", "read")
    stack.start()
    for kind in stack.fronts:
        rig.run_checks(kind, stack, kind)
    rig.run_check(f"A21 C7 D6 database stopped for {OUTAGE_SECONDS} s under load: no wrong answer", outage, stack)
    rig.run_check(f"{REVOCATIONS} acknowledged revocations survive kill -9 of workers, keeper and mariadbd",
                  revocations_survive, stack)
    rig.run_check("D6 a silent database: /revoke is 503 within 1 s, nothing else waits", silence, stack)
    rig.run_check("a schema of an older version: the log says so, and serving goes on", not_migrated, stack)
    stack.pool.stop()
    rig.run_check("start without the database: live, not ready, 503; ready when it is back",
                  start_without_database, stack)
    rig.run_check("a schema that is older than the program: 503, the log says so, and it goes on by itself once migrated",
                  older_schema, stack)
    rig.run_check("no sanitizer report (database)", stack.pool.no_sanitizer_report)


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""figures: measurements, one line each. Not part of tests/run: they take minutes and need a plain build on an idle
machine."""
import os
import signal
import statistics
import subprocess
import time

import database
import fastcgi
import rig
import web
from stack import Stack
from load import Load, token_job, validate_job
from rig import Failure, await_true

FORM = web.form({"grant_type": "client_credentials"})
EDITS, KILLS, HUPS = 50, 50, 1000
OUTAGE_SECONDS = 60


def both_jobs(client):
    return [token_job(client), validate_job(client, client.token())]


def count(whys):
    return f"{len(whys)} failed {dict((why, whys.count(why)) for why in set(whys)) or ''}"


def start_time(stack):
    """From exec to the first token, 1,000 clients."""
    stack.operator.clients(1000)
    authorization = ("HTTP_AUTHORIZATION", web.basic("reader", stack.operator.secrets["reader"])[1])
    spent = []
    for _ in range(9):
        start = time.perf_counter()
        stack.pool.start("socket", ready=False)
        while True:
            answer = fastcgi.ask(stack.pool.socket, "POST", "/oauth/token", FORM, more=[authorization])
            if answer is not None and answer.status == 200:
                break
            time.sleep(0.001)
        spent.append(1000 * (time.perf_counter() - start))
        stack.pool.stop()
    return f"{statistics.median(spent):.0f} ms median, {max(spent):.0f} ms at most, 1,000 clients, 8 workers"


def memory(stack):
    """PSS of the whole pool, 10,000 clients, after some work."""
    stack.operator.clients(10000)
    stack.start()
    with Load(stack.port(), both_jobs(stack.client("reader"))):
        time.sleep(5)
    total, parts = 0, []
    for pid in stack.pool.pids():
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            pss = next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        total += pss
        parts.append(f"{pss / 1024:.1f}")
    return f"{total / 1024:.1f} MB PSS, {len(parts)} processes ({' '.join(parts)}), 10,000 clients"


def size(stack):
    stripped = stack.scratch.path("stripped")
    subprocess.run(["strip", "-o", stripped, stack.pool.binary], check=True)
    return f"{os.path.getsize(stripped)} bytes, stripped m2mauth"


def statements(stack):
    """Database queries during 10,000 tokens and 10,000 validations, and while idle for the same time."""
    stack.start()
    names = ("Questions", "Com_stmt_execute", "Com_select", "Com_insert")
    def asked(seconds=None):
        before = {name: stack.database.status(name) for name in names}
        start = time.monotonic()
        if seconds is None:
            with Load(stack.port(), both_jobs(stack.client("reader"))) as load:
                await_true(lambda: min(load.good["token"], load.good["validate"]) >= 10000, 120, "10,000 of each", 0.01)
            load.none_failed(20000)
        else:
            time.sleep(seconds)
        return {name: stack.database.status(name) - before[name] for name in names}, time.monotonic() - start
    busy, seconds = asked()
    rest, _ = asked(seconds)
    return f"in {seconds:.1f} s with 10,000 tokens and 10,000 validations: {busy}; in {seconds:.1f} s at rest: {rest}"


def edits(stack):
    """From the database's answer to an UPDATE until the token is refused at every try."""
    stack.operator.client("edited", "--default-scope", "read")
    stack.start()
    client, reader, spent = stack.client("edited"), stack.client("reader"), []
    token = client.token()
    with Load(stack.port(), both_jobs(reader), threads=4) as load:
        for number in range(EDITS):
            enabled = number % 2
            stack.database.sql(f"UPDATE client SET enabled = {enabled} WHERE client_id = 'edited'")
            spent.append(await_true(lambda: reader.active(token) == bool(enabled) and
                                    (client.token_answer().status == 200) == bool(enabled), 5, "seen", 0.005))
    return (f"{EDITS} edits of enabled seen after {1000 * statistics.median(spent):.0f} ms median, "
            f"{1000 * max(spent):.0f} ms at most; others: {count(load.failed())} of {load.total()}")


def kills(stack):
    """Workers SIGKILLed under load."""
    stack.start()
    lines = []
    for kind in stack.fronts:
        worst, before = 0, 0
        with Load(stack.port(kind), both_jobs(stack.client("reader", kind))) as load:
            for number in range(KILLS):
                pids = stack.pool.workers()
                os.kill(pids[number % len(pids)], signal.SIGKILL)
                time.sleep(0.3)
                worst, before = max(worst, len(load.failed()) - before), len(load.failed())
        lines.append(f"{kind}: {KILLS} kills, {count(load.failed())} of {load.total()} requests, "
                     f"at most {worst} after one kill")
    return "; ".join(lines)


def hups(stack):
    """Reloads under load, on nginx's kept connections."""
    stack.start()
    with Load(stack.port(), both_jobs(stack.client("reader"))) as load:
        for _ in range(HUPS):
            stack.pool.tell(signal.SIGHUP)
            time.sleep(0.2)
    return f"{HUPS} HUPs, {count(load.failed())} of {load.total()} requests"


def outage(stack):
    """The database stopped for 60 s under load, with the default limits."""
    stack.start()
    client = stack.client("reader")
    live, dead = client.token(), client.token()
    client.revoke(dead)
    said = []
    def job(name, token, wanted):
        made = validate_job(client, token, wanted, name)
        judge = made.wrong
        def wrong(answer):
            said.append((time.monotonic(), answer.status))
            return None if answer.status == 503 else judge(answer)
        made.wrong = wrong
        return made
    with Load(stack.port(), [token_job(client), job("live", live, True), job("dead", dead, False)]) as load:
        time.sleep(2)
        stack.database.stop()
        stopped = time.monotonic()
        waits = []
        while time.monotonic() < stopped + OUTAGE_SECONDS:
            start = time.monotonic()
            if client.revoke(client.token()).status != 503:
                raise Failure("/revoke was not 503")
            waits.append(time.monotonic() - start)
            time.sleep(1)
        started = time.monotonic()
        stack.database.start()
        back = await_true(lambda: client.validate(live).status == 200, 15, "/validate is back")
        time.sleep(1)
    first = min(at for at, status in said if status == 503) - stopped
    last = max(at for at, status in said if status == 200 and at < started) - stopped
    return (f"{OUTAGE_SECONDS} s without database: /token {load.good['token']} x 200, {count(load.failed())}; "
            f"/validate 200 until {last:.1f} s, 503 from {first:.1f} s, 200 again {back:.1f} s after the start; "
            f"/revoke {len(waits)} x 503 within {max(waits):.2f} s")


def durable(stack):
    """Acknowledged revocations under kill -9 of everything in turn."""
    stack.start()
    database.revocations_survive(stack)
    return f"{database.REVOCATIONS} acknowledged revocations, all inactive after the last kill -9 and restart"


FIGURES = {figure.__name__: figure
           for figure in (size, start_time, memory, statements, edits, kills, durable, outage, hups)}


def script(build, scratch, *names):
    for name in names or FIGURES:
        stack = Stack(build, scratch, workers=8, clients_max=20000, failures_per_minute=10000, log_requests="refused")
        stack.operator.client("reader", "--default-scope", "read", "--token-seconds", "3600")
        try:
            print(f"{name}: {FIGURES[name](stack)}", flush=True)
        except Failure as failure:
            print(f"{name}: FAILED: {failure}", flush=True)
        scratch.stop_all()


if __name__ == "__main__":
    rig.main(script, tuple(FIGURES))

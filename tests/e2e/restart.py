#!/usr/bin/env python3
"""restart: stop, start and reload while the listening socket stays open, as under a systemd socket unit."""
import os
import resource
import signal
import subprocess
import time

import fastcgi
import pool
import rig
import web
from stack import Stack
from load import Load, token_job, validate_job
from rig import await_true, check, equal, must

WORKERS, DRAIN_SECONDS = 4, 60


def jobs(stack):
    reader = stack.client("reader")
    return [token_job(reader), validate_job(reader, reader.token())]


@check("restart under load: connections wait until the first load is complete, and no request fails")
def restarts(stack):
    with Load(stack.port(), jobs(stack)) as load:
        for _ in range(4):
            time.sleep(0.3)
            stack.pool.stop(seconds=30)
            stack.pool.start()
        time.sleep(0.3)
    load.none_failed(100)


@check("a pool that is stopped before it has loaded refuses nothing: what waits is left to the next start")
def stopped_early(stack):
    with Load(stack.port(), jobs(stack)) as load:
        for pause in (0.0, 0.01, 0.02, 0.05, 0.1, 0.2):
            stack.pool.stop(seconds=30)
            stack.pool.start(ready=False)
            time.sleep(pause)
        stack.pool.await_ready()
        time.sleep(0.3)
    load.none_failed(50)


def start_with_a_stopped_keeper(stack):
    """It is stopped while it connects. Its pid; None when it had given the database up before."""
    database, at = stack.database.process.pid, len(stack.pool.log())
    os.kill(database, signal.SIGSTOP)
    try:
        stack.pool.start(ready=False)
        await_true(stack.pool.keeper, 10, "a keeper", 0.001)
        keeper = stack.pool.keeper()
        os.kill(keeper, signal.SIGSTOP)
    finally:
        os.kill(database, signal.SIGCONT)
    if "database_down" not in stack.pool.log()[at:]:
        return keeper
    os.kill(keeper, signal.SIGCONT)
    stack.pool.stop(seconds=30)
    return None


@check("a first load that takes longer than a second is waited for while the database is not known to be away")
def slow_load(stack):
    wanted = jobs(stack)
    stack.pool.stop(seconds=30)
    keeper = next(filter(None, (start_with_a_stopped_keeper(stack) for _ in range(20))), None)
    must(keeper, "each keeper found the database away")
    with Load(stack.port(), wanted) as load:
        time.sleep(2.5)
        early = load.total() + len(load.failed())
        os.kill(keeper, signal.SIGCONT)
        stack.pool.await_ready()
        time.sleep(0.3)
    load.none_failed(1)
    equal(early, 0, "answers before the load")


@check("reloads while connections are kept and seldom used: no request fails")
def reloads(stack):
    with Load(stack.port(), jobs(stack), threads=16, pause=0.13) as load:
        for _ in range(10):
            stack.pool.reload()
            time.sleep(0.15)
    load.none_failed(100)


@check("a stop and a reload with idle kept connections do not wait for drain_seconds; an idle one is closed")
def idle(stack):
    for end in (stack.pool.reload, lambda: stack.pool.stop(seconds=DRAIN_SECONDS / 2)):
        peers = [fastcgi.Peer(stack.pool.socket, DRAIN_SECONDS) for _ in range(20)]
        for peer in peers:
            answer = peer.ask("GET", "/oauth/live")
            must(answer and answer.status == 200, "a kept connection is not answered")
        workers, began = stack.pool.workers(), time.monotonic()
        end()
        await_true(lambda: not any(rig.alive(pid) for pid in workers), DRAIN_SECONDS / 2, "the workers have left")
        must(time.monotonic() - began < DRAIN_SECONDS / 2, "it waited for the connections")
        for peer in peers:
            must(peer.closed_within(5), "an idle connection stays open")
            peer.sock.close()
    stack.pool.start()


@check("a request that comes on a kept connection before the worker closes it is answered")
def in_flight(stack):
    for _ in range(3):
        peers = [fastcgi.Peer(stack.pool.socket, 20) for _ in range(8)]
        for peer in peers:
            must(peer.ask("GET", "/oauth/live"), "no answer")
        workers = stack.pool.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        for peer in peers:
            must(peer.send(fastcgi.request("GET", "/oauth/live", keep=True)), "closed")
        time.sleep(0.15)                        # idle long enough to be closed, except for the waiting request
        stack.pool.tell(signal.SIGHUP)
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        answers = [peer.answer() for peer in peers]
        equal([answer and answer.status for answer in answers], [200] * len(peers), "answers")
        await_true(lambda: not set(workers) & set(stack.pool.workers()), 20, "the reload")


@check("the database is away at a start: connections wait until that is known, then they are answered")
def without_database(stack):
    stack.pool.stop(seconds=30)
    stack.database.stop()
    try:
        stack.pool.start(ready=False)
        answer = stack.pool.ask("GET", "/live")
        must(answer and answer.status == 200, f"/live: {answer}")
        equal(stack.pool.ask("GET", "/ready").status, 503, "/ready")
    finally:
        stack.database.start()
    stack.pool.await_ready()


@check("a reload with a wrong passphrase is given up: the old generation signs on, and the log says why")
def wrong_passphrase(stack):
    right = stack.operator.passphrase_file
    wrong = stack.scratch.write("wrong.passphrase", "a passphrase that opens no key of this database\n", 0o600)
    reader, workers = stack.client("reader"), set(stack.pool.workers())
    try:
        stack.operator.configure(key_passphrase_file=wrong)
        stack.pool.tell(signal.SIGHUP)
        await_true(lambda: "the old one stays in force" in stack.pool.log(), 20, "the reload is given up")
        must("this worker cannot open a key" in stack.pool.log(), "the log does not say why")
        for _ in range(20):
            equal(reader.token_answer().status, 200, "/token")
        await_true(lambda: set(stack.pool.workers()) == workers, 10, "the workers of before")
    finally:
        stack.operator.configure(key_passphrase_file=right)
    stack.pool.reload()
    equal(reader.token_answer().status, 200, "/token after the correction")


@check("a reload that cannot open one key of several, a file that was moved, is given up")
def moved_key_file(stack):
    path = stack.scratch.path("own.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path],
                   check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    os.chmod(path, 0o400)
    kid = stack.operator.m2mctl("key", "add", f"file:{path}", "--alg", "RS256", "--activate", "now",
                                database=True).stdout.decode().split()[1]
    stack.soon(lambda: kid in stack.pool.ask("GET", "/jwks.json").body.decode(), "the key is published", 10)
    stack.pool.reload()
    workers, at = set(stack.pool.workers()), len(stack.pool.log())
    time.sleep(1.5)                             # each worker has said what it signs with
    os.rename(path, path + ".moved")
    try:
        stack.pool.tell(signal.SIGHUP)
        await_true(lambda: "the old one stays in force" in stack.pool.log()[at:], 20, "the reload is given up")
        await_true(lambda: set(stack.pool.workers()) == workers, 10, "the workers of before")
    finally:
        os.rename(path + ".moved", path)
    stack.pool.reload()
    stack.operator.m2mctl("key", "drop", kid, database=True)
    stack.soon(lambda: kid not in stack.pool.ask("GET", "/jwks.json").body.decode(), "the key is gone", 10)
    stack.pool.reload()                         # a removed key is not a reason to fail


def has_new_keeper(log):
    """That of the last reload starts when the one before it has left, and reads the passphrase then."""
    serves = log.find(' serves"', log.rfind(' starts"'))
    return serves > 0 and '"event":"loaded"' in log[serves:]


@check("a worker that dies after the passphrase has changed does not come back; the others sign on")
def respawned(stack):
    right = stack.operator.passphrase_file
    with open(right, "rb") as file:
        content = file.read()
    await_true(lambda: has_new_keeper(stack.pool.log()), 20, "the keeper of the last reload")
    victim = stack.pool.workers()[0]
    try:
        stack.scratch.write(os.path.basename(right), b"a passphrase that opens no key of this database\n", 0o600)
        os.kill(victim, signal.SIGKILL)
        await_true(lambda: stack.pool.log().count("this worker cannot open a key") > 4, 20, "a worker refuses")
        for _ in range(20):
            equal(stack.client("reader").token_answer().status, 200, "/token")
    finally:
        stack.scratch.write(os.path.basename(right), content, 0o600)
    await_true(lambda: len(stack.pool.workers()) == WORKERS, 20, "all workers are back")




@check("workers without a free descriptor say so once and not at each attempt, and accept again when one is free")
def no_descriptors(stack):
    stack.pool.reload()
    at = len(stack.pool.log())
    for pid in stack.pool.workers():
        used = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 3, used + 3))
    peers = [fastcgi.Peer(stack.pool.socket, 20) for _ in range(8 * WORKERS)]
    await_true(lambda: '"event":"accept"' in stack.pool.log()[at:], 20, "a worker has no descriptor")
    time.sleep(2)
    lines = stack.pool.log()[at:].count('"event":"accept"')
    must(lines <= WORKERS, f"{lines} lines of {WORKERS} workers")
    for peer in peers:
        peer.sock.close()
    answer = stack.pool.ask("GET", "/live")
    must(answer and answer.status == 200, "no answer afterwards")
    stack.pool.reload()


@check("spawn-fcgi.sh restart with an error in the file leaves the old pool running; after the correction it restarts")
def spawn_script(stack):
    # spawn-fcgi does not start programs as root: use a user namespace with another user.
    unprivileged = [] if os.getuid() else ["unshare", "--map-user=1000", "--map-group=1000"]
    paths = {name: stack.scratch.path(f"script.{name.lower()}") for name in ("SOCKET", "PIDFILE", "CONFIG")}
    good = "".join(f"{key} = {value}\n" for key, value in stack.operator.settings.items() if value is not None)
    env = pool.sanitized({**os.environ, **paths, "M2MAUTH": stack.pool.binary})

    def run(word, content):
        stack.scratch.write("script.config", content)
        done = subprocess.run([*unprivileged, os.path.join(rig.SOURCE, "deploy", "spawn-fcgi.sh"), word], env=env, timeout=600,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return done.returncode, done.stderr.decode(errors="replace")

    def answers():
        answer = fastcgi.ask(paths["SOCKET"], "GET", "/oauth/live")
        return answer is not None and answer.status == 200

    def master():
        with open(paths["PIDFILE"]) as file:
            return int(file.read())

    equal(run("start", good)[0], 0, "start")
    try:
        await_true(answers, 20, "it serves")
        before = master()
        for word in ("restart", "reload"):
            status, said = run(word, good + "workers = zwei\n")
            must(status != 0 and "workers" in said, f"{word} with a bad file: {status}, {said[:300]}")
            must(master() == before and rig.alive(before) and answers(), f"{word} with a bad file ended the pool")
        equal(run("restart", good)[0], 0, "restart after the correction")
        await_true(answers, 20, "it serves again")
        must(master() != before, "the same process")
    finally:
        # Nothing reaps it here before this program does, and yet it has ended.
        equal(run("stop", good), (0, ""), "stop")


def script(build, scratch):
    stack = Stack(build, scratch, kinds=("nginx",), workers=WORKERS, drain_seconds=DRAIN_SECONDS,
                  log_requests="refused")
    stack.operator.client("reader", "--default-scope", "read")
    stack.pool = pool.SharedPool(stack.operator)
    stack.start("socket")
    rig.run_checks("", stack)
    rig.run_check("no sanitizer report (restart)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

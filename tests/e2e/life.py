#!/usr/bin/env python3
"""life: how the pool starts, loses processes, reloads and stops, most of it under load."""
import os
import signal
import socket
import statistics
import subprocess
import time

import fastcgi
import rig
import web
from fronts import Front
from stack import Stack
from load import Load, token_job, validate_job
from pool import sanitized
from rig import alive, await_true, check, equal, must

WORKERS, BUSY_SECONDS = 8, 3
FORM = web.form({"grant_type": "client_credentials"})
EX_USAGE, EX_CONFIG = 64, 78


def token_over(path, stack):
    """A token from the socket at path, without a front server."""
    authorization = ("HTTP_AUTHORIZATION", web.basic("reader", stack.operator.secrets["reader"])[1])
    answer = fastcgi.ask(path, "POST", "/oauth/token", FORM, more=[authorization])
    must(answer is not None and answer.status == 200, f"no token: {answer and answer.body}")
    return answer


def await_steady(stack):
    await_true(lambda: len(stack.pool.workers()) == WORKERS, 10, "8 workers, and none that leaves")


def jobs(stack, kind):
    reader = stack.client("reader", kind)
    return [token_job(reader), validate_job(reader, reader.token())]


# --- start ----------------------------------------------------------------------------------------------------------

def launcher_serves(stack, launcher):
    stack.pool.start(launcher)
    token_over(stack.pool.socket, stack)
    await_steady(stack)
    must(stack.pool.keeper(), "there is no keeper")
    stack.pool.stop()
    if stack.pool.process:
        equal(stack.pool.process.returncode, 0, "exit status after SIGTERM")


def launched_by_lighttpd(stack):
    content = f"#!/bin/sh\nexec {stack.pool.binary} -c {stack.operator.conf}\n"
    script = stack.scratch.write("start-m2mauth", content, 0o755)
    path = stack.scratch.path("bin-path.sock")
    front = Front(stack.scratch, "lighttpd", path, bin_path=script)
    must(not os.path.exists(path + "-0"), "the socket is there before the start")
    front.start()
    pids = []
    try:
        await_true(lambda: web.request(front.port, "GET", "/oauth/ready").status == 200, 20, "ready")
        client = web.Client(front.port, "reader", stack.operator.secrets["reader"])
        must(client.active(client.token()), "no active token")
        equal(web.request(front.port, "GET", "/.well-known/oauth-authorization-server/oauth").status, 200, "metadata")
        pids = rig.family(front.process.pid)[1:]
        must(len(pids) >= WORKERS + 2, f"{len(pids)} processes")
    finally:
        front.stop()
    await_true(lambda: not any(alive(pid) for pid in pids), 15, "the pool ends with lighttpd")


def daemon_logs_to_syslog(stack):
    """spawn-fcgi redirects stderr to /dev/null. Without a syslog daemon, the test reads /dev/log itself."""
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind("/dev/log")
    except OSError:
        launcher_serves(stack, "daemon")
        return
    try:
        listener.settimeout(5)
        launcher_serves(stack, "daemon")
        lines = [listener.recv(8192)]
        must(b"m2mauth" in lines[0] and b'"event"' in lines[0], f"syslog got {lines[0]!r}")
    finally:
        listener.close()
        os.unlink("/dev/log")


def not_a_socket(stack):
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        done = subprocess.run([stack.pool.binary, "-c", stack.operator.conf], stdin=stdin, capture_output=True,
                              timeout=600, env=sanitized())
        equal(done.returncode, EX_USAGE, "exit status")
        must(b"spawn-fcgi" in done.stderr or b"socket" in done.stderr, f"no help in {done.stderr[:200]!r}")


BAD_LINES = (
    ("workers = 0", "workers"), ("workers = many", "workers"), ("workers = 65", "workers"), ("wrokers = 4", "workers"),
    ("poll_ms", "="), ("issuer = http://as.example/oauth", "issuer"), ("issuer = https://as.example/?x=1", "issuer"),
    ("issuer = as.example", "issuer"), ("log_target = printer", "log_target"),
    ("clients_max = 99999999999", "clients_max"), ("token_seconds = 4", "token_seconds"),
    ("db_port = 99999", "db_port"), ("workers = 4\nworkers = 5", "workers"),
    ("colour = blue", "colour"), ("replay = everywhere", "replay"),
    ("replay = cluster\nrevoke_wait_ms = 5000", "revoke_wait_ms"),
)


def bad_configuration(stack):
    """Every error names the file, the line and the wrong word."""
    def examine(path):
        return subprocess.run([stack.pool.binary, "-t", "-c", path], capture_output=True, timeout=600, env=sanitized())
    done = examine(stack.operator.conf)
    equal(done.returncode, 0, f"-t with a good file: {done.stderr[:300]!r}")
    for lines, word in BAD_LINES:
        keys = {line.partition("=")[0].strip() for line in lines.split("\n")}
        kept = [f"{key} = {value}" for key, value in stack.operator.settings.items()
                if key not in keys and value is not None]
        path = stack.scratch.write("bad.conf", "\n".join([*kept, lines, ""]))
        done = examine(path)
        said = done.stderr.decode(errors="replace")
        equal(done.returncode, EX_CONFIG, f"-t with {lines!r}")
        number = len(kept) + len(lines.split("\n"))
        must(f"{path}:{number}:" in said and word in said, f"-t with {lines!r} says {said[:300]!r}")
    for content, word in (("", "issuer"), ("\0\0\0", ""), ("x" * 100000, "")):
        done = examine(stack.scratch.write("bad.conf", content))
        must(done.returncode == EX_CONFIG and word in done.stderr.decode(), f"-t with {content[:5]!r}: {done}")
    settings = {**stack.operator.settings, "clients_max": 4000000, "client_bytes": 16384}
    large = "".join(f"{key} = {value}\n" for key, value in settings.items() if value is not None)
    done = examine(stack.scratch.write("bad.conf", large))
    if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 60 << 30:
        must(done.returncode == EX_CONFIG and b"clients_max and client_bytes" in done.stderr, f"-t, a large region: {done}")
    done = examine(stack.scratch.path("none.conf"))
    must(done.returncode == EX_CONFIG and b"none.conf" in done.stderr, f"-t without a file: {done}")


def start_without_passphrase(stack):
    """A start that cannot succeed exits with the reason, without a loop of failing workers."""
    stack.operator.configure(key_passphrase_file=stack.scratch.path("no-such-file"))
    try:
        stack.pool.start(ready=False)
        await_true(lambda: stack.pool.process.poll() is not None, 15, "the start is given up")
        must(stack.pool.process.returncode != 0, "exit status 0")
        must("no-such-file" in stack.pool.log(), "the log does not name the file")
    finally:
        stack.operator.configure(key_passphrase_file=stack.operator.passphrase_file)


# --- under load -----------------------------------------------------------------------------------------------------

@check("8 workers SIGKILLed in turn under load: at most 1 failed request each, and all come back")
def kill_workers(stack, kind):
    await_steady(stack)
    with Load(stack.port(kind), jobs(stack, kind), least=200) as load:
        time.sleep(0.5)
        for pid in stack.pool.workers():
            before = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
            whys = load.failed(before)
            must(len(whys) <= 1, f"{len(whys)} failed requests after one kill: {whys[:4]}")
        await_steady(stack)
        before = time.monotonic()
        time.sleep(0.5)
    load.none_failed(200, since=before)


@check("keeper SIGKILLed under load: no failed request, and its successor sees changes")
def kill_keeper(stack, kind):
    keeper = stack.pool.keeper()
    must(keeper, "there is no keeper")
    with Load(stack.port(kind), jobs(stack, kind), least=200) as load:
        time.sleep(0.3)
        os.kill(keeper, signal.SIGKILL)
        await_true(lambda: stack.pool.keeper() not in (None, keeper), 3, "another keeper")
        secret = stack.operator.client(f"after-keeper-{kind}", "--default-scope", "read")
        client = web.Client(stack.port(kind), f"after-keeper-{kind}", secret)
        await_true(lambda: client.token_answer().status == 200, 3, "a new client is known")
        time.sleep(0.3)
    load.none_failed(200)


@check("20 HUPs under load: no failed request, and no process of an old generation stays")
def reload(stack, kind):
    before = set(stack.pool.workers())
    with Load(stack.port(kind), jobs(stack, kind), least=1000) as load:
        for _ in range(20):
            stack.pool.tell(signal.SIGHUP)
            time.sleep(0.35)
    load.none_failed(1000)
    await_true(lambda: not before & set(stack.pool.pids()), 10, "the old workers have left")
    await_steady(stack)


@check("HUP with a bad configuration keeps the old one; with a good one the change is there")
def reload_configuration(stack, kind):
    client = stack.client("reader", kind)
    workers = set(stack.pool.workers())
    try:
        stack.operator.configure(token_seconds="soon")
        stack.pool.tell(signal.SIGHUP)
        await_true(lambda: "token_seconds" in stack.pool.log(), 3, "the log names the key")
        equal(set(stack.pool.workers()), workers, "workers")
        equal(client.token_answer().json()["expires_in"], 300, "expires_in")
        stack.operator.configure(token_seconds=123)
        stack.pool.tell(signal.SIGHUP)
        await_true(lambda: client.token_answer().json()["expires_in"] == 123, 5, "the new lifetime")
    finally:
        stack.operator.configure(token_seconds=None)
        stack.pool.tell(signal.SIGHUP)
    await_true(lambda: client.token_answer().json()["expires_in"] == 300, 8, "the old lifetime again")


@check("a stopped worker that holds a request is killed in time, and replaced")
def stuck_worker(stack, kind):
    await_steady(stack)
    with fastcgi.Peer(stack.pool.socket, 15) as peer:
        pairs = fastcgi.request_pairs("POST", "/oauth/token", FORM)
        before = set(stack.pool.workers())
        peer.send(fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN, FORM[:3]))
        busy = the_busy_one(before)
        os.kill(busy, signal.SIGSTOP)
        spent = await_true(lambda: not alive(busy), BUSY_SECONDS + 4, "the stuck worker is killed")
        must(spent > BUSY_SECONDS - 1, f"it was killed after {spent:.1f} s")
    await_steady(stack)
    token_over(stack.pool.socket, stack)


def the_busy_one(workers):
    """The worker that waits for a body and not for an event: on a busy machine others can look the same, but not five
    times in a row."""
    seen = []
    for _ in range(100):
        time.sleep(0.02)
        calls = {pid: waits_in(pid) for pid in workers}
        usual = statistics.mode(calls.values())
        seen.append([pid for pid in workers if calls[pid] != usual])
        if len(seen[-1]) == 1 and seen[-5:] == 5 * [seen[-1]]:
            return seen[-1][0]
    raise rig.Failure(f"workers that wait for the body and not for any event: {seen[-5:]}")


def waits_in(pid):
    """The system call that a process is in."""
    with open(f"/proc/{pid}/syscall") as syscall:
        return syscall.read().split()[0]


# --- the end --------------------------------------------------------------------------------------------------------

def stop_under_load(stack, kind):
    """What was sent before SIGTERM is answered; what comes later gets a 5xx from the front, and no cut answer."""
    stack.pool.start()
    authorization = ("HTTP_AUTHORIZATION", web.basic("reader", stack.operator.secrets["reader"])[1])
    with Load(stack.port(kind), jobs(stack, kind)) as load:
        time.sleep(0.5)
        peers = [fastcgi.Peer(stack.pool.socket, 10) for _ in range(60)]
        for peer in peers:
            peer.send(fastcgi.request("POST", "/oauth/token", FORM, [authorization]))
        stack.pool.tell(signal.SIGTERM)
        answers = [peer.answer() for peer in peers]
        equal(sorted({answer.status if answer else 0 for answer in answers}), [200], "answers to what was sent before")
        stack.pool.stop()
        time.sleep(0.2)
    for peer in peers:
        peer.sock.close()
    must(load.total() > 100, "there was no load")
    kinds = set(load.failed())
    must(kinds <= {"status 502", "status 503", "status 500"}, f"failures: {kinds}")


def stop_restart_gap(stack, kind):
    """Without a pool the front answers itself, in JSON under nginx, and recovers with the pool."""
    answer = web.request(stack.port(kind), "GET", "/oauth/live")
    must(answer.status in (500, 502, 503), f"without a pool: {answer}")
    if kind == "nginx":
        equal((answer.status, answer.error()), (503, "temporarily_unavailable"), "answer")
        must(answer.header("Retry-After"), "503 without Retry-After")
    stack.pool.start()
    await_true(lambda: web.request(stack.port(kind), "GET", "/oauth/live").status == 200, 4, "served again")
    stack.pool.stop()


def kill_master(stack):
    stack.pool.start()
    pids = stack.pool.pids()
    with Load(stack.port("nginx"), jobs(stack, "nginx")):
        time.sleep(0.3)
        os.kill(stack.pool.master, signal.SIGKILL)
        spent = await_true(lambda: not any(alive(pid) for pid in pids), 5, "no orphan is left")
    must(spent <= 5, f"orphans for {spent:.1f} s")
    stack.pool.process.wait(5)
    stack.pool.start()
    token_over(stack.pool.socket, stack)
    stack.pool.stop()


def script(build, scratch):
    stack = Stack(build, scratch, workers=WORKERS, busy_seconds=BUSY_SECONDS, io_seconds=2, log_requests="refused")
    stack.operator.client("reader", "--default-scope", "read")
    for launcher in ("spawn", "socket"):
        rig.run_check(f"launcher {launcher}: serves, and ends with 0 on SIGTERM", launcher_serves, stack, launcher)
    rig.run_check("launcher spawn-fcgi as a daemon: serves and logs to syslog", daemon_logs_to_syslog, stack)
    rig.run_check("launcher lighttpd bin-path: serves and ends with it", launched_by_lighttpd, stack)
    rig.run_check("descriptor 0 is not a listening socket: exit status 64 and help", not_a_socket, stack)
    rig.run_check("m2mauth -t: a bad configuration is refused with line and word", bad_configuration, stack)
    rig.run_check("a start without the passphrase ends and says why", start_without_passphrase, stack)
    stack.start()
    for kind in stack.fronts:
        rig.run_checks(kind, stack, kind)
    stack.pool.stop()
    for kind in stack.fronts:
        rig.run_check(f"SIGTERM under load: what was sent before is answered [{kind}]", stop_under_load, stack, kind)
        rig.run_check(f"no pool, and back again [{kind}]", stop_restart_gap, stack, kind)
    rig.run_check("master SIGKILLed under load: no orphan after 5 s, and a new start works", kill_master, stack)
    rig.run_check("no sanitizer report (life)", stack.pool.no_sanitizer_report)


if __name__ == "__main__":
    rig.main(script)

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
from house import House
from load import Load, token_job, validate_job
from pool import sanitized
from rig import alive, await_true, check, equal, must

WORKERS, BUSY_SECONDS = 8, 3
FORM = web.form({"grant_type": "client_credentials"})
EX_USAGE, EX_CONFIG = 64, 78


def token_over(path, house):
    """A token straight from the socket at path."""
    authorization = ("HTTP_AUTHORIZATION", web.basic("reader", house.operator.secrets["reader"])[1])
    answer = fastcgi.ask(path, "POST", "/oauth/token", FORM, more=[authorization])
    must(answer is not None and answer.status == 200, f"no token: {answer and answer.body}")
    return answer


def await_steady(house):
    await_true(lambda: len(house.pool.workers()) == WORKERS, 10, "8 workers, and none that leaves")


def jobs(house, kind):
    reader = house.client("reader", kind)
    return [token_job(reader), validate_job(reader, reader.token())]


# --- start ----------------------------------------------------------------------------------------------------------

def launcher_serves(house, launcher):
    house.pool.start(launcher)
    token_over(house.pool.socket, house)
    await_steady(house)
    must(house.pool.keeper(), "there is no keeper")
    house.pool.stop()
    if house.pool.process:
        equal(house.pool.process.returncode, 0, "exit status after SIGTERM")


def launched_by_lighttpd(house):
    content = f"#!/bin/sh\nexec {house.pool.binary} -c {house.operator.conf}\n"
    script = house.scratch.write("start-m2mauth", content, 0o755)
    path = house.scratch.path("bin-path.sock")
    front = Front(house.scratch, "lighttpd", path, bin_path=script)
    must(not os.path.exists(path + "-0"), "the socket is there before the start")
    front.start()
    pids = []
    try:
        await_true(lambda: web.request(front.port, "GET", "/oauth/ready").status == 200, 20, "ready")
        client = web.Client(front.port, "reader", house.operator.secrets["reader"])
        must(client.active(client.token()), "no active token")
        equal(web.request(front.port, "GET", "/.well-known/oauth-authorization-server/oauth").status, 200, "metadata")
        pids = rig.family(front.process.pid)[1:]
        must(len(pids) >= WORKERS + 2, f"{len(pids)} processes")
    finally:
        front.stop()
    await_true(lambda: not any(alive(pid) for pid in pids), 15, "the pool ends with lighttpd")


def daemon_logs_to_syslog(house):
    """spawn-fcgi leaves stderr at /dev/null. Where nobody has made /dev/log yet we read it ourselves."""
    try:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind("/dev/log")
    except OSError:
        launcher_serves(house, "daemon")
        return
    try:
        listener.settimeout(5)
        launcher_serves(house, "daemon")
        lines = [listener.recv(8192)]
        must(b"m2mauth" in lines[0] and b'"event"' in lines[0], f"syslog got {lines[0]!r}")
    finally:
        listener.close()
        os.unlink("/dev/log")


def not_a_socket(house):
    for stdin in (subprocess.DEVNULL, subprocess.PIPE):
        done = subprocess.run([house.pool.binary, "-c", house.operator.conf], stdin=stdin, capture_output=True,
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


def bad_configuration(house):
    """Every complaint names the file, the line and the word that is wrong."""
    def examine(path):
        return subprocess.run([house.pool.binary, "-t", "-c", path], capture_output=True, timeout=600, env=sanitized())
    done = examine(house.operator.conf)
    equal(done.returncode, 0, f"-t with a good file: {done.stderr[:300]!r}")
    for lines, word in BAD_LINES:
        keys = {line.partition("=")[0].strip() for line in lines.split("\n")}
        kept = [f"{key} = {value}" for key, value in house.operator.settings.items()
                if key not in keys and value is not None]
        path = house.scratch.write("bad.conf", "\n".join([*kept, lines, ""]))
        done = examine(path)
        said = done.stderr.decode(errors="replace")
        equal(done.returncode, EX_CONFIG, f"-t with {lines!r}")
        number = len(kept) + len(lines.split("\n"))
        must(f"{path}:{number}:" in said and word in said, f"-t with {lines!r} says {said[:300]!r}")
    for content, word in (("", "issuer"), ("\0\0\0", ""), ("x" * 100000, "")):
        done = examine(house.scratch.write("bad.conf", content))
        must(done.returncode == EX_CONFIG and word in done.stderr.decode(), f"-t with {content[:5]!r}: {done}")
    settings = {**house.operator.settings, "clients_max": 4000000, "client_bytes": 16384}
    large = "".join(f"{key} = {value}\n" for key, value in settings.items() if value is not None)
    done = examine(house.scratch.write("bad.conf", large))
    if os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 60 << 30:
        must(done.returncode == EX_CONFIG and b"clients_max and client_bytes" in done.stderr, f"-t, a large region: {done}")
    done = examine(house.scratch.path("none.conf"))
    must(done.returncode == EX_CONFIG and b"none.conf" in done.stderr, f"-t without a file: {done}")


def start_without_passphrase(house):
    """A start that cannot succeed ends by itself and says why; it is no loop of dying workers."""
    house.operator.configure(key_passphrase_file=house.scratch.path("no-such-file"))
    try:
        house.pool.start(ready=False)
        await_true(lambda: house.pool.process.poll() is not None, 15, "the start is given up")
        must(house.pool.process.returncode != 0, "exit status 0")
        must("no-such-file" in house.pool.log(), "the log does not name the file")
    finally:
        house.operator.configure(key_passphrase_file=house.operator.passphrase_file)


# --- under load -----------------------------------------------------------------------------------------------------

@check("8 workers SIGKILLed in turn under load: at most 1 failed request each, and all come back")
def kill_workers(house, kind):
    await_steady(house)
    with Load(house.port(kind), jobs(house, kind), least=200) as load:
        time.sleep(0.5)
        for pid in house.pool.workers():
            before = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            time.sleep(0.5)
            whys = load.failed(before)
            must(len(whys) <= 1, f"{len(whys)} failed requests after one kill: {whys[:4]}")
        await_steady(house)
        before = time.monotonic()
        time.sleep(0.5)
    load.none_failed(200, since=before)


@check("keeper SIGKILLed under load: no failed request, and its successor sees changes")
def kill_keeper(house, kind):
    keeper = house.pool.keeper()
    must(keeper, "there is no keeper")
    with Load(house.port(kind), jobs(house, kind), least=200) as load:
        time.sleep(0.3)
        os.kill(keeper, signal.SIGKILL)
        await_true(lambda: house.pool.keeper() not in (None, keeper), 3, "another keeper")
        secret = house.operator.client(f"after-keeper-{kind}", "--default-scope", "read")
        client = web.Client(house.port(kind), f"after-keeper-{kind}", secret)
        await_true(lambda: client.token_answer().status == 200, 3, "a new client is known")
        time.sleep(0.3)
    load.none_failed(200)


@check("20 HUPs under load: no failed request, and no process of an old generation stays")
def reload(house, kind):
    before = set(house.pool.workers())
    with Load(house.port(kind), jobs(house, kind), least=1000) as load:
        for _ in range(20):
            house.pool.tell(signal.SIGHUP)
            time.sleep(0.35)
    load.none_failed(1000)
    await_true(lambda: not before & set(house.pool.pids()), 10, "the old workers have left")
    await_steady(house)


@check("HUP with a bad configuration keeps the old one; with a good one the change is there")
def reload_configuration(house, kind):
    client = house.client("reader", kind)
    workers = set(house.pool.workers())
    try:
        house.operator.configure(token_seconds="soon")
        house.pool.tell(signal.SIGHUP)
        await_true(lambda: "token_seconds" in house.pool.log(), 3, "the log names the key")
        equal(set(house.pool.workers()), workers, "workers")
        equal(client.token_answer().json()["expires_in"], 300, "expires_in")
        house.operator.configure(token_seconds=123)
        house.pool.tell(signal.SIGHUP)
        await_true(lambda: client.token_answer().json()["expires_in"] == 123, 5, "the new lifetime")
    finally:
        house.operator.configure(token_seconds=None)
        house.pool.tell(signal.SIGHUP)
    await_true(lambda: client.token_answer().json()["expires_in"] == 300, 8, "the old lifetime again")


@check("a stopped worker that holds a request is killed in time, and replaced")
def stuck_worker(house, kind):
    await_steady(house)
    with fastcgi.Peer(house.pool.socket, 15) as peer:
        pairs = fastcgi.request_pairs("POST", "/oauth/token", FORM)
        before = set(house.pool.workers())
        peer.send(fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN, FORM[:3]))
        busy = the_busy_one(before)
        os.kill(busy, signal.SIGSTOP)
        spent = await_true(lambda: not alive(busy), BUSY_SECONDS + 4, "the stuck worker is killed")
        must(spent > BUSY_SECONDS - 1, f"it was killed after {spent:.1f} s")
    await_steady(house)
    token_over(house.pool.socket, house)


def the_busy_one(workers):
    """The worker that waits for a body and not for any event: on a busy machine others are seen at work, too, but not
    five times running."""
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

def stop_under_load(house, kind):
    """What was sent before SIGTERM is answered; what comes later gets a 5xx from the front, and no cut answer."""
    house.pool.start()
    authorization = ("HTTP_AUTHORIZATION", web.basic("reader", house.operator.secrets["reader"])[1])
    with Load(house.port(kind), jobs(house, kind)) as load:
        time.sleep(0.5)
        peers = [fastcgi.Peer(house.pool.socket, 10) for _ in range(60)]
        for peer in peers:
            peer.send(fastcgi.request("POST", "/oauth/token", FORM, [authorization]))
        house.pool.tell(signal.SIGTERM)
        answers = [peer.answer() for peer in peers]
        equal(sorted({answer.status if answer else 0 for answer in answers}), [200], "answers to what was sent before")
        house.pool.stop()
        time.sleep(0.2)
    for peer in peers:
        peer.sock.close()
    must(load.total() > 100, "there was no load")
    kinds = set(load.failed())
    must(kinds <= {"status 502", "status 503", "status 500"}, f"failures: {kinds}")


def stop_restart_gap(house, kind):
    """The front answers by itself while there is no pool, in JSON under nginx, and goes on when it is back."""
    answer = web.request(house.port(kind), "GET", "/oauth/live")
    must(answer.status in (500, 502, 503), f"without a pool: {answer}")
    if kind == "nginx":
        equal((answer.status, answer.error()), (503, "temporarily_unavailable"), "answer")
        must(answer.header("Retry-After"), "503 without Retry-After")
    house.pool.start()
    await_true(lambda: web.request(house.port(kind), "GET", "/oauth/live").status == 200, 4, "served again")
    house.pool.stop()


def kill_master(house):
    house.pool.start()
    pids = house.pool.pids()
    with Load(house.port("nginx"), jobs(house, "nginx")):
        time.sleep(0.3)
        os.kill(house.pool.master, signal.SIGKILL)
        spent = await_true(lambda: not any(alive(pid) for pid in pids), 5, "no orphan is left")
    must(spent <= 5, f"orphans for {spent:.1f} s")
    house.pool.process.wait(5)
    house.pool.start()
    token_over(house.pool.socket, house)
    house.pool.stop()


def script(build, scratch):
    house = House(build, scratch, workers=WORKERS, busy_seconds=BUSY_SECONDS, io_seconds=2, log_requests="refused")
    house.operator.client("reader", "--default-scope", "read")
    for launcher in ("spawn", "socket"):
        rig.run_check(f"launcher {launcher}: serves, and ends with 0 on SIGTERM", launcher_serves, house, launcher)
    rig.run_check("launcher spawn-fcgi as a daemon: serves and logs to syslog", daemon_logs_to_syslog, house)
    rig.run_check("launcher lighttpd bin-path: serves and ends with it", launched_by_lighttpd, house)
    rig.run_check("descriptor 0 is no listening socket: exit status 64 and help", not_a_socket, house)
    rig.run_check("m2mauth -t: a bad configuration is refused with line and word", bad_configuration, house)
    rig.run_check("a start without the passphrase ends and says why", start_without_passphrase, house)
    house.start()
    for kind in house.fronts:
        rig.run_checks(kind, house, kind)
    house.pool.stop()
    for kind in house.fronts:
        rig.run_check(f"SIGTERM under load: what was sent before is answered [{kind}]", stop_under_load, house, kind)
        rig.run_check(f"no pool, and back again [{kind}]", stop_restart_gap, house, kind)
    rig.run_check("master SIGKILLed under load: no orphan after 5 s, and a new start works", kill_master, house)
    rig.run_check("no sanitizer report (life)", house.pool.no_sanitizer_report)


if __name__ == "__main__":
    rig.main(script)

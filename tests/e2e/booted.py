"""booted: the shipped units under a real systemd, with nginx in front. tests/systemd runs it in a container."""
import collections
import glob
import json
import os
import subprocess
import time

import rig
import web
from load import Load, token_job, validate_job
from rig import await_true, check, equal, must

CONF = "/etc/m2mauth/m2mauth.conf"
ERROR_LOG, ACCESS_LOG = "/var/log/nginx/error.log", "/var/log/nginx/m2mauth.log"
TIMES, STOP_SECONDS = 20, 1.0
AUDIENCE = "https://api.example.com/"


def run(*command, good=True, stdin=None):
    done = subprocess.run(command, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120)
    said = done.stdout.decode(errors="replace")
    must(not good or done.returncode == 0, f"{' '.join(command)}: {done.returncode}, {said[-500:]}")
    return done.returncode, said


def systemctl(*words, good=True):
    return run("systemctl", *words, good=good)[0]


def state(unit):
    return run("systemctl", "is-active", unit, good=False)[1].strip()


def status(path, seconds=web.SECONDS):
    """The status of a GET through nginx; None without an answer."""
    try:
        with web.Connection(80, seconds) as connection:
            return connection.raw(web.encode("GET", path)).status
    except OSError:
        return None


def master():
    return int(run("systemctl", "show", "--property=MainPID", "--value", "m2mauth.service")[1])


def flags():
    """The flags of the listening socket in each process of the service."""
    found = set()
    for pid in rig.family(master()):
        with open(f"/proc/{pid}/fdinfo/0") as info:
            found.add(next(line.split()[1] for line in info if line.startswith("flags:")))
    return found


def journal(*options):
    lines = run("journalctl", "-u", "m2mauth.service", "-o", "json", "--no-pager", *options)[1].splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def event(entry):
    try:
        return json.loads(entry["MESSAGE"]).get("event")
    except ValueError:
        return None


class Host:
    client = None

    def jobs(self):
        return [token_job(self.client), validate_job(self.client, self.client.token())]

    def load(self):
        return Load(80, self.jobs(), threads=6, pause=0.005)


def some_more(load):
    """Waits until the load gets answers again, however slow the machine is."""
    before = load.total()
    await_true(lambda: load.total() >= before + 6, 30, "requests are answered")


def size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def since(path, start):
    with open(path, errors="replace") as file:
        file.seek(start)
        return file.read().splitlines()


def install(host):
    """What deploy/doc/operations.md says, word for word; tests/systemd has written the files."""
    systemctl("start", "mariadb", "nginx")
    run("bash", "/root/install-2.sh")
    run("sed", "-i", "0,/server_name _;/s//server_name _; include snippets\\/m2mauth.conf;/",
        "/etc/nginx/sites-available/default")
    run("bash", "/root/mount-nginx.sh")
    await_true(lambda: status("/oauth/ready") == 200, 30, "/oauth/ready through nginx")
    done = subprocess.run(["m2mctl", "client", "--audience", AUDIENCE, "--scope", "read", "--default-scope", "read",
                           "--reads", AUDIENCE, "orders"], capture_output=True, check=True, timeout=60)
    with open("/etc/m2mauth/migrations/0100_orders.sql", "wb") as file:
        file.write(done.stdout)
    run("m2mctl", "migrate")
    host.client = web.Client(80, "orders", done.stderr.decode().split()[-1])
    await_true(lambda: host.client.token_answer().status == 200, 10, "a token")


@check("systemctl reload, 20 times under load: no request fails, and the socket's flags are as before")
def reloads(host):
    before = flags()
    must(len(before) == 1 and all(int(each, 8) & os.O_NONBLOCK for each in before), f"flags before: {before}")
    with host.load() as load:
        for _ in range(TIMES):
            workers = set(rig.family(master())[1:])
            systemctl("reload", "m2mauth")
            await_true(lambda: not workers & set(rig.family(master())), 20, "the old processes have left")
            some_more(load)
    load.none_failed(6 * TIMES)
    equal(flags(), before, "flags")
    must(not [line for line in journal() if event(line) == "killed"], "a process was killed")


@check("a reload that fails its check leaves the old configuration, and the flag comes back")
def failed_reload(host):
    before = flags()
    with broken_configuration():
        must(systemctl("reload", "m2mauth", good=False) != 0, "the reload succeeded")
    equal(status("/oauth/ready"), 200, "/ready")
    await_true(lambda: flags() == before, 10, "the flags of before")


@check("systemctl restart, 40 times under load, half of them twice within a moment: no request fails")
def restarts(host):
    with host.load() as load:
        for _ in range(TIMES):
            systemctl("restart", "m2mauth")
            time.sleep(0.1)                     # sometimes before the first load is complete
            systemctl("restart", "m2mauth")
            some_more(load)
    load.none_failed(6 * TIMES)
    equal(len(flags()), 1, "different flags")


@check("systemctl stop of the service alone, 20 times under load: the next request starts it, none fails, no stop over 1 s")
def stops(host):
    spent = []
    with host.load() as load:
        for _ in range(TIMES):
            await_true(lambda: state("m2mauth.service") == "active", 20, "a request starts the service")
            some_more(load)
            began = time.monotonic()
            systemctl("stop", "m2mauth.service")
            spent.append(time.monotonic() - began)
    load.none_failed(6 * TIMES)
    must(max(spent) <= STOP_SECONDS, f"stops took {sorted(round(each, 2) for each in spent)} s")
    print(f"# {TIMES} stops took {min(spent):.2f} to {max(spent):.2f} s; {load.total()} requests")


@check("stop of socket and service under load: what a worker accepted is answered, what comes later is nginx's 503")
def stop_both(host):
    errors, accesses = size(ERROR_LOG), size(ACCESS_LOG)
    with host.load() as load:
        time.sleep(0.5)
        systemctl("stop", "m2mauth.socket", "m2mauth.service")
        time.sleep(0.5)
    kinds = collections.Counter(load.failed())
    must(set(kinds) == {"status 503"}, f"failures: {kinds}")
    cut = [line for line in since(ERROR_LOG, errors) if "prematurely" in line]
    must(not cut, f"{len(cut)} requests were cut: {cut[:3]}")
    answered = {json.loads(entry["MESSAGE"])["id"] for entry in journal("--since=-60s") if event(entry) == "request"}
    refused = [line for line in map(json.loads, since(ACCESS_LOG, accesses)) if line["status"] == 503]
    must(refused, "nginx has refused nothing")
    must(not [line for line in refused if line["id"] in answered], "an answer of a worker did not arrive")
    systemctl("start", "m2mauth.socket")
    await_true(lambda: status("/oauth/ready") == 200, 30, "/ready after the start of the socket alone")


class broken_configuration:
    """with broken_configuration(): ...   The file has an error in the meantime."""

    def __enter__(self):
        with open(CONF) as file:
            self.content = file.read()
        with open(CONF, "a") as file:
            file.write("workers = zwei\n")

    def __exit__(self, *unused):
        with open(CONF, "w") as file:
            file.write(self.content)


@check("a restart with an error in the file: no reset is needed, and after the correction it starts by itself")
def bad_restart(host):
    with broken_configuration():
        must(systemctl("restart", "m2mauth", good=False) != 0, "the restart succeeded")
        end = time.monotonic() + 25
        while time.monotonic() < end:           # each request starts the service again
            status("/oauth/live", 0.5)
        equal(state("m2mauth.socket"), "active", "the socket unit")
        must(state("m2mauth.service") != "active", "the service runs")
        starts = [line for line in journal("--since=-20s") if "zwei" in line["MESSAGE"] or "workers" in line["MESSAGE"]]
        must(5 <= len(starts) <= 60, f"{len(starts)} starts in 20 s")
    await_true(lambda: status("/oauth/ready", 1) == 200, 15, "it comes back")
    equal(host.client.token_answer().status, 200, "/token")


@check("the journal has priorities: errors are found by -p err, requests are 6")
def priorities(host):
    systemctl("stop", "mariadb")
    try:
        await_true(lambda: any(event(line) == "database_down" for line in journal("-p", "err")), 20, "database_down")
    finally:
        systemctl("start", "mariadb")
    await_true(lambda: status("/oauth/ready") == 200, 30, "the database is back")
    wanted = {"request": "6", "start": "5", "database_down": "3"}
    seen = {event(line): line["PRIORITY"] for line in journal()}
    for name, priority in wanted.items():
        equal(seen.get(name), priority, f"priority of {name}")


@check("m2mauth-spawn.service: starts, reloads under load, refuses a bad file, and its socket is nginx's")
def spawned(host):
    run("install", "-m", "0644", "deploy/systemd/m2mauth-spawn.service", "/etc/systemd/system/")
    systemctl("daemon-reload")
    systemctl("start", "m2mauth-spawn")
    equal(state("m2mauth.socket"), "inactive", "the socket unit")
    await_true(lambda: status("/oauth/ready") == 200, 30, "/ready")
    with host.load() as load:
        for _ in range(5):
            systemctl("reload", "m2mauth-spawn")
            some_more(load)
    load.none_failed(30)
    with broken_configuration():
        must(systemctl("reload", "m2mauth-spawn", good=False) != 0, "the reload succeeded")
        equal(status("/oauth/ready"), 200, "/ready after a reload with a bad file")
        must(systemctl("restart", "m2mauth-spawn", good=False) != 0, "the restart succeeded")
    systemctl("start", "m2mauth-spawn")
    await_true(lambda: status("/oauth/ready") == 200, 30, "/ready after the correction")
    systemctl("stop", "m2mauth-spawn")
    systemctl("start", "m2mauth.socket")
    await_true(lambda: status("/oauth/ready") == 200, 30, "/ready by the socket unit")


def main():
    host = Host()
    print(f"# {run('systemctl', '--version')[1].splitlines()[0]}, {run('nginx', '-v')[1].strip()}")
    rig.run_check("installed and mounted by the lines of the manual", install, host)
    if rig.Checks.failed == 0:
        rig.run_checks("", host)
    must(glob.glob("/run/systemd/system"), "no systemd")
    print(f"ok - the end, {rig.Checks.failed} failed", flush=True)


main()

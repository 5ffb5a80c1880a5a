"""rig: the scratch environment of the end-to-end scripts, and the lines that they print.

A scratch folder, a private mariadbd on a socket in it, an operator with m2mctl, and the checks. The pool is pool.py,
the front servers are fronts.py. Everything started here ends with the script, by its pid, also after a failure or
SIGTERM. Python 3.11, standard library only; loopback and unix sockets only.
"""
import base64
import ctypes
import getpass
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MIGRATIONS = os.path.join(SOURCE, "sql", "migrations")
ROUTINES = os.path.join(SOURCE, "sql", "routines.sql")
PR_SET_CHILD_SUBREAPER = 36
PATIENCE = 10           # how much slower than a quiet machine one may be before a test says that something never comes
LIMIT = 600             # seconds for a program that a test calls: against one that hangs, nothing else
SERVERS_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # where Debian has the servers; not in the PATH of every user
SANITIZER_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "SUMMARY: UndefinedBehavior")

os.environ["PATH"] = os.pathsep.join((os.environ.get("PATH", os.defpath), *SERVERS_PATH))


# --- checks ---------------------------------------------------------------------------------------------------------

class Failure(Exception):
    """The failure of a check; its text is the `why` of the `not ok` line."""


def must(condition, why):
    if not condition:
        raise Failure(why)


def equal(got, wanted, what):
    if got != wanted:
        raise Failure(f"{what}: {got!r} is not {wanted!r}")


class Checks:
    """The checks of a script in order of definition, and their results."""
    registered = []
    failed = 0


def check(name):
    """Registers a function as a check. run_checks() calls it and prints `ok - name` or `not ok - name # why`."""
    def decorate(function):
        Checks.registered.append((name, function))
        return function
    return decorate


def run_check(name, function, *args):
    """name: None for code that is not a check itself, but counts as a failed one if it raises."""
    try:
        function(*args)
        if name:
            print(f"ok - {name}", flush=True)
        return
    except Failure as failure:
        why = str(failure)
    except Exception as fault:                          # a fault of the script must not hide the checks after it
        frame = traceback.extract_tb(fault.__traceback__)[-1]
        why = f"{type(fault).__name__}: {fault} ({os.path.basename(frame.filename)}:{frame.lineno})"
    Checks.failed += 1
    print(f"not ok - {name or os.path.basename(sys.argv[0])} # {' '.join(why.split())[:600]}", flush=True)


def run_checks(place, *args):
    """All registered checks, with the place (which front, which launcher) in their names."""
    for name, function in Checks.registered:
        run_check(f"{name} [{place}]" if place else name, function, *args)


def main(script, words=()):
    """Calls script(build, scratch) with BUILDDIR from the command line, cleans up and ends with 1 when a check failed.
    words: what may follow on the command line, handed on as further arguments."""
    more = sys.argv[2:]
    if len(sys.argv) < 2 or not set(more) <= set(words) or not os.access(os.path.join(sys.argv[1], "m2mauth"), os.X_OK):
        sys.exit(f"usage: {sys.argv[0]} BUILDDIR{' [' + ' | '.join(words) + '] ...' if words else ''}\n"
                 "BUILDDIR is the folder that holds m2mauth and m2mctl")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    with Scratch() as scratch:
        run_check(None, script, os.path.abspath(sys.argv[1]), scratch, *more)
    sys.exit(1 if Checks.failed else 0)


def await_true(condition, seconds, what, interval=0.02):
    """Waits until condition() is true and returns how long that took. seconds: what it takes at most on a quiet machine."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds * PATIENCE:
            raise Failure(f"not within {seconds * PATIENCE} s, {seconds} on a quiet machine: {what}")
        time.sleep(interval)
    return time.monotonic() - start


# --- processes ------------------------------------------------------------------------------------------------------

def family(pid):
    """pid and all its descendants."""
    pids, todo = [], [pid]
    while todo:
        pid = todo.pop()
        pids.append(pid)
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children") as children:
                    todo += map(int, children.read().split())
        except OSError:
            continue
    return pids


def alive(pid):
    """Neither gone nor a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def send_signal(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def reap():
    """Takes the exit status of adopted children, so that they do not stay as zombies."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass


class Scratch:
    """A folder and the processes started in it. Orphaned descendants are reparented to this process."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="m2mauth-")
        self.started = []
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.stop_all()
        shutil.rmtree(self.folder, ignore_errors=True)

    def stop_all(self):
        """Stops every started process and removes the folder."""
        for process in self.started[::-1]:
            self.stop(process)
        for pid in family(os.getpid())[1:]:
            send_signal(pid, signal.SIGCONT)
            send_signal(pid, signal.SIGKILL)
        time.sleep(0.05)
        reap()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, content, mode=0o644):
        path = self.path(name)
        with open(path, "w" if isinstance(content, str) else "wb") as file:
            file.write(content)
        os.chmod(path, mode)
        return path

    def start(self, command, log, stdin=subprocess.DEVNULL, env=None):
        """Starts command with stdout and stderr appended to the file log."""
        with open(self.path(log), "ab") as output:
            process = subprocess.Popen(command, stdin=stdin, stdout=output, stderr=output, cwd=self.folder, env=env)
        self.started.append(process)
        return process

    def stop(self, process, number=signal.SIGTERM, seconds=10):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.started:
            self.started.remove(process)

    def log(self, name):
        try:
            with open(self.path(name), errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""


def free_port():
    """A loopback port that is free at this moment. The kernel gives its own choice (port 0) to the next connection as
    well, before a server here can listen on it; so these are from below that range."""
    for _ in range(1000):
        port = random.randrange(10240, 32768)
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failure("no free port")


# --- database -------------------------------------------------------------------------------------------------------

class Database:
    """A private mariadbd on a unix socket. Durable as a real one: a kill -9 loses nothing that was committed."""
    count = 0

    def __init__(self, scratch, *options):
        Database.count += 1
        self.scratch = scratch
        self.options = options
        self.name = f"db{Database.count}"
        self.socket = scratch.path(f"{self.name}.sock")
        self.process = None
        # A starting server removes the files of others from its folder of temporary tables.
        temporary = scratch.path(f"{self.name}-tmp")
        os.mkdir(temporary)
        self.common = ["--no-defaults", f"--datadir={scratch.path(self.name)}", f"--tmpdir={temporary}",
                       f"--user={getpass.getuser()}"]
        subprocess.run(["mariadb-install-db", *self.common, "--auth-root-authentication-method=normal",
                        "--skip-test-db", "--innodb-log-file-size=8M"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, timeout=LIMIT)

    def start(self, wait=True):
        self.process = self.scratch.start(
            ["mariadbd", *self.common, f"--socket={self.socket}", "--skip-networking", "--innodb-buffer-pool-size=32M",
             "--innodb-log-file-size=8M", "--performance-schema=OFF", "--skip-log-bin", *self.options],
            f"{self.name}.log")
        if wait:
            await_true(self.answers, 30, "mariadbd answers")

    def answers(self):
        must(self.process.poll() is None, f"mariadbd ended: {self.scratch.log(self.name + '.log')[-800:]}")
        return os.path.exists(self.socket) and self.run("SELECT 1", check=False).returncode == 0

    def stop(self, number=signal.SIGTERM):
        self.scratch.stop(self.process, number, 30)

    def kill(self):
        self.stop(signal.SIGKILL)

    def run(self, sql, check=True, schema=""):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", "--batch",
                               "--skip-column-names", "--raw", "--connect-timeout=5", *([schema] if schema else [])],
                              input=sql.encode(), capture_output=True, check=check, timeout=LIMIT)

    def sql(self, sql, schema="m2mauth"):
        """Runs SQL as root and returns the rows, columns split."""
        done = self.run(sql, False, schema)
        must(done.returncode == 0, f"SQL refused: {done.stderr.decode(errors='replace')[:400]}")
        return [line.split("\t") for line in done.stdout.decode(errors="replace").splitlines()]

    def dump(self, *options):
        """All of m2mauth as SQL, as an operator saves it."""
        done = subprocess.run(["mariadb-dump", "--no-defaults", f"--socket={self.socket}", "--user=root", "--routines",
                               "--triggers", *options, "m2mauth"], capture_output=True, check=True, timeout=LIMIT)
        return done.stdout.decode()

    def status(self, name):
        return int(self.sql(f"SHOW GLOBAL STATUS LIKE '{name}'", "")[0][1])


# --- the operator ---------------------------------------------------------------------------------------------------

PASSWORD = "keeper-password-of-the-test"
AUDIENCE = "https://api.example/"


class Operator:
    """Writes m2mauth.conf and does with m2mctl and SQL what an operator does. secrets has the secret of each client."""

    def __init__(self, scratch, build, database, issuer="https://as.example/oauth", **settings):
        self.scratch, self.build, self.database = scratch, build, database
        self.secrets = {}
        self.issuer = issuer
        self.passphrase_file = scratch.path("key.passphrase")
        self.password_file = scratch.write("db.password", PASSWORD + "\n", 0o600)
        self.settings = {"issuer": issuer, "db_socket": database.socket, "db_name": "m2mauth", "db_user": "m2mauth",
                         "db_password_file": self.password_file, "key_passphrase_file": self.passphrase_file,
                         "host_id": "test"}
        self.configure(**settings)

    def configure(self, **settings):
        """Writes m2mauth.conf with these settings over those of before; None takes a key out."""
        self.settings.update(settings)
        self.conf = self.scratch.write("m2mauth.conf", "".join(
            f"{key} = {value}\n" for key, value in self.settings.items() if value is not None))

    def m2mctl(self, *args, stdin=b"", check=True, database=False):
        command = [os.path.join(self.build, "m2mctl")]
        if database:
            command += ["-c", self.conf, "--db-user", "root"]
        done = subprocess.run([*command, *args], input=stdin, capture_output=True, timeout=LIMIT)
        if check:
            must(done.returncode == 0, f"m2mctl {' '.join(args[:2])} ended with {done.returncode}: "
                                       f"{done.stderr.decode(errors='replace')[:400]}")
        return done

    def grant(self):
        """What the keeper's account may do."""
        with open(os.path.join(SOURCE, "sql", "grants.sql"), encoding="utf-8") as grants:
            self.database.sql(grants.read())

    def install(self):
        """Schema, the keeper's account, a passphrase and a signing key: what an installation does once."""
        self.database.run("CREATE DATABASE m2mauth CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
        self.m2mctl("migrate", "--routines", ROUTINES, MIGRATIONS, database=True)
        self.grant()
        self.database.sql(f"ALTER USER m2mauth@localhost IDENTIFIED BY '{PASSWORD}'")
        if not os.path.exists(self.passphrase_file):
            self.m2mctl("key", "passphrase", self.passphrase_file)
        self.m2mctl("key", "new", database=True)

    def client(self, client_id, *options, audience=AUDIENCE, scope="read write", reads=True):
        """Applies a client that m2mctl prints. By default it may introspect the tokens of its audience."""
        done = self.m2mctl("client", "--audience", audience, "--scope", scope,
                           *(["--introspects", audience] if reads else []), *options, client_id)
        self.database.sql(done.stdout.decode())
        self.secrets[client_id] = done.stderr.decode().split()[-1]
        return self.secrets[client_id]

    def clients(self, count, prefix="bulk-"):
        """Many clients by SQL, the secret of each is `secret-of-` and its id; for scale, not for style."""
        rows = [f"{prefix}{number:05d}" for number in range(count)]
        self.database.sql(f"INSERT IGNORE INTO audience (audience) VALUES ('{AUDIENCE}'); "
                          f"INSERT IGNORE INTO audience_scope (audience, scope) VALUES ('{AUDIENCE}', 'read')")
        for start in range(0, count, 1000):
            part = rows[start:start + 1000]
            ids = ",".join(f"('{row}')" for row in part)
            secrets = ",".join(f"('{row}','s1','{stored_secret(row)}')" for row in part)
            grants = ",".join(f"('{row}','{AUDIENCE}','read',1)" for row in part)
            self.database.sql(f"""START TRANSACTION; INSERT INTO client (client_id) VALUES {ids};
                INSERT INTO client_secret (client_id, label, hash) VALUES {secrets};
                INSERT INTO client_grant (client_id, audience, scope, is_default) VALUES {grants}; COMMIT""")
        self.secrets.update((row, f"secret-of-{row}") for row in rows)
        return rows


def stored_secret(client_id, secret=None):
    """The stored form of a secret; without one it is that of clients()."""
    salt = os.urandom(16)
    digest = hashlib.sha256(salt + (secret or f"secret-of-{client_id}").encode()).digest()
    return "$sha256$" + "$".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (salt, digest))

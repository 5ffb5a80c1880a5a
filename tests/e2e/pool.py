"""pool: m2mauth under each of its launchers, and its processes."""
import fcntl
import os
import signal
import socket
import subprocess

import fastcgi
from rig import SANITIZER_WORDS, Failure, alive, await_true, family, must, send_signal

BACKLOG = 1024
LOG = "m2mauth.log"
ACCEPT4 = {"x86_64": 288, "aarch64": 242}.get(os.uname().machine)


def sanitized(env=None):
    """The environment of the pool. libfcgi requests any allocation size that a peer names, and handles the failure."""
    env = dict(os.environ if env is None else env)
    env.setdefault("ASAN_OPTIONS", "abort_on_error=0:detect_leaks=1:allocator_may_return_null=1")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    return env


class Pool:
    def __init__(self, operator, prefix="/oauth"):
        self.operator, self.scratch, self.prefix = operator, operator.scratch, prefix
        self.binary = os.path.join(operator.build, "m2mauth")
        self.socket = self.scratch.path("fcgi.sock")
        self.process = None                             # what we started; the master, but for `daemon`
        self.master = None

    def start(self, launcher="spawn", ready=True, workers=None):
        """launcher: spawn (spawn-fcgi -n), daemon (spawn-fcgi), socket (descriptor 0 from us, as systemd does it)."""
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        command = [self.binary, "-c", self.operator.conf] + (["-w", str(workers)] if workers else [])
        getattr(self, f"launch_{launcher}")(command)
        if ready:
            self.await_ready()
        return self

    def spawn_fcgi(self):
        return ["spawn-fcgi", "-s", self.socket, "-b", str(BACKLOG), "-M", "0660"]

    def launch_spawn(self, command):
        self.process = self.scratch.start([*self.spawn_fcgi(), "-n", "--", *command], LOG, env=sanitized())
        self.master = self.process.pid

    def launch_daemon(self, command):
        pid_file = self.scratch.path("m2mauth.pid")
        subprocess.run([*self.spawn_fcgi(), "-P", pid_file, "--", *command], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, timeout=600, env=sanitized())
        with open(pid_file) as file:
            self.master = int(file.read())
        self.process = None

    def launch_socket(self, command):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(self.socket)
            sock.listen(BACKLOG)
            self.process = self.scratch.start(command, LOG, stdin=sock, env=sanitized())
        self.master = self.process.pid

    def ask(self, method, path, body=b"", more=()):
        """A request to the socket, without a front server. None without an answer."""
        return fastcgi.ask(self.socket, method, self.prefix + path, body, more=more)

    def is_ready(self):
        if self.process is not None and self.process.poll() is not None:
            raise Failure(f"m2mauth ended with {self.process.returncode}: {self.scratch.log(LOG)[-800:]}")
        answer = self.ask("GET", "/ready")
        return answer is not None and answer.status == 200

    def await_ready(self, seconds=20):
        return await_true(self.is_ready, seconds, "m2mauth is ready")

    def children(self):
        return [pid for pid in family(self.master)[1:] if alive(pid)]

    def keeper(self):
        """The keeper, or None while there is none."""
        return next((pid for pid in self.children() if name_of(pid) == "m2mauth-keeper"), None)

    def workers(self):
        return [pid for pid in self.children() if is_open_worker(pid)]

    def pids(self):
        return [self.master, *self.children()]

    def tell(self, number):
        send_signal(self.master, number)

    def reload(self):
        """Reloads; returns when the new generation runs and the old one has exited."""
        before, at = set(self.children()), len(self.log())
        self.tell(signal.SIGHUP)
        await_true(lambda: self.is_reloaded(before, at), 20, "the reload")

    def is_reloaded(self, before, at):
        """The keeper is replaced after the workers, and reads the files of the configuration anew."""
        must("the old one stays in force" not in self.log()[at:], f"the reload was given up: {self.log()[at:][:800]}")
        return self.workers() and self.keeper() and not before & set(self.children())

    def stop(self, number=signal.SIGTERM, seconds=15):
        """Stops the pool; a remaining process is a failure."""
        pids = self.pids()
        self.tell(number)
        if self.process is not None:
            self.scratch.stop(self.process, number, seconds)
        await_true(lambda: not any(alive(pid) for pid in pids), seconds, "the pool has ended")

    def log(self):
        return self.scratch.log(LOG)

    def no_sanitizer_report(self):
        for word in SANITIZER_WORDS:
            at = self.log().find(word)
            must(at < 0, f"a sanitizer reported: {self.log()[at:at + 400]}")


class SharedPool(Pool):
    """A pool whose socket stays open when it stops, as with a systemd socket unit."""
    shared = None

    def start(self, launcher="socket", ready=True, workers=None):
        if self.shared is None:
            self.shared = socket.socket(socket.AF_UNIX)
            self.shared.bind(self.socket)
            self.shared.listen(BACKLOG)
        self.launch_socket([self.binary, "-c", self.operator.conf] + (["-w", str(workers)] if workers else []))
        if ready:
            self.await_ready()
        return self

    def launch_socket(self, command):
        self.process = self.scratch.start(command, LOG, stdin=self.shared, env=sanitized())
        self.master = self.process.pid

    def clear_flag(self):
        """In a process of its own, as a launcher's child does it."""
        pid = os.fork()
        if pid == 0:
            flags = fcntl.fcntl(self.shared, fcntl.F_GETFL)
            fcntl.fcntl(self.shared, fcntl.F_SETFL, flags & ~os.O_NONBLOCK)
            os._exit(0)
        os.waitpid(pid, 0)

    def flag_is_set(self):
        """As /proc shows it: the flags are octal."""
        with open(f"/proc/{self.master}/fdinfo/0") as info:
            flags = next(line for line in info if line.startswith("flags:"))
        return bool(int(flags.split()[1], 8) & os.O_NONBLOCK)

    def sleeping_in_accept(self):
        """Workers that are in accept4() now."""
        found = []
        for pid in self.workers():
            with open(f"/proc/{pid}/syscall") as call:
                if call.read().split()[0] == str(ACCEPT4):
                    found.append(pid)
        return found


def name_of(pid):
    """The name that a child takes at its start."""
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read().strip()
    except OSError:
        return ""


def is_open_worker(pid):
    """Only a worker waits on many descriptors at once."""
    try:
        folder = f"/proc/{pid}/fd"
        return "anon_inode:[eventpoll]" in [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]
    except OSError:
        return False

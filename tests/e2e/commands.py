#!/usr/bin/env python3
"""commands: what tests/run and deploy/quickstart do before any program of this project runs, as a new user sees it."""
import os
import shutil
import socket
import subprocess
import sys

import rig
from rig import check, equal, must

USER_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"      # Debian's, for all but root


def run(scratch, command, seconds=600, **more):
    """Runs it with the environment of an ordinary user after login; returns output and errors together."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=seconds, env={"PATH": USER_PATH, "HOME": scratch.folder}, **more)
    return done.returncode, done.stdout


@check("a user's PATH without sbin: the test programs find the servers")
def servers_are_found(scratch):
    script = "import rig, shutil; print(all(map(shutil.which, ('mariadbd', 'nginx', 'lighttpd', 'apache2'))))"
    where = os.path.join(rig.SOURCE, "tests", "e2e")
    equal(run(scratch, [sys.executable, "-c", script], cwd=where), (0, "True\n"), "servers in the PATH of rig.py")


@check("a user's PATH without sbin: tests/run goes on to its parts")
def tests_run(scratch):
    status, said = run(scratch, [os.path.join(rig.SOURCE, "tests", "run"), "protocol"])
    equal(status, 0, f"tests/run protocol: {said[-300:]}")
    must(said.splitlines()[-1].endswith(" passed, 0 failed"), f"the last line is {said.splitlines()[-1]}")


def checkout(scratch, name):
    """A copy of what the two commands need before they build."""
    top = scratch.path(name)
    shutil.copytree(os.path.join(rig.SOURCE, "deploy"), os.path.join(top, "deploy"))
    os.mkdir(os.path.join(top, "tests"))
    for script in ("run", "build"):
        shutil.copy(os.path.join(rig.SOURCE, "tests", script), os.path.join(top, "tests", script))
    return top


@check("a path with a blank: both commands refuse it at once and name it")
def blank_in_path(scratch):
    top = checkout(scratch, "a blank")
    for command in (["deploy/quickstart", "--once"], ["tests/run"], ["deploy/install-deps"]):
        status, said = run(scratch, [os.path.join(top, command[0]), *command[1:]])
        must(status != 0 and f"not support: {top}; move the folder" in said,
             f"{command[0]} ended with {status}: {said[-300:]}")
        must("installing" not in said and "[2/6]" not in said, f"{command[0]} went on: {said[-300:]}")
        if command == ["tests/run"]:
            equal(said.splitlines()[-1], "0 passed, 1 failed", "the last line of tests/run")


@check("quickstart: a port in use is found before packages and build")
def port_in_use(scratch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        status, said = run(scratch, [os.path.join(rig.SOURCE, "deploy", "quickstart"), "--port", str(port)])
    equal((status, said), (1, f"quickstart: port {port} is in use\n"), "what it says")


def unprivileged():
    """Arguments to run a program as an ordinary user: as nobody for root, unchanged for others."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}


@check("a build folder that belongs to another user: both commands say so, and no old log")
def foreign_build(scratch):
    top = checkout(scratch, "foreign")
    scratch.write("foreign/configure", "#!/bin/sh\n", 0o755)
    for name in ("quickstart", "sanitize"):
        folder = os.path.join(top, "build", name)
        os.makedirs(folder)
        scratch.write(os.path.join(folder, "make.log"), "an old error\n", 0o444)
        os.chmod(folder, 0o555)
    for command in (["deploy/quickstart"], ["tests/build", "sanitize"]):
        status, said = run(scratch, [os.path.join(top, command[0]), *command[1:]], **unprivileged())
        must(status != 0 and "belongs to" in said and "sudo chown -R" in said and "an old error" not in said,
             f"{command[0]} ended with {status}: {said[-300:]}")
        must("[1/6]" not in said, f"{command[0]} went on: {said[-300:]}")
    for name in ("quickstart", "sanitize"):
        os.chmod(os.path.join(top, "build", name), 0o755)       # or its owner cannot remove it


@check("a user without sudo, packages missing: the line to run names deploy/install-deps")
def no_sudo(scratch):
    top = checkout(scratch, "nosudo")
    tools = scratch.path("tools")
    os.mkdir(tools)
    for tool in ("id", "dirname", "apt-get", "sh"):
        os.symlink(shutil.which(tool), os.path.join(tools, tool))
    scratch.write("tools/dpkg-query", "#!/bin/sh\nexit 1\n", 0o755)
    for mode in ([], ["--build"], ["--test"]):
        command = os.path.join(top, "deploy", "install-deps")
        done = subprocess.run(["/bin/sh", command, *mode], capture_output=True, text=True, timeout=600,
                              env={"PATH": tools}, **unprivileged())
        must(done.returncode != 0, "it installed something")
        must(done.stderr.endswith(f"run as root: {' '.join([command, *mode])}\n") and "apt-get" not in done.stderr,
             f"it says: {done.stderr[-300:]}")


def script(build, scratch):
    os.chmod(scratch.folder, 0o755)
    rig.run_checks("", scratch)


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""quickstart: its tour under each front server, and what its services may write while it runs.

If run by root, its services run as nobody. A process of nobody must not be able to change what root executes,
sources or evaluates: the programs in bin, the file of names that is sourced, and each folder on the way to them.
"""
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess

import rig
from rig import check, equal, must

QUICKSTART = os.path.join(rig.SOURCE, "deploy", "quickstart")
ROOT = os.getuid() == 0
GIVEN_FOLDERS = {"data", "run", "tmp"}
GIVEN_FILES = {"db-password", "key-passphrase"} | {
    f"log/{front}-{what}.log" for front in ("nginx", "lighttpd") for what in ("access", "error")}


def start(scratch, *options, env=None):
    """quickstart with its scratch folder inside that of the test."""
    log = f"quickstart{len(scratch.started)}{''.join(options)}.log"
    return scratch.start([QUICKSTART, "--port", str(rig.free_port()), *options], log,
                         env=dict(os.environ, TMPDIR=scratch.tmp, **(env or {}))), log


def demo_folder(said):
    found = re.search(r"^DEMO=(\S+)$", said, re.M)
    must(found, f"no DEMO in what it says: {said[-400:]}")
    return found[1]


def writable_by_nobody(top):
    """Paths below top, except inside the folders of the services, that the user nobody owns or can write to."""
    nobody = pwd.getpwnam("nobody")
    found = set()
    for folder, folders, files in os.walk(top):
        for name in [".", *folders, *files]:
            path = os.path.normpath(os.path.join(folder, name))
            about = os.lstat(path)
            if stat.S_ISLNK(about.st_mode):
                found.add(f"{os.path.relpath(path, top)} -> {os.readlink(path)}")
            elif (about.st_uid == nobody.pw_uid or about.st_mode & stat.S_IWOTH
                  or about.st_gid == nobody.pw_gid and about.st_mode & stat.S_IWGRP):
                found.add(os.path.relpath(path, top))
        folders[:] = [name for name in folders if os.path.join(os.path.relpath(folder, top), name) not in
                      {os.path.join(".", given) for given in GIVEN_FOLDERS}]
    return found


def search_path(names):
    """The folders that the sourced file puts in front of the PATH, as a shell reads them."""
    done = subprocess.run(["bash", "-c", f'PATH=/bin; . {names}; echo "${{PATH%:/bin}}"'], capture_output=True,
                          text=True, timeout=600)
    return done.stdout.strip().split(":")


def inspect(top):
    names = os.path.join(top, "names")
    equal(search_path(names), [os.path.join(top, "bin")], "folders that names puts in front of the PATH")
    equal(stat.S_IMODE(os.stat(names).st_mode), 0o600, "mode of the file with the secrets")
    if not ROOT:
        equal(stat.S_IMODE(os.stat(top).st_mode), 0o700, "mode of the scratch folder")
        return
    equal(stat.S_IMODE(os.stat(top).st_mode), 0o750, "mode of the scratch folder")
    equal(writable_by_nobody(top), GIVEN_FOLDERS | GIVEN_FILES, "what nobody may write to")
    services = [pid for pid in rig.family(os.getpid()) if running_as_nobody(pid)]
    must(len(services) >= 5, f"only {len(services)} processes of nobody: the folder says nothing")


def running_as_nobody(pid):
    try:
        return os.stat(f"/proc/{pid}").st_uid == pwd.getpwnam("nobody").pw_uid
    except FileNotFoundError:
        return False


def tour(scratch, front):
    process, log = start(scratch, "--front", front)
    rig.await_true(lambda: process.poll() is not None or "It runs until Ctrl-C" in scratch.log(log), 1800, "the tour's end")
    said = scratch.log(log)
    must(process.poll() is None, f"quickstart ended: {said[-500:]}")
    must("Every answer was right" in said, f"no word of success: {said[-500:]}")
    top = demo_folder(said)
    inspect(top)
    locked = said[said.index("An operator disables the client"):said.index("The operator enables the client again")]
    must('{"active":false}\n200' in locked, f"the locked client's token: {locked[-200:]}")
    process.send_signal(signal.SIGINT)
    equal(process.wait(60), 0, "exit status after Ctrl-C")
    must(not os.path.exists(top), f"{top} is left")


@check("lighttpd: the tour succeeds, and user nobody can write to no file that its caller executes")
def under_lighttpd(scratch):
    tour(scratch, "lighttpd")


@check("nginx: the tour succeeds, and user nobody can write to no file that its caller executes")
def under_nginx(scratch):
    tour(scratch, "nginx")


@check("a token that a shell would expand is not written into the file that is sourced")
def answer_with_a_command(scratch):
    mark = scratch.path("executed")
    os.mkdir(scratch.path("fake"))
    scratch.write("fake/curl", f"""#!/bin/sh
{shutil.which("curl")} "$@" | sed 's/"access_token":"/&$(touch${{IFS}}{mark.replace("/", chr(92) + "/")})/'
""", 0o755)
    process, log = start(scratch, "--once", "--keep", env={"PATH": f"{scratch.path('fake')}:{os.environ['PATH']}"})
    must(process.wait(1800) != 0, "an answer without a token passed for right")
    said = scratch.log(log)
    must("touch${IFS}" in said, f"the false answer was never given: {said[-300:]}")
    top = demo_folder(said)
    with open(os.path.join(top, "names")) as names:
        must("touch" not in names.read(), "the answer is in the file of names")
    search_path(os.path.join(top, "names"))
    must(not os.path.exists(mark), "the answer was executed")
    shutil.rmtree(top)


def script(build, scratch):
    os.chmod(scratch.folder, 0o755)
    scratch.tmp = scratch.path("q")
    os.mkdir(scratch.tmp)
    rig.run_checks("", scratch)


if __name__ == "__main__":
    rig.main(script)

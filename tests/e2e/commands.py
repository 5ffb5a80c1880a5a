#!/usr/bin/env python3
"""commands: what a new user meets in tests/run and deploy/quickstart before any program of this project runs."""
import os
import subprocess
import sys

import rig
from rig import check, equal, must

USER_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"      # Debian's, for all but root


def run(command, seconds=300, **more):
    """Runs it with the environment of an ordinary user who has just logged in; output and errors together."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds, env={"PATH": USER_PATH, "HOME": "/nonexistent"}, **more)
    return done.returncode, done.stdout


@check("a user's PATH without sbin: the test programs find the servers")
def servers_are_found(scratch):
    script = "import rig, shutil; print(all(map(shutil.which, ('mariadbd', 'nginx', 'lighttpd', 'apache2'))))"
    where = os.path.join(rig.SOURCE, "tests", "e2e")
    equal(run([sys.executable, "-c", script], cwd=where), (0, "True\n"), "servers in the PATH of rig.py")


@check("a user's PATH without sbin: tests/run goes on to its parts")
def tests_run(scratch):
    status, said = run([os.path.join(rig.SOURCE, "tests", "run"), "protocol"])
    equal(status, 0, f"tests/run protocol: {said[-300:]}")
    must(said.splitlines()[-1].endswith(" passed, 0 failed"), f"the last line is {said.splitlines()[-1]}")


def script(build, scratch):
    rig.run_checks("", scratch)


if __name__ == "__main__":
    rig.main(script)

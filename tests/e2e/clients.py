#!/usr/bin/env python3
"""clients: libraries that others have written (openid-client, oauth4webapi, jose; Authlib) do the whole cycle.

The npm packages of clients/package-lock.json are kept in build/npm between runs. Without them this is a failure, not a
part that is left out: what real clients do is seen nowhere else.
"""
import json
import os
import shutil
import signal
import subprocess

import rig
import tokens
import web
from house import House
from rig import must

HERE = os.path.join(rig.SOURCE, "tests", "e2e", "clients")
PACKAGES = os.path.join(rig.SOURCE, "build", "npm")
ALGORITHMS = ("RS256", "PS256", "EdDSA", "ES256")       # the last one goes on signing
DEBIANS_PYTHON = "/usr/bin/python3"
# Of Node.js 18, which Debian 12 has, Web Crypto is global only on demand; later ones take the option and ignore it.
NODE = ["node", "--experimental-global-webcrypto", "--no-warnings"]


def same_file(one, other):
    try:
        with open(one, "rb") as first, open(other, "rb") as second:
            return first.read() == second.read()
    except FileNotFoundError:
        return False


def install():
    """Nothing to do when the packages of this lock file are there."""
    os.makedirs(PACKAGES, exist_ok=True)
    lock = os.path.join(HERE, "package-lock.json")
    kept = os.path.join(PACKAGES, "node_modules", "of.json")
    if not same_file(lock, kept):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(HERE, name), PACKAGES)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PACKAGES, timeout=180,
                              capture_output=True)
        must(done.returncode == 0, f"the npm registry gave no packages: {done.stderr.decode(errors='replace')[:500]}")
        shutil.copy(lock, kept)
    shutil.copy(os.path.join(HERE, "clients.mjs"), PACKAGES)


def token_of(house, algorithm):
    """A token signed by a new key of that algorithm, which the configuration asks for from now on."""
    house.operator.m2mctl("key", "new", "--alg", algorithm, "--activate", "now", database=True)
    house.operator.configure(token_algorithm=algorithm)
    house.pool.tell(signal.SIGHUP)
    worker, found = house.client("worker"), {}

    def signed():
        token = worker.token(scope="read")
        found[tokens.header(token)["alg"]] = token
        return algorithm in found
    rig.await_true(signed, 10, f"{algorithm} signs")
    return found[algorithm]


def all_algorithms(house, by_algorithm):
    for algorithm in ALGORITHMS:
        by_algorithm[algorithm] = token_of(house, algorithm)
        must(house.client("reader").active(by_algorithm[algorithm]), f"{algorithm}: not active")


def what_to_know(house, kind, by_algorithm):
    port, secrets = house.port(kind), house.operator.secrets
    return json.dumps({
        "front": kind, "port": port, "issuer": house.operator.issuer, "audience": rig.AUDIENCE,
        "client": {"id": "worker", "secret": secrets["worker"]}, "reader": {"id": "reader", "secret": secrets["reader"]},
        "byAlgorithm": by_algorithm, "jwks": web.request(port, "GET", "/oauth/jwks.json").json(),
        "metadata": web.request(port, "GET", "/.well-known/oauth-authorization-server/oauth").json(),
    }).encode()


def hand_over(command, folder, known, checks):
    """The script prints its checks itself; all of them, or that is a failure."""
    done = subprocess.run(command, cwd=folder, input=known, capture_output=True, timeout=120)
    lines = [line for line in done.stdout.decode(errors="replace").splitlines() if line.startswith(("ok - ", "not ok - "))]
    print("\n".join(lines), flush=True)
    rig.Checks.failed += sum(line.startswith("not ok - ") for line in lines)
    must(len(lines) == checks, f"{len(lines)} of {checks} checks: {done.stderr.decode(errors='replace')[-500:]}")


def script(build, scratch):
    install()
    house = House(build, scratch, failures_per_minute=1000)
    house.operator.client("reader")
    house.operator.client("worker", "--default-scope", "read", reads=False)
    house.start(workers=2)
    by_algorithm = {}
    rig.run_check("B6 tokens of RS256, PS256, EdDSA and ES256 are active", all_algorithms, house, by_algorithm)
    for kind in house.fronts:
        known = what_to_know(house, kind, by_algorithm)
        rig.run_check(None, hand_over, [*NODE, "clients.mjs"], PACKAGES, known, 9)
        rig.run_check(None, hand_over, [DEBIANS_PYTHON, os.path.join(HERE, "local.py")], HERE, known, 2)
    rig.run_check("no sanitizer report (clients)", house.pool.no_sanitizer_report)
    house.stop()


if __name__ == "__main__":
    rig.main(script)

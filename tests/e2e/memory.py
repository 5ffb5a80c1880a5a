#!/usr/bin/env python3
"""memory: no secret of a client is in the memory of a worker after the request has been answered."""
import os
import re
import subprocess
import time

import fastcgi
import pool
import rig
import web
from rig import check, equal, must

FORM = {"grant_type": "client_credentials"}


def memory(pid):
    """All that a process can write, piece by piece."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, rights, rest = line.split(None, 2)
            if "r" not in rights or "w" not in rights or "[v" in rest:
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            mem.seek(start)
            try:
                yield line.strip(), mem.read(end - start)
            except OSError:
                continue


def places(pids, words):
    """Where any of these occurs: the process, the mapping and the offset."""
    pattern = re.compile(b"|".join(map(re.escape, words)))
    return [(pid, name, found.start()) for pid in pids for name, data in memory(pid) for found in pattern.finditer(data)]


def parts(secret):
    """The secret, its base64 in three alignments, and parts of it, to find what was overwritten only in part."""
    data = secret.encode()
    return [data[at:at + 16] for at in range(0, len(data) - 15, 8)]


def leaves_nothing(server, words, ask):
    for _ in range(3):
        ask()
    equal(server.ask("GET", "/live").status, 200, "/live")
    found = places(server.workers(), words)
    must(not found, f"found {len(found)} times: {found[:4]}")


@check("the scan finds what is there: a secret of the operator's configuration in the keeper")
def scan_works(server):
    rig.await_true(server.keeper, 5, "the keeper has its name")
    must(places([server.keeper()], [rig.PASSWORD.encode()]), "the database password is not found in the keeper")


@check("a secret in the form, right or wrong, at each endpoint")
def form_secret(server):
    secret = server.operator.secrets["orders"]
    for path in ("/token", "/validate", "/revoke"):
        body = web.form({**FORM, "token": "x", "client_id": "orders", "client_secret": secret})
        leaves_nothing(server, parts(secret), lambda path=path, body=body: server.ask("POST", path, body))
    wrong = "wrong-secret-" + os.urandom(16).hex()
    body = web.form({**FORM, "client_id": "orders", "client_secret": wrong})
    leaves_nothing(server, parts(wrong), lambda: equal(server.ask("POST", "/token", body).status, 401, "status"))


@check("a secret in Authorization: Basic")
def basic_secret(server):
    secret = server.operator.secrets["orders"]
    header = web.basic("orders", secret)[1]
    more = [("HTTP_AUTHORIZATION", header)]
    leaves_nothing(server, parts(secret) + parts(header.split()[1]),
                   lambda: equal(server.ask("POST", "/token", web.form(FORM), more).status, 200, "status"))


@check("a token that is issued, validated, checked and revoked")
def token(server):
    secret = server.operator.secrets["orders"]
    more = [("HTTP_AUTHORIZATION", web.basic("orders", secret)[1])]
    issued = []

    def ask():
        answer = server.ask("POST", "/token", web.form(FORM), more)
        issued.append(web.json.loads(answer.body)["access_token"])
        server.ask("POST", "/validate", web.form({"token": issued[-1]}), more)
        server.ask("GET", "/orders", more=[("M2M_ENDPOINT", "check"), ("M2M_AUDIENCE", rig.AUDIENCE),
                                          ("HTTP_AUTHORIZATION", "Bearer " + issued[-1])])
        server.ask("POST", "/revoke", web.form({"token": issued[-1]}), more)
    for _ in range(3):
        ask()
    signatures = [each.rpartition(".")[2] for each in issued]
    leaves_nothing(server, [part for each in signatures for part in parts(each)], lambda: None)


@check("a request that is cut off, and one that is too large")
def broken(server):
    secret = "cut-" + os.urandom(24).hex()
    body = web.form({**FORM, "client_id": "orders", "client_secret": secret})

    def cut():
        with fastcgi.Peer(server.socket) as peer:
            peer.send(fastcgi.request("POST", "/oauth/token", body)[:-12])
            peer.sock.shutdown(1)
            peer.answer()
    leaves_nothing(server, parts(secret), cut)
    large = body + b"&padding=" + b"x" * 100000
    leaves_nothing(server, parts(secret), lambda: server.ask("POST", "/token", large))


def script(build, scratch):
    if os.path.basename(build) == "sanitize":       # a sanitizer keeps what was freed
        build = os.path.join(rig.SOURCE, "build", "plain")
        subprocess.run([os.path.join(rig.SOURCE, "tests", "build"), "plain"], check=True, stdout=subprocess.DEVNULL)
    database = rig.Database(scratch)
    database.start()
    operator = rig.Operator(scratch, build, database, workers=1)
    operator.install()
    operator.client("orders", "--default-scope", "read")
    server = pool.Pool(operator).start()
    time.sleep(0.5)
    rig.run_checks("", server)
    server.stop()


if __name__ == "__main__":
    rig.main(script)

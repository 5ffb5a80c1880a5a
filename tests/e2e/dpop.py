#!/usr/bin/env python3
"""dpop: proofs at the token endpoint from outside (RFC 9449): replays at all workers at once, nonces at all workers and
hosts and after a restart, and what may become of a header on its way through both fronts."""
import concurrent.futures
import os

import fastcgi
import rig
import tokens
import web
from holder import Holder
from house import House
from pool import Pool
from rig import check, equal, must

URL = "https://as.example/oauth/token"
FORM = {"grant_type": "client_credentials"}
REPLAYS = int(os.environ.get("M2MAUTH_REPLAYS", "2000"))
TIMES, PARALLEL, WORKERS = 16, 32, 8


class Prover:
    """One front server, and a client that comes through it with a key."""

    def __init__(self, house, kind):
        self.house, self.kind = house, kind
        self.client, self.reader = house.client("prover", kind), house.client("reader", kind)
        self.holder = Holder(house.scratch.path(f"holder-{kind}"))

    def ask(self, *proofs, name="DPoP", client=None):
        client = client or self.client
        return client.post("/token", FORM, [web.basic(client.id, client.secret), *((name, proof) for proof in proofs)])

    def proof(self, **claims):
        return self.holder.proof("POST", URL, **claims)


def refused(answer, what):
    equal((answer.status, answer.error()), (400, "invalid_dpop_proof"), what)
    must(b"access_token" not in answer.body, what)


@check("G1 G5 C8 a proof binds the token to the thumbprint of its key; introspection tells it, revocation needs no proof")
def cycle(prover):
    answer = prover.ask(prover.proof())
    equal((answer.status, answer.json()["token_type"]), (200, "DPoP"), f"{answer}")
    token, wanted = answer.json()["access_token"], {"jkt": prover.holder.thumbprint()}
    equal(tokens.claims(token)["cnf"], wanted, "cnf")
    told = prover.reader.validate(token).json()
    equal((told["active"], told["token_type"], told["cnf"]), (True, "DPoP", wanted), "introspection")
    equal(prover.client.revoke(token).status, 200, "revoke")
    must(not prover.reader.active(token), "a revoked token is active")


@check("G2 G11 a forgery with somebody's key and jti, or a proof that is refused otherwise, uses nothing up")
def not_used_up(prover):
    proof = prover.proof()
    other = Holder(prover.house.scratch.path(f"other-{prover.kind}"))
    forged = proof.rpartition(".")[0] + "." + other.proof("POST", URL).rpartition(".")[2]
    for _ in range(20):
        refused(prover.ask(forged), "forged")
    equal(prover.ask(proof, client=web.Client(prover.client.port, "prover", "wrong")).status, 401, "with a wrong secret")
    equal(prover.ask(proof).status, 200, "the holder's own")
    refused(prover.ask(proof), "and once only")


@check("G1 I5 the header twice, joined, and under other names")
def headers(prover):
    refused(prover.ask(f"{prover.proof()}, {prover.proof()}"), "joined")
    refused(prover.ask("x", prover.proof()), "a broken one first")
    status = prover.ask(prover.proof(), prover.proof()).status
    equal(status, 200 if prover.kind == "nginx" else 400, "two: nginx 1.22 hands over the first alone")
    for name in ("dpop", "DPOP", "Dpop"):
        equal(prover.ask(prover.proof(), name=name).json()["token_type"], "DPoP", name)
    for name in ("X-DPoP", "DPoP_", "D_PoP", "HTTP-DPoP", "DPoP-Nonce"):
        equal(prover.ask(prover.proof(), name=name).json()["token_type"], "Bearer", name)


@check("R7 a client that is disabled gets no token, with a proof or without one")
def disabled(prover):
    sql = prover.house.database.sql
    sql("UPDATE client SET enabled = 0 WHERE client_id = 'prover'")
    prover.house.soon(lambda: prover.ask(prover.proof()).status == 401, "it is seen")
    equal({prover.ask(*proofs).status for proofs in ((), (prover.proof(),)) for _ in range(8)}, {401}, "disabled")
    sql("UPDATE client SET enabled = 1 WHERE client_id = 'prover'")
    prover.house.soon(lambda: prover.ask(prover.proof()).status == 200, "enabled again")


class Crowd:
    """Many who ask the pool's socket at once, without a front server."""

    def __init__(self, house, pool=None):
        self.socket = (pool or house.pool).socket
        self.authorization = web.basic("prover", house.operator.secrets["prover"])[1]

    def ask(self, proof):
        return fastcgi.ask(self.socket, "POST", "/oauth/token", web.form(FORM),
                           more=[("HTTP_AUTHORIZATION", self.authorization), ("HTTP_DPOP", proof)])

    def statuses(self, proofs):
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as crowd:
            return [answer.status if answer else 0 for answer in crowd.map(self.ask, proofs)]


def replays(house, holder):
    proofs = [holder.proof("POST", URL) for _ in range(max(1, REPLAYS // TIMES))]
    statuses = Crowd(house).statuses([one for one in proofs for _ in range(TIMES)])
    wins = [statuses[start:start + TIMES].count(200) for start in range(0, len(statuses), TIMES)]
    others = sorted({status for status in statuses if status not in (200, 400)})
    equal((max(wins), min(wins), others), (1, 1, []), "accepted at most, at least, other answers")


def wanted_nonce(answer, what):
    """An answer that wants one brings it."""
    must(answer.status == 400 and b'"use_dpop_nonce"' in answer.body, f"{what}: {answer.status} {answer.body}")
    must(answer.headers.get("dpop-nonce"), f"{what}: no nonce")
    return answer.headers["dpop-nonce"]


def nonces(house, holder, second):
    crowd = Crowd(house)
    nonce = wanted_nonce(crowd.ask(holder.proof("POST", URL)), "without a nonce")
    proofs = [holder.proof("POST", URL, nonce=nonce) for _ in range(8 * WORKERS)]
    equal(set(crowd.statuses(proofs)), {200}, "at every worker")
    house.pool.stop()
    house.pool.start(workers=WORKERS)
    equal(crowd.ask(holder.proof("POST", URL, nonce=nonce)).status, 200, "after a restart")
    equal(Crowd(house, second).ask(holder.proof("POST", URL, nonce=nonce)).status, 200, "at another host")
    for wrong in ("A" * 27, nonce[:-1], nonce + "A", nonce.swapcase()):
        wanted_nonce(crowd.ask(holder.proof("POST", URL, nonce=wrong)), f"nonce {wrong}")


def silent(house, proofs):
    log = house.pool.log()
    for proof in proofs:
        for part in proof.split("."):
            must(part not in log, "a part of a proof stands in the log")


def script(build, scratch):
    house = House(build, scratch, failures_per_minute=10000)
    house.operator.client("reader")
    house.operator.client("prover", reads=False)
    house.start(workers=WORKERS)
    for kind in house.fronts:
        rig.run_checks(kind, Prover(house, kind))
    holder = Holder(scratch.path("holder"))
    rig.run_check(f"G2 T15 {REPLAYS} replays of proofs at eight workers at once: none is accepted twice", replays, house, holder)
    canary = [holder.proof("POST", URL), holder.proof("POST", URL, htm="GET")]
    Crowd(house).statuses(canary)
    rig.run_check("S8 no part of a proof stands in the log", silent, house, canary)
    house.operator.configure(dpop_nonce="required")
    house.pool.reload()
    with rig.Scratch() as folder:
        settings = {**house.operator.settings, "host_id": "other"}
        second = Pool(rig.Operator(folder, build, house.database, **settings)).start(workers=1)
        rig.run_check("G3 a nonce is good at every worker, after a restart and at another host", nonces, house, holder, second)
        second.stop()
    rig.run_check("no sanitizer report (dpop)", house.pool.no_sanitizer_report)
    house.stop()


if __name__ == "__main__":
    rig.main(script)

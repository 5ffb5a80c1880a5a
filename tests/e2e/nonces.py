#!/usr/bin/env python3
"""nonces: the nonce that a server with dpop_nonce = required expects in each DPoP proof (RFC 9449 8): valid at every worker,
after a restart and at every host with the same passphrase, and at no other. The test computes nonces of other minutes."""
import os
import time

import fastcgi
import rig
import tokens
import web
from stack import Stack
from pool import Pool
from rig import check, equal, must
from signer import Holder, nonce

WORKERS, CONNECTIONS = 8, 8             # so few that one worker does not keep all connections of a test to itself
BODY = web.form({"grant_type": "client_credentials"})


class Hosts:
    """A pool behind both fronts, a second one of the same passphrase, and a third one with a passphrase, and therefore a
    database, of its own. The client is known to all."""

    def __init__(self, stack, folders):
        self.stack, own = stack, stack.operator.settings
        second = rig.Operator(folders[0], stack.build, stack.database, **{**own, "host_id": "second"})
        database = rig.Database(folders[1])
        database.start()
        theirs = {name: own[name] for name in own if name not in ("db_socket", "db_password_file", "key_passphrase_file")}
        stranger = rig.Operator(folders[1], stack.build, database, **{**theirs, "host_id": "stranger"})
        stranger.install()
        for operator in (stack.operator, stranger):
            client, = operator.clients(1, "caller-")
        self.pools = [stack.pool, Pool(second), Pool(stranger)]
        self.basic = web.basic(client, stack.operator.secrets[client])
        self.holder = Holder(stack.scratch, "holder")

    def more(self, proof):
        return [("HTTP_AUTHORIZATION", self.basic[1]), ("HTTP_DPOP", proof)]

    def ask(self, pool, word=None, **claims):
        """word: the nonce in the proof."""
        proof = self.holder.proof(**({"nonce": word} if word is not None else {}), **claims)
        return pool.ask("POST", "/token", BODY, self.more(proof))

    def offered(self, pool):
        answer = self.ask(pool)
        wanted(answer, "no nonce")
        return answer.headers["dpop-nonce"]


def good(answer, what):
    must(answer is not None and answer.status == 200 and b'"token_type":"DPoP"' in answer.body,
         f"{what}: {answer and (answer.status, answer.body[:200])}")


def wanted(answer, what):
    must(answer is not None and answer.status == 400 and b'"error":"use_dpop_nonce"' in answer.body,
         f"{what}: {answer and (answer.status, answer.body)}")
    must(answer.headers.get("dpop-nonce"), f"{what}: no nonce is offered")
    must(b"access_token" not in answer.body, f"{what}: a token")


@check("G3 use_dpop_nonce brings a nonce through both fronts, and with it the same claims pass")
def through_fronts(hosts):
    for kind in hosts.stack.fronts:
        def ask(jti, hosts=hosts, kind=kind, **claims):
            proof = ("DPoP", hosts.holder.proof(jti=jti, **claims))
            return web.request(hosts.stack.port(kind), "POST", "/oauth/token", BODY, [hosts.basic, proof])
        for claims in ({}, {"nonce": ""}, {"nonce": "x"}, {"nonce": "A" * 27}, {"nonce": "A" * 2000}):
            answer = ask(f"j-{kind}", **claims)
            equal((answer.status, answer.error()), (400, "use_dpop_nonce"), f"{claims}")
        must("no-store" in answer.header("Cache-Control"), "the nonce may be stored")
        word = answer.header("DPoP-Nonce")
        must(word in (nonce(hosts.stack.operator.passphrase_file, ago) for ago in (0, 1)), f"nonce {word}")
        answer = ask(f"j-{kind}", nonce=word)
        equal((answer.status, answer.json()["token_type"]), (200, "DPoP"), f"{answer}")
        answer = ask(f"j-{kind}", nonce=word)
        equal((answer.status, answer.error()), (400, "invalid_dpop_proof"), "again")
        equal(ask(f"k-{kind}", nonce=word).status, 200, "another proof with the same nonce")


def one_at_each(pool, peers):
    """worker -> a kept connection to it."""
    def sockets(pid):
        links = (os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd"))
        return {link for link in links if link.startswith("socket:")}
    found = {}
    while len(found) < WORKERS and len(peers) < WORKERS * CONNECTIONS:
        before = {pid: sockets(pid) for pid in pool.workers()}
        peers.append(fastcgi.Peer(pool.socket))
        equal(peers[-1].ask("GET", "/oauth/live").status, 200, "live")
        taken = [pid for pid in before if sockets(pid) - before[pid]]
        equal(len(taken), 1, "workers that have a new connection")
        found.setdefault(taken[0], peers[-1])
    return found


@check("G3 a nonce that one worker gave is good at each of eight")
def each_worker(hosts):
    word, peers = hosts.offered(hosts.pools[0]), []
    try:
        found = one_at_each(hosts.pools[0], peers)
        equal(set(found), set(hosts.pools[0].workers()), "workers that were asked")
        for peer in found.values():
            good(peer.ask("POST", "/oauth/token", BODY, hosts.more(hosts.holder.proof(nonce=word))), "at a worker")
            wanted(peer.ask("POST", "/oauth/token", BODY, hosts.more(hosts.holder.proof())), "none at a worker")
    finally:
        for peer in peers:
            peer.sock.close()


@check("G3 a nonce of five minutes is good, and the answer offers the next; older, of the future or spoilt it is none")
def of_other_minutes(hosts):
    pool, file = hosts.pools[0], hosts.stack.operator.passphrase_file
    if time.time() % 60 > 40:
        time.sleep(61 - time.time() % 60)               # what follows is about one minute
    answer = hosts.ask(pool, nonce(file))
    good(answer, "of this minute")
    equal(answer.headers.get("dpop-nonce"), None, "offered with a new one")
    for ago in (2, 3, 4):
        answer = hosts.ask(pool, nonce(file, ago))
        good(answer, f"{ago} minutes old")
        must(answer.headers.get("dpop-nonce") in (nonce(file), nonce(file, 1)), f"{ago} minutes old: the next one")
    word = tokens.decode(nonce(file))
    spoilt = {"another minute": tokens.decode(nonce(file, 1))[:4] + word[4:], "a byte more": word + b"\0",
              "a byte less": word[:-1], "twice": word + word, "the last bit": word[:-1] + bytes([word[-1] ^ 1])}
    bad = {**{what: tokens.encode(one) for what, one in spoilt.items()}, "padding": nonce(file) + "=",
           "a blank": nonce(file) + " ", "old": nonce(file, 7), "an hour old": nonce(file, 60), "of the future": nonce(file, -3)}
    for what, one in bad.items():
        wanted(hosts.ask(pool, one), what)


@check("G3 a nonce is good at a second host of the same passphrase, and the other way round")
def second_host(hosts):
    first, second = hosts.pools[:2]
    second.start(workers=2)
    for one, other in ((first, second), (second, first)):
        good(hosts.ask(other, hosts.offered(one)), "at the other host")


@check("G3 a nonce is good after a restart of the whole pool")
def restart(hosts):
    pool = hosts.pools[0]
    word, pids = hosts.offered(pool), set(pool.pids())
    pool.stop()
    pool.start(workers=WORKERS)
    equal(pids & set(pool.pids()), set(), "processes of before")
    good(hosts.ask(pool, word), "after the restart")


@check("G3 a nonce is none at a host with another passphrase, and the other way round")
def stranger(hosts):
    first, other = hosts.pools[0], hosts.pools[2]
    other.start(workers=2)
    good(hosts.ask(other, hosts.offered(other)), "its own")
    good(hosts.ask(first, hosts.offered(first)), "its own, at the first")
    wanted(hosts.ask(other, hosts.offered(first)), "of the first")
    wanted(hosts.ask(first, hosts.offered(other)), "of the other")


@check("no nonce and no proof in any log; no sanitizer report (nonces)")
def quiet(hosts):
    for pool in hosts.pools:
        pool.no_sanitizer_report()
        must("eyJ" not in pool.log() and nonce(hosts.stack.operator.passphrase_file) not in pool.log(), "a secret in a log")


def script(build, scratch):
    stack = Stack(build, scratch, failures_per_minute=10000, dpop_nonce="required", worker_connections=CONNECTIONS)
    stack.start(workers=WORKERS)
    with rig.Scratch() as second, rig.Scratch() as third:
        hosts = Hosts(stack, (second, third))
        stack.soon(lambda: hosts.ask(stack.pool).status == 400, "the client is seen")
        rig.run_checks("", hosts)
        for pool in hosts.pools[1:]:
            pool.stop()
        stack.stop()


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""dpop: tokens that are bound to a key by proofs signed with openssl (RFC 9449), at the token endpoint, through both fronts
and at all workers at once: G1 to G5 of tests/protocol/lines.txt. bound.py tests such tokens at an API."""
import collections
import concurrent.futures
import os
import time

import fastcgi
import rig
import tokens
import web
from stack import Stack
from rig import check, equal, must
from signer import ALGORITHMS, ISSUER, Holder

REPLAYS = int(os.environ.get("M2MAUTH_REPLAYS", "2000"))
TIMES, PARALLEL, WORKERS = 16, 32, 8
BATCH = 125                             # proofs signed at one time: the last is sent long before the first is too old
GRANT = {"grant_type": "client_credentials"}
LOGS = ("m2mauth.log", "nginx-m2mauth.log", "lighttpd-access.log", "nginx-error.log", "lighttpd-error.log")


class Visitor:
    """One front server, a client that may have a key and one that must, and holders of keys of each algorithm."""

    def __init__(self, stack, kind):
        self.stack, self.kind, self.port = stack, kind, stack.port(kind)
        self.reader, self.free, self.held = (stack.client(name, kind) for name in ("reader", "free", "held"))
        self.holders = {alg: Holder(stack.scratch, f"canary-{alg}-{kind}", alg) for alg in ALGORITHMS}
        self.holder, self.other = self.holders["ES256"], self.holders["EdDSA"]

    def ask(self, *headers, client=None):
        client = client or self.free
        return client.post("/token", GRANT, [web.basic(client.id, client.secret), *headers])

    def show(self, proof, client=None):
        return self.ask(("DPoP", proof), client=client)


def bound(answer, holder):
    """The token, which is bound to the holder's key."""
    equal((answer.status, answer.json().get("token_type")), (200, "DPoP"), f"{answer}")
    token = answer.json()["access_token"]
    equal(tokens.claims(token)["cnf"], {"jkt": holder.thumbprint()}, "cnf")
    return token


def refused(answer, what):
    equal((answer.status, answer.error()), (400, "invalid_dpop_proof"), f"{what}: {answer}")
    must(b"access_token" not in answer.body, f"{what}: a token")
    return answer.body


@check("G1 G4 G5 C8 A16 the cycle by proofs of ES256, RS256, PS256 and EdDSA; jkt is what RFC 7638 makes of the key")
def cycle(visitor):
    for holder in visitor.holders.values():
        for client in (visitor.free, visitor.held):
            token = bound(visitor.show(holder.proof(), client), holder)
            told = visitor.reader.validate(token).json()
            equal((told["active"], told["token_type"]), (True, "DPoP"), "introspection")
            equal(told["cnf"], {"jkt": holder.thumbprint()}, "cnf in introspection")
            equal(client.revoke(token).status, 200, "revoke")
            equal(visitor.reader.validate(token).json(), {"active": False}, "a revoked token")


@check("G4 A16 without a proof: a bearer token, or none at all for a client whose tokens have to be bound")
def without(visitor):
    answer = visitor.ask()
    equal((answer.status, answer.json()["token_type"]), (200, "Bearer"), f"{answer}")
    must("cnf" not in tokens.claims(answer.json()["access_token"]), "a bearer token with a cnf")
    refused(visitor.ask(client=visitor.held), "no proof")


def bad_proofs(holder, other):
    """(line of tests/protocol/lines.txt, the fault, the proof)"""
    now, good, private = int(time.time()), holder.proof(), {**holder.jwk, "d": tokens.encode(bytes(31) + b"\1")}
    first, second, third = good.split(".")
    yield from (("G1", f"typ {typ}", holder.proof(head={"typ": typ})) for typ in ("JWT", "at+jwt", "", None))
    yield from (("G1", f"alg {alg}", holder.proof(head={"alg": alg}))
                for alg in ("none", "HS256", "ES384", "RS256", "", None))
    yield from (("G1", f"jwk {kind}", holder.proof(head={"jwk": jwk})) for kind, jwk in (
        ("with a private member", private), ("of another", other.jwk), ("none", None),
        ("symmetric", {"kty": "oct", "k": "AAAA"}), ("off the curve", {**holder.jwk, "y": holder.jwk["x"]})))
    yield "G1", "crit", holder.proof(head={"crit": ["exp"]})
    yield from (("G2", f"htm {method}", holder.proof(method)) for method in ("GET", "post", "", None))
    yield from (("G2", f"htu {url}", holder.proof(url=url)) for url in (
        f"{ISSUER}/validate", f"{ISSUER}/token/", "http://as.example/oauth/token", "https://evil.example/oauth/token",
        "/oauth/token", "https://as.example:444/oauth/token", "", None))
    yield from (("G2", f"iat {iat}", holder.proof(iat=iat)) for iat in (now - 90, now + 90, -1, "1", None))
    yield from (("G2", f"jti {jti}", holder.proof(jti=jti)) for jti in ("", "j" * 257, 1, None))
    _, claims, signature = other.proof().split(".")
    yield from (("G1", what, proof) for what, proof in (
        ("no signature", f"{first}.{second}."), ("another's signature", f"{first}.{second}.{signature}"),
        ("another's claims", f"{first}.{claims}.{third}"), ("four parts", good + "."), ("padding", good + "=="),
        ("a word", "x")))


@check("G1 G2 what is not quite a proof is one refusal, also for a client that needs none")
def one_refusal(visitor):
    bodies = {refused(visitor.show(proof), f"{line} {what}")
              for line, what, proof in bad_proofs(visitor.holder, visitor.other)}
    equal(len(bodies), 1, f"bodies {bodies}")
    bound(visitor.show(visitor.holder.proof(url=f"{ISSUER}/token?a=b#c")), visitor.holder)


@check("G2 a proof is good once, and for its own key: another's with the same jti is good as well")
def once(visitor):
    jti = f"canary-once-{visitor.kind}"
    proof = visitor.holder.proof(jti=jti)
    bound(visitor.show(proof), visitor.holder)
    for client in (visitor.free, visitor.held):
        refused(visitor.show(proof, client), "a second time")
    refused(visitor.show(visitor.holder.proof(jti=jti)), "signed anew with the same jti")
    bound(visitor.show(visitor.other.proof(jti=jti)), visitor.other)


@check("G2 G11 a forgery with somebody's key and jti does not use the jti up, nor does a proof that is refused")
def not_used_up(visitor):
    jti = f"canary-victim-{visitor.kind}"
    proof = visitor.holder.proof(jti=jti)
    forged = proof.rpartition(".")[0] + "." + visitor.holder.proof().rpartition(".")[2]
    for _ in range(20):
        refused(visitor.show(forged), "forged")
        refused(visitor.show(visitor.other.proof(jti=jti, head={"jwk": visitor.holder.jwk, "alg": "ES256"})), "by another key")
    refused(visitor.show(visitor.holder.proof("GET", jti=jti)), "of another method")
    wrong = visitor.free.post("/token", GRANT, [web.basic(visitor.free.id, "wrong"), ("DPoP", proof)])
    equal((wrong.status, wrong.error()), (401, "invalid_client"), "stolen, with a wrong secret")
    bound(visitor.show(proof), visitor.holder)
    refused(visitor.show(proof), "and once only")


@check("G1 I5 two DPoP lines, or two proofs in one line, are refused, whichever of them is good")
def two_proofs(visitor):
    for first, second in ((visitor.holder, visitor.other), (visitor.other, visitor.holder), (visitor.holder, visitor.holder)):
        for client in (visitor.free, visitor.held):
            answer = visitor.ask(("DPoP", first.proof()), ("DPoP", second.proof()), client=client)
            refused(answer, "two lines")
            for between in (",", ", ", " , ", " "):
                refused(visitor.show(f"{first.proof()}{between}{second.proof()}", client), f"joined by {between!r}")
        for bad in ("x", ","):
            refused(visitor.ask(("DPoP", bad), ("DPoP", second.proof())), "a bad one first")
            refused(visitor.ask(("DPoP", second.proof()), ("dpop", bad)), "a bad one behind")


@check("G1 the name of the header is case-insensitive, and no other name is accepted")
def spellings(visitor):
    for name in ("DPoP", "Dpop", "DPOP", "dpop"):
        bound(visitor.ask((name, visitor.holder.proof())), visitor.holder)
    for name in ("D-PoP", "D_PoP", "_DPoP", "DPoP_", "DPoP-", "-DPoP", "HTTP_DPOP", "HTTP-DPoP", "Http_Dpop", "X-DPoP",
                 "Variable-HTTP_DPOP", "DPoP-Proof", "Proxy-DPoP"):
        proof = visitor.holder.proof()
        answer = visitor.ask((name, proof))
        equal((answer.status, answer.json().get("token_type")), (200, "Bearer"), f"{name}: {answer}")
        refused(visitor.ask((name, proof), client=visitor.held), name)
        bound(visitor.ask((name, visitor.other.proof()), ("DPoP", proof)), visitor.holder)


def no_secrets_in_logs(stack, visitors):
    """All jti of the holders begin with a canary."""
    logs = "".join(stack.scratch.log(name) for name in LOGS)
    must("/oauth/token" in logs, "there is no access log to look at")
    must("eyJ" not in logs and "canary" not in logs and "Basic " not in logs, "a proof, a token or a secret is in a log")
    for holder in (holder for visitor in visitors for holder in visitor.holders.values()):
        public = holder.jwk.get("x") or holder.jwk["n"]
        must(public not in logs and holder.thumbprint() not in logs, f"the key of {holder.name} is in a log")


def ask(stack, proof):
    """Straight to the socket of the pool."""
    more = [("HTTP_AUTHORIZATION", web.basic("free", stack.operator.secrets["free"])[1]), ("HTTP_DPOP", proof)]
    answer = fastcgi.ask(stack.pool.socket, "POST", "/oauth/token", web.form(GRANT), more)
    return answer.status if answer else 0


def replays(stack):
    holder = Holder(stack.scratch, "canary-replays")
    accepted, others, left = collections.Counter(), set(), max(1, REPLAYS // TIMES)
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as crowd:
        while left > 0:
            proofs = [holder.proof() for _ in range(min(left, BATCH))]
            left -= len(proofs)
            statuses = list(crowd.map(lambda proof: ask(stack, proof), [one for one in proofs for _ in range(TIMES)]))
            accepted.update(statuses[start:start + TIMES].count(200) for start in range(0, len(statuses), TIMES))
            others |= set(statuses) - {200, 400}
    equal((dict(accepted), others), ({1: max(1, REPLAYS // TIMES)}, set()), "{times accepted: proofs}, other answers")


def script(build, scratch):
    stack = Stack(build, scratch, failures_per_minute=10000)
    stack.operator.client("reader")
    for name in ("free", "held"):
        stack.operator.client(name, "--default-scope", "read", reads=False)
    stack.database.sql("UPDATE client SET require_binding = 'dpop' WHERE client_id = 'held'")
    stack.start(workers=WORKERS)
    visitors = [Visitor(stack, kind) for kind in stack.fronts]
    for visitor in visitors:
        rig.run_checks(visitor.kind, visitor)
    rig.run_check(f"G2 {REPLAYS} replays of proofs at eight workers at once: each accepted exactly once", replays, stack)
    rig.run_check("no proof and no key of a proof is in any log", no_secrets_in_logs, stack, visitors)
    rig.run_check("no sanitizer report (dpop)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

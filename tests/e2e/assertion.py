#!/usr/bin/env python3
"""assertion: private_key_jwt from outside: keys by SQL, assertions signed by openssl, replays at all workers at once:
section F of tests/protocol/lines.txt."""
import concurrent.futures
import json
import os
import time

import fastcgi
import rig
import tokens
import web
from stack import Stack
from rig import check, equal, must
from signer import ISSUER, TYPE, Signer, add_key

REPLAYS = int(os.environ.get("M2MAUTH_REPLAYS", "2000"))
PARALLEL = 32


class Prover:
    """One front server and the signers that use it."""

    def __init__(self, stack, kind, signers):
        self.stack, self.kind, self.port, self.signers = stack, kind, stack.port(kind), signers
        self.sql = stack.database.sql

    def post(self, assertion, path="/token", **pairs):
        pairs = {"grant_type": "client_credentials", "client_assertion_type": TYPE, "client_assertion": assertion,
                 **pairs}
        return web.request(self.port, "POST", "/oauth" + path, web.form(pairs), [("Content-Type", web.FORM)])

    def token(self, signer, **claims):
        answer = self.post(signer.sign(**claims))
        equal(answer.status, 200, f"a good assertion: {answer.body[:200]}")
        return answer.json()["access_token"]


def refused(answer, what):
    equal((answer.status, answer.error()), (401, "invalid_client"), what)


@check("F1 B6 the cycle by ES256, RS256, PS256 and EdDSA; cred is the kid")
def cycle(prover):
    reader = prover.stack.client("reader", prover.kind)
    for signer in prover.signers:
        token = prover.token(signer)
        body = tokens.claims(token)
        equal((body["sub"], body["cred"]), (signer.client_id, signer.kid), "claims")
        must(reader.active(token), "a new token is not active")
        equal(prover.post(signer.sign(), "/revoke", token=token).status, 200, "revoke")
        must(not reader.active(token), "a revoked token is active")


@check("F1 F3 F4 F5 F7 F8 what is not quite an assertion is one refusal")
def one_refusal(prover):
    signer, other = prover.signers[0], prover.signers[1]
    now = int(time.time())
    bad = [signer.sign(aud=[ISSUER, "https://x.example"]), signer.sign(aud=ISSUER + "/token"), signer.sign(iss="reader"),
           signer.sign(exp=now), signer.sign(exp=now + 900), signer.sign(iat=now + 70), signer.sign(nbf=now + 70), signer.sign(jti=""),
           signer.sign({"typ": "at+jwt"}), signer.sign({"crit": ["exp"]}), signer.sign({"alg": "none"}),
           signer.sign({"kid": other.kid}), signer.sign({"jwk": signer.jwk}), signer.sign()[:-2] + "AA", "x", "a.b.c"]
    answers = [prover.post(assertion) for assertion in bad]
    for number, answer in enumerate(answers):
        refused(answer, f"case {number}")
        equal(answer.body, answers[0].body, "body")
    equal(prover.post(signer.sign(aud=[ISSUER])).status, 200, "an array of the issuer alone")
    equal(prover.post(signer.sign(), client_id=signer.client_id).status, 200, "client_id beside it")
    refused(prover.post(signer.sign(), client_id="reader"), "another client_id")
    equal(prover.post(signer.sign(), client_id=signer.client_id, client_secret="x").status, 400, "a secret beside it")


@check("F1 the legacy switch is a column, off by default")
def legacy(prover):
    signer = prover.signers[0]
    refused(prover.post(signer.sign(aud=ISSUER + "/token")), "before")
    prover.sql(f"UPDATE client SET assertion_audience = 'token_endpoint' WHERE client_id = '{signer.client_id}'")
    prover.stack.soon(lambda: prover.post(signer.sign(aud=ISSUER + "/token")).status == 200, "the switch is seen")
    equal(prover.post(signer.sign()).status, 200, "the issuer is still one")
    prover.sql(f"UPDATE client SET assertion_audience = 'issuer' WHERE client_id = '{signer.client_id}'")
    prover.stack.soon(lambda: prover.post(signer.sign(aud=ISSUER + "/token")).status == 401, "it is off again")


@check("F11 F6 a client's longest life of an assertion is a column, 300 s by default")
def longest_life(prover):
    signer = prover.signers[0]
    now = int(time.time())
    refused(prover.post(signer.sign(iat=now, exp=now + 3590)), "before")
    prover.sql(f"UPDATE client SET assertion_seconds = 3600 WHERE client_id = '{signer.client_id}'")
    prover.stack.soon(lambda: prover.post(signer.sign(iat=now, exp=now + 3590)).status == 200, "the column is seen")
    once = signer.sign(iat=now, exp=now + 3590)
    equal(prover.post(once).status, 200, "an hour")
    refused(prover.post(once), "once only")
    refused(prover.post(signer.sign(iat=now, exp=now + 3700)), "more than an hour")
    prover.sql(f"UPDATE client SET assertion_seconds = NULL WHERE client_id = '{signer.client_id}'")
    prover.stack.soon(lambda: prover.post(signer.sign(iat=now, exp=now + 3590)).status == 401, "it is off again")


@check("F7 D1 a key that expires by SQL is out within a second; its tokens by key_revoke_tokens")
def key_ends(prover):
    reader = prover.stack.client("reader", prover.kind)
    signer = Signer(prover.stack.scratch, "prover", f"short-{prover.kind}.{'k' * 40}")
    add_key(prover.sql, signer, kid=signer.kid, alg="ES256", use="sig", x5t="more")
    prover.stack.soon(lambda: prover.post(signer.sign()).status == 200, "the new key is seen")
    token = prover.token(signer)
    prover.sql(f"CALL client_expire_key('prover', '{signer.kid}', NULL)")
    prover.stack.soon(lambda: prover.post(signer.sign()).status == 401, "the key has expired", 1.5)
    must(reader.active(token), "its token stays active")
    prover.sql(f"CALL key_revoke_tokens('prover', '{signer.kid}', 'test')")
    prover.stack.soon(lambda: not reader.active(token), "its token is revoked", 1.5)
    equal(prover.post(prover.signers[0].sign()).status, 200, "another key of the client")
    prover.sql(f"DELETE FROM client_key WHERE client_id = 'prover' AND kid = '{signer.kid}'")


@check("T18 an invalid key authenticates no client, its client keeps working, and a line names column and reason")
def bad_key(prover):
    name = f"odd-{prover.kind}"
    prover.stack.operator.client(name, reads=False)
    client = prover.stack.client(name, prover.kind)

    def status():
        return client.post("/token", {"grant_type": "client_credentials"}).status
    prover.stack.soon(lambda: status() == 200, "the client is seen")
    jwk = json.dumps({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"})
    prover.sql(f"SET SESSION check_constraint_checks = 0; INSERT INTO client_key (client_id, kid, alg, public_jwk) "
               f"VALUES ('{name}', 'bad', 'ES256', '{jwk}')")
    prover.stack.soon(lambda: f"client {name}: client_key bad: column public_jwk: the curve is not P-256" in prover.stack.pool.log(),
                      "a line names column and reason")
    equal(status(), 200, "by secret")


@check("F6 T16 a forgery with somebody's jti does not use the jti up")
def not_used_up(prover):
    signer, other = prover.signers[0], prover.signers[1]
    assertion = signer.sign(jti=f"victim-{prover.kind}")
    forged = assertion.rpartition(".")[0] + "." + other.sign().rpartition(".")[2]
    for _ in range(20):
        refused(prover.post(forged), "forged")
    equal(prover.post(assertion).status, 200, "the holder's own")
    refused(prover.post(assertion), "and once only")


def ask(stack, body):
    answer = fastcgi.ask(stack.pool.socket, "POST", "/oauth/token", body)
    return answer.status if answer else 0


@check(f"F6 T15 {REPLAYS} replays at eight workers at once: none is accepted twice")
def replays(stack, signers):
    times = 16
    assertions = [signers[0].sign() for _ in range(max(1, REPLAYS // times))]
    form = {"grant_type": "client_credentials", "client_assertion_type": TYPE}
    bodies = [web.form({**form, "client_assertion": one}) for one in assertions for _ in range(times)]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as crowd:
        statuses = list(crowd.map(lambda body: ask(stack, body), bodies))
    wins = [statuses[start:start + times].count(200) for start in range(0, len(statuses), times)]
    others = sorted({status for status in statuses if status not in (200, 401)})
    equal((max(wins), min(wins), others), (1, 1, []), "accepted at most, at least, other answers")


def script(build, scratch):
    stack = Stack(build, scratch, failures_per_minute=10000)
    stack.operator.client("reader")
    stack.operator.client("prover", reads=False)
    signers = [Signer(scratch, "prover", f"key-{alg}", alg) for alg in ("ES256", "RS256", "PS256", "EdDSA")]
    for signer in signers:
        add_key(stack.database.sql, signer)
    stack.start(workers=8)
    at_the_socket = [entry for entry in rig.Checks.registered if entry[1] is replays]
    rig.Checks.registered = [entry for entry in rig.Checks.registered if entry[1] is not replays]
    for kind in stack.fronts:
        rig.run_checks(kind, Prover(stack, kind, signers))
    for name, function in at_the_socket:
        rig.run_check(name, function, stack, signers)
    rig.run_check("no sanitizer report (assertion)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""rotation: automatic rotation of signing keys, on two hosts with one database.

usage: rotation.py BUILDDIR [many]      (many: 50 forced rotations in place of 10)

A verifier caches the JWK Set for as long as allowed, fetches it from either host, and verifies with openssl. The minute
for clock differences and the day of the longest token are subtracted from the rows by SQL; the other parts of the bounds
are those of the server.
"""
import json
import re
import subprocess
import threading
import time

import rig
import tokens
import web
from stack import Stack
from pool import Pool
from rig import await_true, check, equal, must

MAX_AGE, LAG, LATE, LIFE, SKEW, DAY = 1, 5, 5, 30, 60, 86400
SETTINGS = {"jwks_max_age_seconds": MAX_AGE, "fresh_seconds": LAG, "validate_seconds": LAG, "issue_seconds": LATE,
            "token_seconds": LIFE, "workers": 2}
LOOK = 12                                               # seconds in which each keeper has looked twice
TOO_SLOW = re.compile(r"error (1969|20\d\d)\)")        # a database that takes its time, on a machine that is busy
LEASE = 10                                              # seconds in which no other host rotates
FORM = web.form({"grant_type": "client_credentials"})


class Hosts:
    """Two pools on one database."""

    def __init__(self, stack, second, rotations):
        self.stack, self.rotations = stack, rotations
        self.operator, self.database = stack.operator, stack.database
        other = rig.Operator(second, stack.build, stack.database, host_id="other", log_requests="none",
                             key_passphrase_file=stack.operator.passphrase_file, **SETTINGS)
        self.pools = [stack.pool, Pool(other)]
        self.credentials = ("HTTP_AUTHORIZATION", web.basic("api", stack.operator.client("api"))[1])

    def keys(self, where="TRUE"):
        """kid -> (alg, publish, activate, retire, remove); 0: not set."""
        times = ", ".join(f"IFNULL(UNIX_TIMESTAMP({name}_at), 0)" for name in ("publish", "activate", "retire", "remove"))
        rows = self.database.sql(f"SELECT kid, alg, {times} FROM signing_key WHERE {where}")
        return {kid: (alg, *map(int, rest)) for kid, alg, *rest in rows}

    def token(self, pool):
        answer = pool.ask("POST", "/token", FORM, [self.credentials])
        must(answer is not None and answer.status == 200, f"no token: {answer}")
        return json.loads(answer.body)["access_token"]

    def active(self, pool, token):
        answer = pool.ask("POST", "/validate", web.form({"token": token}), [self.credentials])
        must(answer is not None and answer.status == 200, f"no answer about a token: {answer}")
        return json.loads(answer.body)["active"]

    def jwks(self, pool):
        return json.loads(pool.ask("GET", "/jwks.json").body)

    def come_of_age(self, kid):
        self.database.sql(f"UPDATE signing_key SET publish_at = NOW() - INTERVAL 91 DAY, activate_at = publish_at "
                          f"WHERE kid = '{kid}'")

    def new_key(self, before):
        """Waits for a key that was not there before."""
        await_true(lambda: set(self.keys()) - set(before), LOOK + LEASE, "a new key")
        return (set(self.keys()) - set(before)).pop()


@check("an empty database: one key, made by one of two keepers, which signs at once on both hosts")
def first_key(hosts):
    hosts.database.sql("DELETE FROM signing_key")
    for pool in hosts.pools:
        pool.start(ready=False)
    for pool in hosts.pools:
        pool.await_ready()
    keys = hosts.keys()
    equal(len(keys), 1, "keys")
    (kid, (algorithm, publish, activate, retire, remove)), = keys.items()
    equal((algorithm, activate - publish, retire, remove), ("ES256", 0, 0, 0), "alg, activate - publish, retire, remove")
    for pool in hosts.pools:
        equal(tokens.header(hosts.token(pool))["kid"], kid, "who signs")


@check("a key that has come of age: one successor, made by one of two keepers, with the times that the bounds ask for")
def successor(hosts):
    for _ in range(2):
        before = hosts.keys()
        hosts.come_of_age(*before)
        kid = hosts.new_key(before)
        _, publish, activate, retire, remove = hosts.keys()[kid]
        equal((activate - publish, retire, remove), (MAX_AGE + LAG + SKEW, 0, 0), "activate - publish, retire, remove")
        _, _, _, retire, remove = hosts.keys()[list(before)[0]]
        equal((retire - activate, remove - retire), (LAG, DAY + LATE + SKEW), "retire - activate, remove - retire")
        time.sleep(LOOK)
        equal(set(hosts.keys()) - set(before), {kid}, "new keys, after both keepers have looked again")
        for pool in hosts.pools:
            equal({key["kid"] for key in hosts.jwks(pool)["keys"]}, {kid, *before}, "the JWK Set")
            must(tokens.header(hosts.token(pool))["kid"] in before, "the successor signs too early")
        hosts.database.sql(f"DELETE FROM signing_key WHERE kid <> '{kid}'")
        hosts.database.sql("UPDATE signing_key SET activate_at = publish_at")


@check("eight operators who rotate at the same moment make one successor")
def at_once(hosts):
    before = hosts.keys()
    command = [f"{hosts.stack.build}/m2mctl", "-c", hosts.operator.conf, "--db-user", "root", "key", "rotate"]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(8)]
    codes = sorted(process.wait(60) for process in running)
    equal(codes[:2], [0, 1], f"the first of the exit codes {codes}")
    equal(len(set(hosts.keys()) - set(before)), 1, "new keys")


@check("another algorithm that has a key is rotated, too; a key that was removed two days ago loses its private half later")
def each_algorithm(hosts):
    hosts.operator.m2mctl("key", "new", "--alg", "EdDSA", "--activate", "now", database=True)
    before = hosts.keys()
    hosts.come_of_age(*[kid for kid, row in before.items() if row[0] == "EdDSA"])
    kid = hosts.new_key(before)
    equal(hosts.keys()[kid][0], "EdDSA", "algorithm of the new key")
    for pool in hosts.pools:
        equal(tokens.header(hosts.token(pool))["alg"], "ES256", "what signs")
    hosts.database.sql("UPDATE signing_key SET remove_at = NOW() - INTERVAL 2 DAY WHERE alg = 'EdDSA'")


class Verifier(threading.Thread):
    """Keeps the JWK Set of a host for max-age, and verifies new tokens of both hosts and those that are about to end."""

    def __init__(self, hosts, number, over):
        super().__init__(daemon=True)
        self.hosts, self.number, self.over = hosts, number, over
        self.kept, self.fetched = {"keys": []}, -DAY
        self.waiting = []                               # (when to verify again, token)
        self.failures, self.good, self.kids = [], 0, set()

    def set_now(self):
        if time.monotonic() - self.fetched > MAX_AGE:
            self.number += 1
            self.fetched = time.monotonic()             # no later than the moment that the server speaks of
            self.kept = self.hosts.jwks(self.hosts.pools[self.number % 2])
        return self.kept

    def verify(self, token, what):
        kid, jwks = tokens.header(token)["kid"], self.set_now()
        if any(key["kid"] == kid for key in jwks["keys"]) and tokens.verifies(token, jwks):
            self.good += 1
        elif time.time() < tokens.claims(token)["exp"]:     # or it has ended before its turn came
            self.failures.append(f"{what} token of {kid} by {[key['kid'] for key in jwks['keys']]}")
        self.kids.add(kid)

    def run(self):
        turn = self.number
        while not self.over.is_set():
            turn += 1
            try:
                token = self.hosts.token(self.hosts.pools[turn // 3 % 2])
                self.verify(token, "new")
                self.waiting.append((tokens.claims(token)["exp"] - 3, token))
                while self.waiting[0][0] <= time.time():
                    self.verify(self.waiting.pop(0)[1], "old")
            except Exception as fault:                  # whatever it is, somebody could not verify
                self.failures.append(f"{type(fault).__name__}: {fault}")
            time.sleep(0.05)


def force(hosts):
    """A rotation by the operator, without the parts that would make it last."""
    hosts.operator.m2mctl("key", "rotate", database=True)
    hosts.database.sql(f"""
        UPDATE signing_key SET retire_at = retire_at - INTERVAL {SKEW} SECOND,
          remove_at = retire_at + INTERVAL {LIFE + LATE} SECOND WHERE retire_at > NOW() + INTERVAL {SKEW} SECOND AND remove_at > NOW();
        UPDATE signing_key SET activate_at = activate_at - INTERVAL {SKEW} SECOND
          WHERE activate_at > NOW() + INTERVAL {SKEW - 1} SECOND AND retire_at IS NULL""")


@check("forced rotations under load: a verifier that caches the JWK Set for its max-age verifies every token")
def under_load(hosts):
    hosts.database.sql("UPDATE signing_key SET activate_at = publish_at WHERE alg = 'ES256' AND retire_at IS NULL")
    over = threading.Event()
    verifiers = [Verifier(hosts, number, over) for number in range(3)]
    for verifier in verifiers:
        verifier.start()
    try:
        for _ in range(hosts.rotations):
            force(hosts)
            time.sleep(MAX_AGE + LAG + 1)
    finally:
        over.set()
        for verifier in verifiers:
            verifier.join(web.SECONDS)
    failures = [why for verifier in verifiers for why in verifier.failures]
    good, kids = sum(verifier.good for verifier in verifiers), set().union(*(verifier.kids for verifier in verifiers))
    must(not failures, f"{len(failures)} of {good + len(failures)} failed: {failures[:3]}")
    must(good > 10 * hosts.rotations, f"only {good} verifications")
    must(len(kids) > hosts.rotations, f"only {len(kids)} keys have signed")
    removed = "remove_at < NOW() - INTERVAL 1 DAY"
    equal(len(hosts.keys(removed)), 2, "keys that were removed two days ago")
    equal(hosts.keys(f"{removed} AND (private_pem IS NOT NULL OR private_uri IS NOT NULL)"), {}, "those with a private half")


@check("key drop: its tokens are inactive on both hosts, and a new key signs at once")
def dropped(hosts):
    stolen = tokens.header(hosts.token(hosts.pools[0]))["kid"]
    hosts.database.sql(f"DELETE FROM signing_key WHERE kid <> '{stolen}'")
    before = [hosts.token(pool) for pool in hosts.pools]
    hosts.operator.m2mctl("key", "drop", stolen, database=True)
    for pool, token in zip(hosts.pools, before):
        await_true(lambda pool=pool, token=token: not hosts.active(pool, token), 3, "the token is inactive")
        must(stolen not in [key["kid"] for key in hosts.jwks(pool)["keys"]], "the key is still in the JWK Set")
    fresh = hosts.token(hosts.pools[0])
    must(tokens.header(fresh)["kid"] != stolen, "the stolen key signs")
    must(all(hosts.active(pool, fresh) for pool in hosts.pools), "the new key's token is not good everywhere")


@check("no key of token_algorithm: one of another signs, the log says so, and a key of it is made when keys rotate")
def stranded(hosts):
    hosts.pools[1].stop()
    hosts.pools[0].stop()
    hosts.operator.configure(token_algorithm="EdDSA", key_seconds=0)
    hosts.pools[0].start()
    equal(tokens.header(hosts.token(hosts.pools[0]))["alg"], "ES256", "what signs")
    await_true(lambda: "no key of token_algorithm (EdDSA) is active" in hosts.pools[0].log(), LOOK, "a line in the log")
    time.sleep(LOOK)
    equal(hosts.pools[0].log().count("no key of token_algorithm"), 1, "lines in the log")
    equal(hosts.keys("alg = 'EdDSA'"), {}, "keys, with key_seconds = 0")
    hosts.pools[0].stop()
    hosts.operator.configure(key_seconds=DAY)
    hosts.pools[0].start()
    kid = hosts.new_key(hosts.keys("alg = 'ES256'"))
    equal(hosts.keys()[kid][2] - hosts.keys()[kid][1], MAX_AGE + LAG + SKEW, "when the key of EdDSA signs")


@check("an audience that names an algorithm: refused until a key of it signs, which is made by itself; then by nothing else")
def named_by_an_audience(hosts):
    pool = hosts.pools[0]
    hosts.database.sql("UPDATE audience SET token_algorithm = 'PS256', token_seconds = 30; DELETE FROM signing_key")
    await_true(lambda: len(hosts.keys()) == 2, LOOK + LEASE, "two keys in an empty database")
    waits = {alg: (kid, activate - publish) for kid, (alg, publish, activate, _, _) in hosts.keys().items()}
    equal({alg: wait for alg, (_, wait) in waits.items()}, {"EdDSA": 0, "PS256": MAX_AGE + LAG + SKEW}, "when they sign")
    kid = waits["PS256"][0]
    equal(pool.ask("POST", "/token", FORM, [hosts.credentials]).status, 503, "the answer before it signs")
    must("no key of PS256 is active: audiences that name it get no tokens" in pool.log(), "no line in the log")
    hosts.database.sql(f"UPDATE signing_key SET activate_at = publish_at WHERE kid = '{kid}'")
    await_true(lambda: pool.ask("POST", "/token", FORM, [hosts.credentials]).status == 200, 3, "a token")
    token = hosts.token(pool)
    equal(tokens.header(token), {"typ": "at+jwt", "alg": "PS256", "kid": kid}, "the header of a token")
    must(hosts.active(pool, token) and kid in [key["kid"] for key in hosts.jwks(pool)["keys"]], "it is not good")
    hosts.database.sql("UPDATE audience SET token_algorithm = NULL; UPDATE signing_key SET activate_at = publish_at")
    await_true(lambda: tokens.header(hosts.token(pool))["alg"] == "EdDSA", 3, "a token of the issuer's algorithm")


@check("no sanitizer report, no error in the logs of the keepers")
def quiet(hosts):
    for pool in hosts.pools:
        pool.no_sanitizer_report()
        failed = [line for line in pool.log().splitlines() if '"event":"rotation"' in line and not TOO_SLOW.search(line)]
        must(not failed, f"a rotation failed: {failed[:3]}")


def script(build, scratch, *words):
    stack = Stack(build, scratch, kinds=(), **SETTINGS)
    with rig.Scratch() as second:
        rig.run_checks("", Hosts(stack, second, 50 if words else 10))
        stack.pool.stop()
        stack.database.stop()


if __name__ == "__main__":
    rig.main(script, ["many"])

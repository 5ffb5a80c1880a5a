#!/usr/bin/env python3
"""bad_rows: an invalid row of each kind beside a valid one: the valid one works, issued tokens stay active, the invalid one
is refused with 401, the log names it, and a gauge counts it."""
import json
import re

import authority
import rig
import web
from stack import Stack
from rig import check, equal, must
from signer import TYPE, Signer, add_key

GRANT = {"grant_type": "client_credentials"}
NAME = "/C=DE/O=Example/CN=machine"
CLIENTS = ("secrets", "keys", "subject", "certificates", "grants", "columns")


class Matrix:
    """Clients with a valid credential each, and a token of each from before any row was invalid."""

    def __init__(self, stack, issuing):
        self.stack, self.sql, self.port = stack, stack.database.sql, stack.port()
        self.named = issuing.issue("machine", NAME)
        self.listed = authority.self_signed(stack.scratch, "listed", "/CN=listed")
        self.other = authority.self_signed(stack.scratch, "other", "/CN=other")
        self.good, self.bad = (Signer(stack.scratch, "keys", kid) for kid in ("good", "bad"))
        for name in CLIENTS:
            stack.operator.client(name, reads=False)
        stack.operator.client("reader")
        add_key(self.sql, self.good)
        self.sql("CALL client_set_tls_subject('subject', 'subject_dn', 'CN=machine,O=Example,C=DE')")
        self.add_certificate_key("good", self.listed)
        self.tokens = {}

    def jwk_of(self, certificate):
        return json.loads(self.stack.operator.m2mctl("jwk", certificate.path).stdout)

    def add_certificate_key(self, kid, certificate):
        jwk = json.dumps({**self.jwk_of(certificate), "kid": kid})
        self.sql(f"CALL client_add_certificate_key('certificates', '{kid}', 'ES256', '{jwk}', NULL)")

    def by_secret(self, client_id, secret=None, **pairs):
        headers = [web.basic(client_id, secret or self.stack.operator.secrets[client_id])]
        return web.request(self.port, "POST", "/oauth/token", web.form({**GRANT, **pairs}), headers)

    def by_key(self, signer):
        body = web.form({**GRANT, "client_assertion_type": TYPE, "client_assertion": signer.sign()})
        return web.request(self.port, "POST", "/oauth/token", body)

    def by_certificate(self, client_id, certificate):
        return web.request(self.stack.tls_port("nginx", certificate), "POST", "/oauth/token",
                           web.form({**GRANT, "client_id": client_id}))

    def active(self):
        """The clients whose earlier token is active."""
        reader = self.stack.client("reader")
        return [name for name, token in self.tokens.items() if reader.active(token)]

    def bad_rows(self):
        page = self.stack.pool.ask("GET", "/metrics").body.decode()
        return int(re.search(r"^m2mauth_bad_rows (\d+)$", page, re.M)[1])

    def reloads(self):
        page = self.stack.pool.ask("GET", "/metrics").body.decode()
        return int(re.search(r"^m2mauth_reloads_total (\d+)$", page, re.M)[1])

    def unchecked(self, sql):
        """Runs sql as a restored schema without triggers and CHECKs accepts it."""
        for name, in self.sql("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE() "
                              "AND action_timing = 'BEFORE' AND event_object_table LIKE 'client%'"):
            self.sql(f"DROP TRIGGER {name}")
        self.sql(f"SET SESSION check_constraint_checks = 0, sql_mode = ''; {sql}")

    def soon_bad_rows(self, count):
        self.stack.soon(lambda: self.bad_rows() == count, f"{count} bad rows")

    def says(self, *words):
        lines = [line for line in self.stack.pool.log().splitlines() if '"bad_row"' in line]
        must(any(all(word in line for word in words) for line in lines), f"no error names {words}: {lines[-3:]}")
        must(all('"level":"error"' in line for line in lines), "a bad row is less than an error")

    def refused(self, answer, what):
        equal((answer.status, answer.error()), (401, "invalid_client"), what)

    def granted(self, answer, what):
        equal(answer.status, 200, f"{what}: {answer}")
        return answer.json()["access_token"]


@check("all good: each credential works")
def all_good(matrix):
    matrix.stack.soon(lambda: matrix.by_certificate("certificates", matrix.listed).status == 200, "the clients are known")
    for name in CLIENTS:
        matrix.tokens[name] = matrix.granted(matrix.by_secret(name), name)
    matrix.granted(matrix.by_key(matrix.good), "the good key")
    matrix.granted(matrix.by_certificate("subject", matrix.named), "the subject")
    matrix.granted(matrix.by_certificate("certificates", matrix.listed), "the good certificate")
    equal((matrix.bad_rows(), sorted(matrix.active())), (0, sorted(CLIENTS)), "before")


@check("a bad hash of a secret: that secret is refused, the other one works")
def bad_secret(matrix):
    hashed = rig.stored_secret("secrets", "the-other-secret")
    matrix.unchecked(f"INSERT INTO client_secret (client_id, label, hash) VALUES ('secrets', 'bad', '{hashed}=')")
    matrix.soon_bad_rows(1)
    matrix.refused(matrix.by_secret("secrets", "the-other-secret"), "the bad one")
    matrix.granted(matrix.by_secret("secrets"), "the good one")
    matrix.says("client secrets: client_secret bad: column hash: ", "this secret is left out: make another with m2mctl secret")
    matrix.sql(f"UPDATE client_secret SET hash = '{hashed}' WHERE client_id = 'secrets' AND label = 'bad'")
    matrix.soon_bad_rows(0)
    matrix.granted(matrix.by_secret("secrets", "the-other-secret"), "corrected")


@check("a bad public key: that key is refused, the other one and the secret work")
def bad_key(matrix):
    signer = matrix.bad
    usable = json.dumps(signer.jwk)
    for jwk in ({**signer.jwk, "use": "enc"}, {**signer.jwk, "x": signer.jwk["x"] + "="}, {"keys": [signer.jwk]},
                {**signer.jwk, "crv": "P-384"}, {**signer.jwk, "kid": "another"}):
        matrix.unchecked(f"INSERT INTO client_key (client_id, kid, alg, public_jwk) VALUES ('keys', 'bad', 'ES256', '{json.dumps(jwk)}')")
        matrix.soon_bad_rows(1)
        matrix.refused(matrix.by_key(signer), "the bad one")
        matrix.granted(matrix.by_key(matrix.good), "the good one")
        matrix.granted(matrix.by_secret("keys"), "the secret")
        matrix.sql("DELETE FROM client_key WHERE client_id = 'keys' AND kid = 'bad'")
        matrix.soon_bad_rows(0)
    matrix.says("client keys: client_key bad: column public_jwk: ", "CALL client_add_key")
    matrix.sql(f"CALL client_add_key('keys', 'bad', 'ES256', '{usable}', NULL)")
    matrix.stack.soon(lambda: matrix.by_key(signer).status == 200, "a right row of it")


@check("a subject that is not a name: the certificate is refused, the secret works")
def bad_subject(matrix):
    matrix.unchecked("UPDATE client SET tls_subject = 'machine' WHERE client_id = 'subject'")
    matrix.soon_bad_rows(1)
    matrix.refused(matrix.by_certificate("subject", matrix.named), "the certificate")
    matrix.granted(matrix.by_secret("subject"), "the secret")
    matrix.says("client subject: column tls_subject: ", "CALL client_set_tls_subject")
    matrix.sql("UPDATE client SET tls_subject = 'CN=machine,O=Example,C=DE' WHERE client_id = 'subject'")
    matrix.soon_bad_rows(0)
    matrix.granted(matrix.by_certificate("subject", matrix.named), "corrected")


@check("a bad key of a certificate: that certificate is refused, the other one works")
def bad_certificate(matrix):
    jwk = json.dumps({**matrix.jwk_of(matrix.other), "alg": "RS256", "kid": "bad"})
    matrix.unchecked(f"INSERT INTO client_key (client_id, kid, alg, public_jwk) VALUES ('certificates', 'bad', 'ES256', '{jwk}')")
    matrix.soon_bad_rows(1)
    matrix.refused(matrix.by_certificate("certificates", matrix.other), "the bad one")
    matrix.granted(matrix.by_certificate("certificates", matrix.listed), "the good one")


@check("a bad grant and a method that is not known: the rest of the client works; nothing known: 401, and its tokens stay active")
def bad_rest(matrix):
    matrix.unchecked(f"INSERT INTO client_grant (client_id, audience, scope) VALUES ('grants', '{rig.AUDIENCE}', 'two words')")
    matrix.unchecked("ALTER TABLE client MODIFY auth_methods BIGINT NOT NULL; UPDATE client SET auth_methods = auth_methods | 64 "
                     "WHERE client_id = 'columns'")
    matrix.soon_bad_rows(3)
    matrix.granted(matrix.by_secret("grants", scope="read"), "a good grant")
    matrix.granted(matrix.by_secret("columns"), "a known method")
    matrix.unchecked("UPDATE client SET auth_methods = 64 WHERE client_id = 'columns'")
    matrix.stack.soon(lambda: matrix.by_secret("columns").status == 401, "no method is known")
    equal(matrix.bad_rows(), 3, "bad rows")
    matrix.says("client columns: column auth_methods: ", "the client cannot authenticate")


@check("a bad row that no trigger reported is counted by the next complete load, with one line; a reported one is not repeated")
def past_triggers(matrix):
    def lines():
        return [line for line in matrix.stack.pool.log().splitlines() if '"bad_row"' in line]
    before = len(lines())
    matrix.sql("DROP TRIGGER client_secret_feed_insert")
    matrix.unchecked("INSERT INTO client_secret (client_id, label, hash) VALUES ('grants', 'bad', 'x')")
    rig.await_true(lambda: matrix.bad_rows() == 4, 30, "the next complete load")
    rig.await_true(lambda: len(lines()) == before + 1, 5, f"one line: {lines()[before:]}")
    must("4 rows of clients are invalid, 3 before this load" in lines()[-1], lines()[-1])
    loads = matrix.reloads()
    rig.await_true(lambda: matrix.reloads() > loads, 30, "a complete load")
    equal(len(lines()), before + 1, "lines after another load")


@check("throughout, no issued token became inactive, and a new server counts the same rows")
def in_the_end(matrix):
    equal(sorted(matrix.active()), sorted(CLIENTS), "active")
    matrix.stack.pool.stop()
    matrix.stack.pool.start(workers=1)
    equal(matrix.bad_rows(), 4, "bad rows after a start")
    equal(sorted(matrix.active()), sorted(CLIENTS), "active after a start")
    for client_id in ("certificates", "grants", "columns"):
        matrix.says(f"client {client_id}: ")


def script(build, scratch):
    issuing = authority.Authority(scratch)
    stack = Stack(build, scratch, kinds=("nginx",), authority=issuing, failures_per_minute=10000, reconcile_seconds=5)
    stack.start(workers=1)
    rig.run_checks("", Matrix(stack, issuing))
    rig.run_check("no sanitizer report (bad_rows)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

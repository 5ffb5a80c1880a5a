#!/usr/bin/env python3
"""mtls: clients that authenticate by a TLS certificate, and tokens bound to one (RFC 8705), through both fronts with the
configurations of deploy/: only the parameters of the front are trusted."""
import json
import urllib.parse

import authority
import rig
import tokens
import web
from stack import Stack
from rig import check, equal, must

NAME = "/C=DE/O=Example/OU=Machines/CN=orders"
ALTERNATIVES = {                # kind: value in the certificate and in the row of the client
    "san_dns": ("DNS:orders.example", "Orders.EXAMPLE"), "san_uri": ("URI:urn:example:orders", "urn:example:orders"),
    "san_ip": ("IP:2001:db8::7", "2001:DB8:0::7"), "san_email": ("email:orders@mail.example", "orders@MAIL.example"),
}
GRANT = {"grant_type": "client_credentials"}


class People:
    """Certificates of clients, good ones and others."""

    def __init__(self, scratch):
        self.listed = authority.self_signed(scratch, "listed", "/CN=listed")
        self.alone = authority.self_signed(scratch, "alone", "/CN=alone")
        self.authority = authority.Authority(scratch, listed=[self.listed])
        issue = self.authority.issue
        self.orders = issue("orders", NAME)
        self.by_kind = {kind: issue(kind, "/CN=machine", names) for kind, (names, _) in ALTERNATIVES.items()}
        self.nameless = issue("nameless", "/CN=machine")
        self.expired = issue("orders-expired", NAME, days=-1)
        others = authority.Authority(scratch, "others")
        listed = authority.Certificate(scratch, "by-listed", NAME, authority.extensions("", False))
        self.wrong = {
            "no certificate": None, "another's certificate": self.by_kind["san_dns"], "no such name": self.nameless,
            "another authority's": others.issue("orders-others", NAME), "a self-signed one": self.alone,
            "the same name, self-signed": authority.self_signed(scratch, "orders-self", NAME),
            "more of a name": issue("orders-longer", NAME + "/CN=orders"),
            "less of a name": issue("orders-shorter", "/O=Example/OU=Machines/CN=orders"),
            "another order": issue("orders-turned", "/CN=orders/OU=Machines/O=Example/C=DE"),
            "its name as a SAN only": issue("orders-san", "/CN=machine", "DNS:orders"),
            "signed by a certificate that may not": listed.sign("-CA", self.listed.path, "-CAkey", self.listed.key),
        }


class Visitor:
    """One front server and its clients."""

    def __init__(self, stack, kind, people):
        self.stack, self.kind, self.people, self.sql = stack, kind, people, stack.database.sql
        self.reader = stack.client("reader", kind)

    def ask(self, certificate, client_id, path="/token", headers=(), **pairs):
        body = web.form({**GRANT, "client_id": client_id, **pairs})
        return web.request(self.stack.tls_port(self.kind, certificate), "POST", "/oauth" + path, body, headers)

    def token(self, certificate, client_id, **pairs):
        answer = self.ask(certificate, client_id, **pairs)
        equal(answer.status, 200, f"{client_id}: {answer}")
        return answer.json()["access_token"]


def refused(answer, what):
    equal((answer.status, answer.error()), (401, "invalid_client"), what)
    must("Basic" in (answer.header("WWW-Authenticate") or ""), f"{what}: no challenge")
    return answer.body


@check("G6 tls_client_auth: the cycle by a distinguished name, compared as a name; cred says how")
def by_name(visitor):
    orders = visitor.people.orders
    token = visitor.token(orders, "orders")
    body = tokens.claims(token)
    equal((body["sub"], body["cred"], body.get("cnf")), ("orders", "tls_client_auth", None), "claims")
    must(visitor.reader.active(token), "a new token is not active")
    equal(visitor.ask(orders, "orders", "/validate", token=token).status, 200, "introspection by certificate")
    equal(visitor.ask(orders, "orders", "/revoke", token=token).status, 200, "revocation by certificate")
    must(not visitor.reader.active(token), "a revoked token is active")


@check("G6 tls_client_auth by an alternative name of each kind, and of no other kind")
def by_alternative(visitor):
    for kind, certificate in visitor.people.by_kind.items():
        equal(tokens.claims(visitor.token(certificate, kind))["sub"], kind, "sub")
        for other in ALTERNATIVES:
            if other != kind:
                refused(visitor.ask(certificate, other), f"{kind} as {other}")


@check("G6 G7 wrong subject, authority, signer, order or owner: one refusal, whatever it was")
def wrong(visitor):
    bodies = {refused(visitor.ask(certificate, "orders"), what) for what, certificate in visitor.people.wrong.items()}
    bodies.add(refused(visitor.ask(visitor.people.orders, "nobody"), "an unknown client"))
    equal(len(bodies), 1, f"bodies {bodies}")
    equal(visitor.ask(visitor.people.orders, "").status, 401, "no client_id")
    both = visitor.ask(visitor.people.orders, "orders", headers=[web.basic("reader", visitor.reader.secret)])
    equal((both.status, both.error()), (400, "invalid_request"), "a secret of somebody else beside it")


@check("G7 an expired certificate authenticates no client: nginx answers 400 itself, lighttpd does not pass it on")
def expired(visitor):
    answer = visitor.ask(visitor.people.expired, "orders")
    equal(answer.status, 400 if visitor.kind == "nginx" else 401, "expired")
    must(b"access_token" not in answer.body, "a token for an expired certificate")


@check("G7 a client whose row does not name the method is refused, with the right certificate as well")
def not_allowed(visitor):
    methods = visitor.sql("SELECT auth_methods FROM client WHERE client_id = 'orders'")[0][0]
    must("tls_client_auth" in methods, f"methods {methods}")
    visitor.sql("UPDATE client SET auth_methods = 'client_secret_basic' WHERE client_id = 'orders'")
    visitor.stack.soon(lambda: visitor.ask(visitor.people.orders, "orders").status == 401, "the method is gone")
    refused(visitor.ask(visitor.people.orders, "orders"), "not its method")
    visitor.sql(f"UPDATE client SET auth_methods = '{methods}' WHERE client_id = 'orders'")
    visitor.stack.soon(lambda: visitor.ask(visitor.people.orders, "orders").status == 200, "the method is back")
    refused(visitor.ask(visitor.people.listed, "reader"), "a client with secrets only")


@check("G7 self_signed_tls_client_auth: by the key of the row; lighttpd hands over those that it lists, and no other")
def self_signed(visitor):
    people = visitor.people
    body = tokens.claims(visitor.token(people.listed, "listed"))
    equal((body["sub"], body["cred"]), ("listed", visitor.stack.kids["listed"]), "claims")
    if visitor.kind == "nginx":
        equal(tokens.claims(visitor.token(people.alone, "alone"))["sub"], "alone", "sub")
    else:
        refused(visitor.ask(people.alone, "alone"), "not listed")
    refused(visitor.ask(people.listed, "alone"), "another's key")
    refused(visitor.ask(people.orders, "listed"), "a certificate of the authority with another key")
    refused(visitor.ask(None, "listed"), "none")


def spoofs(pem, line_ends):
    """Headers that imitate the parameters of the front, in both encodings of a certificate."""
    flat = pem.replace("\n", line_ends)
    for name in ("SSL-Client-Cert", "X-SSL-Client-Cert", "Ssl-Client-Cert", "HTTP-SSL-Client-Cert", "X-Client-Cert",
                 "Variable-SSL-Client-Cert", "Client-Cert", "X-ARR-ClientCert", "X-Forwarded-Client-Cert",
                 "Redirect-SSL-Client-Cert"):
        verify = name.replace("Cert", "Verify")
        for spell in (str, lambda word: word.replace("-", "_"), lambda word: word.replace("-", "_").upper()):
            pair = [(spell(verify), "SUCCESS"), (spell(name), flat)]
            yield pair
            yield [*pair, *pair]


@check("G7 spoofed headers, - and _, once and twice: over plain HTTP and over TLS they change nothing")
def spoofed(visitor):
    people, port = visitor.people, visitor.stack.port(visitor.kind)
    body = web.form({**GRANT, "client_id": "orders"})
    pem = people.orders.pem()
    with_name, own, bound_right = people.by_kind["san_dns"], people.by_kind["san_dns"].thumbprint(), 0
    for headers in [*spoofs(urllib.parse.quote(pem, safe=""), ""), *spoofs(pem, " ")]:
        plain = web.request(port, "POST", "/oauth/token", body, headers)
        for answer in (plain, visitor.ask(None, "orders", headers=headers), visitor.ask(with_name, "orders", headers=headers)):
            must(answer.status in (400, 401) and b"access_token" not in answer.body, f"{headers[1][0]}: {answer}")
        answer = visitor.ask(with_name, "san_dns", headers=headers)
        must(answer.status in (200, 400), f"{headers[1][0]} beside a certificate: {answer}")
        if answer.status == 200:
            equal(tokens.claims(answer.json()["access_token"])["cnf"], {"x5t#S256": own}, f"cnf with {headers[1][0]}")
            bound_right += 1
    must(bound_right > 20, f"only {bound_right} requests came through")


def without_certificate(answer, what):
    equal((answer.status, answer.error()), (400, "invalid_request"), what)
    must(b"certificate" in answer.body and b"access_token" not in answer.body, f"{what}: {answer}")


@check("G8 C8 H1 require_binding = mtls: x5t#S256 is what openssl says, in the token and in introspection")
def bound(visitor):
    for client_id, certificate in (("san_dns", visitor.people.by_kind["san_dns"]), ("held", visitor.people.orders)):
        headers = [web.basic("held", visitor.stack.operator.secrets["held"])] if client_id == "held" else []
        answer = visitor.ask(certificate, client_id, headers=headers)
        equal((answer.status, answer.json().get("token_type")), (200, "Bearer"), f"{client_id}: {answer}")
        token, wanted = answer.json()["access_token"], {"x5t#S256": certificate.thumbprint()}
        equal(tokens.claims(token)["cnf"], wanted, "cnf")
        told = visitor.reader.validate(token).json()
        equal((told["active"], told["cnf"], told["token_type"]), (True, wanted, "Bearer"), "introspection")


@check("H1 H4 a client held to its certificate gets nothing by its secret alone, over clear text or TLS, spoofed or not")
def held(visitor):
    client = visitor.stack.client("held", visitor.kind)
    basic = web.basic(client.id, client.secret)
    without_certificate(client.token_answer(), "clear text")
    without_certificate(visitor.ask(None, "held", headers=[basic]), "TLS without a certificate")
    for headers in spoofs(urllib.parse.quote(visitor.people.orders.pem(), safe=""), ""):
        answer = client.post("/token", GRANT, [basic, *headers])
        equal(answer.status, 400, f"{headers[1][0]}: {answer}")


@check("G8 a certificate without a trusted issuer binds a token where the front passes it on")
def bound_to_unknown(visitor):
    alone = visitor.people.alone
    answer = visitor.ask(alone, "held", headers=[web.basic("held", visitor.stack.operator.secrets["held"])])
    if visitor.kind == "lighttpd":
        return without_certificate(answer, "not handed over")
    equal(tokens.claims(answer.json()["access_token"])["cnf"], {"x5t#S256": alone.thumbprint()}, "cnf")


@check("G8 a resumed session is still that of its certificate")
def resumed(visitor):
    port = visitor.stack.tls_port(visitor.kind, visitor.people.by_kind["san_dns"])
    body = web.form({**GRANT, "client_id": "san_dns"})
    sessions = []
    for _ in range(2):
        port.session = sessions[0] if sessions else None
        with web.Connection(port) as connection:
            answer = connection.request("POST", "/oauth/token", body)
            sessions.append(connection.sock.session)
            equal(connection.sock.session_reused, len(sessions) > 1, "resumed")
        equal(tokens.claims(answer.json()["access_token"])["cnf"]["x5t#S256"],
              visitor.people.by_kind["san_dns"].thumbprint(), "cnf")


@check("T18 an invalid tls_subject authenticates no client, its client keeps working, and a line names column and reason")
def bad_subject(visitor):
    name, sql = f"odd-{visitor.kind}", visitor.sql
    visitor.stack.operator.client(name, reads=False)
    client = visitor.stack.client(name, visitor.kind)
    visitor.stack.soon(lambda: client.token_answer().status == 200, "the client is seen")
    for kind, value, reason in (("san_ip", "10.0.0", "it is not an IP address"), ("subject_dn", "orders", "distinguished name"),
                                ("san_dns", "*.example", "wildcards are not accepted")):
        sql(f"SET SESSION check_constraint_checks = 0; UPDATE client SET tls_subject_kind = '{kind}', tls_subject = '{value}' "
            f"WHERE client_id = '{name}'")
        visitor.stack.soon(lambda: any(name in line and "column tls_subject: " in line and reason in line
                                       for line in visitor.stack.pool.log().splitlines()), f"{value}: a line names it")
        equal(client.token_answer().status, 200, f"{value}: by secret")
        refused(visitor.ask(visitor.people.orders, name), f"{value}: by certificate")


def add_clients(stack, people):
    operator, sql = stack.operator, stack.database.sql
    for name in ("orders", "held", "listed", "alone", *ALTERNATIVES):
        operator.client(name, "--default-scope", "read", reads=name == "orders")
    sql("CALL client_set_tls_subject('orders', 'subject_dn', 'cn=Orders, OU=machines,O=Example,C=de')")
    for kind, (_, value) in ALTERNATIVES.items():
        sql(f"CALL client_set_tls_subject('{kind}', '{kind}', '{value}')")
    stack.kids = {}
    for certificate in (people.listed, people.alone):
        jwk = operator.m2mctl("jwk", certificate.path).stdout.decode()
        stack.kids[certificate.name] = json.loads(jwk)["kid"]
        sql(f"CALL client_add_certificate_key('{certificate.name}', '{stack.kids[certificate.name]}', 'ES256', '{jwk}', NULL)")
    sql("UPDATE client SET require_binding = 'mtls' WHERE client_id IN ('held', 'san_dns')")


def script(build, scratch):
    people = People(scratch)
    stack = Stack(build, scratch, authority=people.authority, failures_per_minute=10000)
    stack.operator.client("reader")
    add_clients(stack, people)
    stack.start(workers=2)
    for kind in stack.fronts:
        rig.run_checks(kind, Visitor(stack, kind, people))
    rig.run_check("no sanitizer report (mtls)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

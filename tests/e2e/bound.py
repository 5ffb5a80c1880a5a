#!/usr/bin/env python3
"""bound: sender-constrained tokens at an API, through both fronts with the configurations of deploy/: bound to a key
(RFC 9449) or to a certificate (RFC 8705)."""
import re
import time

import authority
import rig
import tokens
import web
from apis import API, BINDINGS, ORIGIN, SECRET_FILE, Apis
from stack import Stack
from rig import check, equal, must
from signer import ISSUER, Holder, nonce

EVIL = "https://evil.example"
ALGORITHMS = ', algs="ES256 RS256 PS256 EdDSA"'


class Gate:
    """One front server, the holder of a key, a thief with another, and two certificates."""

    def __init__(self, stack, kind, certificates):
        self.stack, self.kind = stack, kind
        self.own, self.other = certificates
        self.holder, self.thief = (Holder(stack.scratch, f"{name}-{kind}") for name in ("holder", "thief"))

    def port(self, certificate=None):
        return self.stack.tls_port(self.kind, certificate)

    def token(self, client_id="caller", bound=True, certificate=None, resource=API):
        """bound: to the holder's key."""
        client = web.Client(self.port(certificate), client_id, self.stack.operator.secrets[client_id])
        proof = [("DPoP", self.holder.proof("POST", f"{ISSUER}/token"))] if bound else []
        answer = client.post("/token", {"grant_type": "client_credentials", "resource": resource, "scope": "read"},
                             [web.basic(client.id, client.secret), *proof])
        equal((answer.status, answer.json().get("token_type")), (200, "DPoP" if bound else "Bearer"), f"{answer}")
        return answer.json()["access_token"]

    def ask(self, path, token, proof=None, scheme="DPoP", certificate=None, method="GET", body=None):
        headers = [("Authorization", f"{scheme} {token}"), *([("DPoP", proof)] if proof else [])]
        return web.request(self.port(certificate), method, path, body, headers)

    def show(self, path, token, method="GET", body=None, certificate=None, **claims):
        """A request with a valid proof, except for the given changes."""
        proof = self.holder.proof(method, ORIGIN + path.partition("?")[0], token, **claims)
        return self.ask(path, token, proof, method=method, body=body, certificate=certificate)


def refused(answer, scheme, error, status=401):
    equal((answer.status, answer.error()), (status, error), f"{answer}")
    given = answer.header("WWW-Authenticate") or ""
    must(given.startswith(f'{scheme} realm="{ISSUER}"') and f'error="{error}"' in given, f"challenge {given}")
    must((ALGORITHMS in given) == (scheme == "DPoP"), f"challenge {given}")
    must("no-store" in (answer.header("Cache-Control") or ""), f"{answer} may be stored")
    must(SECRET_FILE.encode() not in answer.body, "the file was given out")


@check("G5 the holder of the key passes, by any method, with a query and a body, once a proof")
def holder(gate):
    token = gate.token()
    equal(gate.show("/dpop/x.txt", token).body.decode(), SECRET_FILE, "static file")
    equal(gate.show("/any/x.txt", token).status, 200, "any binding")
    for method, body in (("GET", None), ("POST", b"a=b"), ("DELETE", None)):
        answer = gate.show("/api/orders?x=1&y=/", token, method, body)
        equal((answer.status, answer.json()["method"]), (200, method), f"{answer}")
        equal(answer.json()["body"], (body or b"").decode(), f"body of {method}")
    proof = gate.holder.proof("GET", f"{ORIGIN}/api/orders", token)
    equal(gate.ask("/api/orders", token, proof).status, 200, "a proof")
    refused(gate.ask("/api/orders", token, proof), "DPoP", "invalid_dpop_proof")


@check("G5 a stolen token: under Bearer, without a proof, with one of the thief's key")
def stolen(gate):
    token = gate.token()
    for path in ("/api/orders", "/any/x.txt"):
        refused(gate.ask(path, token, scheme="Bearer"), "Bearer", "invalid_token")
        refused(gate.ask(path, token), "DPoP", "invalid_dpop_proof")
        by_thief = gate.thief.proof("GET", ORIGIN + path, token)
        refused(gate.ask(path, token, by_thief), "DPoP", "invalid_token")
        refused(gate.ask(path, token, by_thief, scheme="Bearer"), "Bearer", "invalid_token")
    refused(gate.ask("/dpop/x.txt", token, scheme="Bearer"), "DPoP", "invalid_token")


@check("G2 G5 a stolen proof: of another method, URL, host, token or time")
def stolen_proof(gate):
    token, another, now = gate.token(), gate.token(), int(time.time())
    for changed in ({"htm": "POST"}, {"htu": f"{ORIGIN}/api/other"}, {"htu": "https://evil.example/api/orders"},
                    {"htu": "http://api.example.com/api/orders"}, {"ath": tokens.encode(tokens.sha256(another.encode()))},
                    {"ath": ""}, {"iat": now - 90}, {"iat": now + 90}, {"jti": ""}):
        refused(gate.show("/api/orders", token, **changed), "DPoP", "invalid_dpop_proof")
    equal(gate.show("/api/orders", token).status, 200, "and a good one")


@check("G1 I5 two DPoP lines, or two proofs in one line, are refused, whichever of them is good")
def two_proofs(gate):
    token = gate.token()
    good, bad = gate.holder.proof("GET", f"{ORIGIN}/api/orders", token), gate.thief.proof("GET", f"{ORIGIN}/api/orders", token)
    for first, second in ((bad, good), (good, bad), (good, good), ("x", good), (good, "x")):
        headers = [("Authorization", f"DPoP {token}"), ("DPoP", first), ("DPoP", second)]
        refused(web.request(gate.port(), "GET", "/api/orders", None, headers), "DPoP", "invalid_dpop_proof")
    equal(gate.ask("/api/orders", token, good).status, 200, "one of them, alone: it was not used up")
    joined = ("DPoP", ", ".join(gate.holder.proof("GET", f"{ORIGIN}/api/orders", token) for _ in range(2)))
    answer = web.request(gate.port(), "GET", "/api/orders", None, [("Authorization", f"DPoP {token}"), joined])
    refused(answer, "DPoP", "invalid_dpop_proof")


@check("G5 C2 D1 a bound token that is revoked, or lacks a scope")
def dead(gate):
    token = gate.token()
    equal(gate.stack.client("caller", gate.kind).revoke(token).status, 200, "revoke")
    refused(gate.show("/api/orders", token), "DPoP", "invalid_token")
    answer = gate.show("/app/orders", gate.token())
    refused(answer, "DPoP", "invalid_token")                        # another audience
    writer = web.Client(gate.port(), "caller", gate.stack.operator.secrets["caller"])
    proof = ("DPoP", gate.holder.proof("POST", f"{ISSUER}/token"))
    token = writer.post("/token", {"grant_type": "client_credentials", "resource": API, "scope": "write"},
                        [web.basic(writer.id, writer.secret), proof]).json()["access_token"]
    refused(gate.show("/api/orders", token), "DPoP", "insufficient_scope", 403)


@check("H1 H8 a location that wants bound tokens: its challenge, and no bearer token passes")
def demands(gate):
    token = gate.token(bound=False)
    equal(gate.ask("/api/orders", token, scheme="Bearer").status, 200, "where none is wanted")
    for binding in BINDINGS:
        answer = gate.ask(f"/{binding}/x.txt", token, scheme="Bearer")
        equal((answer.status, answer.error()), (401, "invalid_token"), binding)
    bare = {one: web.request(gate.port(), "GET", f"/{one}/x.txt").header("WWW-Authenticate") for one in BINDINGS}
    equal(bare["dpop"], f'DPoP realm="{ISSUER}"{ALGORITHMS}', "dpop")
    equal(bare["mtls"], f'Bearer realm="{ISSUER}"', "mtls")
    equal(bare["any"], f'Bearer realm="{ISSUER}", DPoP{ALGORITHMS[1:]}', "any")


@check("G5 a location that does not know its own name lets no token pass that is bound to a key")
def nameless(gate):
    token = gate.token(resource="https://app.example.com/")
    answer = gate.show("/app/orders", token)
    refused(answer, "DPoP", "invalid_token")


def spoofs(certificate):
    """Headers by which a client might try to override the location's or the front's parameters."""
    flat = re.sub("\n", " ", certificate.pem())
    for name, value in (("M2M-Binding", "none"), ("M2M-Binding", ""), ("M2M-Origin", EVIL), ("M2M-Endpoint", "check"),
                        ("M2M-Audience", API), ("Request-Method", "POST"), ("X-HTTP-Method-Override", "POST"),
                        ("Request-URI", "/api/other"), ("X-Original-URI", "/api/other"), ("X-Forwarded-Host", "evil.example"),
                        ("SSL-Client-Verify", "SUCCESS"), ("SSL-Client-Cert", flat), ("Variable-SSL-Client-Cert", flat)):
        for spelt in (name, name.replace("-", "_"), name.upper().replace("-", "_")):
            yield from ([(spelt, value)], [(spelt, value)] * 2)


@check("G5 G8 spoofed headers, - and _, once and twice: no other binding, origin, method or URL, and no certificate")
def spoofed(gate):
    plain, token, nowhere = gate.token(bound=False), gate.token(), gate.token(resource="https://app.example.com/")
    proof = gate.holder.proof
    stolen = (proof("GET", f"{EVIL}/api/orders", token), proof("POST", f"{ORIGIN}/api/orders", token),
              proof("GET", f"{ORIGIN}/api/other", token), gate.thief.proof("GET", f"{ORIGIN}/api/orders", token))
    unnamed = proof("GET", f"{EVIL}/app/orders", nowhere)
    passed = 0
    for headers in spoofs(gate.own):
        def ask(path, *own, headers=headers):
            return web.request(gate.stack.port(gate.kind), "GET", path, None, [*own, *headers])
        bearer, dpop = ("Authorization", f"Bearer {plain}"), ("Authorization", f"DPoP {token}")
        for path in (f"/{one}/x.txt" for one in BINDINGS):
            must(ask(path, bearer).status in (400, 401), f"{headers[0]} at {path}")
        for number, one in enumerate(stolen):
            must(ask("/api/orders", dpop, ("DPoP", one)).status in (400, 401), f"{headers[0]}, stolen proof {number}")
        must(ask("/app/orders", ("Authorization", f"DPoP {nowhere}"), ("DPoP", unnamed)).status in (400, 401),
             f"{headers[0]} at a location without a name")
        answer = ask("/api/orders", dpop, ("DPoP", proof("GET", f"{ORIGIN}/api/orders", token)))
        must(answer.status in (200, 400), f"{headers[0]}, good: {answer}")
        passed += answer.status == 200
    must(passed > 20, f"only {passed} good requests passed")


@check("G8 a token that is bound to a certificate passes with it, and with no other, and not without")
def certificate(gate):
    token = gate.token("tied", bound=False, certificate=gate.own)
    for path in ("/mtls/x.txt", "/any/x.txt", "/api/orders"):
        equal(gate.ask(path, token, scheme="Bearer", certificate=gate.own).status, 200, path)
        answer = gate.ask(path, token, scheme="Bearer")
        equal((answer.status, answer.error()), (401, "invalid_token"), f"{path} without a certificate")
        answer = gate.ask(path, token, scheme="Bearer", certificate=gate.other)
        equal((answer.status, answer.error()), (401, "invalid_token"), f"{path} with another certificate")
        clear = web.request(gate.stack.port(gate.kind), "GET", path, None, [("Authorization", f"Bearer {token}")])
        equal((clear.status, clear.error()), (401, "invalid_token"), f"{path} in clear text")
    spoof = [("Authorization", f"Bearer {token}"), ("SSL-Client-Cert", re.sub("\n", " ", gate.own.pem())),
             ("SSL_CLIENT_CERT", re.sub("\n", " ", gate.own.pem())), ("SSL-Client-Verify", "SUCCESS")]
    for port in (gate.port(), gate.port(gate.other), gate.stack.port(gate.kind)):
        equal(web.request(port, "GET", "/mtls/x.txt", None, spoof).status, 401, "spoofed headers")


@check("G12 G5 G8 a token that is bound to a certificate and a key needs both")
def both(gate):
    token = gate.token("tied", certificate=gate.own)
    equal(gate.show("/mtls/x.txt", token, certificate=gate.own).status, 200, "both")
    refused(gate.show("/api/orders", token), "DPoP", "invalid_token")
    refused(gate.ask("/api/orders", token, certificate=gate.own), "DPoP", "invalid_dpop_proof")
    refused(gate.ask("/api/orders", token, scheme="Bearer", certificate=gate.own), "Bearer", "invalid_token")


def nonces(gate):
    """The pool requires nonces by now."""
    client = web.Client(gate.port(), "caller", gate.stack.operator.secrets["caller"])

    def get(nonce):
        proof = ("DPoP", gate.holder.proof("POST", f"{ISSUER}/token", **({"nonce": nonce} if nonce else {})))
        return client.post("/token", {"grant_type": "client_credentials", "resource": API, "scope": "read"},
                           [web.basic(client.id, client.secret), proof])
    answer = get(None)
    equal((answer.status, answer.error()), (400, "use_dpop_nonce"), "at /token")
    token = get(answer.header("DPoP-Nonce")).json()["access_token"]
    for path in ("/api/orders", "/dpop/x.txt"):
        answer = gate.show(path, token)
        refused(answer, "DPoP", "use_dpop_nonce")
        equal(gate.show(path, token, nonce=answer.header("DPoP-Nonce")).status, 200, path)
        refused(gate.show(path, token, nonce="A" * 27), "DPoP", "use_dpop_nonce")
    answer = gate.show("/dpop/x.txt", token, nonce=nonce(gate.stack.operator.passphrase_file, 3))
    equal(answer.status, 200, "a nonce that is about to end")
    # lighttpd passes on nothing of a response that lets a request pass: its clients learn the next nonce from a 401.
    equal(answer.header("DPoP-Nonce") is not None, gate.kind == "nginx", "the next one comes with a 200")


def script(build, scratch):
    people = authority.Authority(scratch)
    certificates = people.issue("own", "/CN=own"), people.issue("other", "/CN=other")
    stack = Stack(build, scratch, authority=people)
    apis = Apis(scratch, stack.pool.socket)
    stack.operator.client("caller", audience=API, scope="read write", reads=False)
    stack.operator.client("tied", audience=API, scope="read", reads=False)
    stack.database.sql("""UPDATE client SET require_binding = 'mtls' WHERE client_id = 'tied';
        INSERT INTO audience (audience) VALUES ('https://app.example.com/');
        INSERT INTO audience_scope (audience, scope) VALUES ('https://app.example.com/', 'read');
        INSERT INTO client_grant (client_id, audience, scope) VALUES ('caller', 'https://app.example.com/', 'read')""")
    for front in stack.fronts.values():
        front.more = apis.configure
    stack.start(workers=2)
    gates = [Gate(stack, kind, certificates) for kind in stack.fronts]
    for gate in gates:
        rig.run_checks(gate.kind, gate)
    stack.operator.configure(dpop_nonce="required")
    stack.pool.reload()
    for gate in gates:
        rig.run_check(f"G3 use_dpop_nonce reaches the client with a nonce, and then it passes [{gate.kind}]", nonces, gate)
    rig.run_check("no sanitizer report (bound)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

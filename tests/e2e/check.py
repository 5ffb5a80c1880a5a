#!/usr/bin/env python3
"""check: whether a request may pass to an API, asked by both fronts with the configurations of deploy/."""
import base64
import os
import re
import time

import rig
import tokens
import web
from apis import API, APP, FILES, SECRET_FILE, Apis
from stack import Stack
from rig import check, equal, must

VALIDATE_SECONDS = 5
SHORT_SECONDS = 30
REALM = 'Bearer realm="https://as.example/oauth"'
METADATA = f', resource_metadata="{API}m"'


class Gate:
    """One front server and a client that calls an API through it."""

    def __init__(self, stack, kind):
        self.stack, self.kind, self.port = stack, kind, stack.port(kind)
        self.client = stack.client("caller", kind)

    def token(self, audience=API, scope="read"):
        return self.client.token(resource=audience, scope=scope)

    def ask(self, path, token=None, headers=(), method="GET", body=None):
        own = [("Authorization", f"Bearer {token}")] if token else []
        return web.request(self.port, method, path, body, [*own, *headers])

    def told(self, answer):
        """The parameters that the application received, by lower-case names; a name that came twice is a failure."""
        equal(answer.status, 200, f"{answer}")
        headers = {}
        for name, value in answer.json()["headers"]:
            name = name.lower()
            is_ours = name.startswith(("x-auth", "auth_", "remote_user")) or (self.kind, name) == ("lighttpd", "forwarded")
            must(name not in headers or not is_ours, f"{name} twice")
            headers[name] = value
        return headers

    def caller(self, headers):
        """The caller as an application behind the HTTP API sees it."""
        if self.kind == "nginx":
            return headers.get("x-auth-client")
        found = re.search(r'remote_user="([^"]*)"', headers.get("forwarded", ""))
        return found and found[1]


def refused(answer, status, challenge=None, error=None):
    """challenge: its beginning after the realm; "" is a challenge without parameters."""
    equal(answer.status, status, f"status of {answer}")
    given = answer.header("WWW-Authenticate")
    if challenge is None:
        equal(given, None, "challenge")
    else:
        must(given is not None and given.startswith(REALM), f"challenge {given}")
        must(given[len(REALM):].startswith(challenge), f"challenge {given}")
        must(challenge or "error" not in given, f"not bare: {given}")
    must("no-store" in (answer.header("Cache-Control") or ""), f"{answer} may be stored")
    if error:
        equal(answer.error(), error, "error in the body")
    must(SECRET_FILE.encode() not in answer.body, "the file was given out")


BAD = ', error="invalid_token"'
MALFORMED = ', error="invalid_request"'
PATHS = (("/files/x.txt", FILES), ("/api/orders", API), ("/app/orders", APP))


@check("the right token passes, and what is behind learns who calls")
def passes(gate):
    files = gate.ask("/files/x.txt", gate.token(FILES))
    equal((files.status, files.body.decode()), (200, SECRET_FILE), "static file")
    for name in ("X-Auth-Client", "Variable-AUTH_CLIENT", "X-Request-Id", "Pragma"):
        equal(files.header(name), None, f"{name} of the question in the answer")
    told = gate.told(gate.ask("/api/orders?a=b", gate.token(scope="read write")))
    equal(gate.caller(told), "caller", "caller at the HTTP API")
    if gate.kind == "nginx":
        told = [told[f"x-auth-{name}"] for name in ("subject", "scope", "audience")]
        equal(told, ["caller", "read write", API], "told to the HTTP API")
    told = gate.told(gate.ask("/app/orders", gate.token(APP, "write")))
    equal([told[f"auth_{name}"] for name in ("client", "subject", "scope", "audience")],
          ["caller", "caller", "write", APP], "told to the FastCGI application")
    if gate.kind == "lighttpd":
        equal(told["remote_user"], "caller", "REMOTE_USER")


@check("H8 no credentials: 401 with a bare challenge")
def bare(gate):
    for path, _ in PATHS:
        refused(gate.ask(path), 401, "", "unauthorized")
        refused(gate.ask(path, headers=[web.basic("caller", "x")]), 401, "", "unauthorized")
    equal(gate.ask("/files/x.txt", method="HEAD").status, 401, "HEAD")


@check("H9 the challenge names the resource's metadata where the location does")
def metadata(gate):
    refused(gate.ask("/api/orders"), 401, METADATA)
    must(gate.ask("/api/orders", "x").header("WWW-Authenticate").endswith(METADATA), "with an error")
    must("resource_metadata" not in gate.ask("/app/orders").header("WWW-Authenticate"), "where none is set")


@check("H8 C2 wrong audience, forged, spoilt: 401 invalid_token")
def bad_tokens(gate):
    good = gate.token()
    other = gate.token(APP)
    for path, audience in PATHS:
        refused(gate.ask(path, other if audience != APP else good), 401, BAD, "invalid_token")
    jwks = web.request(gate.port, "GET", "/oauth/jwks.json").json()
    forger = tokens.Forger(gate.stack.scratch.folder)
    for line, what, token in tokens.forgeries(good, jwks, forger):
        if len(token) > 7000:
            continue                                    # fronts cap a header before the pool sees it
        answer = gate.ask("/api/orders", token)
        must(answer.status in (400, 401) and "error=" in answer.header("WWW-Authenticate"), f"{line} {what}: {answer}")
    equal(gate.ask("/api/orders", good).status, 200, "the good one")


@check("H8 too little scope: 403 insufficient_scope with the scope that is needed")
def scopes(gate):
    for path, token, needed in (("/api/orders", gate.token(scope="write"), "read"),
                                ("/app/orders", gate.token(APP, "admin"), "read write")):
        answer = gate.ask(path, token)
        refused(answer, 403, ', error="insufficient_scope"', "insufficient_scope")
        must(f', scope="{needed}"' in answer.header("WWW-Authenticate"), f"{path}: {answer.header('WWW-Authenticate')}")
    equal(gate.ask("/app/orders", gate.token(APP, "read")).status, 200, "one of them")


@check("C2 C4 a revoked token and that of a disabled client: 401")
def revoked(gate):
    token, later = gate.token(), gate.token()
    equal(gate.ask("/api/orders", token).status, 200, "before")
    equal(gate.client.revoke(token).status, 200, "revoke")
    refused(gate.ask("/api/orders", token), 401, BAD)
    gate.stack.database.sql("UPDATE client SET enabled = 0 WHERE client_id = 'caller'")
    gate.stack.soon(lambda: gate.ask("/api/orders", later).status == 401, "the disabled client is refused")
    refused(gate.ask("/api/orders", later), 401, BAD)
    gate.stack.database.sql("UPDATE client SET enabled = 1 WHERE client_id = 'caller'")
    gate.stack.soon(lambda: gate.ask("/api/orders", later).status == 200, "the enabled client passes")


@check("H7 H8 I5 malformed, twice, or in the query string: 400")
def malformed(gate):
    token = gate.token()
    for value in ("Bearer", "Bearer a b", f"Bearer {token},x", f"Bearer {token}, Bearer {token}", 'Bearer "x"'):
        refused(gate.ask("/api/orders", headers=[("Authorization", value)]), 400, MALFORMED, "invalid_request")
    for query in ("access_token=x", f"access_token={token}", "a=b&%61ccess_token=x"):
        refused(gate.ask(f"/api/orders?{query}", token), 400, MALFORMED, "invalid_request")
        refused(gate.ask(f"/api/orders?{query}"), 400, MALFORMED, "invalid_request")
    twice = [("Authorization", f"Bearer {token}")] * 2
    equal(gate.ask("/api/orders", headers=twice).status, 400, "two headers")
    mixed = [("Authorization", f"Bearer {token}"), ("Authorization", "Basic eDp4")]
    equal(gate.ask("/api/orders", headers=mixed).status, 400, "two headers, two schemes")


def spoofs():
    """Headers by which a client might try to pass as another."""
    for name in ("X-Auth-Client", "X-Auth-Subject", "X-Auth-Scope", "Auth-Client", "Auth-Subject", "Remote-User",
                 "Variable-Auth-Client", "Variable-Remote-User", "M2M-Endpoint", "M2M-Audience", "M2M-Scope",
                 "M2M-Scope-Any", "M2M-Resource-Metadata", "M2M-Binding", "M2M-Origin", "SSL-Client-Cert",
                 "SSL-Client-Verify", "X-Original-URI", "FCGI-Role", "Request-URI"):
        for spelt in (name, name.replace("-", "_"), name.upper().replace("-", "_")):
            yield spelt, {"M2M-Endpoint": "check", "M2M-Audience": APP, "Request-URI": "/", "M2M-Binding": "none",
                          "SSL-Client-Verify": "SUCCESS"}.get(name, "root")
    yield "Forwarded", 'for=10.9.8.7;remote_user="root"'


@check("spoofed headers, once and twice: they let no request pass and do not change the caller")
def spoofed(gate):
    good, wrong, app = gate.token(), gate.token(APP, "read"), gate.token(APP, "write")
    for header in spoofs():
        for headers in ([header], [header, header]):
            must(gate.ask("/api/orders", headers=headers).status in (400, 401), f"{header[0]} without a token")
            must(gate.ask("/api/orders", wrong, headers).status in (400, 401), f"{header[0]} with a wrong token")
            answer = gate.ask("/api/orders", good, headers)
            must(answer.status in (200, 400), f"{header[0]}: {answer}")
            if answer.status == 200:
                equal(gate.caller(gate.told(answer)), "caller", f"caller, with {header[0]}")
            answer = gate.ask("/app/orders", app, headers)
            must(answer.status in (200, 400), f"{header[0]}: {answer}")
            if answer.status == 200:
                told = gate.told(answer)
                equal((told["auth_client"], told["auth_scope"]), ("caller", "write"), f"told, with {header[0]}")
                equal(told.get("remote_user", "caller"), "caller", "REMOTE_USER")


@check("other spellings of a path do not go round the check")
def spellings(gate):
    for path in ("//files/x.txt", "/./files/x.txt", "/%66iles/x.txt", "/files%2fx.txt", "/x/../files/x.txt",
                 "/files/%2e/x.txt", "/FILES/x.txt", "/files;a/x.txt", "/files/x.txt/", "/files\\x.txt", "/files//x.txt",
                 "/files/../files/x.txt", "/m2mauth_check", "/app/../api/orders", "/api", "/files"):
        answer = gate.ask(path)
        must(answer.status in (301, 400, 401, 404), f"{path}: {answer}")
        must(SECRET_FILE.encode() not in answer.body, f"{path} gives the file out")


@check("a POST with a body passes whole through the check to what is behind, and is refused whole")
def bodies(gate):
    body = base64.b64encode(os.urandom(90000))
    with web.Connection(gate.port) as connection:
        for path, audience in PATHS[1:] * 3:
            bearer = [("Authorization", f"Bearer {gate.token(audience)}")]
            answer = connection.request("POST", path, body, bearer)
            equal((answer.status, answer.json()["body"]), (200, body.decode()), f"POST {path}")
            equal(connection.request("POST", path, b"x=1", bearer).json()["body"], "x=1", f"a small one to {path}")
    for path, _ in PATHS:
        refused(gate.ask(path, "x", method="POST", body=body), 401, BAD)
    equal(gate.ask("/api/orders", gate.token(), method="DELETE").json()["method"], "DELETE", "another method")


@check("a location without an audience, and an unknown endpoint: no request passes")
def misconfigured(gate):
    for audience in (API, FILES):
        token = gate.token(audience)
        refused(gate.ask("/unnamed/x.txt", token), 503)
        answer = gate.ask("/strange/x.txt", token)
        must(answer.status >= 400 and SECRET_FILE.encode() not in answer.body, f"strange endpoint: {answer}")
    must('"unconfigured_check"' in gate.stack.pool.log(), "there is no log line about the missing audience")


def many_questions(stack):
    gates = [Gate(stack, kind) for kind in stack.fronts]
    token = gates[0].token()
    for gate in gates:
        with web.Connection(gate.port) as connection:
            for number in range(200):
                bearer = [("Authorization", f"Bearer {token if number % 2 else 'x'}")]
                status = connection.request("GET", "/api/orders", None, bearer).status
                equal(status, 200 if number % 2 else 401, "alternating")
    page = stack.pool.ask("GET", "/metrics").body.decode()
    must(int(re.search(r'requests_total\{route="check",status="2xx"\} (\d+)', page)[1]) >= 200, "no metrics of the check")


def expired(stack, old, born):
    time.sleep(max(0, born + SHORT_SECONDS + 1 - time.time()))
    for kind in stack.fronts:
        refused(Gate(stack, kind).ask("/api/orders", old), 401, BAD, "invalid_token")


def database_away(stack):
    gates = [Gate(stack, kind) for kind in stack.fronts]
    held = [gate.token() for gate in gates]
    stack.database.kill()
    for gate, token in zip(gates, held):
        equal(gate.ask("/api/orders", token).status, 200, "at once")
    for gate, token in zip(gates, held):
        rig.await_true(lambda: gate.ask("/api/orders", token).status == 503, VALIDATE_SECONDS + 3, "fails closed")
        refused(gate.ask("/api/orders", token), 503, None, "temporarily_unavailable")
        must(gate.ask("/api/orders", token).header("Retry-After"), "503 without Retry-After")
        refused(gate.ask("/api/orders"), 401, "")
    stack.database.start()
    for gate, token in zip(gates, held):
        rig.await_true(lambda: gate.ask("/api/orders", token).status == 200, 15, "passes again")


def pool_away(stack):
    gates = [Gate(stack, kind) for kind in stack.fronts]
    held = [gate.token() for gate in gates]
    stack.pool.stop()
    for gate, token in zip(gates, held):
        for headers in ([], [("Authorization", f"Bearer {token}")]):
            for path, _ in PATHS:
                answer = gate.ask(path, headers=headers)
                equal(answer.status, 503, f"{path} without a pool: {answer}")
                must(SECRET_FILE.encode() not in answer.body, "the file was given out")
    stack.pool.start(workers=2)
    for gate, token in zip(gates, held):
        rig.await_true(lambda: gate.ask("/api/orders", token).status == 200, 10, "passes again")


def script(build, scratch):
    stack = Stack(build, scratch, validate_seconds=VALIDATE_SECONDS, fresh_seconds=2, poll_ms=100)
    apis = Apis(scratch, stack.pool.socket)
    operator = stack.operator
    operator.client("caller", audience=API, scope="read write", reads=False)
    operator.client("short", audience=API, scope="read", reads=False)
    stack.database.sql(f"""UPDATE client SET token_seconds = {SHORT_SECONDS} WHERE client_id = 'short';
        INSERT INTO audience (audience) VALUES ('{APP}'), ('{FILES}');
        INSERT INTO audience_scope (audience, scope) VALUES ('{APP}', 'read'), ('{APP}', 'write'), ('{APP}', 'admin'),
            ('{FILES}', 'read');
        INSERT INTO client_grant (client_id, audience, scope, is_default) VALUES ('caller', '{APP}', 'read', 0),
            ('caller', '{APP}', 'write', 0), ('caller', '{APP}', 'admin', 0), ('caller', '{FILES}', 'read', 0)""")
    for front in stack.fronts.values():
        front.more = apis.configure
    stack.start(workers=2)
    born = time.time()
    old = stack.client("short").token(scope="read")
    for kind in stack.fronts:
        rig.run_checks(kind, Gate(stack, kind))
    rig.run_check("many checks in sequence on a kept connection; they are counted", many_questions, stack)
    rig.run_check("C7 the database is unavailable beyond the limit: 503, and it recovers by itself", database_away, stack)
    rig.run_check("m2mauth stopped: no request passes, and it recovers by itself", pool_away, stack)
    rig.run_check("C2 an expired token: 401", expired, stack, old, born)
    rig.run_check("no sanitizer report (check)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

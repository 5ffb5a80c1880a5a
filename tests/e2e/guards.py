#!/usr/bin/env python3
"""guards: independent resource servers, mod_auth_openidc and mod_oauth2 of Debian, in front of an API.

Each introspects a token at the pool (RFC 7662) and, in a second virtual host, verifies it with the published keys only."""
import time

import rig
import tokens
import web
from apache import Apache, Tls
from stack import Stack
from rig import check, equal, must

SHORT_SECONDS = 30
OTHER_API = "https://other.example/"
MALLEABLE = ("padding", "spare bits", "standard alphabet")      # the same bytes to lenient decoders
MODULES = {"openidc": "mod_auth_openidc", "oauth2": "mod_oauth2"}
CALLER = {"openidc": "OIDC_CLAIM_client_id", "oauth2": "OAUTH2_CLAIM_client_id"}


class Guard:
    """One module in one of its two modes, and a client that calls the API through it."""

    def __init__(self, stack, apache, module, asks):
        self.stack, self.module, self.asks = stack, module, asks
        self.port = apache.port if asks else apache.local_port
        self.worker, self.reader = stack.client("worker"), stack.client("reader")

    def ask(self, token=None, headers=(), path="orders"):
        own = [("Authorization", f"Bearer {token}")] if token else []
        return web.request(self.port, "GET", f"/{self.module}/{path}", headers=[*own, *headers])

    def passes(self, token, headers=()):
        """The API receives the caller exactly once."""
        answer = self.ask(token, headers)
        equal(answer.status, 200, f"a good token: {answer}")
        names = [value for name, value in answer.json()["headers"] if name.lower() == CALLER[self.module].lower()]
        equal(names, ["worker"], "the caller's name")

    def refuses(self, token, what):
        answer = self.ask(token)
        equal(answer.status, 401, f"{what}: {answer}")
        must((answer.header("WWW-Authenticate") or "").startswith("Bearer "), f"{what}: no challenge")


def forbids(answer, what):
    """The status for a valid token with missing rights depends on the module; no request may pass."""
    must(answer.status in (401, 403), f"{what}: {answer}")


@check("B1 C3 a good token passes, more than once; the API is told who calls, whatever the client says")
def good(guard):
    token = guard.worker.token(resource=rig.AUDIENCE, scope="read")
    guard.passes(token)
    guard.passes(token, [(CALLER[guard.module], "somebody")])


@check("B7 B8 B12 no token, no JWT, and tokens that are forged or changed: 401 and a challenge")
def bad(guard):
    token, jwks = guard.worker.token(scope="read"), web.request(guard.stack.port(), "GET", "/oauth/jwks.json").json()
    guard.refuses(None, "no token")
    guard.refuses("x", "no JWT")
    for _, what, forgery in tokens.forgeries(token, jwks, tokens.Forger(guard.stack.scratch.folder)):
        if " " not in forgery and len(forgery) < 7000 and what not in MALLEABLE:
            guard.refuses(forgery, what)
    guard.passes(token)


@check("B4 C2 a token for another audience does not pass")
def other_api(guard):
    answer = guard.ask(guard.worker.token(resource=OTHER_API, scope="read"))
    forbids(answer, "another audience")
    if guard.asks:
        equal(answer.status, 401, "inactive for this caller")


@check("B15 C10 a signed introspection answer is not accepted as a token, not even where only its signature is checked")
def signed_answer(guard):
    answer = guard.reader.validate_as("application/token-introspection+jwt", guard.worker.token(scope="read"))
    equal(answer.header("Content-Type"), "application/token-introspection+jwt", "signed answer")
    forbids(guard.ask(answer.body.decode()), "a signed answer")


@check("D1 C4 what has been revoked, or has lost its client, does not pass any more")
def revoked(guard):
    token, other = guard.worker.token(scope="read"), guard.stack.client("leaver").token(scope="read")
    guard.passes(token)
    equal(guard.ask(other).status, 200, "before its client is disabled")
    equal(guard.worker.revoke(token).status, 200, "revoke")
    guard.refuses(token, "revoked")
    guard.stack.database.sql("UPDATE client SET enabled = 0 WHERE client_id = 'leaver'")
    guard.stack.soon(lambda: guard.ask(other).status == 401, "the token of a disabled client")
    guard.stack.database.sql("UPDATE client SET enabled = 1 WHERE client_id = 'leaver'")
    guard.stack.soon(lambda: guard.ask(other).status == 200, "its client enabled again")


@check("B5 scope is a list of words with blanks between: a location demands its own word")
def scope(guard):
    forbids(guard.ask(guard.worker.token(scope="read"), path="write/orders"), "read alone")
    equal(guard.ask(guard.worker.token(scope="write"), path="write/orders").status, 200, "write alone")
    equal(guard.ask(guard.worker.token(scope="read write"), path="write/orders").status, 200, "read and write")
    forbids(guard.ask(guard.worker.token(scope="write")), "write, where read is needed")


def concerns(guard, function):
    """Verification by keys cannot see revocations; one location suffices to test the scope."""
    if function is scope:
        return guard.asks and guard.module == "openidc"
    return guard.asks or function is not revoked


def expired(guards, token, born):
    time.sleep(max(0.0, born + SHORT_SECONDS + 1 - time.time()))
    for guard in guards:
        guard.refuses(token, f"expired, {guard.module}")


def pool_away(stack, guards):
    token, asking = stack.client("worker").token(scope="read"), [guard for guard in guards if guard.asks]
    stack.pool.stop()
    for guard in asking:
        must(guard.ask(token).status >= 400, f"{guard.module} lets pass without an answer")
    stack.pool.start(workers=2)
    for guard in asking:
        guard.passes(token)


def script(build, scratch):
    stack = Stack(build, scratch, kinds=("nginx",), failures_per_minute=1000)
    operator = stack.operator
    operator.client("reader")
    operator.client("worker", "--default-scope", "read", reads=False)
    for client_id in ("leaver", "short"):
        operator.client(client_id, scope="read", reads=False)
    stack.database.sql(f"""UPDATE client SET token_seconds = {SHORT_SECONDS} WHERE client_id = 'short';
        INSERT INTO audience (audience) VALUES ('{OTHER_API}');
        INSERT INTO audience_scope (audience, scope) VALUES ('{OTHER_API}', 'read');
        INSERT INTO client_grant (client_id, audience, scope, is_default) VALUES ('worker', '{OTHER_API}', 'read', 0);
        UPDATE client SET default_audience = '{rig.AUDIENCE}' WHERE client_id = 'worker'""")
    tls = Tls(scratch)
    stack.fronts["nginx"].more = tls.configure
    stack.start(workers=2)
    born, old = time.time(), stack.client("short").token(scope="read")
    apache = Apache(scratch, tls, stack.port(), ("reader", operator.secrets["reader"]), rig.AUDIENCE).start()
    guards = [Guard(stack, apache, module, asks) for module in CALLER for asks in (True, False)]
    for guard in guards:
        way = "asks /validate" if guard.asks else "by the JWK Set"
        for name, function in rig.Checks.registered:
            if concerns(guard, function):
                rig.run_check(f"{name} [{MODULES[guard.module]}, {way}]", function, guard)
    rig.run_check("B14 C2 an expired token: 401 from each", expired, guards, old, born)
    rig.run_check("C7 m2mauth stopped: nobody passes a guard that asks it; and it comes back", pool_away, stack, guards)
    rig.run_check("no sanitizer report (guards)", stack.pool.no_sanitizer_report)
    apache.stop()
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""guards: resource servers that others have written, Debian's mod_auth_openidc and mod_oauth2, in front of an API.

Each asks our pool about a token (RFC 7662) and, in a second host, verifies it by the published keys alone."""
import time

import rig
import tokens
import web
from apache import Apache, Tls
from house import House
from rig import check, equal, must

SHORT_SECONDS = 30
ELSEWHERE = "https://elsewhere.example/"
MALLEABLE = ("padding", "spare bits", "standard alphabet")      # the same bytes to others, who decode them leniently
MODULES = {"openidc": "mod_auth_openidc", "oauth2": "mod_oauth2"}
CALLER = {"openidc": "OIDC_CLAIM_client_id", "oauth2": "OAUTH2_CLAIM_client_id"}


class Guard:
    """One module in one of its two ways to judge, and a client of ours that wants to get through."""

    def __init__(self, house, apache, module, asks):
        self.house, self.module, self.asks = house, module, asks
        self.port = apache.port if asks else apache.local_port
        self.worker, self.reader = house.client("worker"), house.client("reader")

    def ask(self, token=None, headers=(), path="orders"):
        own = [("Authorization", f"Bearer {token}")] if token else []
        return web.request(self.port, "GET", f"/{self.module}/{path}", headers=[*own, *headers])

    def passes(self, token, headers=()):
        """And the API is told once who calls."""
        answer = self.ask(token, headers)
        equal(answer.status, 200, f"a good token: {answer}")
        names = [value for name, value in answer.json()["headers"] if name.lower() == CALLER[self.module].lower()]
        equal(names, ["worker"], "the caller's name")

    def refuses(self, token, what):
        answer = self.ask(token)
        equal(answer.status, 401, f"{what}: {answer}")
        must((answer.header("WWW-Authenticate") or "").startswith("Bearer "), f"{what}: no challenge")


def forbids(answer, what):
    """What a module does with a good token that lacks something is its own affair, as long as nobody passes."""
    must(answer.status in (401, 403), f"{what}: {answer}")


@check("B1 C3 a good token passes, more than once; the API is told who calls, whatever the client says")
def good(guard):
    token = guard.worker.token(resource=rig.AUDIENCE, scope="read")
    guard.passes(token)
    guard.passes(token, [(CALLER[guard.module], "somebody")])


@check("B7 B8 B12 no token, no JWT, and tokens that are forged or changed: 401 and a challenge")
def bad(guard):
    token, jwks = guard.worker.token(scope="read"), web.request(guard.house.port(), "GET", "/oauth/jwks.json").json()
    guard.refuses(None, "no token")
    guard.refuses("x", "no JWT")
    for _, what, forgery in tokens.forgeries(token, jwks, tokens.Forger(guard.house.scratch.folder)):
        if " " not in forgery and len(forgery) < 7000 and what not in MALLEABLE:
            guard.refuses(forgery, what)
    guard.passes(token)


@check("B4 C2 a token for another audience does not pass")
def elsewhere(guard):
    answer = guard.ask(guard.worker.token(resource=ELSEWHERE, scope="read"))
    forbids(answer, "another audience")
    if guard.asks:
        equal(answer.status, 401, "inactive for this caller")


@check("B15 C10 a signed answer about a token is no token, not even where only its signature is checked")
def signed_answer(guard):
    answer = guard.reader.validate_as("application/token-introspection+jwt", guard.worker.token(scope="read"))
    equal(answer.header("Content-Type"), "application/token-introspection+jwt", "signed answer")
    forbids(guard.ask(answer.body.decode()), "a signed answer")


@check("D1 C4 what has been revoked, or has lost its client, does not pass any more")
def revoked(guard):
    token, other = guard.worker.token(scope="read"), guard.house.client("leaver").token(scope="read")
    guard.passes(token)
    equal(guard.ask(other).status, 200, "before its client is disabled")
    equal(guard.worker.revoke(token).status, 200, "revoke")
    guard.refuses(token, "revoked")
    guard.house.database.sql("UPDATE client SET enabled = 0 WHERE client_id = 'leaver'")
    guard.house.soon(lambda: guard.ask(other).status == 401, "the token of a disabled client")
    guard.house.database.sql("UPDATE client SET enabled = 1 WHERE client_id = 'leaver'")
    guard.house.soon(lambda: guard.ask(other).status == 200, "its client enabled again")


@check("B5 scope is a list of words with blanks between: a location demands its own word")
def scope(guard):
    forbids(guard.ask(guard.worker.token(scope="read"), path="write/orders"), "read alone")
    equal(guard.ask(guard.worker.token(scope="write"), path="write/orders").status, 200, "write alone")
    equal(guard.ask(guard.worker.token(scope="read write"), path="write/orders").status, 200, "read and write")
    forbids(guard.ask(guard.worker.token(scope="write")), "write, where read is needed")


def concerns(guard, function):
    """Keys know nothing of revocations; one location is enough to see how a scope is read."""
    if function is scope:
        return guard.asks and guard.module == "openidc"
    return guard.asks or function is not revoked


def expired(guards, token, born):
    time.sleep(max(0.0, born + SHORT_SECONDS + 1 - time.time()))
    for guard in guards:
        guard.refuses(token, f"expired, {guard.module}")


def pool_away(house, guards):
    token, asking = house.client("worker").token(scope="read"), [guard for guard in guards if guard.asks]
    house.pool.stop()
    for guard in asking:
        must(guard.ask(token).status >= 400, f"{guard.module} lets pass without an answer")
    house.pool.start(workers=2)
    for guard in asking:
        guard.passes(token)


def script(build, scratch):
    house = House(build, scratch, kinds=("nginx",), failures_per_minute=1000)
    operator = house.operator
    operator.client("reader")
    operator.client("worker", "--default-scope", "read", reads=False)
    for client_id in ("leaver", "short"):
        operator.client(client_id, scope="read", reads=False)
    house.database.sql(f"""UPDATE client SET token_seconds = {SHORT_SECONDS} WHERE client_id = 'short';
        INSERT INTO audience (audience) VALUES ('{ELSEWHERE}');
        INSERT INTO audience_scope (audience, scope) VALUES ('{ELSEWHERE}', 'read');
        INSERT INTO client_grant (client_id, audience, scope, is_default) VALUES ('worker', '{ELSEWHERE}', 'read', 0);
        UPDATE client SET default_audience = '{rig.AUDIENCE}' WHERE client_id = 'worker'""")
    tls = Tls(scratch)
    house.fronts["nginx"].more = tls.configure
    house.start(workers=2)
    born, old = time.time(), house.client("short").token(scope="read")
    apache = Apache(scratch, tls, house.port(), ("reader", operator.secrets["reader"]), rig.AUDIENCE).start()
    guards = [Guard(house, apache, module, asks) for module in CALLER for asks in (True, False)]
    for guard in guards:
        way = "asks /validate" if guard.asks else "by the JWK Set"
        for name, function in rig.Checks.registered:
            if concerns(guard, function):
                rig.run_check(f"{name} [{MODULES[guard.module]}, {way}]", function, guard)
    rig.run_check("B14 C2 an expired token: 401 from each", expired, guards, old, born)
    rig.run_check("C7 m2mauth stopped: nobody passes a guard that asks it; and it comes back", pool_away, house, guards)
    rig.run_check("no sanitizer report (guards)", house.pool.no_sanitizer_report)
    apache.stop()
    house.stop()


if __name__ == "__main__":
    rig.main(script)

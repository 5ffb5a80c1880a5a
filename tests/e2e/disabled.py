#!/usr/bin/env python3
"""disabled: a client disabled by an UPDATE gets no token by any method, with or without a DPoP proof, under either front
and on each host, and its tokens pass no check (R7 of the promises)."""
import functools
import json
import time
import urllib.parse

import authority
import fastcgi
import rig
import tokens
import web
from apis import API, ORIGIN, Apis
from stack import Stack
from pool import Pool
from rig import check, equal, must
from signer import TYPE, Holder, Signer, add_key

PROMISED = 3                            # seconds
NAME = "/C=DE/O=Example/CN=machine"
GRANT = {"grant_type": "client_credentials", "resource": API, "scope": "read"}
# path, form, whether a DPoP proof comes with it
REQUESTS = (("/token", GRANT, False), ("/token", GRANT, True), ("/validate", {"token": "x"}, False),
            ("/revoke", {"token": "x"}, False))


class Way:
    """How a client authenticates. known: it authenticates before it is disabled, so that it is in every cache."""

    def __init__(self, method, known, certificate):
        self.method, self.known, self.certificate, self.signer = method, known, certificate, None
        self.client_id = f"{method}-{'known' if known else 'new'}"

    def credentials(self, secret):
        """(headers, pairs of the form)"""
        if self.method in ("basic", "tied"):
            return [web.basic(self.client_id, secret)], {}
        if self.method == "post":
            return [], {"client_id": self.client_id, "client_secret": secret}
        if self.method == "jwt":
            return [], {"client_assertion_type": TYPE, "client_assertion": self.signer.sign()}
        return [], {"client_id": self.client_id}


class Route:
    """The way through a front server, with TLS."""

    def __init__(self, stack, kind):
        self.stack, self.name = stack, kind

    def ask(self, path, pairs, headers, certificate):
        return web.request(self.stack.tls_port(self.name, certificate), "POST", "/oauth" + path, web.form(pairs), headers)

    def check(self, headers, certificate):
        return web.request(self.stack.tls_port(self.name, certificate), "GET", "/api/orders", None, headers).status


class Host:
    """Another host of the same database, addressed as a front does."""
    name = "second host"

    def __init__(self, pool):
        self.pool = pool

    def told(self, headers, certificate):
        names = {"Authorization": "HTTP_AUTHORIZATION", "DPoP": "HTTP_DPOP"}
        pairs = [(names[name], value) for name, value in headers]
        if certificate:
            pairs += [("SSL_CLIENT_VERIFY", "SUCCESS"), ("SSL_CLIENT_CERT", urllib.parse.quote(certificate.pem(), safe=""))]
        return pairs

    def ask(self, path, pairs, headers, certificate):
        answer = self.pool.ask("POST", path, web.form(pairs), self.told(headers, certificate))
        return web.Answer(answer.status, list(answer.headers.items()), answer.body)

    def check(self, headers, certificate):
        location = [("M2M_ENDPOINT", "check"), ("M2M_AUDIENCE", API), ("M2M_SCOPE", "read"), ("M2M_ORIGIN", ORIGIN),
                    ("REQUEST_URI", "/api/orders")]
        return fastcgi.ask(self.pool.socket, "GET", "/any", more=[*location, *self.told(headers, certificate)]).status


class Matrix:
    def __init__(self, stack, second, ways):
        self.stack, self.ways = stack, ways
        self.places = [*(Route(stack, kind) for kind in stack.fronts), Host(second)]
        self.holder = Holder(stack.scratch, "holder")
        self.reader = web.basic("reader", stack.operator.secrets["reader"])
        self.held = []                  # (way, whether a key is bound, token)

    def answer(self, place, way, path, pairs, with_proof):
        headers, own = way.credentials(self.stack.operator.secrets[way.client_id])
        headers += [("DPoP", self.holder.proof())] if with_proof else []
        return place.ask(path, {**pairs, **own}, headers, way.certificate)

    def ask(self, *request):
        """200; 401 for exactly the refusal of an unknown client; or anything else that came."""
        answer = self.answer(*request)
        refused = (answer.status, answer.error()) == (401, "invalid_client") and b"access_token" not in answer.body
        return answer.status if answer.status == 200 or refused else str(answer)

    def passes(self, place, way, bound, token):
        headers = [("Authorization", f"{'DPoP' if bound else 'Bearer'} {token}")]
        headers += [("DPoP", self.holder.proof("GET", f"{ORIGIN}/api/orders", token))] if bound else []
        return place.check(headers, way.certificate)

    def active(self, place, token):
        return 200 if place.ask("/validate", {"token": token}, [self.reader], None).json()["active"] else 401

    def attempts(self, known_only):
        """(what, function): each returns 200, 401 or anything else that came."""
        for place in self.places:
            for way in (way for way in self.ways if way.known or not known_only):
                for path, pairs, proof in REQUESTS:
                    yield (f"{path} {way.client_id}{' with a proof' if proof else ''}, {place.name}",
                           functools.partial(self.ask, place, way, path, pairs, proof))
            for way, bound, token in self.held:
                what = f"token of {way.client_id}{', bound to a key' if bound else ''}, {place.name}"
                yield f"check: {what}", functools.partial(self.passes, place, way, bound, token)
                yield f"introspection: {what}", functools.partial(self.active, place, token)

    def round(self, known_only=False):
        """{what: (time of the request, result)}"""
        return {what: (time.monotonic(), attempt()) for what, attempt in self.attempts(known_only)}

    def enable(self, value):
        names = ", ".join(f"'{way.client_id}'" for way in self.ways)
        self.stack.database.sql(f"UPDATE client SET enabled = {value} WHERE client_id IN ({names})")
        return time.monotonic()


def wrong(asked, wanted):
    return {what: came for what, (_, came) in asked.items() if came != wanted}


@check("R7 before: each client gets tokens by its method on each host, and they pass")
def before(matrix):
    for way in (way for way in matrix.ways if way.known):
        for bound in (False, True):
            answer = matrix.answer(matrix.places[0], way, "/token", GRANT, bound)
            given = answer.status, answer.json().get("token_type")
            equal(given, (200, "DPoP" if bound else "Bearer"), f"{way.client_id}: {answer}")
            token = answer.json()["access_token"]
            confirmation = {"jkt": bound, "x5t#S256": way.method == "tied"}
            equal(set(tokens.claims(token).get("cnf", {})), {name for name, there in confirmation.items() if there},
                  f"cnf of {way.client_id}")
            matrix.held.append((way, bound, token))
    equal(wrong(matrix.round(known_only=True), 200), {}, "refused before anybody is disabled")


@check("R7 3 s after the UPDATE: no token by any method, no token that passes, at either front and on each host")
def nothing(matrix):
    deadline = matrix.enable(0) + PROMISED
    came = {}
    while time.monotonic() < deadline:
        for what, result in matrix.round(known_only=True).items():
            came.setdefault(what, []).append(result)
    late = [(what, result) for what, results in came.items()
            for at, result in results if at >= deadline and result != 401]
    equal(late, [], "what came later than promised")
    last = matrix.round()
    equal(wrong(last, 401), {}, "what came when all is over")
    tried = len(matrix.places) * (len(REQUESTS) * len(matrix.ways) + 2 * len(matrix.held))
    equal(len(last), tried, "attempts")


@check("R7 a wrong secret and a right one of a disabled client are one refusal")
def one_refusal(matrix):
    way = next(way for way in matrix.ways if way.method == "basic")
    secret = matrix.stack.operator.secrets[way.client_id]
    answers = [place.ask("/token", GRANT, [web.basic(name, word)], None).body for place in matrix.places
               for name, word in ((way.client_id, secret), (way.client_id, "wrong"), ("nobody", secret))]
    equal(len(set(answers)), 1, f"bodies {set(answers)}")


@check("R7 enabled again: each method works again, and what it had passes again")
def again(matrix):
    matrix.enable(1)
    time.sleep(PROMISED)
    equal(wrong(matrix.round(), 200), {}, "refused after all is as before")


def add_row(stack, way, jwk):
    """jwk: of the certificate, for a client with a self-signed certificate."""
    sql, name = stack.database.sql, way.client_id
    stack.operator.client(name, audience=API, scope="read", reads=False)
    if way.signer:
        add_key(sql, way.signer)
    if way.method == "tls":
        sql(f"CALL client_set_tls_subject('{name}', 'subject_dn', 'CN=machine,O=Example,C=DE')")
    if way.method == "selfsigned":
        sql(f"CALL client_add_certificate_key('{name}', '{json.loads(jwk)['kid']}', 'ES256', '{jwk}', NULL)")
    if way.method == "tied":
        sql(f"UPDATE client SET require_binding = 'mtls' WHERE client_id = '{name}'")


def add_ways(stack, listed, own):
    """Clients of each method: one that authenticated before it is disabled, and one that did not."""
    ways, jwk = [], stack.operator.m2mctl("jwk", listed.path).stdout.decode()
    certificates = {"tls": own, "selfsigned": listed, "tied": own}
    for known in (True, False):
        for method in ("basic", "post", "jwt", "tls", "selfsigned", "tied"):
            way = Way(method, known, certificates.get(method))
            way.signer = Signer(stack.scratch, way.client_id, "key") if method == "jwt" else None
            add_row(stack, way, jwk)
            ways.append(way)
    return ways


def script(build, scratch):
    listed = authority.self_signed(scratch, "listed", "/CN=listed")
    issuing = authority.Authority(scratch, listed=[listed])
    stack = Stack(build, scratch, authority=issuing, failures_per_minute=10000)
    ways = add_ways(stack, listed, issuing.issue("machine", NAME))
    stack.operator.client("reader", audience=API, scope="read")
    apis = Apis(scratch, stack.pool.socket)
    for front in stack.fronts.values():
        front.more = apis.configure
    stack.start(workers=2)
    with rig.Scratch() as folder:
        second = Pool(rig.Operator(folder, build, stack.database, **{**stack.operator.settings, "host_id": "second"}))
        second.start(workers=2)
        rig.run_checks("", Matrix(stack, second, ways))
        rig.run_check("no sanitizer report (disabled)", stack.pool.no_sanitizer_report)
        rig.run_check("no sanitizer report (disabled, second host)", second.no_sanitizer_report)
        second.stop()
        stack.stop()


if __name__ == "__main__":
    rig.main(script)

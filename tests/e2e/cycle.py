#!/usr/bin/env python3
"""cycle: a token is issued, validated, revoked and validated again: sections B, C, D, E, I of tests/protocol/lines.txt."""
import json
import subprocess
import time
import urllib.parse

import rig
import tokens
import web
from stack import Stack
from rig import check, equal, must

INACTIVE = b'{"active":false}'
ISSUER = "https://as.example/oauth"
SIGNED = "application/token-introspection+jwt"


class Visitor:
    """One front server and the clients that use it."""

    def __init__(self, stack, kind, forger):
        self.stack, self.kind, self.port, self.forger = stack, kind, stack.port(kind), forger
        self.reader = stack.client("reader", kind)
        self.worker = stack.client("worker", kind)
        self.stranger = stack.client("stranger", kind)
        self.short_lived = stack.client("short-lived", kind).token(scope="read")

    def get(self, path, headers=(), **more):
        return web.request(self.port, "GET", path, headers=headers, **more)

    def jwks(self):
        return self.get("/oauth/jwks.json").json()


def is_inactive(answer, what):
    equal((answer.status, answer.body), (200, INACTIVE), what)


@check("the cycle: issue, validate, revoke, validate; on new connections and on one kept connection")
def the_cycle(visitor):
    token = visitor.worker.token(scope="read")
    must(visitor.reader.active(token), "a new token is not active")
    equal(visitor.worker.revoke(token).status, 200, "revoke")
    is_inactive(visitor.reader.validate(token), "revoked token")
    with web.Connection(visitor.port) as connection:
        def post(path, client, **pairs):
            return connection.request("POST", "/oauth" + path, web.form(pairs), [web.basic(client.id, client.secret)])
        for _ in range(20):
            token = post("/token", visitor.worker, grant_type="client_credentials").json()["access_token"]
            equal(post("/introspect", visitor.reader, token=token).json()["active"], True, "on a kept connection")
            equal(post("/revoke", visitor.worker, token=token).status, 200, "revoke on a kept connection")
            is_inactive(post("/validate", visitor.reader, token=token), "revoked token on a kept connection")


@check("B1 B2 B3 B4 RFC 9068: header and claims of the token")
def claims(visitor):
    token = visitor.worker.token(scope="read")
    head, body = tokens.header(token), tokens.claims(token)
    equal((head["typ"], head["alg"]), ("at+jwt", "ES256"), "header")
    equal(sorted(body), sorted(["iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti", "cred"]), "claims")
    equal([body[name] for name in ("iss", "sub", "client_id")], [ISSUER, "worker", "worker"], "issuer and client")
    equal(body["aud"], rig.AUDIENCE, "audience")
    equal([type(body[name]) for name in ("iat", "exp", "jti")], [int, int, str], "types")
    must(abs(body["iat"] - time.time()) < 60, "iat is not now")
    equal(tokens.claims(visitor.worker.token(resource=rig.AUDIENCE))["aud"], rig.AUDIENCE, "aud is the resource")
    jtis = {tokens.claims(visitor.worker.token())["jti"] for _ in range(20)}
    equal(len(jtis), 20, "different jti")


@check("B1 E8 openssl verifies the token with the JWKS, and no altered token")
def verified_by_others(visitor):
    token = visitor.worker.token(scope="read")
    must(tokens.verifies(token, visitor.jwks()), "openssl does not verify the token by the JWKS")
    changed = tokens.with_header(token, x=1)
    must(not tokens.verifies(changed, visitor.jwks()), "openssl verifies a changed token")
    path = visitor.stack.scratch.write("jwks.json", json.dumps(visitor.jwks()))
    m2mctl = visitor.stack.operator.m2mctl
    equal(m2mctl("token", "--jwks", path, stdin=token.encode(), check=False).returncode, 0, "m2mctl about the token")
    equal(m2mctl("token", "--jwks", path, stdin=changed.encode(), check=False).returncode, 1, "m2mctl about the other")


@check("B7 B8 B9 B10 B11 B12 B13 B15 C2: forged, changed and malformed tokens are exactly inactive, and revoke nothing")
def forged(visitor):
    token = visitor.worker.token(scope="read")
    for line, what, forgery in tokens.forgeries(token, visitor.jwks(), visitor.forger):
        is_inactive(visitor.reader.validate(forgery), f"{line} {what}")
        equal(visitor.worker.revoke(forgery).status, 200, f"D2 revoke: {line} {what}")
    must(visitor.reader.active(token), "a forgery revoked the token it was made of")


@check("C1 RFC 7662 2.1: who does not prove himself learns nothing, not even that the token is missing")
def caller_first(visitor):
    token = visitor.worker.token()
    for headers in ([], [web.basic("reader", "wrong-" + visitor.kind)], [("Authorization", f"Bearer {token}")]):
        for pairs in ({}, {"token": token}, {"token": "x"}):
            for path in ("/validate", "/introspect", "/revoke"):
                answer = visitor.reader.post(path, pairs, headers)
                equal((answer.status, answer.error()), (401, "invalid_client"), f"D5 {path} {pairs}")
                must(answer.header("WWW-Authenticate"), "I8 401 without a challenge")
    must(visitor.reader.active(token), "an unproved caller revoked a token")


@check("C2 C11: a caller sees only tokens of its audiences; another sees exactly what it sees of garbage")
def audiences(visitor):
    token = visitor.worker.token(scope="read")
    must(visitor.reader.active(token), "the reader of the audience does not see it")
    is_inactive(visitor.stranger.validate(token), "a reader of another audience")
    is_inactive(visitor.worker.validate(token), "C11 the client itself, which may read nothing")
    equal(visitor.stranger.validate(token).lasting(), visitor.stranger.validate("x").lasting(), "answers")


@check("C3 C9 RFC 7662 2.2: members, types and no-store of the answer")
def answer_of_validate(visitor):
    token = visitor.worker.token(scope="read")
    answer = visitor.reader.validate(token)
    body, own = answer.json(), tokens.claims(token)
    must(body["active"] is True, "active")
    for name in ("iss", "sub", "aud", "client_id", "scope", "iat", "exp", "jti"):
        equal(body[name], own[name], name)
    equal(body["token_type"], "Bearer", "token_type")
    must("cred" not in body, "the credential is disclosed to another client")
    must("no-store" in answer.header("Cache-Control"), "no-store")
    equal(answer.header("Content-Type"), "application/json", "type")


@check("C10 RFC 9701: a signed answer on request, active or not, that openssl verifies with the JWKS")
def signed_answer(visitor):
    token, plain = visitor.worker.token(scope="read"), {"active": False}
    for about, expected in ((token, visitor.reader.validate(token).json()), ("x", plain)):
        answer = visitor.reader.validate_as(SIGNED, about)
        equal((answer.status, answer.header("Content-Type")), (200, SIGNED), "type")
        must("no-store" in answer.header("Cache-Control"), "it may be stored")
        compact = answer.body.decode()
        equal({**tokens.header(compact), "kid": ""}, {"typ": "token-introspection+jwt", "alg": "ES256", "kid": ""}, "header")
        body = tokens.claims(compact)
        must(abs(body.pop("iat") - time.time()) < 60, "iat")
        equal(body, {"iss": ISSUER, "aud": "reader", "token_introspection": expected}, "claims")
        must(tokens.verifies(compact, visitor.jwks()), "openssl does not verify it")
        is_inactive(visitor.reader.validate(compact), "B15 a signed answer as an access token")
        equal(web.request(visitor.port, "POST", "/oauth/validate", web.form({"token": token}),
                          [("Authorization", f"Bearer {compact}")]).status, 401, "B15 as a caller's proof")


@check("C10 curl: its own Accept is a wildcard and means plain JSON; -H asks for the signed answer")
def curl(visitor):
    token = visitor.worker.token(scope="read")
    for more, expected in (("", "application/json"), (f'header = "Accept: {SIGNED}"', SIGNED)):
        config = f"""url = "http://127.0.0.1:{visitor.port}/oauth/validate"\nuser = "reader:{visitor.reader.secret}"
            data = "token={token}"\nwrite-out = "\\n%{{http_code}} %{{content_type}}"\n{more}\n"""
        done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", "10", "--config", "-"], input=config.encode(),
                              capture_output=True, timeout=600)
        equal(done.stdout.decode().rpartition("\n")[2], f"200 {expected}", f"curl {done.stderr.decode()}")


@check("C10 Accept in several lines is not an ambiguous request; where the front passes on all of them, each is read")
def several_accepts(visitor):
    first = visitor.reader.validate_as(SIGNED, "x", more=[("Accept", "text/plain")])
    last = visitor.reader.validate_as("text/plain", "x", more=[("Accept", SIGNED)])
    equal((first.status, first.header("Content-Type")), (200, SIGNED), "the first of two lines")
    equal(last.status, 200, "the last of two lines")
    if visitor.kind == "lighttpd":
        equal(last.header("Content-Type"), SIGNED, "the last of two lines")
    for accept in ("*/*", "application/json", f"{SIGNED};q=0", f"{SIGNED};q=0.3, application/json"):
        equal(visitor.reader.validate_as(accept, "x").header("Content-Type"), "application/json", accept)


@check("C4 client disabled after issue: its tokens are inactive; enabled again: active")
def disabled_after_issue(visitor):
    sql, token = visitor.stack.database.sql, visitor.worker.token(scope="read")
    must(visitor.reader.active(token), "a new token is not active")
    try:
        sql("UPDATE client SET enabled = 0 WHERE client_id = 'worker'")
        visitor.stack.soon(lambda: not visitor.reader.active(token), "inactive")
        is_inactive(visitor.reader.validate(token), "token of a disabled client")
    finally:
        sql("UPDATE client SET enabled = 1 WHERE client_id = 'worker'")
    visitor.stack.soon(lambda: visitor.reader.active(token), "active again")


@check("C5 D4 I11: a wrong or unknown token_type_hint hides nothing")
def hints(visitor):
    for hint in ("refresh_token", "access_token", "pairing_code", ""):
        token = visitor.worker.token()
        equal(visitor.reader.validate(token, token_type_hint=hint).json()["active"], True, f"validate with hint {hint}")
        equal(visitor.worker.revoke(token, token_type_hint=hint).status, 200, f"revoke with hint {hint}")
        is_inactive(visitor.reader.validate(token), f"revoked with hint {hint}")


@check("C6 H7: a token in the query string is refused at validate and revoke, and is in no log")
def token_in_query(visitor):
    token = visitor.worker.token()
    for path in ("/validate", "/introspect", "/revoke"):
        answer = visitor.reader.post(f"{path}?token={token}", {})
        equal((answer.status, answer.error()), (400, "invalid_request"), path)
        equal(visitor.get(f"/oauth{path}?token={token}").status, 405, f"GET {path}")
    must(visitor.reader.active(token), "the query string revoked the token")
    for name in ("m2mauth.log", "nginx-m2mauth.log", "lighttpd-access.log", "nginx-error.log"):
        must(token[-40:] not in visitor.stack.scratch.log(name), f"the token is in {name}")


@check("C6 a request without a token is refused")
def no_token(visitor):
    for path in ("/validate", "/revoke"):
        for pairs in ({}, {"token": ""}):
            answer = visitor.reader.post(path, pairs)
            equal((answer.status, answer.error()), (400, "invalid_request"), f"{path} {pairs}")
        twice = visitor.reader.post(path, [("token", "a"), ("token", "a")])
        equal((twice.status, twice.error()), (400, "invalid_request"), f"{path} with two tokens")


@check("D1 D2 I2 RFC 7009 2.2: 200 with JSON for own, unknown and already revoked tokens")
def revoke_answers(visitor):
    token = visitor.worker.token()
    for what in (token, token, "unknown", "a.b.c", "x" * 9000):
        answer = visitor.worker.revoke(what)
        equal((answer.status, answer.json(), answer.header("Content-Type")), (200, {}, "application/json"), what[:9])
    is_inactive(visitor.reader.validate(token), "revoked")


@check("D3 RFC 7009 2.1: another client's token is refused alike whatever its state, and stays")
def foreign_token(visitor):
    live, dead = visitor.worker.token(), visitor.worker.token()
    visitor.worker.revoke(dead)
    answers = [visitor.stranger.revoke(token) for token in (live, dead)]
    equal([(answer.status, answer.body) for answer in answers], [(400, answers[0].body)] * 2, "answers")
    must(visitor.reader.active(live), "a stranger revoked the token")


@check("D8 the row of a revocation is kept as long as the token is valid")
def revocation_row(visitor):
    token = visitor.worker.token()
    visitor.worker.revoke(token)
    jti, exp = tokens.claims(token)["jti"], tokens.claims(token)["exp"]
    rows = visitor.stack.database.sql("SELECT UNIX_TIMESTAMP(expires_at), client_id FROM revoked_token "
                                      f"WHERE jti = '{jti}'")
    equal(len(rows), 1, "rows")
    must(int(float(rows[0][0])) >= exp, "the row ends before the token")
    equal(rows[0][1], "worker", "client_id")


@check("I4 nothing is cut at a NUL: token%00 is another token")
def nul(visitor):
    token = visitor.worker.token()
    for junk in ("\0", "\0junk"):
        for client, path in ((visitor.reader, "/validate"), (visitor.worker, "/revoke")):
            answer = client.post(path, {"token": token + junk})
            must(answer.status == 400 or answer.body in (INACTIVE, b"{}"), f"{path}: {answer}")
    must(visitor.reader.active(token), "the token with a NUL revoked the one without")


@check("I6 revocation goes by jti: the high-s twin dies with the token; a forgery with its jti does nothing")
def by_jti(visitor):
    first, second = visitor.worker.token(), visitor.worker.token()
    twin = tokens.high_s_twin(first)
    visitor.worker.revoke(first)
    is_inactive(visitor.reader.validate(twin), "twin of a revoked token")
    forgery = visitor.forger.sign(tokens.header(second), tokens.claims(second))
    visitor.worker.revoke(forgery)
    must(visitor.reader.active(second), "a forged token revoked the real one")


@check("I7 a resource server may introspect with Basic and with post")
def introspect_by_post(visitor):
    token = visitor.worker.token()
    pairs = {"token": token, "client_id": "reader", "client_secret": visitor.reader.secret}
    equal(visitor.reader.post("/introspect", pairs, headers=[]).json()["active"], True, "by post")


@check("E1 E3 E4 E5 E6 RFC 8414: metadata at both forms of the path, and what it names is there")
def metadata(visitor):
    answers = [visitor.get(path) for path in ("/.well-known/oauth-authorization-server/oauth",
                                              "/oauth/.well-known/oauth-authorization-server")]
    equal(answers[0].body, answers[1].body, "E2 the two forms")
    document = answers[0].json()
    equal((answers[0].status, document["issuer"]), (200, ISSUER), "issuer")
    equal(document["grant_types_supported"], ["client_credentials"], "grant types")
    must("authorization_endpoint" not in document and document.get("response_types_supported"), "E4 response types")
    for kind in ("token", "introspection", "revocation"):
        equal(document[f"{kind}_endpoint_auth_methods_supported"],
              ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth",
               "self_signed_tls_client_auth"], kind)
        equal(document[f"{kind}_endpoint_auth_signing_alg_values_supported"], ["ES256", "RS256", "PS256", "EdDSA",
              "Ed25519"], kind)
        path = urllib.parse.urlsplit(document[f"{kind}_endpoint"]).path
        equal(web.request(visitor.port, "POST", path, b"").status, 401, f"E6 POST {path}")
    equal(document["introspection_signing_alg_values_supported"], ["ES256"], "C10 algorithms of signed answers")
    equal(visitor.get(urllib.parse.urlsplit(document["jwks_uri"]).path).status, 200, "jwks_uri")
    for name, value in document.items():
        must(not name.endswith(("_endpoint", "_uri")) or value.startswith(ISSUER), name)


@check("E8 RFC 7517: public members only, unique kid, alg and use; a retired key stays and its tokens are good")
def keys(visitor):
    operator, token = visitor.stack.operator, visitor.worker.token()
    old = tokens.header(token)["kid"]
    operator.m2mctl("key", "new", "--activate", "now", database=True)
    visitor.stack.soon(lambda: tokens.header(visitor.worker.token())["kid"] != old, "the new key signs")
    operator.m2mctl("key", "retire", old, database=True)
    time.sleep(0.6)
    jwks = visitor.jwks()
    must(old in [key["kid"] for key in jwks["keys"]], "the retired key has left the JWKS")
    equal(len({key["kid"] for key in jwks["keys"]}), len(jwks["keys"]), "different kids")
    for key in jwks["keys"]:
        equal(sorted(key), sorted(["kty", "crv", "x", "y", "kid", "alg", "use"]), "members")
        equal((key["alg"], key["use"], key["crv"]), ("ES256", "sig", "P-256"), "members")
    must(visitor.reader.active(token), "the token of a retired key is inactive")
    must(tokens.verifies(token, jwks) and tokens.verifies(visitor.worker.token(), jwks), "the JWKS verifies both")


@check("E10 a new key is in the JWKS at least max-age before it signs")
def new_key(visitor):
    visitor.stack.operator.m2mctl("key", "new", database=True)
    kid, wait = visitor.stack.database.sql("SELECT kid, UNIX_TIMESTAMP(activate_at) - UNIX_TIMESTAMP(publish_at) "
                                           "FROM signing_key ORDER BY activate_at DESC LIMIT 1")[0]
    must(float(wait) >= 300, f"it signs {wait} s after it was published")
    visitor.stack.soon(lambda: kid in {key["kid"] for key in visitor.jwks()["keys"]}, "the new key is in the JWKS")
    must(tokens.header(visitor.worker.token())["kid"] != kid, "the new key signs at once")


@check("E9 JWKS and metadata: ETag, public max-age, 304; HEAD has no body")
def caching(visitor):
    for path in ("/oauth/jwks.json", "/.well-known/oauth-authorization-server/oauth"):
        answer = visitor.get(path)
        tag, cache = answer.header("ETag"), answer.header("Cache-Control")
        must(tag and "public" in cache and "max-age=300" in cache, f"{path}: ETag {tag}, Cache-Control {cache}")
        equal(answer.header("Access-Control-Allow-Origin"), "*", "CORS, which the front does")
        for value in (tag, f'"x", {tag}', f"W/{tag}", "*"):
            again = visitor.get(path, [("If-None-Match", value)])
            equal((again.status, again.body, again.header("ETag")), (304, b"", tag), f"{path} with {value}")
        equal(visitor.get(path, [("If-None-Match", '"x"')]).body, answer.body, "another tag")
        head = web.request(visitor.port, "HEAD", path)
        equal((head.status, head.header("Content-Length")), (200, str(len(answer.body))), "HEAD")
        equal(web.request(visitor.port, "PUT", path, b"x").status, 405, "PUT")


@check("I9 neither metadata nor tokens follow the Host header")
def host(visitor):
    for name in ("evil.example", "127.0.0.1:1", "localhost"):
        document = visitor.get("/oauth/.well-known/oauth-authorization-server", host=name).json()
        equal(document["issuer"], ISSUER, f"issuer for Host {name}")
        answer = web.request(visitor.port, "POST", "/oauth/token", b"grant_type=client_credentials",
                             [web.basic("worker", visitor.worker.secret), ("X-Forwarded-Host", name)], host=name)
        equal(tokens.claims(answer.json()["access_token"])["iss"], ISSUER, f"iss for Host {name}")


@check("unknown paths are 404 and never 2xx")
def unknown_paths(visitor):
    for path in ("/oauth/", "/oauth/tokenx", "/oauth/token/", "/oauth/token/x", "/oauth/TOKEN", "/oauth/check",
                 "/.well-known/oauth-authorization-server/oauthx"):
        for method in ("GET", "POST"):
            answer = web.request(visitor.port, method, path, b"" if method == "POST" else None)
            equal(answer.status, 404, f"{method} {path}")


@check("C2 an expired token is exactly inactive, and revoking it is 200")
def expired(visitor):
    exp = tokens.claims(visitor.short_lived)["exp"]
    while time.time() < exp + 0.2:
        time.sleep(0.2)
    is_inactive(visitor.reader.validate(visitor.short_lived), "expired")
    equal(visitor.stack.client("short-lived", visitor.kind).revoke(visitor.short_lived).status, 200, "D2 revoke")


def script(build, scratch):
    stack = Stack(build, scratch, failures_per_minute=1000)
    operator = stack.operator
    operator.client("reader")
    operator.client("worker", "--default-scope", "read", reads=False)
    operator.client("stranger", audience="https://other.example/", scope="other")
    operator.client("short-lived", "--token-seconds", "30", reads=False)
    stack.start(workers=2)
    forger = tokens.Forger(scratch.folder)
    visitors = [Visitor(stack, kind, forger) for kind in stack.fronts]
    for visitor in visitors:
        rig.run_checks(visitor.kind, visitor)
    rig.run_check("no sanitizer report (cycle)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

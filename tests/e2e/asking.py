#!/usr/bin/env python3
"""asking: token requests and their refusals: sections A and I of tests/protocol/lines.txt, and H3."""
import base64
import re
import statistics
import time

import rig
import tokens
import web
from stack import Stack
from rig import check, equal, must

FAILURES_PER_MINUTE = 20
ODD_ID, ODD_SECRET = "odd id+%/:=&", "a+b%/:é"
ANSWERS = []


class Asker:
    """One front server and a client that uses it."""

    def __init__(self, stack, kind):
        self.stack, self.kind, self.port = stack, kind, stack.port(kind)
        self.secrets = stack.operator.secrets

    def ask(self, pairs, headers=(), method="POST", path="/token", content_type=web.FORM):
        body = pairs if isinstance(pairs, bytes) or pairs is None else web.form(pairs)
        headers = [*headers, ("Content-Type", content_type)] if content_type and body is not None else headers
        answer = web.request(self.port, method, "/oauth" + path, body, headers)
        ANSWERS.append(answer)
        return answer

    def basic(self, client_id="reader", secret=None, **more):
        return web.basic(client_id, secret or self.secrets[client_id], **more)

    def token(self, pairs=(), client_id="reader", headers=None):
        pairs = [("grant_type", "client_credentials"), *(pairs.items() if isinstance(pairs, dict) else pairs)]
        return self.ask(pairs, [self.basic(client_id)] if headers is None else headers)


def refused(answer, status, error):
    equal((answer.status, answer.error()), (status, error), f"answer {answer.body[:120]!r}")


@check("A1 RFC 6749 2.3: two ways to prove oneself in one request are refused")
def two_methods(asker):
    secret = asker.secrets["reader"]
    refused(asker.token({"client_id": "reader", "client_secret": secret}), 400, "invalid_request")
    refused(asker.token({"client_id": "reader", "client_secret": secret, "client_assertion": "a.b.c"}, headers=[]), 400,
            "invalid_request")
    equal(asker.token({"client_id": "reader"}).status, 200, "the id of the same client beside Basic")
    refused(asker.token({"client_id": "writer"}), 400, "invalid_request")


@check("A2 RFC 6749 2.3.1: id and secret in Basic are decoded after the split at the first colon")
def basic_is_decoded(asker):
    answer = asker.token(headers=[web.basic(ODD_ID, ODD_SECRET)])
    equal(answer.status, 200, "odd id and secret, encoded")
    equal(tokens.claims(answer.json()["access_token"])["client_id"], ODD_ID, "client_id")
    refused(asker.token(headers=[web.basic(ODD_ID, ODD_SECRET, encode_first=False)]), 401, "invalid_client")
    lower = base64.b64encode(b"reader:" + asker.secrets["reader"].encode()).decode()
    equal(asker.token(headers=[("Authorization", "basic " + lower)]).status, 200, "scheme in lower or upper case")


@check("A2 I1: generated ids and secrets mean the same encoded and raw, and with needless encoding")
def both_encodings(asker):
    def everything(text):
        return "".join(f"%{byte:02x}" for byte in text.encode())
    secret = asker.secrets["reader"]
    equal(asker.token(headers=[web.basic("reader", secret, encode_first=False)]).status, 200, "raw")
    encoded = web.basic(everything("reader"), everything(secret), encode_first=False)
    equal(asker.token(headers=[encoded]).status, 200, "everything encoded")


@check("A2 A17: a broken Basic header is refused, never guessed at")
def broken_basic(asker):
    for value in ("Basic", "Basic ", "Basic !!!!", "Basic cmVhZGVy", "Basic cmVhZGVyOg==", "Bearer abc",
                  "Basic" + "A" * 4000, "Basic " + base64.b64encode(b"%zz:secret").decode(), "Digest username=reader"):
        answer = asker.token(headers=[("Authorization", value)])
        must(answer.status in (400, 401), f"{value[:20]!r} is answered {answer}")


@check("A3 RFC 6749 2.3.1: parameters in the query string are refused")
def query_string(asker):
    secret = asker.secrets["reader"]
    path = f"/token?grant_type=client_credentials&client_id=reader&client_secret={secret}"
    refused(asker.ask(b"", path=path), 400, "invalid_request")
    refused(asker.ask({"grant_type": "client_credentials"}, [asker.basic()], path="/token?scope=read"), 400,
            "invalid_request")


@check("A4 RFC 6749 2.3.1: guessing is stopped, and the right holder still gets in")
def guessing(asker):
    client_id = f"guessed-{asker.kind}"
    guesses = [web.basic(client_id, f"guess-{number}") for number in range(FAILURES_PER_MINUTE + 10)]
    seen = [asker.token(headers=[guess]) for guess in guesses]
    equal(seen[0].status, 401, "the first guess")
    equal(seen[-1].status, 429, "the last guess")
    must(seen[-1].header("Retry-After"), "429 without Retry-After")
    equal(asker.token(client_id=client_id).status, 200, "the right secret")


@check("A5 I7: Basic and post work, each alone")
def each_alone(asker):
    equal(asker.token().status, 200, "Basic")
    post = {"client_id": "reader", "client_secret": asker.secrets["reader"]}
    equal(asker.token(post, headers=[]).status, 200, "post")
    post["client_id"], post["client_secret"] = ODD_ID, ODD_SECRET
    equal(asker.token(post, headers=[]).status, 200, "post with an odd id and secret")
    refused(asker.token(client_id="post-only"), 401, "invalid_client")
    post["client_id"], post["client_secret"] = "post-only", asker.secrets["post-only"]
    equal(asker.token(post, headers=[]).status, 200, "a client whose row says post")


@check("A6 RFC 6749 3.2: other methods than POST are 405 with Allow")
def methods(asker):
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH"):
        for path in ("/token", "/validate", "/introspect", "/revoke"):
            answer = asker.ask(b"x=1" if method in ("PUT", "PATCH") else None, method=method, path=path)
            equal((answer.status, answer.header("Allow")), (405, "POST"), f"{method} {path}")


@check("A7 RFC 6749 3.2: a repeated parameter is refused; resource may be repeated (RFC 8707)")
def repeated(asker):
    for name, value in (("grant_type", "client_credentials"), ("scope", "read")):
        refused(asker.token([(name, value), (name, value)]), 400, "invalid_request")
    secret = asker.secrets["reader"]
    for name in ("client_id", "client_secret"):
        pairs = [("client_id", "reader"), ("client_secret", secret), (name, "reader")]
        refused(asker.token(pairs, headers=[]), 400, "invalid_request")
    twice = [("resource", rig.AUDIENCE), ("resource", rig.AUDIENCE)]
    equal(asker.token(twice).status, 200, "resource twice")


@check("A8 A9 RFC 6749 3.2: a parameter without a value counts as omitted; an unknown one is ignored")
def empty_and_unknown(asker):
    equal(asker.token({"scope": "", "resource": "", "client_secret": ""}).status, 200, "empty ones")
    equal(asker.token({"colour": "blue", "Scope": "nonsense"}).status, 200, "unknown ones")
    refused(asker.ask({"grant_type": ""}, [asker.basic()]), 400, "invalid_request")


@check("A10 I10: only a form is read, by its media type and nothing else")
def content_type(asker):
    body = web.form({"grant_type": "client_credentials"})
    for good in ("application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLEncoded",
                 "application/x-www-form-urlencoded ;charset=utf-8"):
        equal(asker.ask(body, [asker.basic()], content_type=good).status, 200, good)
    for bad in ("application/json", "application/x-www-form-urlencodedx", "text/plain",
                "multipart/form-data; boundary=x", "x"):
        answer = asker.ask(body, [asker.basic()], content_type=bad)
        must(answer.status in (400, 415) and answer.error() == "invalid_request", f"{bad}: {answer}")
    refused(asker.ask(b'{"grant_type":"client_credentials"}', [asker.basic()], content_type="application/json"), 400,
            "invalid_request")


@check("A11 RFC 6749 3.3: scope words: charset, case, order, repetition")
def scope_words(asker):
    equal(asker.token({"scope": "write read read"}).status, 200, "order and repetition")
    for bad in ("READ", "admin", "read admin", 'read"', "re\\ad", "read\x7f", "read\twrite", "é", " read",
                "read  write", "r" * 300, " ".join(f"s{number}" for number in range(500))):
        refused(asker.token({"scope": bad}), 400, "invalid_scope")


@check("A12 B5 RFC 6749 5.1, H7: the answer always names the scope that was granted")
def scope_in_answer(asker):
    for scope in ("read", "write", "read write"):
        answer = asker.token({"scope": scope})
        equal(sorted(answer.json()["scope"].split()), sorted(scope.split()), "scope")
        equal(sorted(tokens.claims(answer.json()["access_token"])["scope"].split()), sorted(scope.split()), "claim")
    equal(asker.token().json()["scope"], "read", "the default of a client that names none")
    refused(asker.token(client_id="must-name-scope"), 400, "invalid_scope")


@check("A13 RFC 6749 4.4: a client that proves nothing is refused")
def public_client(asker):
    for pairs in ({"client_id": "reader"}, {}, {"client_secret": asker.secrets["reader"]},
                  {"client_id": "reader", "client_secret": ""}):
        refused(asker.token(pairs, headers=[]), 401, "invalid_client")


@check("A14 A16 I3 RFC 6749 5.1: the members of the answer, and no other")
def members(asker):
    answer = asker.token({"scope": "read"})
    equal(sorted(answer.json()), ["access_token", "expires_in", "scope", "token_type"], "members")
    equal(answer.json()["token_type"], "Bearer", "token_type")
    claims = tokens.claims(answer.json()["access_token"])
    equal(answer.json()["expires_in"], claims["exp"] - claims["iat"], "expires_in")
    equal(type(answer.json()["expires_in"]), int, "type of expires_in")
    equal(tokens.header(answer.json()["access_token"])["alg"], "ES256", "algorithm")


@check("A17 A18 I8 RFC 6749 5.2: unknown, disabled, wrong: the same bytes, with challenge and JSON")
def same_refusal(asker):
    tries = [("nobody-" + asker.kind, "x"), ("reader", "wrong"), ("disabled", asker.secrets["disabled"]),
             ("post-only", asker.secrets["post-only"]), ("expired-secret", asker.secrets["expired-secret"])]
    answers = [asker.token(headers=[web.basic(*one)]) for one in tries]
    posted = [asker.token({"client_id": one[0], "client_secret": "wrong" + one[1]}, headers=[]) for one in tries]
    equal(answers[0].status, 401, "status")
    challenge = answers[0].header("WWW-Authenticate") or ""
    must(re.match(r'Basic realm="[^"]+"', challenge), f"no Basic challenge with a realm: {challenge}")
    for one, answer in zip(tries * 2, answers + posted):
        refused(answer, 401, "invalid_client")
        equal(answer.lasting(), answers[0].lasting(), f"refusal of {one[0]}")


@check("A18 an unknown client takes as long as a wrong secret")
def same_time(asker):
    ratios = []
    for _ in range(5):                                  # other load on this machine may affect one kind more
        ratios.append(time_ratio(asker))
        if 0.5 < ratios[-1] < 2:
            return
    raise rig.Failure(f"known to unknown, medians: {ratios}")


def time_ratio(asker):
    spent = {"known": [], "unknown": []}
    with web.Connection(asker.port) as connection:
        for number in range(60):
            for kind, client_id in (("known", f"bulk-{number:05d}"), ("unknown", f"bulk-{number:05d}x")):
                data = web.encode("POST", "/oauth/token", b"grant_type=client_credentials",
                                  [web.basic(client_id, f"no-{asker.kind}")])
                start = time.perf_counter()
                equal(connection.raw(data).status, 401, client_id)
                spent[kind].append(time.perf_counter() - start)
    known, unknown = (statistics.median(spent[kind]) for kind in ("known", "unknown"))
    return known / unknown


@check("A19 H3 RFC 6749 5.2: the right error for each kind of no")
def kinds_of_no(asker):
    for grant in ("password", "authorization_code", "refresh_token",
                  "urn:ietf:params:oauth:grant-type:token-exchange", "x"):
        refused(asker.ask({"grant_type": grant}, [asker.basic()]), 400, "unsupported_grant_type")
    refused(asker.ask({}, [asker.basic()]), 400, "invalid_request")
    refused(asker.token(client_id="without-grant"), 400, "unauthorized_client")
    refused(asker.token({"resource": "https://other.example/"}), 400, "invalid_target")
    refused(asker.token({"resource": "not a uri#x"}), 400, "invalid_target")


@check("I4 nothing is cut at a NUL")
def nul(asker):
    secret = asker.secrets["reader"]
    for body in (f"grant_type=client_credentials%00&client_id=reader&client_secret={secret}",
                 f"grant_type=client_credentials&client_id=reader%00&client_secret={secret}",
                 f"grant_type=client_credentials&client_id=reader&client_secret={secret}%00",
                 f"grant_type=client_credentials&client_id=reader&client_secret={secret}%00x",
                 f"grant_type=client_credentials&client_id=reader&client_secret={secret}&scope=read%00"):
        answer = asker.ask(body.encode())
        must(answer.status in (400, 401), f"{body[:40]}: {answer}")
    for raw in (f"reader:{secret}\0", f"reader\0:{secret}", f"reader:{secret}%00"):
        header = ("Authorization", "Basic " + base64.b64encode(raw.encode()).decode())
        must(asker.token(headers=[header]).status in (400, 401), "NUL in Basic")


@check("bad bodies: broken escapes, too many parameters, too large: refused, and the connection stays open")
def bad_bodies(asker):
    for body in (b"%", b"grant_type=%zz", b"&" * 50000, b"a=1&" * 500, b"=" * 100, b"\xff\xfe=\x00", b""):
        answer = asker.ask(body, [asker.basic()])
        must(answer.status == 400, f"{body[:12]!r}: {answer}")
    equal(web.request(asker.port, "POST", "/oauth/token", b"a=" + b"x" * 70000, [asker.basic()]).status, 413, "70 kB")
    equal(asker.token().status, 200, "after them")


@check("A15 A20 RFC 6749 5.1, 5.2: every answer seen: JSON, no-store, plain descriptions, nothing reflected")
def all_answers(asker):
    must(len(ANSWERS) > 100, "there were no answers to look at")
    for answer in ANSWERS:
        equal(answer.header("Content-Type"), "application/json", f"type of {answer}")
        must("no-store" in (answer.header("Cache-Control") or ""), f"{answer} may be stored")
        if not answer.body:
            continue                                    # HEAD
        description = answer.json().get("error_description", "")
        must(re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*", description), f"description {description!r}")
        must(answer.status == 200 or answer.error(), f"{answer} has no error code")
        for word in (b"nonsense", b"admin", b"/etc/passwd", b"else.example"):
            must(word not in answer.body, f"{word} is reflected in {answer}")
    ANSWERS.clear()


def script(build, scratch):
    stack = Stack(build, scratch, failures_per_minute=FAILURES_PER_MINUTE)
    operator = stack.operator
    for client_id in ("reader", "writer", "must-name-scope", "disabled", "post-only", "expired-secret", "guessed-nginx",
                      "guessed-lighttpd", "without-grant", ODD_ID):
        operator.client(client_id, "--default-scope", "read")
    operator.clients(60)
    stack.database.sql(f"""
        UPDATE client SET omitted_scope = 'refuse' WHERE client_id = 'must-name-scope';
        UPDATE client SET enabled = 0 WHERE client_id = 'disabled';
        UPDATE client SET auth_methods = 'client_secret_post' WHERE client_id = 'post-only';
        UPDATE client_secret SET expires_at = NOW() - INTERVAL 1 SECOND WHERE client_id = 'expired-secret';
        DELETE FROM client_grant WHERE client_id = 'without-grant';
        UPDATE client_secret SET hash = '{rig.stored_secret("", ODD_SECRET)}' WHERE client_id = '{ODD_ID}'""")
    stack.start(workers=2)
    for kind in stack.fronts:
        rig.run_checks(kind, Asker(stack, kind))
    rig.run_check("no secret, token or assertion is in any log", no_secret_in_logs, stack)
    rig.run_check("no sanitizer report (asking)", stack.pool.no_sanitizer_report)
    stack.stop()


def no_secret_in_logs(stack):
    logs = "".join(stack.scratch.log(name) for name in ("m2mauth.log", "nginx-m2mauth.log", "lighttpd-access.log",
                                                        "nginx-error.log", "lighttpd-error.log"))
    must("/oauth/token" in logs, "there is no access log to look at")
    for client_id, secret in stack.operator.secrets.items():
        must(secret not in logs, f"the secret of {client_id} is in a log")
    must("client_secret=" not in logs and "eyJ" not in logs and "Basic " not in logs, "a credential is in a log")


if __name__ == "__main__":
    rig.main(script)

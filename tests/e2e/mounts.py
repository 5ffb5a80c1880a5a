#!/usr/bin/env python3
"""mounts: the check and the mount together with other configuration of the same front server: each module of lighttpd
that can claim a request, loaded before and after; other settings of a server{} of nginx; each kind of application behind
the check."""
import os
import re

import rig
import web
from apis import SECRET_FILE
from applications import CAUGHT, CGI_SCRIPT, Applications
from stack import Stack
from mounted import BEFORE_ONLY, CATCH_ALL, FILES, MODULES, NGINX_AROUND, ORIGIN, Lighttpd, Nginx
from rig import equal, must
from signer import Holder

UPLOAD = b"x" * 3000000


class Visitor:
    """A client of one front server."""

    def __init__(self, stack, front, applications):
        self.stack, self.front, self.applications, self.port = stack, front, applications, front.port
        self.client = web.Client(front.port, "caller", stack.operator.secrets["caller"])

    def ask(self, path, token=None, headers=(), method="GET", body=None):
        own = [("Authorization", f"Bearer {token}")] if token else []
        return web.request(self.port, method, path, body, [*own, *headers])

    def nothing_caught(self, what):
        equal(self.applications.take_caught(), [], f"{what}: reached another module")


# Each path behind the check, and the names by which its application learns who calls; the first is a file.
BEHIND = {
    "lighttpd": {"/files/x.txt": (), "/api/orders": ("FORWARDED",), "/app/orders": ("AUTH_CLIENT",),
                 "/scgi/orders": ("AUTH_CLIENT",), "/uwsgi/orders": ("AUTH_CLIENT",), "/cgi/told.py": ("AUTH_CLIENT",)},
    "nginx": {"/files/x.txt": (), "/http/orders": ("X_AUTH_CLIENT",), "/grpc/orders": ("X_AUTH_CLIENT",),
              **{f"/{kind}/orders": ("AUTH_CLIENT", "HTTP_X_AUTH_CLIENT") for kind in ("fastcgi", "uwsgi", "scgi")}},
}


def nobody_passes(visitor):
    for path in BEHIND[visitor.front.kind]:
        for headers in ([], [("Authorization", "Bearer x")], [("Upgrade", "websocket"), ("Connection", "Upgrade")]):
            for method in ("GET", "POST", "OPTIONS", "PUT", "PROPFIND"):
                body = b"x" if method in ("POST", "PUT") else None
                answer = visitor.ask(path, headers=headers, method=method, body=body)
                equal(answer.status, 401, f"{method} {path} without a token")
                must(CAUGHT not in answer.body and SECRET_FILE.encode() not in answer.body, f"{path} was answered")
    visitor.nothing_caught("a request without a token")


def mount_is_ours(visitor):
    visitor.client.token(scope="read")
    equal(visitor.ask("/.well-known/oauth-authorization-server/oauth").status, 200, "metadata")
    equal(visitor.ask("/oauth/jwks.json").status, 200, "keys")
    equal(visitor.ask("/oauth/live").body, b'{"live":true}', "live")
    visitor.nothing_caught("a request for the mount")


def module_works(visitor):
    """Else the checks of its order would say nothing."""
    module, front = visitor.front.module, visitor.front
    if module in (*CATCH_ALL, "wstunnel", "fastcgi"):
        upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
                   ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")] if module == "wstunnel" else []
        try:
            visitor.ask("/other", headers=upgrade)
        except web.Broken:
            pass                                        # the catcher does not answer as AJP or a WebSocket
        must(visitor.applications.take_caught(), f"mod_{module} takes nothing")
    elif module == "sockproxy":
        equal(web.request(front.other_port, "GET", "/files/x.txt").body, CAUGHT, "the socket of mod_sockproxy")
        visitor.applications.take_caught()
    elif module == "webdav":
        must(visitor.ask("/dav/y.txt", method="PUT", body=b"y").status in (201, 204), "PUT")
    elif module == "cgi":
        equal(visitor.ask("/dav/told.txt").body, b"a CGI script", "GET")


def told(visitor, path, answer):
    """The names and values that the application was given; one of ours that came twice is a failure."""
    equal(answer.status, 200, f"{path}: {answer}")
    found = {}
    for name, value in answer.json()["headers"]:
        name = name.upper().replace("-", "_")
        is_ours = "X_AUTH" in name or name in ("REMOTE_USER", *BEHIND[visitor.front.kind][path])
        must(name not in found or not is_ours, f"{path}: {name} twice")
        found[name] = value
    return found


def caller(name, found):
    if name == "FORWARDED":
        match = re.search(r';remote_user="([^"]+)"$', found.get(name, ""))      # as the manual has it
        return match and match[1]
    return found.get(name)


def kinds_of_pass(visitor):
    """The paths that an application behind the check keeps, whatever other modules claim."""
    rivals = {"proxy": ("/scgi/orders", "/uwsgi/orders", "/cgi/told.py"),
              **dict.fromkeys(("scgi", "ajp13"), ("/api/orders", "/scgi/orders", "/uwsgi/orders", "/cgi/told.py"))}
    return [path for path in list(BEHIND[visitor.front.kind])[1:] if path not in rivals.get(visitor.front.module, ())]


FORGED = [("Forwarded", 'for=1.2.3.4;remote_user="root"')]
FORGED += [(name, "root") for end in ("Client", "Subject", "Scope", "Audience")
          for name in (f"X-Auth-{end}", f"X_Auth_{end}", f"x-auth_{end}", f"X_AUTH-{end}".upper(), f"Auth-{end}",
                       f"Auth_{end}", f"Variable-Auth-{end}")]


def forged_identity(visitor):
    token = visitor.client.token(scope="read")
    for path in kinds_of_pass(visitor):
        found = told(visitor, path, visitor.ask(path, token, FORGED))
        for name in BEHIND[visitor.front.kind][path]:
            equal(caller(name, found), "caller", f"{path}: caller as {name}")
        left = [name for name, value in found.items() if "X_AUTH" in name and value == "root"]
        equal(left, [], f"{path}: forged names that reach the application")


# lighttpd makes HTTP_X_AUTH_CLIENT of them all where it hands on parameters.
ODD_SPELLINGS = [f"X{first}Auth{second}Client" for first, second in ("!!", "..", "-.", "*_", "~`", "|^", "%&", "+'", "$#")]


def odd_spellings(visitor):
    token = visitor.client.token(scope="read")
    for path in kinds_of_pass(visitor):
        for name in ODD_SPELLINGS:
            answer = visitor.ask(path, token, [(name, "root")])
            must(answer.status in (200, 400), f"{path} with {name}: {answer}")
            found = told(visitor, path, answer) if answer.status == 200 else {}
            must("root" not in (found.get("HTTP_X_AUTH_CLIENT"), found.get("X_AUTH_CLIENT")), f"{path}: {name} was accepted")


def upload(visitor):
    token = visitor.client.token(scope="read")
    for path in kinds_of_pass(visitor):
        for headers in ([], [web.CHUNKED]):
            answer = visitor.ask(path, token, headers, method="POST", body=UPLOAD)
            equal(answer.status, 200, f"POST {path} {headers}")
            equal(len(answer.json()["body"]), len(UPLOAD), f"bytes that reach {path} {headers}")


def two_proofs(visitor):
    """A token that is bound to a key. Two proofs are refused and not used up: one alone passes (RFC 9449 4.3)."""
    holder, kind, basic = visitor.stack.holder, visitor.front.kind, web.basic(visitor.client.id, visitor.client.secret)
    grant = {"grant_type": "client_credentials", "scope": "read"}
    first, second = holder.proof(), holder.proof()
    answer = visitor.client.post("/token", grant, [basic, ("DPoP", first), ("DPoP", second)])
    equal((answer.status, answer.error()), (400, "invalid_dpop_proof"), "/token with two DPoP lines")
    token = visitor.client.post("/token", grant, [basic, ("DPoP", first)]).json()["access_token"]
    authorization = ("Authorization", f"DPoP {token}")
    for path in BEHIND[kind]:
        proof, other = (holder.proof("GET", ORIGIN + path, token) for _ in range(2))
        for lines in ([proof, other], [other, "x"], ["x", other], [f"{proof}, {other}"]):
            got = visitor.ask(path, headers=[authorization, *(("DPoP", line) for line in lines)])
            equal((got.status, "invalid_dpop_proof" in (got.header("WWW-Authenticate") or "")), (401, True),
                  f"{path} with two DPoP lines")
        for twice in ([authorization] * 2, [authorization, ("Authorization", "Bearer x")]):
            got = visitor.ask(path, headers=[*twice, ("DPoP", proof)])
            must(got.status == 400 or got.body == b"open", f"{path} with two Authorization lines: {got}")
        if path in kinds_of_pass(visitor):
            equal(visitor.ask(path, headers=[authorization, ("DPoP", proof)]).status, 200, f"{path} with one of them")


def cookies(visitor):
    """Headers that a browser adds to its token block neither the API nor /token. lighttpd accepts 8 kB of headers."""
    many = [("Cookie", "c" * 3000), ("Referer", "https://as.example/" + "r" * 2000), ("User-Agent", "u" * 500)]
    if visitor.front.kind == "nginx":
        many += [("Cookie", "d" * 4000)] + [(f"X-Own-{number}", "v" * 1000) for number in range(16)]
    token = visitor.client.token(scope="read")
    for path in kinds_of_pass(visitor):
        equal(visitor.ask(path, token, many).status, 200, f"{path} with large headers")
    basic = web.basic(visitor.client.id, visitor.client.secret)
    answer = visitor.client.post("/token", {"grant_type": "client_credentials"}, [basic, *many])
    equal(answer.status, 200, "/token with large headers")


CHECKS = (
    ("no token: 401 on each kind of path, and no other module sees the request", nobody_passes),
    ("POST /oauth/token and the documents are answered by the mount, no other module sees a secret", mount_is_ours),
    ("the other module works where it may", module_works),
    ("forged X-Auth-* do not reach any kind of application", forged_identity),
    ("J15 no spelling of X-Auth-Client is taken for the front server's", odd_spellings),
    ("G1 two DPoP lines or two Authorization lines are refused at /token and at the check", two_proofs),
    ("J14 a browser's cookies and referrer close nothing", cookies),
    ("an upload of 3 MB, with a length or chunked, passes the check to each kind of application", upload),
)


def lighttpd_with(stack, applications, module=None, place=None):
    front = Lighttpd(stack, applications, module, place).start()
    visitor = Visitor(stack, front, applications)
    name = f"lighttpd, mod_{module} {place} ours" if module else "lighttpd"
    for title, function in CHECKS:
        rig.run_check(f"{title} [{name}]", function, visitor)
    front.stop()


def size_is_the_locations(visitor):
    """The limit of the location itself holds, and its answer is 413."""
    token = visitor.client.token(scope="read")
    answer = visitor.ask("/small/orders", token, method="POST", body=b"x" * 900000)
    equal(answer.status, 200, "900 kB where 1 MB may pass")
    answer = visitor.ask("/small/orders", token, method="POST", body=UPLOAD)
    is_open = visitor.front.around and answer.body == b"open"
    must(answer.status == 413 or is_open, f"3 MB where 1 MB may pass: {answer}")


def asked_once(visitor):
    """Ten requests may pass within the minute: the question of the check is not counted as one."""
    token = visitor.client.token(scope="read")
    seen = [visitor.ask("/limited/x.txt", token).status for _ in range(12)]
    equal(seen[:10], [200] * 10, "requests within the limit")
    must(200 not in seen[10:], f"requests beyond the limit: {seen}")


def not_remembered(visitor):
    """The answer for one token is not the answer for the next, whatever the server{} caches."""
    token = visitor.client.token(scope="read")
    for path in BEHIND["nginx"]:
        for _ in range(2):
            equal(visitor.ask(path, token).status, 200, f"{path} with a token")
            equal(visitor.ask(path).status, 401, f"{path} without one, after it")
    first, second = (visitor.client.token(scope="read") for _ in range(2))
    must(first != second, "the same token twice")
    equal(visitor.client.validate(first).json()["active"], True, "active")
    visitor.client.revoke(first)
    equal(visitor.client.validate(first).json(), {"active": False}, "after its revocation")


def nobody_passes_without_a_pool(visitor):
    for path in BEHIND["nginx"]:
        for headers in ([], [("Authorization", "Bearer x")]):
            answer = visitor.ask(path, headers=headers)
            equal(answer.status, 503, f"{path} without a pool: {answer}")
            must(SECRET_FILE.encode() not in answer.body, f"{path} was answered")


NGINX_CHECKS = (
    *(check for check in CHECKS if check[1] is not module_works),
    ("a body larger than the location allows is 413, one that it allows passes", size_is_the_locations),
    ("limit_req counts a request once, not its question", asked_once),
    ("no answer of the check is cached, nor one of the mount", not_remembered),
)


def nginx_with(stack, applications, around, name):
    front = Nginx(stack, applications, around).start()
    visitor = Visitor(stack, front, applications)
    for title, function in NGINX_CHECKS:
        rig.run_check(f"{title} [{name}]", function, visitor)
    front.stop()
    front = Nginx(stack, applications, around, stack.scratch.path("nowhere.sock")).start()
    rig.run_check(f"no pool: 503 on each kind of path [{name}]", nobody_passes_without_a_pool,
                  Visitor(stack, front, applications))
    front.stop()


def refuses_without_the_fragment(stack, applications):
    """Without 05-m2mauth-modules.conf neither of the other two is taken."""
    front = Lighttpd(stack, applications)
    front.write_lighttpd()
    os.unlink(stack.scratch.path("conf-enabled", "05-m2mauth-modules.conf"))
    for name in ("90-m2mauth.conf", "91-m2mauth-check.conf"):
        process = stack.scratch.start([*front.command, "-tt"], "lighttpd-tt.log")
        process.wait(20)
        must(process.returncode != 0, f"lighttpd takes {name} without 05-m2mauth-modules.conf")
        must("m2mauth_modules" in stack.scratch.log("lighttpd-tt.log"), "the message does not name the variable")
        os.unlink(stack.scratch.path("conf-enabled", name))


def script(build, scratch):
    stack = Stack(build, scratch, kinds=())
    applications, stack.holder = Applications(scratch), Holder(scratch, "holder")
    stack.operator.client("caller", "--default-scope", "read")
    for folder in ("files", "cgi", "dav"):
        os.makedirs(scratch.path(folder))
        os.chmod(scratch.path(folder), 0o777)
    scratch.write("files/x.txt", SECRET_FILE)
    scratch.write("open.txt", "open")
    scratch.write("dav/told.txt", "Status: 200 OK\n\na CGI script")
    scratch.write("cgi/told.py", CGI_SCRIPT)
    os.chmod(scratch.folder, 0o755)
    stack.start(workers=2)
    rig.run_check("lighttpd does not start without 05-m2mauth-modules.conf", refuses_without_the_fragment, stack,
                  applications)
    lighttpd_with(stack, applications)
    for module in MODULES:
        for place in ("before",) if module in BEFORE_ONLY else FILES:
            lighttpd_with(stack, applications, module, place)
    for around, name in (("", "nginx"), (NGINX_AROUND, "nginx, a server{} with limits, caches and error pages")):
        nginx_with(stack, applications, around, name)
    rig.run_check("no sanitizer report (mounts)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

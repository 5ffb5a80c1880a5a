#!/usr/bin/env python3
"""fastcgi_abuse: FastCGI peers that violate the protocol, and HTTP headers that imitate parameters of the front server."""
import json
import socket
import time

import fastcgi
import rig
import web
from stack import Stack
from rig import check, equal, must

IO_SECONDS = 4
AT_ONCE = 3.0               # seconds: less than IO_SECONDS and all other timeouts, more than a busy machine needs
WORKERS = 2
FORGED_ID = "forged-request"
FORM = web.form({"grant_type": "client_credentials"})


class PoolSocket:
    """The socket of the pool and a valid request."""

    def __init__(self, stack):
        self.stack, self.pool, self.socket = stack, stack.pool, stack.pool.socket
        self.authorization = ("HTTP_AUTHORIZATION", web.basic("reader", stack.operator.secrets["reader"])[1])

    def peer(self, seconds=fastcgi.SECONDS):
        return fastcgi.Peer(self.socket, seconds)

    def token_pairs(self, body=FORM, more=()):
        return fastcgi.request_pairs("POST", "/oauth/token", body, [self.authorization, *more])

    def serves(self, what, seconds=AT_ONCE):
        start = time.monotonic()
        answer = self.pool.ask("POST", "/token", FORM, more=[self.authorization])
        must(answer is not None and answer.status == 200, f"{what}: no token for somebody else")
        spent = time.monotonic() - start
        must(spent < seconds, f"{what}: somebody else waited {spent:.2f} s")

    def logged(self, text):
        return text in self.pool.log()


def forged_records(target):
    """A FastCGI request as the body of an HTTP request might contain it; its id would appear in the log."""
    pairs = target.token_pairs(more=[("REQUEST_ID", FORGED_ID), ("SSL_CLIENT_VERIFY", "SUCCESS")])
    return fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN, FORM) + fastcgi.record(fastcgi.STDIN)


def bodies_with_records(target, size, offsets):
    """Bodies with the forged records at different offsets, to reach every boundary of the reader's buffer."""
    forged = forged_records(target)
    forged += bytes(-len(forged) % 8)
    for offset in offsets:
        yield b"A" * offset + forged + b"B" * (size - offset - len(forged))


@check("requests one after the other on a kept connection, and one on a connection that is not kept")
def plain(target):
    with target.peer() as peer:
        for _ in range(50):
            equal(peer.ask("POST", "/oauth/token", FORM, [target.authorization]).status, 200, "kept")
        equal(peer.ask("GET", "/oauth/live").status, 200, "GET")
        equal(peer.ask("GET", "/oauth/live", keep=False).status, 200, "the last one")
        must(peer.closed_within(20), "a connection that should not be kept stays open")


@check("J6 smuggling: a body full of FastCGI records is never taken for a request")
def smuggling(target):
    for path, size, offsets in (("/oauth/nowhere", 20000, range(6000, 8200, 8)),
                                ("/oauth/token", 20000, range(7000, 8200, 40)),
                                ("/oauth/live", 20000, range(7000, 8200, 40)), ("/oauth/token", 200000, (7000, 70000))):
        with target.peer() as peer:
            for body in bodies_with_records(target, size, offsets):
                answer = peer.ask("POST", path, body)
                must(answer is not None and 400 <= answer.status < 500, f"POST {path} with {size} bytes: {answer}")
                follow = peer.ask("GET", "/oauth/live")
                equal(follow.body, b'{"live":true}', "the next request on the connection")
    must(not target.logged(FORGED_ID), "a forged request was executed")


@check("parameters cut off at the end of a pair are no request")
def truncated_params(target):
    content = b"".join(fastcgi.pair(*one) for one in target.token_pairs(more=[("REQUEST_ID", "truncated")]))
    for cut in (0, 1, len(content) // 2, len(content) - 1, len(content)):
        with target.peer() as peer:
            peer.send(fastcgi.begin() + fastcgi.record(fastcgi.PARAMS, content[:cut]))
            peer.sock.shutdown(socket.SHUT_WR)
            equal(peer.answer(), None, f"answer after {cut} bytes of parameters")
    must(not target.logged("truncated"), "a truncated request was executed")


@check("an aborted request is not executed")
def aborted(target):
    with target.peer() as peer:
        content = b"".join(fastcgi.pair(*one) for one in target.token_pairs(more=[("REQUEST_ID", "aborted")]))
        peer.send(fastcgi.begin() + fastcgi.record(fastcgi.PARAMS, content) + fastcgi.record(fastcgi.ABORT))
        answer = peer.answer()
        must(answer is None or answer.status != 200, "an aborted request was answered 200")
    must(not target.logged('"aborted"'), "an aborted request was executed")


@check("J7 a body that is not as long as announced is not processed")
def wrong_length(target):
    near = (str(len(FORM) - 1), str(len(FORM) + 1))
    for announced in ("0", "5", *near, "65536", "70000", "-1", "1e1", "x", "9" * 30, " 5"):
        pairs = [(name, announced if name == "CONTENT_LENGTH" else value) for name, value in target.token_pairs()]
        with target.peer() as peer:
            peer.send(fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN, FORM) +
                      fastcgi.record(fastcgi.STDIN))
            answer = peer.answer()
            must(answer is None or answer.status >= 400, f"announced {announced}: {answer and answer.status}")
    target.serves("after wrong lengths")


@check("a peer that stops in the middle of a body is dropped in time, and nothing is done")
def stopped_body(target):
    with target.peer(IO_SECONDS * rig.PATIENCE) as peer:
        pairs = target.token_pairs(more=[("REQUEST_ID", "half-a-body")])
        peer.send(fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN, FORM[:5]))
        must(peer.closed_within(IO_SECONDS * rig.PATIENCE), "the connection stays open")
    must(not target.logged("half-a-body"), "half a body was processed")


def management(kind=fastcgi.GET_VALUES, names=4):
    """Four known names overflow a buffer on the stack of libfcgi."""
    known = ("FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS", "FCGI_MAX_CONNS")
    return fastcgi.record(kind, b"".join(fastcgi.pair(name, "") for name in known[:names]), request=0)


def request_parts(target):
    """The records of a valid request; a management record may come between any two of them."""
    pairs = b"".join(fastcgi.pair(*one) for one in target.token_pairs())
    return [fastcgi.begin(), fastcgi.record(fastcgi.PARAMS, pairs[:40]), fastcgi.record(fastcgi.PARAMS, pairs[40:]),
            fastcgi.record(fastcgi.PARAMS), fastcgi.record(fastcgi.STDIN, FORM[:5]), fastcgi.record(fastcgi.STDIN, FORM[5:]),
            fastcgi.record(fastcgi.STDIN)]


@check("a management record (GET_VALUES with four names) first, between requests or inside one costs no worker")
def management_records(target):
    workers, parts = set(target.pool.workers()), request_parts(target)
    for before in (0, 1):
        for place in range(len(parts)):
            for at_once in (True, False):               # libfcgi has read it already, or reads on for it
                with target.peer() as peer:
                    for _ in range(before):
                        equal(peer.ask("POST", "/oauth/token", FORM, [target.authorization]).status, 200, "before it")
                    pieces = [*parts[:place], management(), *parts[place:]]
                    for piece in [b"".join(pieces)] if at_once else pieces:
                        peer.send(piece)
                    must(peer.closed_within(IO_SECONDS * rig.PATIENCE), f"the connection stays open, record {place}")
    for kind in (fastcgi.GET_VALUES, fastcgi.GET_VALUES_RESULT, fastcgi.UNKNOWN, 77, 0, fastcgi.BEGIN):
        with target.peer() as peer:
            equal(peer.ask("GET", "/oauth/live").status, 200, "live")
            peer.send(management(kind, 1))
            must(peer.closed_within(IO_SECONDS * rig.PATIENCE), f"the connection stays open after type {kind}")
    with target.peer() as peer:                           # data read ahead is not part of the next request
        peer.send(fastcgi.request("GET", "/oauth/live") + fastcgi.record(fastcgi.STDIN, bytes(8000))[:8])
        equal(peer.answer().status, 200, "with a header behind it")
        peer.send(management())
        must(peer.closed_within(IO_SECONDS * rig.PATIENCE), "the connection stays open after a record that was cut off")
    target.serves("after management records")
    equal(set(target.pool.workers()), workers, "workers")


@check("silent peers and idle kept connections, many more than workers: the next request is answered at once")
def idle_peers(target):
    peers = [target.peer() for _ in range(8 * WORKERS)]
    try:
        for peer in peers[:4 * WORKERS]:
            equal(peer.ask("GET", "/oauth/live").status, 200, "live")
        for _ in range(20):
            target.serves("beside idle connections")
        for peer in peers[:4 * WORKERS]:
            equal(peer.ask("GET", "/oauth/live").status, 200, "live on a connection that was idle")
    finally:
        for peer in peers:
            peer.sock.close()


@check("half a record: the peer is dropped in time, and no request waits longer than that")
def half_a_record(target):
    with target.peer() as peer:
        peer.send(fastcgi.begin() + b"\x01\x04\x00")
        for _ in range(10):
            target.serves("beside half a record", IO_SECONDS + AT_ONCE)
        must(peer.closed_within(IO_SECONDS * rig.PATIENCE), "the connection stays open")
    with target.peer() as peer:
        peer.send(b"\x01")
        must(peer.closed_within(IO_SECONDS * rig.PATIENCE), "a connection with one byte stays open")
    target.serves("afterwards")


@check("records that are no FastCGI end the connection")
def nonsense(target):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x02" + fastcgi.begin()[1:], bytes(8), b"\xff" * 64,
                 fastcgi.record(fastcgi.STDIN, b"x"), fastcgi.record(77, b"x"),
                 fastcgi.begin(role=9) + fastcgi.params([])):
        with target.peer() as peer:
            peer.send(data)
            answer = peer.answer() if data[:1] == b"\x01" and data[1] == fastcgi.BEGIN else None
            must(answer is None or answer.status >= 400, f"{data[:10]!r}: {answer and answer.status}")
            must(peer.closed_within(IO_SECONDS * rig.PATIENCE), f"the connection stays open after {data[:10]!r}")
    target.serves("after nonsense")


@check("lengths beyond reason in a parameter end the connection")
def endless_lengths(target):
    workers = set(target.pool.workers())
    for length in (0xffffffff, 0xfffffffe, 0xfffffff0, 0xe0000000, 0xc0000000, 0xbfffffff, 0x80ffffff):
        with target.peer() as peer:
            content = length.to_bytes(4, "big") * 2 + b"A" * 100
            peer.send(fastcgi.begin() + fastcgi.record(fastcgi.PARAMS, content) + fastcgi.record(fastcgi.PARAMS))
            peer.sock.shutdown(socket.SHUT_WR)
            equal(peer.answer(), None, f"answer after length {length:x}")
    equal(set(target.pool.workers()), workers, "workers")
    target.serves("afterwards", 1)


@check("more parameters than is allowed are refused")
def too_many_params(target):
    for name in ("HTTP_ACCEPT", "HTTP_IF_NONE_MATCH", "HTTP_DPOP"):
        for size, count in ((40000, 1), (900, 60), (900, 4000)):
            with target.peer(10) as peer:
                peer.send(fastcgi.request("POST", "/oauth/token", FORM, [target.authorization, *[(name, "v" * size)] * count]))
                answer = peer.answer()
                must(answer is None or answer.status in (400, 413), f"{count} x {size} bytes: {answer and answer.status}")
    target.serves("afterwards", 1)


@check("J14 headers that are not read count towards no limit and change nothing")
def unread_params(target):
    for more in ([("HTTP_COOKIE", "c" * 60000)], [(f"HTTP_X_{number}", "v" * 900) for number in range(200)],
                 [("HTTP_PROXY", "http://10.9.8.7/"), ("HTTP_X_AUTH_CLIENT", "root"), ("HTTP_M2M_ENDPOINT", "check"),
                  ("HTTP_REMOTE_ADDR", "10.9.8.7"), ("HTTP_SSL_CLIENT_VERIFY", "SUCCESS"), ("HTTP_REQUEST_ID", "10.9.8.7")],
                 [("HTTP_COOKIE", "a=b")] * 500):
        with target.peer() as peer:
            equal(peer.ask("POST", "/oauth/token", FORM, [target.authorization, *more]).status, 200, f"with {more[0][0]}")
    must(not target.logged("10.9.8.7"), "a client's header is logged as an address or id")


@check("a trusted parameter that stands twice is refused")
def repeated_params(target):
    for name, value in (target.authorization, ("SCRIPT_NAME", "/oauth/live"), ("REQUEST_METHOD", "GET"),
                        ("CONTENT_TYPE", web.FORM), ("REMOTE_ADDR", "10.0.0.1"), ("QUERY_STRING", "")):
        with target.peer() as peer:
            answer = peer.ask("POST", "/oauth/token", FORM, [target.authorization, (name, value)])
            must(answer is not None and answer.status >= 400, f"{name} twice: {answer and answer.status}")


@check("C10 HTTP_ACCEPT that stands twice is one list, and nothing is ambiguous about it")
def repeated_accept(target):
    signed = ("HTTP_ACCEPT", "application/token-introspection+jwt")
    for accepts, expected in (([("HTTP_ACCEPT", "text/plain"), signed], signed[1]), ([signed, ("HTTP_ACCEPT", "")], signed[1]),
                              ([signed, ("HTTP_ACCEPT", "*/*"), ("HTTP_ACCEPT", signed[1] + ";q=0")], signed[1]),
                              ([("HTTP_ACCEPT", signed[1] + ";q=0"), ("HTTP_ACCEPT", "*/*")], "application/json"),
                              ([("HTTP_ACCEPT", "a/b")] * 500 + [signed], signed[1])):
        with target.peer() as peer:
            answer = peer.ask("POST", "/oauth/validate", b"token=x", [target.authorization, *accepts])
            got = answer and (answer.status, answer.headers.get("content-type"))
            must(got == (200, expected), f"{len(accepts)} lines: {got}")


@check("parameters that are missing, empty or strange: never 2xx")
def odd_params(target):
    for pairs in ([], [("", "")], [("REQUEST_METHOD", "POST")], [("SCRIPT_NAME", "/oauth/token")], [("a=b", "c")],
                  [("REQUEST_METHOD", "POST"), ("SCRIPT_NAME", "/oauth/../oauth/token")],
                  [("REQUEST_METHOD", "POST"), ("SCRIPT_NAME", "/oauth//token")],
                  [("REQUEST_METHOD", "get"), ("SCRIPT_NAME", "/oauth/live")], [("X" * 3000, "Y" * 3000)]):
        with target.peer() as peer:
            peer.send(fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN))
            answer = peer.answer()
            status = answer and answer.status
            must(status in (400, 404, 405), f"{str(pairs)[:60]}: {status}")


@check("the authorizer's role without any stdin is answered at once, and not 2xx")
def authorizer(target):
    for role in (fastcgi.AUTHORIZER, fastcgi.FILTER):
        with target.peer() as peer:
            start = time.monotonic()
            peer.send(fastcgi.begin(role=role) + fastcgi.params(target.token_pairs()))
            answer = peer.answer()
            must(answer is None or answer.status >= 400, f"role {role}: {answer and answer.status}")
            must(answer is not None or role == fastcgi.FILTER, f"role {role}: no answer")
            must(time.monotonic() - start < AT_ONCE, f"role {role} waited")


@check("J15 the authorizer refuses what names itself as the front server names who calls; other roles do not read it")
def claimed_identity(target):
    token = target.pool.ask("POST", "/token", FORM, more=[target.authorization]).body
    pairs = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/api/orders"), ("M2M_AUDIENCE", rig.AUDIENCE),
             ("HTTP_AUTHORIZATION", "Bearer " + json.loads(token)["access_token"])]
    for more, status in (("HTTP_X_AUTH_CLIENTS", 200), ("HTTP_X_AUTH_", 200), *((f"HTTP_X_AUTH_{end}", 400)
                         for end in ("CLIENT", "SUBJECT", "SCOPE", "AUDIENCE"))):
        for value in ("root", ""):
            with target.peer() as peer:
                peer.send(fastcgi.begin(role=fastcgi.AUTHORIZER) + fastcgi.params([*pairs, (more, value)]))
                equal(peer.answer().status, status, f"authorizer, {more}={value}")
            answer = target.pool.ask("GET", "/live", more=[("M2M_ENDPOINT", "check"), *pairs[1:], (more, value)])
            equal(answer.status, 200, f"subrequest, {more}={value}")


class Route:
    """Requests through a front server."""

    def __init__(self, target, kind):
        self.target, self.kind, self.port = target, kind, target.stack.port(kind)
        self.basic = web.basic("reader", target.stack.operator.secrets["reader"])

    def token(self, headers, body=FORM):
        return web.request(self.port, "POST", "/oauth/token", body, headers)


def spoofs(basic):
    """Headers that imitate parameters which only the front may set."""
    yield from (("X-Authorization", basic), ("HTTP-Authorization", basic), ("HTTP_AUTHORIZATION", basic),
                ("Proxy-Authorization", basic), ("Authorization2", basic), ("Authorization_", basic))
    for name, value in (("SSL-Client-Verify", "SUCCESS"), ("SSL-Client-S-DN", "CN=reader"), ("SSL-Client-Cert", "MII"),
                        ("Remote-Addr", "10.9.8.7"), ("Remote-User", "reader"), ("M2M-Endpoint", "check"),
                        ("Request-Method", "GET"), ("Script-Name", "/oauth/live"), ("Path-Info", "/oauth/live"),
                        ("Query-String", "x=1"), ("Request-Id", "10.9.8.7"), ("Auth-Sub", "reader"),
                        ("FCGI-Role", "AUTHORIZER"),
                        ("X-Forwarded-For", "10.9.8.7"), ("X-Real-IP", "10.9.8.7"), ("Forwarded", "for=10.9.8.7"),
                        ("X-Original-URL", "/oauth/live"), ("X-HTTP-Method-Override", "GET"),
                        ("Proxy", "http://10.9.8.7/")):
        yield name, value
        yield name.replace("-", "_"), value
        yield name.replace("-", "_").upper(), value


def spoofed_headers(route):
    for header in spoofs(route.basic[1]):
        answer = route.token([header])
        must(answer.status in (400, 401), f"{header[0]} without credentials: {answer}")
        must(b"access_token" not in answer.body, f"{header[0]} got a token")
        answer = route.token([header, route.basic])
        must(answer.status in (200, 400), f"{header[0]} with credentials: {answer}")
        twice = route.token([header, header, route.basic])
        must(twice.status in (200, 400), f"{header[0]} twice, with credentials: {twice}")
    must(not route.target.logged("10.9.8.7"), "a client's header is logged as an address or id")


def two_authorizations(route):
    wrong = web.basic("reader", "wrong")
    for headers in ([route.basic, route.basic], [wrong, route.basic], [route.basic, wrong],
                    [("Authorization", route.basic[1] + ", " + route.basic[1])]):
        answer = route.token(headers)
        must(answer.status in (400, 401) and b"access_token" not in answer.body, f"two Authorization headers: {answer}")


def two_content_types(route):
    answer = route.token([route.basic, ("Content-Type", "application/json"), ("Content-Type", web.FORM)])
    equal(answer.status, 400, "two Content-Type headers")


def smuggled_through_front(route):
    with web.Connection(route.port) as connection:
        for path in ("/oauth/nowhere", "/oauth/token", "/oauth/live"):
            for body in bodies_with_records(route.target, 20000, range(6500, 8200, 16)):
                headers = [("Content-Type", "application/octet-stream")]
                answer = connection.request("POST", path, body, headers)
                must(400 <= answer.status < 500, f"POST {path}: {answer}")
                if (answer.header("Connection") or "").lower() == "close":
                    connection.close()
                    connection.__init__(route.port)
    must(not route.target.logged(FORGED_ID), "a forged request was executed")
    equal(route.token([route.basic]).status, 200, "afterwards")


def bodies(route):
    chunked = (b"POST /oauth/token HTTP/1.1\r\nHost: as.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
               b"Content-Type: application/x-www-form-urlencoded\r\n" + ": ".join(route.basic).encode() + b"\r\n\r\n")
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (FORM[:7], FORM[7:]))
    with web.Connection(route.port) as connection:
        equal(connection.raw(chunked + chunks + b"0\r\n\r\n").status, 200, "chunked body")
    equal(route.token([route.basic], b"a=" + b"x" * 100000).status, 413, "100 kB")
    got = web.request(route.port, "GET", "/oauth/live", b"x" * 9000)
    must(got.status in (200, 400), f"GET with a body, which lighttpd refuses: {got}")


def odd_paths(route):
    for path in ("/oauth/live%00", "/oauth/live%00x", "/oauth/%6cive%2f", "/oauth/live/%2e%2e/metrics%00"):
        answer = web.request(route.port, "GET", path)
        must(answer.status in (400, 404), f"{path}: {answer}")


STREET_CHECKS = (
    ("spoofed headers: - and _, once and twice: change nothing", spoofed_headers),
    ("I5 Authorization twice is refused, whichever is right", two_authorizations),
    ("two Content-Type headers are refused", two_content_types),
    ("J6 smuggling through a front server that keeps connections", smuggled_through_front),
    ("bodies: chunked, too large, with GET", bodies),
    ("a NUL or an encoded slash at the end of the path reaches nothing", odd_paths),
)


def script(build, scratch):
    stack = Stack(build, scratch, io_seconds=IO_SECONDS, worker_connections=128, failures_per_minute=10000)
    stack.operator.client("reader", "--default-scope", "read")
    stack.start(workers=WORKERS)
    target = PoolSocket(stack)
    rig.run_checks("socket", target)
    for kind in stack.fronts:
        route = Route(target, kind)
        for name, function in STREET_CHECKS:
            rig.run_check(f"{name} [{kind}]", function, route)
    rig.run_check("no sanitizer report (fastcgi_abuse)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

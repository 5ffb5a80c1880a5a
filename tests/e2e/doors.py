#!/usr/bin/env python3
"""doors: what must not get in: FastCGI peers that break the protocol, HTTP headers that pretend to be parameters."""
import socket
import time

import fastcgi
import rig
import web
from house import House
from rig import check, equal, must

IO_SECONDS = 4
AT_ONCE = 3.0               # seconds: below IO_SECONDS and every other wait, above what a busy machine needs
WORKERS = 2
FORGED_ID = "forged-request"
FORM = web.form({"grant_type": "client_credentials"})


class Door:
    """The pool's socket, and a request that is known to be good."""

    def __init__(self, house):
        self.house, self.pool, self.socket = house, house.pool, house.pool.socket
        self.authorization = ("HTTP_AUTHORIZATION", web.basic("reader", house.operator.secrets["reader"])[1])

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


def forged_records(door):
    """A request that a body of an HTTP request might contain; its id would stand in the log."""
    pairs = door.token_pairs(more=[("REQUEST_ID", FORGED_ID), ("SSL_CLIENT_VERIFY", "SUCCESS")])
    return fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN, FORM) + fastcgi.record(fastcgi.STDIN)


def bodies_with_records(door, size, offsets):
    """Bodies in which the forged records lie at different places: the reader's buffer has its edge somewhere."""
    forged = forged_records(door)
    forged += bytes(-len(forged) % 8)
    for offset in offsets:
        yield b"A" * offset + forged + b"B" * (size - offset - len(forged))


@check("requests one after the other on a kept connection, and one on a connection that is not kept")
def plain(door):
    with door.peer() as peer:
        for _ in range(50):
            equal(peer.ask("POST", "/oauth/token", FORM, [door.authorization]).status, 200, "kept")
        equal(peer.ask("GET", "/oauth/live").status, 200, "GET")
        equal(peer.ask("GET", "/oauth/live", keep=False).status, 200, "the last one")
        must(peer.closed_within(20), "a connection that should not be kept stays open")


@check("J6 smuggling: a body full of FastCGI records is never taken for a request")
def smuggling(door):
    for path, size, offsets in (("/oauth/nowhere", 20000, range(6000, 8200, 8)),
                                ("/oauth/token", 20000, range(7000, 8200, 40)),
                                ("/oauth/live", 20000, range(7000, 8200, 40)), ("/oauth/token", 200000, (7000, 70000))):
        with door.peer() as peer:
            for body in bodies_with_records(door, size, offsets):
                answer = peer.ask("POST", path, body)
                must(answer is not None and 400 <= answer.status < 500, f"POST {path} with {size} bytes: {answer}")
                follow = peer.ask("GET", "/oauth/live")
                equal(follow.body, b'{"live":true}', "the next request on the connection")
    must(not door.logged(FORGED_ID), "a forged request was executed")


@check("parameters cut off at the end of a pair are no request")
def truncated_params(door):
    content = b"".join(fastcgi.pair(*one) for one in door.token_pairs(more=[("REQUEST_ID", "truncated")]))
    for cut in (0, 1, len(content) // 2, len(content) - 1, len(content)):
        with door.peer() as peer:
            peer.send(fastcgi.begin() + fastcgi.record(fastcgi.PARAMS, content[:cut]))
            peer.sock.shutdown(socket.SHUT_WR)
            equal(peer.answer(), None, f"answer after {cut} bytes of parameters")
    must(not door.logged("truncated"), "a truncated request was executed")


@check("an aborted request is no request")
def aborted(door):
    with door.peer() as peer:
        content = b"".join(fastcgi.pair(*one) for one in door.token_pairs(more=[("REQUEST_ID", "aborted")]))
        peer.send(fastcgi.begin() + fastcgi.record(fastcgi.PARAMS, content) + fastcgi.record(fastcgi.ABORT))
        answer = peer.answer()
        must(answer is None or answer.status != 200, "an aborted request was answered 200")
    must(not door.logged('"aborted"'), "an aborted request was executed")


@check("J7 a body that is not as long as announced is not processed")
def wrong_length(door):
    near = (str(len(FORM) - 1), str(len(FORM) + 1))
    for announced in ("0", "5", *near, "65536", "70000", "-1", "1e1", "x", "9" * 30, " 5"):
        pairs = [(name, announced if name == "CONTENT_LENGTH" else value) for name, value in door.token_pairs()]
        with door.peer() as peer:
            peer.send(fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN, FORM) +
                      fastcgi.record(fastcgi.STDIN))
            answer = peer.answer()
            must(answer is None or answer.status >= 400, f"announced {announced}: {answer and answer.status}")
    door.serves("after wrong lengths")


@check("a peer that stops in the middle of a body is dropped in time, and nothing is done")
def stopped_body(door):
    with door.peer(IO_SECONDS * rig.PATIENCE) as peer:
        pairs = door.token_pairs(more=[("REQUEST_ID", "half-a-body")])
        peer.send(fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN, FORM[:5]))
        must(peer.closed_within(IO_SECONDS * rig.PATIENCE), "the connection stays open")
    must(not door.logged("half-a-body"), "half a body was processed")


def management(kind=fastcgi.GET_VALUES, names=4):
    """Four known names overrun libfcgi's stack."""
    known = ("FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS", "FCGI_MAX_CONNS")
    return fastcgi.record(kind, b"".join(fastcgi.pair(name, "") for name in known[:names]), request=0)


def request_parts(door):
    """The records of one good request; a management record may stand between any two of them."""
    pairs = b"".join(fastcgi.pair(*one) for one in door.token_pairs())
    return [fastcgi.begin(), fastcgi.record(fastcgi.PARAMS, pairs[:40]), fastcgi.record(fastcgi.PARAMS, pairs[40:]),
            fastcgi.record(fastcgi.PARAMS), fastcgi.record(fastcgi.STDIN, FORM[:5]), fastcgi.record(fastcgi.STDIN, FORM[5:]),
            fastcgi.record(fastcgi.STDIN)]


@check("a management record (GET_VALUES with four names) first, between requests or inside one costs no worker")
def management_records(door):
    workers, parts = set(door.pool.workers()), request_parts(door)
    for before in (0, 1):
        for place in range(len(parts)):
            for at_once in (True, False):               # libfcgi has read it already, or reads on for it
                with door.peer() as peer:
                    for _ in range(before):
                        equal(peer.ask("POST", "/oauth/token", FORM, [door.authorization]).status, 200, "before it")
                    pieces = [*parts[:place], management(), *parts[place:]]
                    for piece in [b"".join(pieces)] if at_once else pieces:
                        peer.send(piece)
                    must(peer.closed_within(IO_SECONDS * rig.PATIENCE), f"the connection stays open, record {place}")
    for kind in (fastcgi.GET_VALUES, fastcgi.GET_VALUES_RESULT, fastcgi.UNKNOWN, 77, 0, fastcgi.BEGIN):
        with door.peer() as peer:
            equal(peer.ask("GET", "/oauth/live").status, 200, "live")
            peer.send(management(kind, 1))
            must(peer.closed_within(IO_SECONDS * rig.PATIENCE), f"the connection stays open after type {kind}")
    with door.peer() as peer:                           # what was read ahead is not part of the next request
        peer.send(fastcgi.request("GET", "/oauth/live") + fastcgi.record(fastcgi.STDIN, bytes(8000))[:8])
        equal(peer.answer().status, 200, "with a header behind it")
        peer.send(management())
        must(peer.closed_within(IO_SECONDS * rig.PATIENCE), "the connection stays open after a record that was cut off")
    door.serves("after management records")
    equal(set(door.pool.workers()), workers, "workers")


@check("silent peers and idle kept connections, many more than workers: the next request is answered at once")
def idle_peers(door):
    peers = [door.peer() for _ in range(8 * WORKERS)]
    try:
        for peer in peers[:4 * WORKERS]:
            equal(peer.ask("GET", "/oauth/live").status, 200, "live")
        for _ in range(20):
            door.serves("beside idle connections")
        for peer in peers[:4 * WORKERS]:
            equal(peer.ask("GET", "/oauth/live").status, 200, "live on a connection that was idle")
    finally:
        for peer in peers:
            peer.sock.close()


@check("half a record: the peer is dropped in time, and no request waits longer than that")
def half_a_record(door):
    with door.peer() as peer:
        peer.send(fastcgi.begin() + b"\x01\x04\x00")
        for _ in range(10):
            door.serves("beside half a record", IO_SECONDS + AT_ONCE)
        must(peer.closed_within(IO_SECONDS * rig.PATIENCE), "the connection stays open")
    with door.peer() as peer:
        peer.send(b"\x01")
        must(peer.closed_within(IO_SECONDS * rig.PATIENCE), "a connection with one byte stays open")
    door.serves("afterwards")


@check("records that are no FastCGI end the connection")
def nonsense(door):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x02" + fastcgi.begin()[1:], bytes(8), b"\xff" * 64,
                 fastcgi.record(fastcgi.STDIN, b"x"), fastcgi.record(77, b"x"),
                 fastcgi.begin(role=9) + fastcgi.params([])):
        with door.peer() as peer:
            peer.send(data)
            answer = peer.answer() if data[:1] == b"\x01" and data[1] == fastcgi.BEGIN else None
            must(answer is None or answer.status >= 400, f"{data[:10]!r}: {answer and answer.status}")
            must(peer.closed_within(IO_SECONDS * rig.PATIENCE), f"the connection stays open after {data[:10]!r}")
    door.serves("after nonsense")


@check("lengths beyond reason in a parameter end the connection")
def endless_lengths(door):
    for length in (0xffffffff, 0xfffffffe, 0xfffffff0, 0x80ffffff):
        with door.peer() as peer:
            content = length.to_bytes(4, "big") * 2 + b"A" * 100
            peer.send(fastcgi.begin() + fastcgi.record(fastcgi.PARAMS, content) + fastcgi.record(fastcgi.PARAMS))
            peer.sock.shutdown(socket.SHUT_WR)
            equal(peer.answer(), None, f"answer after length {length:x}")
    rig.await_true(lambda: len(door.pool.workers()) == WORKERS, 3, "all workers are there")
    door.serves("afterwards", 1)


@check("more parameters than is allowed are refused")
def too_many_params(door):
    for name in ("HTTP_ACCEPT", "HTTP_IF_NONE_MATCH", "HTTP_DPOP"):
        for size, count in ((40000, 1), (900, 60), (900, 4000)):
            with door.peer(10) as peer:
                peer.send(fastcgi.request("POST", "/oauth/token", FORM, [door.authorization, *[(name, "v" * size)] * count]))
                answer = peer.answer()
                must(answer is None or answer.status in (400, 413), f"{count} x {size} bytes: {answer and answer.status}")
    door.serves("afterwards", 1)


@check("J14 headers that are not read count towards no limit and change nothing")
def unread_params(door):
    for more in ([("HTTP_COOKIE", "c" * 60000)], [(f"HTTP_X_{number}", "v" * 900) for number in range(200)],
                 [("HTTP_PROXY", "http://10.9.8.7/"), ("HTTP_X_AUTH_CLIENT", "root"), ("HTTP_M2M_ENDPOINT", "check"),
                  ("HTTP_REMOTE_ADDR", "10.9.8.7"), ("HTTP_SSL_CLIENT_VERIFY", "SUCCESS"), ("HTTP_REQUEST_ID", "10.9.8.7")],
                 [("HTTP_COOKIE", "a=b")] * 500):
        with door.peer() as peer:
            equal(peer.ask("POST", "/oauth/token", FORM, [door.authorization, *more]).status, 200, f"with {more[0][0]}")
    must(not door.logged("10.9.8.7"), "a client's header stands in the log as an address or id")


@check("a trusted parameter that stands twice is refused")
def repeated_params(door):
    for name, value in (door.authorization, ("SCRIPT_NAME", "/oauth/live"), ("REQUEST_METHOD", "GET"),
                        ("CONTENT_TYPE", web.FORM), ("REMOTE_ADDR", "10.0.0.1"), ("QUERY_STRING", "")):
        with door.peer() as peer:
            answer = peer.ask("POST", "/oauth/token", FORM, [door.authorization, (name, value)])
            must(answer is not None and answer.status >= 400, f"{name} twice: {answer and answer.status}")


@check("C10 HTTP_ACCEPT that stands twice is one list, and nothing is ambiguous about it")
def repeated_accept(door):
    signed = ("HTTP_ACCEPT", "application/token-introspection+jwt")
    for accepts, expected in (([("HTTP_ACCEPT", "text/plain"), signed], signed[1]), ([signed, ("HTTP_ACCEPT", "")], signed[1]),
                              ([signed, ("HTTP_ACCEPT", "*/*"), ("HTTP_ACCEPT", signed[1] + ";q=0")], signed[1]),
                              ([("HTTP_ACCEPT", signed[1] + ";q=0"), ("HTTP_ACCEPT", "*/*")], "application/json"),
                              ([("HTTP_ACCEPT", "a/b")] * 500 + [signed], signed[1])):
        with door.peer() as peer:
            answer = peer.ask("POST", "/oauth/validate", b"token=x", [door.authorization, *accepts])
            got = answer and (answer.status, answer.headers.get("content-type"))
            must(got == (200, expected), f"{len(accepts)} lines: {got}")


@check("parameters that are missing, empty or strange: never 2xx")
def odd_params(door):
    for pairs in ([], [("", "")], [("REQUEST_METHOD", "POST")], [("SCRIPT_NAME", "/oauth/token")], [("a=b", "c")],
                  [("REQUEST_METHOD", "POST"), ("SCRIPT_NAME", "/oauth/../oauth/token")],
                  [("REQUEST_METHOD", "POST"), ("SCRIPT_NAME", "/oauth//token")],
                  [("REQUEST_METHOD", "get"), ("SCRIPT_NAME", "/oauth/live")], [("X" * 3000, "Y" * 3000)]):
        with door.peer() as peer:
            peer.send(fastcgi.begin() + fastcgi.params(pairs) + fastcgi.record(fastcgi.STDIN))
            answer = peer.answer()
            status = answer and answer.status
            must(status in (400, 404, 405), f"{str(pairs)[:60]}: {status}")


@check("the authorizer's role without any stdin is answered at once, and not 2xx")
def authorizer(door):
    for role in (fastcgi.AUTHORIZER, fastcgi.FILTER):
        with door.peer() as peer:
            start = time.monotonic()
            peer.send(fastcgi.begin(role=role) + fastcgi.params(door.token_pairs()))
            answer = peer.answer()
            must(answer is None or answer.status >= 400, f"role {role}: {answer and answer.status}")
            must(answer is not None or role == fastcgi.FILTER, f"role {role}: no answer")
            must(time.monotonic() - start < AT_ONCE, f"role {role} waited")


class Street:
    """The way through a front server."""

    def __init__(self, door, kind):
        self.door, self.kind, self.port = door, kind, door.house.port(kind)
        self.basic = web.basic("reader", door.house.operator.secrets["reader"])

    def token(self, headers, body=FORM):
        return web.request(self.port, "POST", "/oauth/token", body, headers)


def spoofs(basic):
    """Headers that want to be something that only the front may say."""
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


def spoofed_headers(street):
    for header in spoofs(street.basic[1]):
        answer = street.token([header])
        must(answer.status in (400, 401), f"{header[0]} without credentials: {answer}")
        must(b"access_token" not in answer.body, f"{header[0]} got a token")
        answer = street.token([header, street.basic])
        must(answer.status in (200, 400), f"{header[0]} with credentials: {answer}")
        twice = street.token([header, header, street.basic])
        must(twice.status in (200, 400), f"{header[0]} twice, with credentials: {twice}")
    must(not street.door.logged("10.9.8.7"), "a client's header stands in the log as an address or id")


def two_authorizations(street):
    wrong = web.basic("reader", "wrong")
    for headers in ([street.basic, street.basic], [wrong, street.basic], [street.basic, wrong],
                    [("Authorization", street.basic[1] + ", " + street.basic[1])]):
        answer = street.token(headers)
        must(answer.status in (400, 401) and b"access_token" not in answer.body, f"two Authorization headers: {answer}")


def two_content_types(street):
    answer = street.token([street.basic, ("Content-Type", "application/json"), ("Content-Type", web.FORM)])
    equal(answer.status, 400, "two Content-Type headers")


def smuggled_through_front(street):
    with web.Connection(street.port) as connection:
        for path in ("/oauth/nowhere", "/oauth/token", "/oauth/live"):
            for body in bodies_with_records(street.door, 20000, range(6500, 8200, 16)):
                headers = [("Content-Type", "application/octet-stream")]
                answer = connection.request("POST", path, body, headers)
                must(400 <= answer.status < 500, f"POST {path}: {answer}")
                if (answer.header("Connection") or "").lower() == "close":
                    connection.close()
                    connection.__init__(street.port)
    must(not street.door.logged(FORGED_ID), "a forged request was executed")
    equal(street.token([street.basic]).status, 200, "afterwards")


def bodies(street):
    chunked = (b"POST /oauth/token HTTP/1.1\r\nHost: as.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
               b"Content-Type: application/x-www-form-urlencoded\r\n" + ": ".join(street.basic).encode() + b"\r\n\r\n")
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (FORM[:7], FORM[7:]))
    with web.Connection(street.port) as connection:
        equal(connection.raw(chunked + chunks + b"0\r\n\r\n").status, 200, "chunked body")
    equal(street.token([street.basic], b"a=" + b"x" * 100000).status, 413, "100 kB")
    got = web.request(street.port, "GET", "/oauth/live", b"x" * 9000)
    must(got.status in (200, 400), f"GET with a body, which lighttpd refuses: {got}")


def odd_paths(street):
    for path in ("/oauth/live%00", "/oauth/live%00x", "/oauth/%6cive%2f", "/oauth/live/%2e%2e/metrics%00"):
        answer = web.request(street.port, "GET", path)
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
    house = House(build, scratch, io_seconds=IO_SECONDS, worker_connections=128, failures_per_minute=10000)
    house.operator.client("reader", "--default-scope", "read")
    house.start(workers=WORKERS)
    door = Door(house)
    rig.run_checks("socket", door)
    for kind in house.fronts:
        street = Street(door, kind)
        for name, function in STREET_CHECKS:
            rig.run_check(f"{name} [{kind}]", function, street)
    rig.run_check("no sanitizer report (doors)", house.pool.no_sanitizer_report)
    house.stop()


if __name__ == "__main__":
    rig.main(script)

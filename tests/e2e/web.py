"""web: an HTTP client that sends any bytes, valid or not."""
import base64
import json
import socket
import urllib.parse

FORM = "application/x-www-form-urlencoded"
SECONDS = 60
CHUNKED = ("Transfer-Encoding", "chunked")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        """All values of a header, joined as RFC 9110 5.3 does it; None when there is none."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    def json(self):
        return json.loads(self.body)

    def error(self):
        try:
            return self.json().get("error")
        except (ValueError, AttributeError):
            return None

    def lasting(self):
        """The parts that two answers to the same request have in common."""
        passing = ("date", "x-request-id")
        return self.status, self.body, sorted(pair for pair in self.headers if pair[0].lower() not in passing)

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


class Broken(ConnectionError):
    """The connection ended before the answer did."""


class TlsPort:
    """Used in place of a port number to connect with TLS by a context of ssl. session: to be resumed."""

    def __init__(self, number, context):
        self.number, self.context, self.session = number, context, None

    def wrap(self, sock):
        return self.context.wrap_socket(sock, server_hostname="as.example", session=self.session)


class Connection:
    """A kept HTTP connection."""

    def __init__(self, port, seconds=SECONDS):
        tls = port if isinstance(port, TlsPort) else None
        self.sock = socket.create_connection(("127.0.0.1", tls.number if tls else port), seconds)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap(self.sock)
        self.data = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.sock.close()

    def more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise Broken("the server closed the connection")
        self.data += piece

    def take(self, count):
        while len(self.data) < count:
            self.more()
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def take_line(self):
        while b"\n" not in self.data:
            self.more()
        line, _, self.data = self.data.partition(b"\n")
        return line.rstrip(b"\r")

    def read(self, without_body=False):
        while b"\r\n\r\n" not in self.data:
            self.more()
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        answer = Answer(int(lines[0].split()[1]), headers, b"")
        if not without_body and answer.status not in (204, 304):
            answer.body = self.read_body(answer)
        return answer

    def read_body(self, answer):
        length = answer.header("Content-Length")
        if length is not None:
            return self.take(int(length))
        if (answer.header("Transfer-Encoding") or "").lower() != "chunked":
            try:
                while True:
                    self.more()
            except Broken:
                taken, self.data = self.data, b""
                return taken
        body = b""
        while True:
            size = int(self.take_line(), 16)
            body += self.take(size)
            self.take_line()
            if size == 0:
                return body

    def raw(self, data, without_body=False):
        self.sock.sendall(data)
        return self.read(without_body)

    def request(self, method, path, body=None, headers=(), host="as.example"):
        return self.raw(encode(method, path, body, headers, host), without_body=method == "HEAD")


def encode(method, path, body=None, headers=(), host="as.example"):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        if not any(name.lower() == "content-type" for name, _ in headers):
            lines.append(f"Content-Type: {FORM}")
        if CHUNKED in headers:
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def request(port, method, path, body=None, headers=(), host="as.example"):
    """One request on a connection of its own."""
    with Connection(port) as connection:
        return connection.request(method, path, body, (*headers, ("Connection", "close")), host)


def form(pairs):
    """pairs: a dict or a list of pairs."""
    return urllib.parse.urlencode(pairs).encode()


def basic(client_id, secret, encode_first=True):
    """RFC 6749 2.3.1: form-encoded, then base64; many clients leave the first step out."""
    if encode_first:
        client_id, secret = urllib.parse.quote_plus(client_id), urllib.parse.quote_plus(secret)
    return ("Authorization", "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode())


class Client:
    """A client of one front server, with HTTP Basic by default."""

    def __init__(self, port, client_id, secret, prefix="/oauth"):
        self.port, self.id, self.secret, self.prefix = port, client_id, secret, prefix

    def post(self, path, pairs, headers=None):
        headers = (basic(self.id, self.secret),) if headers is None else headers
        return request(self.port, "POST", self.prefix + path, form(pairs), headers)

    def token_answer(self, **more):
        return self.post("/token", {"grant_type": "client_credentials", **more})

    def token(self, **more):
        answer = self.token_answer(**more)
        if answer.status != 200:
            raise AssertionError(f"no token: {answer}")
        return answer.json()["access_token"]

    def validate(self, token, **more):
        return self.post("/validate", {"token": token, **more})

    def validate_as(self, accept, token, more=()):
        return self.post("/validate", {"token": token}, [basic(self.id, self.secret), ("Accept", accept), *more])

    def active(self, token):
        answer = self.validate(token)
        if answer.status != 200:
            raise AssertionError(f"no answer about the token: {answer}")
        return answer.json()["active"]

    def revoke(self, token, **more):
        return self.post("/revoke", {"token": token, **more})

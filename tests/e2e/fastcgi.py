"""fastcgi: a FastCGI client that sends single records, so that a test can also violate the protocol."""
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA, GET_VALUES, GET_VALUES_RESULT, UNKNOWN = range(1, 12)
RESPONDER, AUTHORIZER, FILTER = 1, 2, 3
SECONDS = 20


def record(kind, content=b"", request=1):
    return struct.pack(">BBHHBB", 1, kind, request, len(content), 0, 0) + content


def begin(keep=True, role=RESPONDER):
    return record(BEGIN, struct.pack(">HB5x", role, 1 if keep else 0))


def size(number):
    return bytes([number]) if number < 128 else struct.pack(">I", number | 0x80000000)


def pair(name, value):
    name, value = (text.encode() if isinstance(text, str) else text for text in (name, value))
    return size(len(name)) + size(len(value)) + name + value


def params(pairs):
    """PARAMS records with the empty one at the end."""
    content = b"".join(pair(name, value) for name, value in pairs)
    parts = [record(PARAMS, content[start:start + 65000]) for start in range(0, len(content), 65000)]
    return b"".join(parts) + record(PARAMS)


def request_pairs(method, path, body=b"", more=()):
    return [("REQUEST_METHOD", method), ("SCRIPT_NAME", path), ("QUERY_STRING", ""), ("REMOTE_ADDR", "127.0.0.1"),
            ("CONTENT_TYPE", "application/x-www-form-urlencoded" if method == "POST" else ""),
            ("CONTENT_LENGTH", str(len(body)) if method == "POST" else ""), *more]


def request(method, path, body=b"", more=(), keep=True):
    """A complete and valid request."""
    content = b"".join(record(STDIN, body[start:start + 65000]) for start in range(0, len(body), 65000))
    return begin(keep) + params(request_pairs(method, path, body, more)) + content + record(STDIN)


class Answer:
    def __init__(self, output):
        head, _, self.body = output.partition(b"\r\n\r\n")
        self.headers = {}
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            self.headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        self.status = int(self.headers.get("status", "0 ").split()[0])


class Peer:
    """One connection to the pool."""

    def __init__(self, path, seconds=SECONDS):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(seconds)
        self.sock.connect(path)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()

    def send(self, data):
        """False when the pool has closed the connection."""
        try:
            self.sock.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self.sock.recv(count - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                return None
            data += piece
        return data

    def record(self):
        """(type, content), or None at the end of the connection."""
        head = self.exactly(8)
        if head is None:
            return None
        _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", head)
        content = self.exactly(length + padding)
        return None if content is None else (kind, content[:length])

    def answer(self):
        """The answer of one request, or None if the pool closed the connection before it was complete."""
        output = b""
        while True:
            got = self.record()
            if got is None:
                return None
            if got[0] == STDOUT:
                output += got[1]
            if got[0] == END:
                return Answer(output)

    def ask(self, method, path, body=b"", more=(), keep=True):
        return self.answer() if self.send(request(method, path, body, more, keep)) else None

    def closed_within(self, seconds):
        """Whether the pool closes the connection, possibly after sending data."""
        self.sock.settimeout(seconds)
        try:
            while self.sock.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def ask(path, *args, **more):
    """One request on a new connection; None if nothing listens or the answer is incomplete."""
    try:
        with Peer(path) as peer:
            return peer.ask(*args, keep=False, **more)
    except OSError:
        return None

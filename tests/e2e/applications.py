"""applications: further targets behind a front server besides apis.py: SCGI, uwsgi, CGI, and a target that accepts any
protocol. Each returns as JSON what it received."""
import json
import os
import socketserver
import struct
import threading

from apis import FastcgiApp, FastcgiServer, HttpApi, HttpServer

CAUGHT = b"caught by another module"

CGI_SCRIPT = """import json, os, sys
told = {"headers": list(os.environ.items()), "body": sys.stdin.read(int(os.environ.get("CONTENT_LENGTH") or 0))}
print("Status: 200 OK\\nContent-Type: application/json\\n\\n" + json.dumps(told))
"""


def answer(headers, body):
    told = json.dumps({"headers": headers, "body": body.decode("latin-1")}).encode()
    return b"Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(told), told)


class ScgiApp(socketserver.StreamRequestHandler):
    def handle(self):
        size = b""
        while not size.endswith(b":"):
            size += self.rfile.read(1)
        words = self.rfile.read(int(size[:-1])).decode("latin-1").split("\0")
        self.rfile.read(1)                              # the comma after the headers
        headers = list(zip(words[0::2], words[1::2]))
        self.wfile.write(answer(headers, self.rfile.read(int(dict(headers).get("CONTENT_LENGTH") or 0))))


class UwsgiApp(socketserver.StreamRequestHandler):
    def handle(self):
        _, size, _ = struct.unpack("<BHB", self.rfile.read(4))
        data, words = self.rfile.read(size), []
        while data:
            length = struct.unpack("<H", data[:2])[0]
            words.append(data[2:2 + length].decode("latin-1"))
            data = data[2 + length:]
        headers = list(zip(words[0::2], words[1::2]))
        self.wfile.write(answer(headers, self.rfile.read(int(dict(headers).get("CONTENT_LENGTH") or 0))))


class Catcher(socketserver.BaseRequestHandler):
    """Accepts any protocol: records the first bytes and answers as an HTTP server."""

    def handle(self):
        self.request.settimeout(0.2)
        try:
            self.server.caught.append(self.request.recv(65536))
        except TimeoutError:
            self.server.caught.append(b"")              # a tunnel connects before it sends anything
        self.request.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(CAUGHT), CAUGHT))


class TcpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256


class Applications:
    """http, scgi, uwsgi and catcher are ports; fastcgi is a unix socket."""

    def __init__(self, scratch):
        self.fastcgi = scratch.path("application.sock")
        self.catcher_server = TcpServer(("127.0.0.1", 0), Catcher)
        self.catcher_server.caught = []
        servers = {"http": HttpServer(("127.0.0.1", 0), HttpApi), "scgi": TcpServer(("127.0.0.1", 0), ScgiApp),
                   "uwsgi": TcpServer(("127.0.0.1", 0), UwsgiApp), "catcher": self.catcher_server,
                   "fastcgi": FastcgiServer(self.fastcgi, FastcgiApp)}
        os.chmod(self.fastcgi, 0o666)
        for name, server in servers.items():
            if name != "fastcgi":
                setattr(self, name, server.server_address[1])
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def take_caught(self):
        """What other modules have sent to the catcher since the last call."""
        caught, self.catcher_server.caught[:] = list(self.catcher_server.caught), []
        return caught

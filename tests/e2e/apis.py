"""apis: targets protected by the check: static files, an HTTP API and a FastCGI application that return what they received.

The configurations are those of deploy/ with paths and ports replaced, and a few locations that are wrong."""
import http.server
import json
import os
import socket
import socketserver
import struct
import threading

import fastcgi

API, APP, FILES = "https://api.example.com/", "https://app.example.com/", "https://files.example.com/"
ORIGIN = "https://api.example.com"
BINDINGS = ("any", "mtls", "dpop")      # each has static files that require tokens bound this way
SECRET_FILE = "what the file says"

NGINX_LOCATION = """
        location /{path}/ {{
            set $m2mauth_audience "{audience}";
            set $m2mauth_scope "{scope}";
            set $m2mauth_scope_any "{scope_any}";
            set $m2mauth_resource_metadata "{metadata}";
            set $m2mauth_binding "{binding}";
            set $m2mauth_origin "{origin}";
            include {folder}/m2mauth_protect;
            {behind}
        }}
"""

# This location names an unknown endpoint, and the path of its subrequest would answer 200.
NGINX_STRANGE = """
        location /strange/ {{
            auth_request /oauth/live;
            root {folder};
        }}
        location = /oauth/live {{
            internal;
            include {folder}/m2mauth_params;
            fastcgi_param M2M_ENDPOINT chekc;
            fastcgi_pass m2mauth;
        }}
"""

LIGHTTPD_BOUND = """
fastcgi.server += (
    "/{path}/" => (("socket" => "{socket}", "mode" => "authorizer", "check-local" => "disable", "read-timeout" => 15))
)
$HTTP["url"] =~ "^/{path}/" {{
    setenv.set-environment = ("M2M_AUDIENCE" => "{audience}", "M2M_BINDING" => "{path}", "M2M_ORIGIN" => "{origin}")
}}
"""

LIGHTTPD_WRONG = """
fastcgi.server += (
    "/unnamed/" => (("socket" => "{socket}", "mode" => "authorizer", "check-local" => "disable", "read-timeout" => 15)),
    "/strange/" => (("socket" => "{socket}", "mode" => "authorizer", "check-local" => "disable", "read-timeout" => 15))
)
$HTTP["url"] =~ "^/strange/" {{
    setenv.set-environment = ("M2M_AUDIENCE" => "{audience}", "M2M_ENDPOINT" => "chekc")
}}
"""


class HttpApi(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        told = json.dumps({"headers": self.headers.items(), "body": body.decode(), "method": self.command}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told)

    do_GET = do_POST = do_HEAD = do_DELETE = answer

    def log_message(self, *unused):
        pass


class FastcgiApp(socketserver.StreamRequestHandler):
    """One request on each connection."""

    def record(self):
        _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", self.rfile.read(8))
        return kind, self.rfile.read(length + padding)[:length]

    def handle(self):
        parts = {fastcgi.PARAMS: b"", fastcgi.STDIN: b""}
        while True:
            kind, content = self.record()
            if kind in parts:
                parts[kind] += content
            if kind == fastcgi.STDIN and not content:
                break
        told = json.dumps({"headers": pairs(parts[fastcgi.PARAMS]), "body": parts[fastcgi.STDIN].decode()}).encode()
        answer = b"Status: 200 OK\r\nContent-Type: application/json\r\n\r\n" + told
        for start in range(0, len(answer), 65000):
            self.wfile.write(fastcgi.record(fastcgi.STDOUT, answer[start:start + 65000]))
        self.wfile.write(fastcgi.record(fastcgi.STDOUT) + fastcgi.record(fastcgi.END, bytes(8)))


def pairs(content):
    found = []
    while content:
        sizes = []
        for _ in range(2):
            if content[0] < 128:
                sizes.append(content[0])
                content = content[1:]
            else:
                sizes.append(struct.unpack(">I", content[:4])[0] & 0x7fffffff)
                content = content[4:]
        name, value = content[:sizes[0]], content[sizes[0]:sum(sizes)]
        found.append((name.decode("latin-1"), value.decode("latin-1")))
        content = content[sum(sizes):]
    return found


class HttpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class FastcgiServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


class Apis:
    def __init__(self, scratch, pool_socket):
        self.scratch, self.pool_socket = scratch, pool_socket
        self.socket = scratch.path("app.sock")
        self.http = HttpServer(("127.0.0.1", 0), HttpApi)
        self.fastcgi = FastcgiServer(self.socket, FastcgiApp)
        os.chmod(self.socket, 0o666)
        for server in (self.http, self.fastcgi):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        for folder in ("files", "unnamed", "strange", *BINDINGS):
            os.makedirs(scratch.path(folder), exist_ok=True)
            scratch.write(f"{folder}/x.txt", SECRET_FILE)
        os.chmod(scratch.folder, 0o755)

    def configure(self, front):
        return getattr(self, f"configure_{front.kind}")(front)

    def configure_nginx(self, front):
        folder = self.scratch.folder
        front.adapt("nginx/m2mauth_check.conf", "m2mauth_check.conf", {})
        front.adapt("nginx/m2mauth_protect", "m2mauth_protect", {})
        none = {"scope": "", "scope_any": "", "metadata": "", "binding": "", "origin": "", "folder": folder}
        rows = [{"path": "api", "audience": API, "scope": "read", "metadata": API + "m", "origin": ORIGIN,
                 "behind": f"proxy_pass http://127.0.0.1:{self.http.server_address[1]};"},
                {"path": "app", "audience": APP, "scope_any": "read write",
                 "behind": "fastcgi_param REQUEST_METHOD $request_method; fastcgi_param CONTENT_LENGTH $content_length;"
                           f" fastcgi_pass unix:{self.socket};"},
                {"path": "files", "audience": FILES, "behind": f"root {folder};"},
                {"path": "unnamed", "audience": "", "behind": f"root {folder};"},
                *({"path": one, "audience": API, "binding": one, "origin": ORIGIN,
                   "behind": f"root {folder}; add_header DPoP-Nonce $m2mauth_nonce always;"} for one in BINDINGS)]
        return (f"        include {folder}/m2mauth_check.conf;\n" +
                "".join(NGINX_LOCATION.format(**{**none, **row}) for row in rows) + NGINX_STRANGE.format(folder=folder))

    def configure_lighttpd(self, front):
        path = front.adapt("lighttpd/m2mauth_check.conf", "lighttpd-m2mauth_check.conf", {
            "/run/m2mauth/fcgi.sock": self.pool_socket, "/run/app/fcgi.sock": self.socket,
            '"port" => 8080': f'"port" => {self.http.server_address[1]}',
            '"M2M_SCOPE" => "read",': f'"M2M_SCOPE" => "read", "M2M_RESOURCE_METADATA" => "{API}m",'})
        bound = (LIGHTTPD_BOUND.format(path=one, socket=self.pool_socket, audience=API, origin=ORIGIN) for one in BINDINGS)
        return f'include "{path}"\n' + "".join(bound) + LIGHTTPD_WRONG.format(socket=self.pool_socket, audience=API)

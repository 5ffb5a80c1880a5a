#!/usr/bin/env python3
"""mounts: the check and the mount beside everything else that an operator may have in the same front server: each module of
lighttpd that can claim a request, loaded before and after ours, and each kind of application behind the check."""
import os
import re

import fronts
import rig
import web
from apis import SECRET_FILE
from applications import CAUGHT, CGI_SCRIPT, Applications
from house import House
from rig import equal, must

UPLOAD = b"x" * 3000000
AUDIENCE = rig.AUDIENCE

# As Debian's lighttpd.conf: its own modules, then the files of conf-enabled in the order of their names.
LIGHTTPD = """
server.modules = ("mod_indexfile", "mod_access", "mod_alias", "mod_redirect"{tls})
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}"
server.errorlog = "{folder}/lighttpd-error.log"
server.upload-dirs = ("{folder}")
include "{folder}/http-parseopts.conf"
include "{folder}/conf-enabled/*.conf"
server.modules += ("mod_dirlisting", "mod_staticfile")
accesslog.filename = "{folder}/lighttpd-access.log"
"""

# A file of conf-enabled that loads a module and lets it claim what it can.
MODULES = {
    "proxy": 'proxy.server = ("" => (("host" => "127.0.0.1", "port" => {catcher})))',
    "scgi": 'scgi.server += ("/" => (("host" => "127.0.0.1", "port" => {catcher}, "check-local" => "disable")))',
    "ajp13": 'ajp13.server = ("" => (("host" => "127.0.0.1", "port" => {catcher})))',
    "wstunnel": 'wstunnel.server = ("" => (("host" => "127.0.0.1", "port" => {catcher})))',
    "status": 'status.status-url = "/files/x.txt"',
    "cgi": 'cgi.assign = (".txt" => "/bin/cat")',
    "webdav": '$HTTP["url"] =~ "^/dav/" {{ webdav.activate = "enable" }}',
    "sockproxy": '$SERVER["socket"] == "127.0.0.1:{other}" {{ '
                 'sockproxy.server = ("" => (("host" => "127.0.0.1", "port" => {catcher}))) }}',
}
CATCH_ALL = ("proxy", "scgi", "ajp13")
FILES = {"before": "10", "after": "95"}

LIGHTTPD_CHECK = """
server.modules += ("mod_scgi", "mod_cgi")
fastcgi.server += ({authorizers})
$HTTP["url"] =~ "^/({paths})/" {{
    setenv.set-environment = ("M2M_AUDIENCE" => "{audience}")
}}
scgi.server += ("/scgi/" => (("host" => "127.0.0.1", "port" => {scgi}, "check-local" => "disable")))
$HTTP["url"] =~ "^/cgi/" {{ cgi.assign = (".py" => "{python}") }}
"""
AUTHORIZER = ('"/{path}/" => (("socket" => "{socket}", "mode" => "authorizer", "check-local" => "disable", '
              '"read-timeout" => 15))')


class Lighttpd(fronts.Front):
    """As Debian has it, with one more module; place: whether its file comes before or after ours."""

    def __init__(self, house, applications, module=None, place=None):
        super().__init__(house.scratch, "lighttpd", house.pool.socket)
        self.applications, self.module, self.place = applications, module, place
        self.other_port = rig.free_port()

    def write_lighttpd(self):
        folder, enabled = self.scratch.folder, self.scratch.path("conf-enabled")
        os.makedirs(enabled, exist_ok=True)
        for name in os.listdir(enabled):
            os.unlink(os.path.join(enabled, name))
        self.adapt("lighttpd/http-parseopts.conf", "http-parseopts.conf", {})
        self.adapt("lighttpd/05-m2mauth-modules.conf", "conf-enabled/05-m2mauth-modules.conf", {})
        self.adapt("lighttpd/m2mauth.conf", "conf-enabled/90-m2mauth.conf", {"/run/m2mauth/fcgi.sock": self.socket})
        self.adapt("lighttpd/m2mauth_check.conf", "conf-enabled/91-m2mauth-check.conf", {
            "/run/m2mauth/fcgi.sock": self.socket, "/run/app/fcgi.sock": self.applications.fastcgi,
            '"port" => 8080': f'"port" => {self.applications.http}', '"M2M_SCOPE" => "read",': "",
            **{f"https://{name}.example.com/\"": f"{AUDIENCE}\"" for name in ("api", "app", "files")}})
        self.scratch.write("conf-enabled/92-more.conf", self.more_paths())
        if self.module:
            line = MODULES[self.module].format(catcher=self.applications.catcher, other=self.other_port)
            self.scratch.write(f"conf-enabled/{FILES[self.place]}-{self.module}.conf",
                               f'server.modules += ("mod_{self.module}")\n{line}\n')
        conf = self.scratch.write("lighttpd.conf", LIGHTTPD.format(folder=folder, port=self.port, tls=""))
        self.command = ["lighttpd", "-D", "-f", conf]

    def more_paths(self):
        paths = ("scgi", "cgi")
        authorizers = ", ".join(AUTHORIZER.format(path=path, socket=self.socket) for path in paths)
        return LIGHTTPD_CHECK.format(authorizers=authorizers, paths="|".join(paths), audience=AUDIENCE,
                                     scgi=self.applications.scgi, python="/usr/bin/python3")


class Visitor:
    """A client of ours before one front server."""

    def __init__(self, house, front, applications):
        self.house, self.front, self.applications, self.port = house, front, applications, front.port
        self.client = web.Client(front.port, "caller", house.operator.secrets["caller"])

    def ask(self, path, token=None, headers=(), method="GET", body=None):
        own = [("Authorization", f"Bearer {token}")] if token else []
        return web.request(self.port, method, path, body, [*own, *headers])

    def nothing_caught(self, what):
        equal(self.applications.take_caught(), [], f"{what}: reached another module")


PROTECTED = ("/files/x.txt", "/api/orders", "/app/orders", "/scgi/orders", "/cgi/told.py")
# The identity as each kind of application reads it.
CALLER = {"/app/orders": "AUTH_CLIENT", "/scgi/orders": "AUTH_CLIENT", "/cgi/told.py": "AUTH_CLIENT"}


def nobody_passes(visitor):
    for path in PROTECTED:
        for headers in ([], [("Authorization", "Bearer x")], [("Upgrade", "websocket"), ("Connection", "Upgrade")]):
            for method in ("GET", "POST", "OPTIONS", "PUT", "PROPFIND"):
                answer = visitor.ask(path, headers=headers, method=method, body=b"x" if method in ("POST", "PUT") else None)
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
    if module in CATCH_ALL or module == "wstunnel":
        upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13"),
                   ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")] if module == "wstunnel" else []
        try:
            visitor.ask("/elsewhere", headers=upgrade)
        except web.Broken:
            pass                                        # what the catcher says is no answer of AJP or a WebSocket
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
        is_ours = "X_AUTH" in name or name in ("FORWARDED", "REMOTE_USER", CALLER.get(path))
        must(name not in found or not is_ours, f"{path}: {name} twice")
        found[name] = value
    return found


def caller(path, found):
    if path == "/api/orders":
        match = re.search(r';remote_user="([^"]+)"$', found.get("FORWARDED", ""))     # as the README has it
        return match and match[1]
    return found.get(CALLER[path])


def kinds_of_pass(visitor):
    """What an application behind the check can be sure of to be its own, whatever other modules take."""
    rivals = {"proxy": ("/scgi/orders", "/cgi/told.py"), "scgi": ("/api/orders", "/scgi/orders", "/cgi/told.py"),
              "ajp13": ("/api/orders", "/scgi/orders", "/cgi/told.py")}
    return [path for path in PROTECTED[1:] if path not in rivals.get(visitor.front.module, ())]


FORGED = [(name, "root") for end in ("Client", "Subject", "Scope", "Audience")
          for name in (f"X-Auth-{end}", f"X_Auth_{end}", f"x-auth_{end}", f"X_AUTH-{end}".upper(), f"Auth-{end}",
                       f"Auth_{end}", f"Variable-Auth-{end}")]


def forged_identity(visitor):
    token = visitor.client.token(scope="read")
    for path in kinds_of_pass(visitor):
        headers = [*FORGED, ("Remote-User", "root"), ("Forwarded", 'for=1.2.3.4;remote_user="root"')]
        found = told(visitor, path, visitor.ask(path, token, headers))
        equal(caller(path, found), "caller", f"{path}: caller")
        left = [name for name, value in found.items() if "X_AUTH" in name and value == "root"]
        equal(left, [], f"{path}: forged names that reach the application")


def upload(visitor):
    token = visitor.client.token(scope="read")
    for path in kinds_of_pass(visitor):
        answer = visitor.ask(path, token, method="POST", body=UPLOAD)
        equal(answer.status, 200, f"POST {path}")
        equal(len(answer.json()["body"]), len(UPLOAD), f"bytes that reach {path}")


CHECKS = (
    ("no token: 401 on each kind of path, and no other module sees the request", nobody_passes),
    ("POST /oauth/token and the documents are answered by the mount, no other module sees a secret", mount_is_ours),
    ("the other module works where it may", module_works),
    ("forged X-Auth-* do not reach any kind of application", forged_identity),
    ("an upload of 3 MB passes the check to each kind of application", upload),
)


def lighttpd_with(house, applications, module=None, place=None):
    front = Lighttpd(house, applications, module, place).start()
    visitor = Visitor(house, front, applications)
    name = f"lighttpd, mod_{module} {place} ours" if module else "lighttpd"
    for title, function in CHECKS:
        rig.run_check(f"{title} [{name}]", function, visitor)
    front.stop()


def refuses_without_the_fragment(house, applications):
    """Without 05-m2mauth-modules.conf neither of the other two is taken."""
    front = Lighttpd(house, applications)
    front.write_lighttpd()
    os.unlink(house.scratch.path("conf-enabled", "05-m2mauth-modules.conf"))
    for name in ("90-m2mauth.conf", "91-m2mauth-check.conf"):
        process = house.scratch.start([*front.command, "-tt"], "lighttpd-tt.log")
        process.wait(20)
        must(process.returncode != 0, f"lighttpd takes {name} without 05-m2mauth-modules.conf")
        must("m2mauth_modules" in house.scratch.log("lighttpd-tt.log"), "the message does not name the variable")
        os.unlink(house.scratch.path("conf-enabled", name))


def script(build, scratch):
    house = House(build, scratch, kinds=())
    applications = Applications(scratch)
    house.operator.client("caller", "--default-scope", "read")
    for folder in ("files", "cgi", "dav"):
        os.makedirs(scratch.path(folder))
        os.chmod(scratch.path(folder), 0o777)
    scratch.write("files/x.txt", SECRET_FILE)
    scratch.write("dav/told.txt", "Status: 200 OK\n\na CGI script")
    scratch.write("cgi/told.py", CGI_SCRIPT)
    os.chmod(scratch.folder, 0o755)
    house.start(workers=2)
    rig.run_check("lighttpd does not start without 05-m2mauth-modules.conf", refuses_without_the_fragment, house, applications)
    lighttpd_with(house, applications)
    for module in MODULES:
        for place in FILES:
            lighttpd_with(house, applications, module, place)
    rig.run_check("no sanitizer report (mounts)", house.pool.no_sanitizer_report)
    house.stop()


if __name__ == "__main__":
    rig.main(script)

"""What is measured: three FastCGI targets on unix sockets that are made alike, behind one front server."""
import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import rig                                              # noqa: E402  (the rig of the end-to-end scripts)

BACKLOG = 4096
CLIENTS = 8
TOKENS_OF_EACH = 8
READER = "bench-reader"
FORM = "application/x-www-form-urlencoded"
PROCESSES = {"classic": 8, "multiplexed": 4, "m2mauth": 4}
ENDPOINTS = {"nginx": ("token", "assertion", "dpop", "validate", "check"), "lighttpd": ("token", "assertion", "dpop", "validate")}
ONCE = ("assertion", "dpop")            # ways to /token whose requests may be sent once each
SIGNER = "bench-signer"
DEMAND = """set $m2mauth_audience "{audience}";  set $m2mauth_scope read;
set $m2mauth_scope_any "";  set $m2mauth_resource_metadata "";  set $m2mauth_binding "";  set $m2mauth_origin "";
include {deploy}/m2mauth_protect;
"""


class Target:
    def __init__(self, scratch, name, command):
        self.name, self.port = name, rig.free_port()
        path = scratch.path(f"{name}.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.bind(path)
            os.chmod(path, 0o666)
            sock.listen(BACKLOG)
            self.process = scratch.start(command, f"{name}.log", stdin=sock)

    def url(self, endpoint):
        return f"http://127.0.0.1:{self.port}/oauth/{'token' if endpoint in ONCE else endpoint}"

    def ask(self, endpoint, request):
        """One request. Its status, its body, and the size of the whole answer."""
        authorization, form, proof = (*request, "")[:3]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": authorization, "DPoP": proof, "Content-Type": form and FORM}
        connection.request("POST" if form else "GET", urllib.parse.urlsplit(self.url(endpoint)).path, form or None,
                           {name: value for name, value in headers.items() if value})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        head = sum(len(name) + len(value) + 4 for name, value in answer.getheaders())
        return answer.status, body, len("HTTP/1.1 200 OK\r\n\r\n") + head + len(body)


class Front:
    def __init__(self, scratch, kind, targets):
        self.scratch, self.kind = scratch, kind
        self.ports = [target.port for target in targets]
        self.endpoints = ENDPOINTS[kind]
        values = {"DIR": scratch.folder, "USER": "user root root;" if os.geteuid() == 0 else "",
                  "PARAMS": os.path.join(rig.SOURCE, "deploy", "nginx", "m2mauth_params"),
                  **{f"PORT_{target.name}": str(target.port) for target in targets}}
        with open(os.path.join(HERE, f"{kind}.conf.in")) as template:
            content = template.read()
        for name, value in values.items():
            content = content.replace(f"@{name}@", value)
        self.conf = scratch.write(f"{kind}.conf", content)
        self.process = None
        if kind == "nginx":
            self.write_checks(targets)

    def write_checks(self, targets):
        """The shipped check, asked of each target; kept connections where the target can."""
        deploy = os.path.join(rig.SOURCE, "deploy", "nginx")
        self.scratch.write("check_demand.conf", DEMAND.format(audience=rig.AUDIENCE, deploy=deploy))
        with open(os.path.join(deploy, "m2mauth_check.conf")) as file:
            shipped = file.read()
        for target in targets:
            content = shipped.replace("fastcgi_pass m2mauth;", f"fastcgi_pass {target.name};")
            if target.name == "classic":
                content = content.replace("fastcgi_keep_conn on;", "fastcgi_keep_conn off;")
            self.scratch.write(f"check_{target.name}.conf", content)

    def start(self):
        error_log = self.scratch.path(f"{self.kind}-error.log")
        commands = {"nginx": ["nginx", "-c", self.conf, "-e", error_log],
                    "lighttpd": ["lighttpd", "-D", "-f", self.conf]}
        self.process = self.scratch.start(commands[self.kind], f"{self.kind}.log")
        for port in self.ports:
            rig.await_true(lambda port=port: self.listens(port), 10, f"{self.kind} listens")

    def listens(self, port):
        rig.must(self.process.poll() is None, f"{self.kind} ended: {self.scratch.log(self.kind + '.log')[-600:]}"
                                              f"{self.scratch.log(self.kind + '-error.log')[-600:]}")
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0

    def stop(self):
        self.scratch.stop(self.process)


def basic(operator, client_id):
    pair = f"{client_id}:{operator.secrets[client_id]}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def install(scratch, build):
    """A database with clients in it, and the operator who made them."""
    database = rig.Database(scratch)
    database.start()
    operator = rig.Operator(scratch, build, database, token_seconds=7200, workers=PROCESSES["m2mauth"],
                            seen_max=4194304)
    operator.install()
    for number in range(CLIENTS):
        operator.client(f"bench-{number:06}", reads=False)
    operator.client(READER)
    operator.client(SIGNER, reads=False)
    jwk = subprocess.run([os.path.join(build, "bench-proofs"), "jwk"], check=True, capture_output=True, text=True).stdout
    database.sql(f"CALL client_add_key('{SIGNER}', 'bench', 'ES256', '{jwk.strip()}', NULL)")
    return operator


def write_signed(operator, build, kind, count):
    """A file of requests that were signed just now, and may be sent once each."""
    who = SIGNER if kind == "assertion" else basic(operator, SIGNER)
    path = operator.scratch.path(f"{kind}.requests")
    with open(path, "w") as file:
        subprocess.run([os.path.join(build, "bench-proofs"), kind, str(count), operator.issuer, who], check=True, stdout=file)
    return path


def read_requests(path):
    with open(path) as file:
        return [tuple(line.rstrip("\n").split("\t")) for line in file]


def token_requests(operator):
    return [(basic(operator, client_id), "grant_type=client_credentials&scope=read%20write")
            for client_id in operator.secrets if client_id not in (READER, SIGNER)]


def validate_requests(operator, target, requests):
    """The reader asks about tokens of all clients, one after the other."""
    result = []
    for request in requests * TOKENS_OF_EACH:
        status, body, _ = target.ask("token", request)
        rig.must(status == 200, f"no token: {status} {body.decode()}")
        form = urllib.parse.urlencode({"token": json.loads(body)["access_token"]})
        result.append((basic(operator, READER), form))
    return result


def check_requests(target, requests):
    """A GET for each token of each client."""
    return [("Bearer " + json.loads(target.ask("token", request)[1])["access_token"], "")
            for request in requests * TOKENS_OF_EACH]


def cpu_seconds(process):
    """utime + stime (proc(5)) of a process and its descendants."""
    ticks = 0
    for pid in rig.family(process.pid):
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")

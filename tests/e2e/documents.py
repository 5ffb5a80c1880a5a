#!/usr/bin/env python3
"""documents: every command line, SQL line, setting and piece of configuration of README.md, deploy/doc, the manual pages and
sql/examples is run, in order, in an installation that these lines create in a scratch folder.

lines.py finds them. A line is run unchanged, except for paths below /etc, /usr/local, /run and /var, which are moved into
the scratch folder, for placeholders (SECRET, 'KID', ...) and for SUBSTITUTED. A line that is not run must be in NOT_RUN
with the reason; an entry there that is in no document is a failure as well.

SQL in running text is run in a transaction that is rolled back, so that no line there depends on another.
"""
import getpass
import json
import os
import re
import secrets
import shutil
import subprocess
import time

import lines
import rig
from rig import must

WHAT_TO_DO = "make the line run, or declare it in SUBSTITUTED or NOT_RUN of tests/e2e/documents.py"
ROOT = os.getuid() == 0

# (start of the line: why it is not run here). A start that ends with "$" is the whole line.
NOT_RUN = {
    "deploy/quickstart ": "tests/e2e/quickstart.py runs it",
    "tests/run ": "it runs this",
    "tests/systemd ": "a command of its own; it boots another system",
    "deploy/install-deps --build$": "packages of this machine; tests/fresh runs it",
    "sudo useradd ": "a user of this machine",
    "sudo systemctl daemon-reload$": "there is no systemd; tests/systemd boots one",
    "sudo systemctl enable --now m2mauth.socket m2mauth.service$": "there is no systemd; spawn-fcgi.sh is run",
    "journalctl -u m2mauth$": "there is no systemd",
    "found = re.search(": "code of an application, not a line for an operator",
    "CALL client_expire_key$": "names a procedure; the whole call is run where it stands",
    "spawn-fcgi -n -s SOCKET ": "it stays in the foreground; pool.py starts every pool of the tests like this",
    "key = value$": "the form of a setting",
    "log_bin_trust_function_creators = ": "a setting of MariaDB, with which another server would be needed",
}

# Start of the line: (pattern, what replaces it), beside paths and placeholders.
SUBSTITUTED = {
    "../../configure ": (r"--sysconfdir=(\S+)", r"--quiet --prefix={root}/usr/local --sysconfdir=\1"),
    "make install$": (r"^.*$", r"(cd {source}/build/release && make install)"),
    "sudo chown root:m2mauth ": (r"root:m2mauth", "{owner}"),
    "install -o root -g m2mauth ": (r"-o root -g m2mauth", ""),
    # The file exists already and would be left unchanged.
    "m2mctl key passphrase /etc/m2mauth/key_passphrase$": (r"$", "_of_the_page"),
    "m2mctl key passphrase FILE$": (r"FILE", "{root}/etc/m2mauth/new"),
    "m2mctl key reseal$": (
        r"$", " --passphrase-file {root}/etc/m2mauth/new --former-file {root}/etc/m2mauth/key_passphrase"),
    "m2mctl jwk$": (r"$", " public.pem"),
    "m2mctl token --jwks jwks.json ": (r"^(.*)$", r"(cd {source} && \1)"),
    "m2mauth -t -c FILE$": (r"FILE", "{root}/etc/m2mauth/m2mauth.conf"),
    "openssl pkey$": (r"$", " -in {source}/private.pem -noout"),
    "lighttpd -p ": (r"$", " >/dev/null"),
    "GRANT ALL PRIVILEGES ON m2mauth.* TO ...$": (r"\.\.\.$", "operator@localhost IDENTIFIED BY 'a password'"),
    "m2mctl client --binding dpop$": (r"$", " --audience https://api.example.com/ --scope read bound-client"),
    "mariadb-dump --routines --triggers$": (r"$", " m2mauth"),
    "UPDATE client SET assertion_audience = 'token_endpoint'$": (r"$", " WHERE client_id = 'orders'"),
}

# Start of the line: what its output has to match.
EXPECTED = {
    "sudo -u m2mauth m2mauth -t$": r"\bok\b",
    "curl -u 'orders:SECRET' ": r'"access_token":"[^"]+"',
    "curl -u 'first:SECRET' ": r'"access_token":"[^"]+"',
    "m2mctl jwk ": r'"kty"',
    "m2mctl token --jwks ": r"^valid\b",
    "m2mctl token < ": r"orders",
    "m2mctl key list$": r"ES256",
    "openssl x509 ": r"subject=CN\s?=\s?demo-client,O\s?=\s?Example,C\s?=\s?DE",
}

# SQL that later migrations need: not rolled back.
KEPT = ("CALL client_add_secret(",)

# SQL that has to be there before the line, in the same transaction.
BEFORE = {
    "CALL client_expire_key('orders', 'OLD KID'":
        "CALL client_add_key('orders', 'OLD KID', 'ES256', 'JWK', NULL);",
}

NGINX = """
pid {root}/run/nginx.pid;
error_log {root}/var/log/nginx/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {root}/var/body; proxy_temp_path {root}/var/proxy; fastcgi_temp_path {root}/var/fastcgi;
    uwsgi_temp_path {root}/var/uwsgi; scgi_temp_path {root}/var/scgi;
    include conf.d/*.conf;
    server {{
        listen 127.0.0.1:{port};
        include snippets/m2mauth.conf;
    }}
    include {root}/etc/nginx/api.conf;
}}
"""

LIGHTTPD = """
server.document-root = "{root}/var"
server.upload-dirs = ("{root}/var")
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{root}/var/log/lighttpd.log"
include "{root}/etc/lighttpd/conf-enabled/*.conf"
"""

# Programs placed first in the PATH, because the real ones would change the machine.
SHIMS = {
    "sudo": """
if [ "$1" = -u ]; then shift 2; fi
exec "$@"
""",
    "editor": """
sed -i -e "s#^\\(issuer\\) *=.*#\\1 = https://auth.example.com/oauth#" \
    -e "s#^\\(db_socket\\) *=.*#\\1 = $MYSQL_UNIX_PORT#" \
    -e "s#^\\(key_passphrase_file\\) *=.*#\\1 = $ROOT/etc/m2mauth/key_passphrase#" "$1"
printf 'db_password_file = %s\\nworkers = 1\\n' "$ROOT/etc/db_password" >>"$1"
""",
    "systemctl": """
case $* in
'reload nginx') if [ -s "$ROOT/run/nginx.pid" ]; then nginx -s reload; else nginx; fi ;;
'reload lighttpd') ;;
'reload m2mauth' | 'restart m2mauth' | 'stop m2mauth' | 'start m2mauth') exec "$SOURCE/deploy/spawn-fcgi.sh" "$1" ;;
*) echo "systemctl $*: unknown to tests/e2e/documents.py" >&2; exit 1 ;;
esac
""",
    "mariadb": """
exec "$REAL_MARIADB" --no-defaults --socket="$MYSQL_UNIX_PORT" "$@"
""",
    "mariadb-dump": """
exec "$REAL_MARIADB-dump" --no-defaults --socket="$MYSQL_UNIX_PORT" "$@"
""",
    "nginx": """
find "$ROOT/etc/nginx" -type f -exec sed -i -e "s# /var/log/nginx/# $ROOT/var/log/nginx/#" \
    -e "s#unix:/run/m2mauth/#unix:$ROOT/run/m2mauth/#" {} +
exec "$REAL_NGINX" -c "$ROOT/etc/nginx/nginx.conf" -e "$ROOT/var/log/nginx/error.log" "$@"
""",
}


def starts(text, start):
    return text == start[:-1] if start.endswith("$") else text.startswith(start)


def entry(table, text):
    return next((value for start, value in table.items() if starts(text, start)), None)


class Installation:
    def __init__(self, scratch):
        self.scratch = scratch
        self.root, self.source = scratch.path("root"), scratch.path("root", "source")
        self.cwd = self.source
        self.secrets = {}                               # of clients whose migrations the lines themselves apply
        self.port = rig.free_port()
        self.database = rig.Database(scratch)
        self.database.start()
        os.chmod(scratch.folder, 0o755)
        for folder in ("etc/nginx/conf.d", "etc/nginx/snippets", "etc/lighttpd/conf-enabled", "etc/systemd/system",
                       "etc/m2mauth/keys", "run", "usr/local", "var/log/nginx", "home", "shims"):
            os.makedirs(os.path.join(self.root, folder))
        self.copy_source()
        self.write_files()
        self.environment = {
            "PATH": os.pathsep.join([f"{self.root}/shims", f"{self.root}/usr/local/bin", f"{self.root}/usr/local/sbin",
                                     os.environ["PATH"]]),
            "HOME": f"{self.root}/home", "LC_ALL": "C.UTF-8", "MAKEFLAGS": f"-j{os.cpu_count()} --silent",
            "MYSQL_UNIX_PORT": self.database.socket, "ROOT": self.root, "SOURCE": self.source,
            "REAL_NGINX": shutil.which("nginx"), "REAL_MARIADB": shutil.which("mariadb"),
            "M2MAUTH": f"{self.root}/usr/local/sbin/m2mauth",
            "CONFIG": f"{self.root}/etc/m2mauth/m2mauth.conf", "SOCKET": f"{self.root}/run/m2mauth/fcgi.sock",
            "PIDFILE": f"{self.root}/run/m2mauth/m2mauth.pid", "RUN_USER": "nobody", "SOCKET_GROUP": "nogroup",
            "CCACHE_DIR": os.environ.get("CCACHE_DIR", os.path.expanduser("~/.cache/ccache"))}
        if not ROOT:
            self.database.sql(f"CREATE USER {getpass.getuser()}@localhost; "
                              f"GRANT ALL ON *.* TO {getpass.getuser()}@localhost WITH GRANT OPTION", "")

    def copy_source(self):
        """Ignores build results."""
        leave = shutil.ignore_patterns("build", ".git", "__pycache__", "autom4te.cache", "Makefile.in", "configure")
        shutil.copytree(rig.SOURCE, self.source, ignore=leave, symlinks=True)

    def write_files(self):
        """The operator's files that the documents presuppose."""
        for name, content in SHIMS.items():
            self.write(f"shims/{name}", f"#!/bin/sh{content}", 0o755)
        user = "user root;" if ROOT else ""
        self.write("etc/nginx/nginx.conf", user + NGINX.format(root=self.root, port=self.port))
        self.write("etc/nginx/api.conf", "")
        self.write("etc/lighttpd/lighttpd.conf", LIGHTTPD.format(root=self.root, port=rig.free_port()))
        self.password = secrets.token_hex(16)
        self.write("etc/db_password", self.password + "\n", 0o640 if ROOT else 0o600)
        if ROOT:
            shutil.chown(os.path.join(self.root, "etc/db_password"), "root", "nogroup")
        for name in ("private.pem", "k.pem", "new-private.pem"):
            self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name)
        self.openssl("pkey", "-in", "private.pem", "-pubout", "-out", "public.pem")
        self.openssl("pkey", "-in", "new-private.pem", "-pubout", "-out", "new.pem")
        self.openssl("req", "-x509", "-key", "private.pem", "-days", "30", "-subj", "/C=DE/O=Example/CN=demo-client",
                     "-out", "client.pem")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.source, check=True, capture_output=True, timeout=600)

    def write(self, name, content, mode=0o644):
        return self.scratch.write(os.path.join("root", name), content, mode)

    # --- one line

    def adapted(self, text):
        """The line with the paths of this installation, declared changes and values."""
        change = entry(SUBSTITUTED, text)
        if change:
            words = {"root": self.root, "source": self.source, "owner": "root:nogroup" if ROOT else getpass.getuser()}
            text = re.sub(change[0], re.sub(r"\{(\w+)\}", lambda found: words[found[1]], change[1]), text, count=1)
        text = re.sub(r"(?<![\w/.])(/(?:etc|usr/local|run|var)(?=[/\s'\"]|$))", rf"{self.root}\1", text)
        text = text.replace("https://auth.example.org", "https://auth.example.com")
        if text.startswith("curl "):
            text = text.replace("https://auth.example.com", f"http://127.0.0.1:{self.port}")
        return self.valued(text)

    def valued(self, text):
        jwk = {}
        if "JWK" in text or '"EC",...' in text:
            jwk = json.loads(self.shell("m2mctl jwk public.pem", self.source))
        kid = jwk.get("kid") if "'KID'" in text else jwk.pop("kid", None)
        values = {
            r"'KID'": lambda: f"'{kid}'",
            r"(?<=orders:)SECRET": lambda: self.secrets["orders"],
            r"(?<=first:)SECRET": lambda: self.secrets["first"],
            r"'OLD LABEL'": lambda: self.label("billing"),
            r"'OLD KID'": lambda: "'old-key'",
            r"'LABEL'": lambda: self.label("orders"),
            r"'JWK'|'\{\"kty\":\"EC\",\.\.\.\}'": lambda: f"'{json.dumps(jwk)}'",
            r"'JTI'": lambda: "'sx39Ps31PtW1RWiWPenAzg'",
            r"(?<=drop )KID$": lambda: self.value("SELECT kid FROM signing_key ORDER BY kid DESC LIMIT 1"),
            r"\$sha256\$\.\.\.\$\.\.\.": lambda: rig.stored_secret("any"),
        }
        for pattern, value in values.items():
            if re.search(pattern, text):
                text = re.sub(pattern, lambda found, value=value: value(), text)
        return text

    def value(self, sql):
        return self.database.sql(sql)[0][0]

    def label(self, client):
        return "'" + self.value(f"SELECT MIN(label) FROM client_secret WHERE client_id = '{client}'") + "'"

    def shell(self, text, cwd=None):
        """Runs it in bash, keeps the folder that it changes to, and returns its output."""
        where = self.scratch.path("cwd")
        done = subprocess.run(["bash", "-c", f'set -e -o pipefail\n{text}\npwd >"{where}"'], stdin=subprocess.DEVNULL,
                              cwd=cwd or self.cwd, env=self.environment, capture_output=True, text=True, timeout=1800)
        must(done.returncode == 0, f"ended with {done.returncode}: {(done.stdout + done.stderr)[-400:]}")
        if cwd is None:
            with open(where) as file:
                self.cwd = file.read().strip()
        return done.stdout + done.stderr

    def run_shell(self, line):
        text = self.adapted(line.text)
        said = self.shell(text)
        expected = entry(EXPECTED, line.text)
        for _ in range(50):                             # a change takes effect within a second; the machine may be slow
            if not expected or re.search(expected, said, re.M):
                return self.after(line.text, said)
            time.sleep(0.2)
            said = self.shell(text)
        raise rig.Failure(f"its output does not match {expected}: {said[:300]}")

    def after(self, text, said):
        """Values of this line that later lines need."""
        if found := re.match(r"m2mctl client .* (orders|first) > ", text):
            self.secrets[found[1]] = re.search(r"m2m_[\w-]+", said)[0]
        elif (found := re.match(r"m2mctl (?:client|secret).* > (\S+\.sql)$", text)) and self.cwd == self.source:
            self.shell(f"mariadb m2mauth < {found[1]}", self.source)
        elif starts(text, "m2mctl key reseal$"):
            self.take_new_passphrase()
        elif "< sql/grants.sql" in text:
            self.database.sql(f"ALTER USER m2mauth@localhost IDENTIFIED BY '{self.password}'")
        elif starts(text, "sudo chmod 0440 /etc/m2mauth/key_passphrase$") and not ROOT:
            os.chmod(f"{self.root}/etc/m2mauth/key_passphrase", 0o400)
        elif text.startswith("sudo nginx -t"):
            self.await_pool()
        elif "orders:SECRET" in text:
            token = re.search(r'"access_token":"([^"]+)"', said)[1]
            for name in ("token.txt", "token"):
                self.write(f"source/{name}", token + "\n")
            self.shell(f"curl -s http://127.0.0.1:{self.port}/oauth/jwks.json >jwks.json", self.source)
        elif "systemctl restart m2mauth" in text or "systemctl reload m2mauth" in text:
            self.await_pool()

    def take_new_passphrase(self):
        """What the row about `key reseal` says of m2mauth.conf, done to the file instead."""
        current = f"{self.root}/etc/m2mauth/key_passphrase"
        self.shell(f"chmod u+w {current}; cat {self.root}/etc/m2mauth/new >{current}", self.source)
        self.shell("systemctl restart m2mauth", self.source)
        self.await_pool()

    def await_pool(self):
        ready = f"curl -sf http://127.0.0.1:{self.port}/oauth/ready >/dev/null && echo yes || echo no"
        rig.await_true(lambda: "yes" in self.shell(ready, self.source), 60, "the pool is ready behind nginx")

    def run_sql(self, line):
        """In a transaction that is rolled back. A row that it changes has to be there."""
        before = self.valued(entry(BEFORE, line.text) or "")
        sql = self.adapted(line.text).rstrip().rstrip(";")
        end = "COMMIT" if line.text.startswith(KEPT) else "ROLLBACK"
        done = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.database.socket}", "--user=root", "-vv", "m2mauth"],
            text=True, input=f"START TRANSACTION;\n{before}\n{sql};\n{end};\n", timeout=300,
            capture_output=True)
        must(done.returncode == 0, f"refused: {done.stderr[-300:]}")
        must("Rows matched: 0" not in done.stdout, "there is no such row")

    def renew_database(self):
        """The examples are for a database without clients."""
        shutil.rmtree(f"{self.root}/etc/m2mauth/migrations")
        os.mkdir(f"{self.root}/etc/m2mauth/migrations")
        self.database.sql("DROP DATABASE m2mauth; CREATE DATABASE m2mauth", "")
        self.shell("m2mctl migrate", self.source)

    def run_migration(self, line):
        folder = f"{self.root}/etc/m2mauth/migrations"
        shutil.copy(os.path.join(self.source, line.document), folder)
        said = self.shell("m2mctl migrate", self.source)
        must(os.path.basename(line.document)[:4] in said, f"it was not applied: {said[-300:]}")

    def run_setting(self, line):
        """m2mauth -t takes it, in the place of the one that the configuration has."""
        key = line.text.split(" = ")[0]
        with open(f"{self.root}/etc/m2mauth/m2mauth.conf") as file:
            content = re.sub(rf"(?m)^{key} =.*\n", "", file.read())
        if key == "db_socket":
            return self.write("changed.conf", content + f"{key} = {self.database.socket}\n")
        path = self.write("changed.conf", f"{content}\n{self.adapted(line.text)}\n")
        return self.shell(f"m2mauth -t -c {path}", self.source)

    def run_nginx(self, line):
        self.write("etc/nginx/api.conf", f"server {{\nlisten 127.0.0.1:{rig.free_port()};\n{line.text}\n}}\n")
        self.shell("nginx -t", self.source)

    def run_lighttpd(self, line):
        self.write("etc/lighttpd/conf-enabled/99-document.conf", line.text + "\n")
        self.shell("lighttpd -tt -f ../etc/lighttpd/lighttpd.conf", self.source)

    def run_stray(self, line):
        raise rig.Failure("a command outside of blocks and backquotes, or a block that is not understood")

    def run(self, line):
        if entry(NOT_RUN, line.text):
            return
        try:
            getattr(self, f"run_{line.kind}")(line)
        except rig.Failure as failure:
            raise rig.Failure(f"{failure}; {WHAT_TO_DO}") from failure

    def stop(self):
        for pid_file in ("run/nginx.pid", "run/m2mauth/m2mauth.pid"):
            try:
                with open(os.path.join(self.root, pid_file)) as file:
                    rig.send_signal(int(file.read()), 15)
            except (FileNotFoundError, ValueError):
                pass
        self.database.stop()


def no_stale_entries(found):
    for name, table in (("NOT_RUN", NOT_RUN), ("SUBSTITUTED", SUBSTITUTED), ("EXPECTED", EXPECTED), ("BEFORE", BEFORE)):
        for start in table:
            must(any(starts(line.text, start) for line in found), f"{name} has a line that no document has: {start}")


def script(build, scratch):
    found = lines.all_lines(rig.SOURCE)
    rig.run_check("documents: no entry of the tables is without its line", no_stale_entries, found)
    installation = Installation(scratch)
    document = None
    for line in found:
        if line.document != document:
            installation.cwd = installation.source
            if line.document.startswith("sql/examples/") and not str(document).startswith("sql/examples/"):
                installation.renew_database()
            document = line.document
        first = line.text.split("\n")[0 if line.kind != "migration" else 1][:90]
        if reason := entry(NOT_RUN, line.text):
            print(f"# {line.document}: {first} - not run: {reason}")
            continue
        rig.run_check(f"{line.document}: {first}", installation.run, line)
    installation.stop()


if __name__ == "__main__":
    rig.main(script)

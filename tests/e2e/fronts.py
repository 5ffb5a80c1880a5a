"""fronts: nginx and lighttpd with the configurations of deploy/, on a loopback port, and with TLS on a second
one. Only paths are replaced, and commented-out parts are enabled as their comments say."""
import os
import socket

from rig import SOURCE, await_true, free_port, must

KINDS = ("nginx", "lighttpd")

NGINX = """
daemon off;
{user}
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    access_log off;
    include {folder}/m2mauth_upstream.conf;
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        server_name as.example;
{tls}
        include {folder}/nginx-m2mauth.conf;
{more}
    }}
}}
"""

NGINX_TLS = """
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {server.path};
        ssl_certificate_key {server.key};
        {snippet}
        ssl_client_certificate {authorities};
        ssl_verify_client optional_no_ca;
"""

LIGHTTPD = """
server.modules = ({modules})
server.bind = "127.0.0.1"
server.port = {port}
server.document-root = "{folder}"
server.errorlog = "{folder}/lighttpd-error.log"
server.upload-dirs = ("{folder}")
server.listen-backlog = 1024
include "{folder}/http-parseopts.conf"
include "{folder}/05-m2mauth-modules.conf"
include "{folder}/lighttpd-m2mauth.conf"
{tls}
{more}
accesslog.filename = "{folder}/lighttpd-access.log"
"""

LIGHTTPD_TLS = """
$SERVER["socket"] == "127.0.0.1:{port}" {{
    ssl.engine = "enable"
    ssl.pemfile = "{server.path}"
    ssl.privkey = "{server.key}"
}}
{snippet}
"""


class Front:
    def __init__(self, scratch, kind, fcgi_socket, bin_path=None, authority=None):
        """bin_path: lighttpd starts this script, as the pool, itself (the second variant in its configuration).
        authority: of authority.py; there is a port with TLS as well, which asks clients for certificates."""
        self.scratch, self.kind, self.socket, self.bin_path = scratch, kind, fcgi_socket, bin_path
        self.authority = authority
        self.port = free_port()
        self.tls_port = free_port() if authority else None
        self.hardened = False                           # whether the port with TLS has m2mauth_tls.conf
        self.more = lambda front: ""                    # what a test adds to the configuration
        self.process = self.command = None

    def adapt(self, source, target, replacements):
        with open(os.path.join(SOURCE, "deploy", source)) as file:
            content = file.read()
        for old, new in replacements.items():
            must(old in content, f"deploy/{source} no longer says {old}")
            content = content.replace(old, new)
        return self.scratch.write(target, content)

    def write_nginx(self):
        folder = self.scratch.folder
        self.adapt("nginx/m2mauth_upstream.conf", "m2mauth_upstream.conf", {"/run/m2mauth/fcgi.sock": self.socket})
        self.adapt("nginx/m2mauth_params", "m2mauth_params", {})
        self.adapt("nginx/m2mauth.conf", "nginx-m2mauth.conf", {
            "include m2mauth_params": f"include {folder}/m2mauth_params", "/var/log/nginx/": f"{folder}/nginx-"})
        user = "user root root;" if os.geteuid() == 0 else ""
        conf = self.scratch.write("nginx.conf", NGINX.format(folder=folder, port=self.port, user=user,
                                                             tls=self.tls(NGINX_TLS), more=self.more(self)))
        self.command = ["nginx", "-p", folder, "-c", conf, "-e", f"{folder}/nginx-error.log"]

    def write_lighttpd(self):
        folder = self.scratch.folder
        for name in ("http-parseopts.conf", "05-m2mauth-modules.conf"):
            self.adapt(f"lighttpd/{name}", name, {})
        path = self.adapt("lighttpd/m2mauth.conf", "lighttpd-m2mauth.conf",
                          {"/run/m2mauth/fcgi.sock": self.socket, **self.certificates_wanted()})
        if self.bin_path:
            self.choose_bin_path(path)
        conf = self.scratch.write("lighttpd.conf", LIGHTTPD.format(
            folder=folder, port=self.port, modules='"mod_openssl"' if self.authority else "",
            tls=self.tls(LIGHTTPD_TLS), more=self.more(self)))
        self.command = ["lighttpd", "-D", "-f", conf]

    def choose_bin_path(self, path):
        """Follows the comment in the file: uses the commented-out block instead of the other."""
        with open(path) as file:
            lines = file.read().splitlines()
        first = lines.index("    fastcgi.server = (")
        last = lines.index("    )", first)
        lines[first:last + 1] = []
        first = lines.index("    #fastcgi.server = (")
        last = lines.index("    #)", first)
        lines[first:last + 1] = [line.replace("#", "", 1) for line in lines[first:last + 1]]
        content = "\n".join(lines) + "\n"
        for old, new in {"/usr/local/sbin/m2mauth": self.bin_path, "/run/lighttpd/m2mauth.sock": self.socket}.items():
            must(old in content, f"deploy/lighttpd/m2mauth.conf no longer says {old}")
            content = content.replace(old, new)
        self.scratch.write(os.path.basename(path), content)

    def certificates_wanted(self):
        """The changes that the comment about certificates in lighttpd's file describes."""
        return {"#ssl.verifyclient": "ssl.verifyclient",
                "/etc/lighttpd/client-authorities.pem": self.authority.listed} if self.authority else {}

    def tls(self, template):
        if not self.authority:
            return ""
        return template.format(port=self.tls_port, server=self.authority.server, authorities=self.authority.own.path,
                               snippet=self.snippet() if self.hardened else "")

    def snippet(self):
        groups = os.path.join(SOURCE, "deploy", "nginx", "m2mauth_ffdhe3072.pem")
        changes = {"/etc/nginx/m2mauth_ffdhe3072.pem": groups} if self.kind == "nginx" else {}
        path = self.adapt(f"{self.kind}/m2mauth_tls.conf", f"{self.kind}-m2mauth_tls.conf", changes)
        return f"include {path};" if self.kind == "nginx" else f'include "{path}"'

    def start(self):
        getattr(self, f"write_{self.kind}")()
        self.process = self.scratch.start(self.command, f"{self.kind}.log")
        await_true(self.listens, 10, f"{self.kind} listens")
        return self

    def listens(self):
        must(self.process.poll() is None, f"{self.kind} ended: {self.scratch.log(self.kind + '.log')[-600:]} "
                                          f"{self.scratch.log(self.kind + '-error.log')[-600:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.scratch.stop(self.process)

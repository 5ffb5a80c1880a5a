"""apache: a private Apache httpd with the resource server modules of Debian, each protecting an API.

The whole configuration is written here, so that of the machine is not read and no service is changed."""
import getpass
import grp
import os
import socket
import threading

import rig
import tokens
from apis import HttpApi, HttpServer
from rig import await_true, must

MODULES = "/usr/lib/apache2/modules"
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "proxy", "proxy_http", "auth_openidc", "oauth2")

APACHE = """
ServerRoot {folder}
ServerName api.example
DefaultRuntimeDir {folder}
Mutex pthread default
PidFile {folder}/apache.pid
ErrorLog {folder}/apache-error.log
LogLevel warn
{user}
{modules}
StartServers 1
Listen 127.0.0.1:{port}
Listen 127.0.0.1:{local_port}
OIDCCryptoPassphrase {passphrase}
OIDCCABundlePath {certificate}
ProxyPass / http://127.0.0.1:{api}/
<Location />
    Require all denied
</Location>

<VirtualHost 127.0.0.1:{port}>
    OIDCOAuthIntrospectionEndpoint {origin}/oauth/validate
    OIDCOAuthClientID {client_id}
    OIDCOAuthClientSecret {secret}
    OIDCOAuthIntrospectionEndpointAuth client_secret_basic
    OIDCOAuthTokenIntrospectionInterval -1
    OIDCOAuthRemoteUserClaim client_id
    <Location /openidc/>
        AuthType oauth20
        Require claim "scope~(^| )read( |$)"
    </Location>
    <Location /openidc/write/>
        Require claim "scope~(^| )write( |$)"
    </Location>
    <Location /oauth2/>
        AuthType oauth2
        OAuth2TokenVerify introspect {plain}/oauth/validate introspect.auth=client_secret_basic&client_id={client_id}&client_secret={secret}&expiry=0
        OAuth2TargetPass remote_user_claim=client_id
        Require oauth2_claim aud:{audience}
    </Location>
</VirtualHost>

<VirtualHost 127.0.0.1:{local_port}>
    OIDCOAuthVerifyJwksUri {origin}/oauth/jwks.json
    OIDCOAuthRemoteUserClaim client_id
    <Location /openidc/>
        AuthType oauth20
        Require claim aud:{audience}
    </Location>
    <Location /oauth2/>
        AuthType oauth2
        OAuth2TokenVerify jwks_uri {plain}/oauth/jwks.json verify.exp=required&verify.iat=required
        OAuth2TargetPass remote_user_claim=client_id
        Require oauth2_claim aud:{audience}
    </Location>
</VirtualHost>
"""


class Tls:
    """A second port of nginx with TLS, which mod_auth_openidc requires."""

    def __init__(self, scratch):
        self.port = rig.free_port()
        self.origin = f"https://127.0.0.1:{self.port}"
        self.key, self.certificate = scratch.path("tls.key"), scratch.path("tls.pem")
        done = tokens.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                              "-subj", "/CN=as.example", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.key,
                              "-out", self.certificate)
        must(done.returncode == 0, f"no certificate: {done.stderr.decode()[-300:]}")

    def configure(self, front):
        return (f"        listen 127.0.0.1:{self.port} ssl;\n"
                f"        ssl_certificate {self.certificate};\n        ssl_certificate_key {self.key};\n")


class Apache:
    """port: the modules introspect at /validate. local_port: they verify with the published keys."""

    def __init__(self, scratch, tls, plain_port, reader, audience):
        self.scratch, self.process = scratch, None
        self.port, self.local_port = rig.free_port(), rig.free_port()
        self.api = HttpServer(("127.0.0.1", 0), HttpApi)
        threading.Thread(target=self.api.serve_forever, daemon=True).start()
        folder, modules = scratch.folder, [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED]
        self.conf = scratch.write("apache.conf", APACHE.format(
            folder=folder, user=unprivileged(), modules="\n".join(modules), port=self.port, local_port=self.local_port,
            api=self.api.server_address[1], passphrase=os.urandom(16).hex(), origin=tls.origin, plain=f"http://127.0.0.1:{plain_port}", certificate=tls.certificate, client_id=reader[0],
            secret=reader[1], audience=audience), 0o600)
        os.chmod(folder, 0o755)         # for the certificate, which Apache reads after it has dropped root

    def start(self):
        self.process = self.scratch.start(["/usr/sbin/apache2", "-f", self.conf, "-D", "FOREGROUND"], "apache.log")
        for port in (self.port, self.local_port):
            await_true(lambda: self.listens(port), 10, "apache2 listens")
        return self

    def listens(self, port):
        must(self.process.poll() is None, f"apache2 ended: {self.scratch.log('apache.log')[-600:]} "
                                          f"{self.scratch.log('apache-error.log')[-600:]}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False

    def stop(self):
        self.scratch.stop(self.process)
        self.api.shutdown()


def unprivileged():
    """Started as root, Apache needs a user to run as."""
    if os.geteuid() == 0:
        return "User nobody\nGroup nogroup"
    return f"User {getpass.getuser()}\nGroup {grp.getgrgid(os.getegid()).gr_name}"

"""authority: certificates for the front servers and for clients, made with the openssl command line in a scratch folder."""
import hashlib
import ssl

import tokens
from rig import must

HOSTS = "DNS:as.example,DNS:mtls.example,DNS:api.example,DNS:localhost,IP:127.0.0.1"
# Without the openssl.cnf of the machine, certificates contain only what is requested here.
CONFIGURATION = "[req]\ndistinguished_name = dn\n[dn]\n"


def openssl(*args):
    done = tokens.openssl(*args)
    must(done.returncode == 0, f"openssl {args[0]}: {done.stderr.decode(errors='replace')[:300]}")
    return done.stdout


class Certificate:
    """A certificate and its private key, each the path of a PEM file. subject: /C=DE/O=Example/CN=orders."""

    def __init__(self, scratch, name, subject, extensions=(), key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256")):
        self.scratch, self.name = scratch, name
        self.path, self.key, self.request = (scratch.path(f"{name}.{end}") for end in ("pem", "key", "csr"))
        openssl("req", "-new", "-config", scratch.write("openssl.cnf", CONFIGURATION), "-utf8", "-subj", subject,
                "-newkey", *key, "-noenc", "-keyout", self.key,
                "-out", self.request, *(word for one in extensions for word in ("-addext", one)))

    def sign(self, *by, days=2):
        """Fewer than 0 days: it has expired."""
        openssl("x509", "-req", "-in", self.request, "-copy_extensions", "copy", "-days", str(days), *by,
                "-out", self.path)
        return self

    def thumbprint(self):
        """x5t#S256, RFC 8705 3.1."""
        der = openssl("x509", "-in", self.path, "-outform", "DER")
        return tokens.encode(hashlib.sha256(der).digest())

    def pem(self):
        with open(self.path) as file:
            return file.read()


def extensions(names, is_authority):
    """names: subjectAltName as openssl writes it; none when empty."""
    return [f"basicConstraints=critical,CA:{'TRUE' if is_authority else 'FALSE'}",
            *([f"subjectAltName={names}"] if names else [])]


def self_signed(scratch, name, subject, names="", is_authority=False, days=2):
    certificate = Certificate(scratch, name, subject, extensions(names, is_authority))
    return certificate.sign("-key", certificate.key, days=days)


class Authority:
    """Issues certificates to the fronts and to clients. The fronts request certificates of it; lighttpd also accepts those listed."""

    def __init__(self, scratch, name="authority", listed=(), **key):
        self.scratch = scratch
        self.own = self_signed(scratch, name, f"/CN={name}", is_authority=True)
        self.server = self.issue(f"{name}-server", "/CN=as.example", HOSTS, **key)
        self.listed = scratch.write(f"{name}-listed.pem", "".join(one.pem() for one in (self.own, *listed)))

    def issue(self, name, subject, names="", days=2, **key):
        certificate = Certificate(self.scratch, name, subject, extensions(names, False), **key)
        return certificate.sign("-CA", self.own.path, "-CAkey", self.own.key, days=days)

    def context(self, certificate=None):
        """The TLS context of a client that trusts the fronts and presents this certificate."""
        context = ssl.create_default_context(cafile=self.own.path)
        if certificate:
            context.load_cert_chain(certificate.path, certificate.key)
        return context

#!/usr/bin/env python3
"""client_kinds: every kind of client that m2mctl client makes in one command, applied by m2mctl migrate as an operator does
it, and then a token by each of its authentication methods; second credentials by m2mctl client-key and client-certificate."""
import json
import os
import time

import authority
import rig
import tokens
import web
from console import says
from stack import Stack
from rig import check, equal, must
from signer import ALGORITHMS, TYPE, Holder, Signer

API = ("--audience", rig.AUDIENCE, "--scope", "read write", "--default-scope", "read")
GRANT = {"grant_type": "client_credentials"}


class Counter:
    """An operator with a folder of migrations, and clients of the front server."""

    def __init__(self, stack, issuing, others):
        self.others = others
        self.stack, self.issuing, self.scratch, self.sql = stack, issuing, stack.scratch, stack.database.sql
        self.folder = stack.scratch.path("migrations")
        os.mkdir(self.folder)
        self.number = 100

    def apply(self, *command):
        """Runs m2mctl COMMAND > NNNN_client.sql and m2mctl migrate; returns its standard error."""
        done = self.stack.operator.m2mctl(*command)
        self.number += 1
        self.scratch.write(os.path.join("migrations", f"{self.number:04d}_client.sql"), done.stdout)
        said = self.stack.operator.m2mctl("migrate", self.folder, database=True).stdout.decode()
        says(said, "done")
        return done.stderr.decode()

    def public(self, signer):
        path = f"{signer.key}.pub"
        equal(tokens.openssl("pkey", "-in", signer.key, "-pubout", "-out", path).returncode, 0, "pkey")
        return path

    def ask(self, certificate=None, headers=(), **pairs):
        port = self.stack.tls_port("nginx", certificate) if certificate else self.stack.port()
        return web.request(port, "POST", "/oauth/token", web.form({**GRANT, **pairs}), headers)

    def by_key(self, signer, **pairs):
        return self.ask(client_assertion_type=TYPE, client_assertion=signer.sign(), **pairs)

    def soon(self, ask, what):
        """The claims of a token, as soon as the server knows the client."""
        self.stack.soon(lambda: ask().status == 200, what)
        return tokens.claims(ask().json()["access_token"])

    def methods(self, client_id):
        return self.sql(f"SELECT auth_methods FROM client WHERE client_id = '{client_id}'")[0][0]

    def secrets(self, client_id):
        return int(self.sql(f"SELECT COUNT(*) FROM client_secret WHERE client_id = '{client_id}'")[0][0])


@check("client: with a secret; several audiences each with its scopes; a burst; introspection")
def by_secret(counter):
    err = counter.apply("client", *API, "--audience", "https://b.example/", "--scope", "other", "--rate", "600/3", "--introspects",
                        rig.AUDIENCE, "plain")
    secret = err.split()[-1]
    headers = [web.basic("plain", secret)]
    claims = counter.soon(lambda: counter.ask(headers=headers), "by secret")
    equal((claims["scope"], claims["aud"]), ("read", rig.AUDIENCE), "claims")
    claims = tokens.claims(counter.ask(headers=headers, resource="https://b.example/").json()["access_token"])
    equal((claims["scope"], claims["aud"]), ("other", "https://b.example/"), "claims of the other API")
    counter.stack.soon(lambda: counter.ask(headers=headers).status == 429, "three at once are all")
    equal(counter.methods("plain"), "client_secret_basic,client_secret_post", "methods")


@check("client --pem: signs with a key of each algorithm, has no secret")
def by_pem(counter):
    for alg in ALGORITHMS:
        signer = Signer(counter.scratch, f"pem-{alg}", "own-name", alg)
        err = counter.apply("client", *API, "--pem", counter.public(signer), "--alg", alg, "--kid", "own-name", f"pem-{alg}")
        says(err, "kid of its key is own-name")
        must("secret" not in err, err)
        equal(counter.soon(lambda: counter.by_key(signer), alg)["cred"], "own-name", "cred")
        equal((counter.methods(f"pem-{alg}"), counter.secrets(f"pem-{alg}")), ("private_key_jwt", 0), "methods, secrets")


@check("client --pem without --alg and --kid: the usual algorithm, the thumbprint; a certificate in PEM is taken, too")
def by_pem_alone(counter):
    signer = Signer(counter.scratch, "thumb", "unused")
    signer.kid = signer.thumbprint()
    counter.apply("client", *API, "--pem", counter.public(signer), "thumb")
    equal(counter.soon(lambda: counter.by_key(signer), "by thumbprint")["cred"], signer.kid, "cred")
    other = counter.issuing.issue("signs-too", "/CN=signs-too")
    counter.apply("client", *API, "--pem", other.path, "signs-too")
    signer.client_id, signer.key = "signs-too", other.key
    signer.kid = json.loads(counter.stack.operator.m2mctl("jwk", other.path).stdout)["kid"]
    counter.soon(lambda: counter.by_key(signer), "by the key of a certificate")


@check("client --jwk: a JWK and a JWK Set with one key, as libraries print them; its kid and alg count")
def by_jwk(counter):
    for name, alg, wrap in (("jwk-a", "ES256", False), ("jwk-b", "PS256", True), ("jwk-c", "EdDSA", False)):
        signer = Signer(counter.scratch, name, f"{name}.kid", alg)
        jwk = {**signer.jwk, "kid": signer.kid, "alg": alg, "use": "sig"}
        path = counter.scratch.write(f"{name}.json", json.dumps({"keys": [jwk]} if wrap else jwk, indent=2))
        counter.apply("client", *API, "--jwk", path, name)
        equal(counter.soon(lambda: counter.by_key(signer), name)["cred"], signer.kid, "cred")


@check("client --mtls-subject: a certificate of an authority, by name and by alternative name")
def by_subject(counter):
    named = counter.issuing.issue("named", "/C=DE/O=Example/CN=named")
    counter.apply("client", *API, "--mtls-subject", "subject_dn", "CN=named,O=Example,C=DE", "--binding", "mtls", "named")
    claims = counter.soon(lambda: counter.ask(named, client_id="named"), "by name")
    equal(claims["cnf"], {"x5t#S256": named.thumbprint()}, "cnf")
    other = counter.issuing.issue("uri", "/CN=machine", "URI:spiffe://example/uri")
    counter.apply("client", "--mtls-subject", "san_uri", "spiffe://example/uri", *API, "--secret", "uri")
    counter.soon(lambda: counter.ask(other, client_id="uri"), "by URI")
    equal(counter.methods("uri"), "client_secret_basic,client_secret_post,tls_client_auth", "methods")
    equal((counter.secrets("named"), counter.secrets("uri")), (0, 1), "secrets")


@check("client --mtls-issuer: of two authorities that the front trusts, only the named one's certificate")
def by_issuer(counter):
    name = "/C=DE/O=Example/CN=named"
    own, foreign = counter.issuing.issue("own-named", name), counter.others.issue("foreign-named", name)
    for client_id, issuer in (("ours", "CN=authority"), ("theirs", "CN=others"), ("anyone", None)):
        counter.apply("client", *API, "--mtls-subject", "subject_dn", "CN=named,O=Example,C=DE",
                      *(["--mtls-issuer", issuer] if issuer else []), client_id)
    counter.soon(lambda: counter.ask(own, client_id="ours"), "the named authority")
    counter.soon(lambda: counter.ask(foreign, client_id="theirs"), "the other named authority")
    for one in (own, foreign):
        counter.soon(lambda: counter.ask(one, client_id="anyone"), "no authority named")
    equal([counter.ask(foreign, client_id="ours").status, counter.ask(own, client_id="theirs").status], [401, 401], "the other one")
    counter.sql("CALL client_set_tls_issuer('ours', NULL); CALL client_set_tls_issuer('theirs', 'keyid:00')")
    counter.stack.soon(lambda: counter.ask(foreign, client_id="ours").status == 200, "none named any longer")
    equal(counter.ask(foreign, client_id="theirs").status, 401, "another key id")
    says(counter.stack.operator.m2mctl("show", "theirs", database=True).stdout.decode(), "signed by           keyid:00")
    for wrong in ("Example CA", "keyid:xyz", "keyid:"):
        done = counter.stack.database.run(f"CALL client_set_tls_issuer('ours', '{wrong}')", check=False, schema="m2mauth")
        says(done.stderr.decode(), "an issuer is a name such as CN=Machines CA")


@check("client --certificate: a self-signed certificate; one key for signing and for TLS")
def by_certificate(counter):
    own = authority.self_signed(counter.scratch, "own", "/CN=own")
    counter.apply("client", *API, "--certificate", own.path, "own")
    counter.soon(lambda: counter.ask(own, client_id="own"), "by certificate")
    equal(counter.methods("own"), "self_signed_tls_client_auth", "methods")
    both = authority.self_signed(counter.scratch, "both", "/CN=both")
    counter.apply("client", *API, "--certificate", both.path, "--pem", both.path, "both")
    counter.soon(lambda: counter.ask(both, client_id="both"), "by certificate")
    equal(counter.methods("both"), "private_key_jwt,self_signed_tls_client_auth", "methods")


@check("client --binding dpop, --methods, --no-secret: as asked for")
def the_rest(counter):
    err = counter.apply("client", *API, "--binding", "dpop", "--methods", "client_secret_post", "tied")
    pairs = {"client_id": "tied", "client_secret": err.split()[-1]}
    holder = Holder(counter.scratch, "tied")
    claims = counter.soon(lambda: counter.ask(headers=[("DPoP", holder.proof())], **pairs), "with a proof")
    equal(claims["cnf"], {"jkt": holder.thumbprint()}, "cnf")
    equal(counter.ask(**pairs).status, 400, "without a proof")
    equal(counter.ask(headers=[web.basic("tied", pairs["client_secret"]), ("DPoP", holder.proof())]).status, 401, "basic")
    must("secret" not in counter.apply("client", *API, "--no-secret", "later"), "a secret is shown")
    equal(counter.secrets("later"), 0, "secrets")
    secret = counter.apply("secret", "later").split()[-1]
    counter.soon(lambda: counter.ask(headers=[web.basic("later", secret)]), "with a secret that came later")


@check("client-key, client-certificate: the second credential works beside the first, and expires when requested")
def second(counter):
    first, second = (Signer(counter.scratch, "turned", kid) for kid in ("first", "second"))
    counter.apply("client", *API, "--pem", counter.public(first), "--kid", "first", "turned")
    counter.apply("client-key", "--pem", counter.public(second), "--kid", "second", "--expires", "+1d", "turned")
    for signer in (first, second):
        equal(counter.soon(lambda: counter.by_key(signer), signer.kid)["cred"], signer.kid, "cred")
    ends = int(counter.sql("SELECT UNIX_TIMESTAMP(expires_at) FROM client_key WHERE kid = 'second'")[0][0])
    must(abs(ends - time.time() - 86400) < 60, f"expires_at {ends}")
    counter.sql("CALL client_expire_key('turned', 'first', NULL)")
    counter.stack.soon(lambda: counter.by_key(first).status == 401, "the first has ended")
    own = authority.self_signed(counter.scratch, "own-2", "/CN=own")
    counter.apply("client-certificate", "own", own.path)
    counter.soon(lambda: counter.ask(own, client_id="own"), "the second certificate")


@check("files that have no such key are refused with the reason, and nothing is printed")
def bad_files(counter):
    signer = Signer(counter.scratch, "bad", "k")
    write = counter.scratch.write
    private = {**signer.jwk, "d": "AAAA"}
    for option, path, words in (
            ("--pem", signer.key, "private key, which must stay with the client"),
            ("--pem", write("empty", ""), "no certificate and no public key"),
            ("--pem", counter.scratch.path("nowhere"), "cannot be opened"),
            ("--jwk", write("private.json", json.dumps(private)), "private"),
            ("--jwk", write("two.json", json.dumps({"keys": [signer.jwk, signer.jwk]})), "more than one key"),
            ("--jwk", write("kid.json", json.dumps({**signer.jwk, "kid": "https://x/#1"})), "--kid"),
            ("--jwk", write("no.json", "{"), "neither a JWK nor a JWK Set"),
            ("--certificate", counter.public(signer), "no certificate"),
            ("--pem", write("large", "x" * 70000), "longer than 64 KiB")):
        done = counter.stack.operator.m2mctl("client", *API, option, path, "bad", check=False)
        equal((done.returncode, done.stdout), (1, b""), f"{option} {path}")
        says(done.stderr.decode(), words)
    for command in (["client-key", "x"], ["client-key", "--pem", "f"], ["client-certificate", "x"], ["client-key", "--expires",
                    "2020-01-01", "--pem", "f", "x"], ["client-certificate", "x", "f", "g"], ["client-key", "--jwk", "f", "a\nb"]):
        equal(counter.stack.operator.m2mctl(*command, check=False).returncode, 2, f"{command}")


def script(build, scratch):
    others = authority.Authority(scratch, "others")
    issuing = authority.Authority(scratch)
    with open(issuing.own.path, "a") as trusted:          # nginx trusts both; openssl signs by the first in the file
        trusted.write(others.own.pem())
    stack = Stack(build, scratch, kinds=("nginx",), authority=issuing, failures_per_minute=10000)
    stack.start(workers=1)
    rig.run_checks("", Counter(stack, issuing, others))
    rig.run_check("no sanitizer report (client_kinds)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

"""m2mctl token: valid tokens signed by openssl, and invalid ones."""
import base64
import json
import os
import time

import rig
from console import says
from m2mctl_keys import jwk, openssl, passphrase, private_pem
from m2mctl_writes import installed
from rig import check, equal, must

ISSUER = "https://as.example/oauth"


def encode(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_signature(der):
    """R || S out of ECDSA's SEQUENCE of two INTEGERs."""
    numbers, at = [], 2
    for _ in range(2):
        numbers.append(int.from_bytes(der[at + 2:at + 2 + der[at + 1]], "big"))
        at += 2 + der[at + 1]
    return b"".join(number.to_bytes(32, "big") for number in numbers)


class Issuer:
    """Keys as m2mctl makes them, and tokens signed with them by openssl."""
    options = {"RS256": [], "PS256": ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"], "ES256": []}

    def __init__(self, console):
        passphrase(console)
        self.console, self.kids = console, {}
        schema = installed(console)
        for algorithm in "ES256", "RS256", "PS256", "EdDSA":
            self.kids[algorithm] = console.run("key", "new", "--alg", algorithm, schema=schema)[0].split()[1]
            pem = private_pem(console, schema, self.kids[algorithm])
            console.scratch.write(algorithm, openssl("pkey", "-passin", f"file:{console.passphrase}", stdin=pem), 0o600)
        self.keys = [jwk(console, schema, kid) for kid in self.kids.values()]
        self.jwks = self.write("jwks", {"keys": self.keys})

    def write(self, name, document):
        return self.console.scratch.write(name, document if isinstance(document, str) else json.dumps(document))

    def sign(self, algorithm, text):
        key = self.console.scratch.path(algorithm)
        if algorithm == "EdDSA":
            path = self.console.scratch.write("signed", text)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", path)
        signature = openssl("dgst", "-sha256", "-sign", key, *self.options[algorithm], stdin=text.encode())
        return raw_signature(signature) if algorithm == "ES256" else signature

    def token(self, algorithm="ES256", header=None, key=None, **claims):
        now = int(time.time())
        claims = {"iss": ISSUER, "sub": "c", "aud": "https://api.example/", "client_id": "c", "iat": now - 10, "exp": now + 290,
                  "jti": "j", "scope": "read"} | claims
        header = {"typ": "at+jwt", "alg": algorithm, "kid": self.kids[algorithm]} | (header or {})
        header = {name: value for name, value in header.items() if value is not None}
        text = f"{encode(header)}.{encode({name: value for name, value in claims.items() if value is not None})}"
        return f"{text}.{encode(self.sign(key or algorithm, text))}"

    def nothing(self):
        """A JWS whose payload is empty (RFC 7515 3.1)."""
        text = encode({"alg": "ES256", "kid": self.kids["ES256"]}) + "."
        return f"{text}.{encode(self.sign('ES256', text))}"


class Once:
    """Four keys are made once for all checks."""
    issuer = None


def issuer(console):
    Once.issuer = Once.issuer or Issuer(console)
    return Once.issuer


def verify(console, token, *options, status=0, jwks=None):
    return console.run("token", "--jwks", jwks or issuer(console).jwks, *options, stdin=token.encode(), status=status)[0]


def refused(console, token, why, *options, jwks=None):
    out = verify(console, token, *options, status=1, jwks=jwks)
    must(out.startswith("not valid: ") and why in out.splitlines()[0], f"not {why!r}: {out}")


@check("token: explained in words, without a key")
def explained(console):
    now = int(time.time())
    out = console.run("token", stdin=issuer(console).token(cred="s1").encode() + b"\n")[0]
    says(out, '"at+jwt"', '"ES256"', '"https://as.example/oauth"    who issued it', "ends ", " UTC, in 4 minutes", "issued ",
         "seconds ago", "the secret or key", "The signature was not checked")
    out = console.run("token", stdin=issuer(console).token(exp=now - 7300, nbf=now + 100000, extra={"a": [1]}).encode())[0]
    says(out, "ended ", "2 hours ago", "begins ", "in 27 hours", '{"a": [1]}')


@check("token: nothing in a token steers the terminal")
def harmless(console):
    nasty = "\x1b]0;owned\x07\x9b2J\u202e\n"
    out = console.run("token", stdin=issuer(console).token(sub=nasty, other=[nasty], number=None).encode())[0]
    must(not any(character in out for character in "\x1b\x07\x9b\u202e"), f"control characters: {out!r}")


@check("token: input that is not a token: exit code 1, and why")
def no_token(console):
    good = issuer(console).token()
    header, payload, signature = good.split(".")
    twice, broken = encode(b'{"a":1,"a":2}'), encode(b"{x}")
    for wrong, why in (("", "not a signed token"), ("a.b", "not a signed token"), (f"{good}.x", "not a signed token"),
                       (f"{header}.{payload}.", "not a signed token"), ("x" * 9000, "not a signed token"),
                       (f"{header}=.{payload}.{signature}", "not base64url"), (f"{header}.!{payload}.{signature}", "base64url"),
                       (f"{encode(b'[]')}.{payload}.{signature}", "not a JSON object"),
                       (f"{header}.{broken}.{signature}", "not a JSON object"),
                       (f"{header}.{twice}.{signature}", "unique names")):
        says(console.run("token", stdin=wrong.encode(), status=1)[1], why)
    console.run("token", good, status=2)
    console.run("token", "--issuer", ISSUER, stdin=good.encode(), status=2)
    console.run("token", "--jwks", "/nonexistent", stdin=good.encode(), status=3)


@check("token --jwks: valid for each algorithm, by set or by single key, with and without kid")
def valid(console):
    for number, algorithm in enumerate(("ES256", "RS256", "PS256", "EdDSA")):
        token = issuer(console).token(algorithm)
        must(verify(console, f" {token}\n").startswith("valid\n"), "not valid")
        verify(console, token, "--issuer", ISSUER)
        verify(console, issuer(console).token(algorithm, header={"kid": None}))
        single = dict(issuer(console).keys[number])
        verify(console, token, jwks=issuer(console).write("single", single))
        verify(console, token, jwks=issuer(console).write("bare", {name: single[name] for name in single if name not in ("alg", "kid")}))


@check("token --jwks: times and issuer")
def times(console):
    now = int(time.time())
    token = issuer(console).token
    refused(console, token(exp=now - 1), "it has expired")
    refused(console, token(exp=None), "it has no exp")
    refused(console, token(nbf=now + 3600), "it is not valid yet")
    refused(console, token(exp="soon"), "exp is not a date")
    refused(console, token(), "its iss is another", "--issuer", ISSUER + "/")
    refused(console, token(iss=None), "its iss is another", "--issuer", ISSUER)
    refused(console, token(aud=[1]), "aud")


@check("token --jwks: forged and foreign tokens")
def forged(console):
    make = issuer(console)
    header, payload, signature = make.token().split(".")
    refused(console, f"{encode({'alg': 'none'})}.{payload}.{signature}", "alg is none of")
    refused(console, f"{encode({'alg': 'HS256', 'kid': make.kids['RS256']})}.{payload}.{signature}", "alg is none of")
    refused(console, f"{encode({'alg': 'ES256', 'jwk': make.keys[0]})}.{payload}.{signature}", "not allowed")
    refused(console, make.token(header={"crit": ["exp"]}), "not allowed")
    refused(console, f"{header}.{encode({'exp': 4102444800})}.{signature}", "the signature is not that of the key")
    refused(console, f"{header}.{payload}.{encode(bytes(64))}", "the signature is not that of the key")
    refused(console, f"{header}.{payload}.{signature[:-4]}", "the signature is not that of the key")
    refused(console, make.token(header={"kid": "unknown"}), "no key of the set")
    refused(console, make.token("ES256", header={"kid": make.kids["RS256"]}), "no key of the set")
    refused(console, make.token("PS256", key="RS256", header={"kid": make.kids["PS256"]}), "the signature is not")
    other = make.write("others", {"keys": make.keys[1:]})
    refused(console, make.token(), "no key of the set", jwks=other)


@check("token --jwks: files of keys that are none, and keys in them that are refused")
def key_files(console):
    make, token = issuer(console), issuer(console).token()
    for document in "", "[]", '{"keys":1}', '{"keys":[],"keys":[]}':
        refused(console, token, "not a JWK Set", jwks=make.write("broken", document))
    private = dict(make.keys[0], d=encode(os.urandom(32)))
    path = make.write("private", {"keys": [private]})
    out, err = console.run("token", "--jwks", path, stdin=token.encode(), status=1)
    says(err, "private members")
    equal(out.splitlines()[0], "not valid: no key of the set has its kid and suits its alg", "verdict")
    verify(console, token, jwks=make.write("mixed", {"keys": [private, {"kty": "oct"}, *make.keys]}))
    says(console.run("token", "--jwks", make.write("large", " " * 2000000), stdin=token.encode(), status=3)[1], "larger than")


@check("token --signature-only: any compact JWS; the reason stands on standard error, in one line")
def signature_only(console):
    make = issuer(console)
    only = ("token", "--jwks", make.jwks, "--signature-only")
    good = make.token(exp=None, iat="x", aud=7)
    equal(console.run(*only, stdin=good.encode()), ("valid\n", ""), "a token without exp")
    equal(console.run(*only, stdin=make.token(exp=1).encode()), ("valid\n", ""), "a token that has ended")
    nothing = make.nothing()
    equal(console.run(*only, stdin=nothing.encode()), ("valid\n", ""), "an empty payload")
    console.run(*only, stdin=nothing.replace("..", ".e30.").encode(), status=1)
    console.run("token", "--jwks", make.jwks, stdin=nothing.encode(), status=1)
    out, err = console.run(*only, stdin=make.token(header={"kid": "unknown"}).encode(), status=1)
    equal((out, err), ("", "m2mctl token: not valid: no key of the set has its kid and suits its alg\n"), "the reason")
    for wrong in ("token", "--signature-only"), (*only, "--issuer", ISSUER):
        console.run(*wrong, stdin=good.encode(), status=2)


@check("jwk prints the key of a certificate or a PEM file, and takes no private one")
def jwk_of_file(console):
    certificate = os.path.join(rig.SOURCE, "tests", "vectors", "certificates", "self.pem")
    printed = json.loads(console.run("jwk", certificate)[0])
    equal((printed["kid"], printed["alg"], printed["x"]), ("oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U", "ES256",
          "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), "of a certificate")
    rsa = console.scratch.write("rsa.pem", openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), 0o600)
    public = console.scratch.write("rsa-public.pem", openssl("pkey", "-in", rsa, "-pubout"))
    printed = json.loads(console.run("jwk", "--alg", "PS256", "--kid", "k", public)[0])
    equal((printed["kid"], printed["alg"], sorted(printed)), ("k", "PS256", ["alg", "e", "kid", "kty", "n", "use"]), "of a key")
    says(console.run("jwk", rsa, status=1)[1], "private key, which must stay with the client")
    says(console.run("jwk", "--alg", "ES256", public, status=1)[1], "not one for that")
    small = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    small = console.scratch.write("small.pem", openssl("pkey", "-pubout", stdin=small))
    says(console.run("jwk", small, status=1)[1], "2048")
    console.run("jwk", "/nowhere", status=1)
    console.run("jwk", status=2)
    console.run("jwk", "--alg", "HS256", public, status=2)


@check("token --signature-only: the public vectors, as tests/unit/vectors.c judges them")
def vectors(console):
    keys, told = {}, {"valid": 0, "refused": 0}
    with open(os.path.join(rig.SOURCE, "tests", "vectors", "jws.txt")) as file:
        for line in file:
            verb, key, *rest = line.split(maxsplit=2) + ["", ""]
            if verb == "key":
                keys[key] = console.scratch.write(f"{key}.json", rest[0])
            if verb not in ("valid", "signature", "refused"):
                continue
            verdict = "valid" if verb == "valid" else "refused"
            told[verdict] += 1
            err = console.run("token", "--jwks", keys[key], "--signature-only", stdin=rest[0].encode(), status=verdict != "valid")[1]
            must((err == "") == (verdict == "valid"), f"{rest[0][-60:]}: {err}")
    must(told["valid"] >= 6 and told["refused"] >= 60, f"vectors: {told}")

#!/usr/bin/env python3
"""algorithms: an issuer that signs with a secret (HS256), from the first key to a change of the algorithm.

usage: algorithms.py BUILDDIR
"""
import hashlib
import hmac

import rig
import tokens
import web
from stack import Stack
from rig import await_true, check, equal, must

SETTINGS = {"token_algorithm": "HS256", "workers": 2}
LOOK = 12                                               # seconds in which the keeper has looked at the keys
METADATA = "/oauth/.well-known/oauth-authorization-server"


def secret_of(stack, kid):
    """The bytes of a key, as the openssl command line finds them in its row."""
    pem = stack.database.run(f"SELECT private_pem FROM signing_key WHERE kid = '{kid}'", schema="m2mauth").stdout
    der = tokens.openssl("pkey", "-passin", f"file:{stack.operator.passphrase_file}", "-outform", "DER", stdin=pem).stdout
    equal(len(der), 48, "an X25519 key in DER")
    return der[16:]


def mac(secret, head, payload):
    signed = f"{tokens.encode_json(head)}.{payload}"
    return f"{signed}.{tokens.encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def get(stack, path):
    return web.request(stack.port(), "GET", path)


@check("B20 the keeper makes the first secret; its tokens are what openssl and HMAC say, validated and revoked")
def cycle(stack):
    stack.database.sql("DELETE FROM signing_key")
    stack.start()
    (kid, alg, jwk), = stack.database.sql("SELECT kid, alg, public_jwk FROM signing_key")
    equal((alg, jwk), ("HS256", '{"kty":"oct"}'), "the row")
    client = stack.client("api")
    token = client.token()
    equal(tokens.header(token), {"typ": "at+jwt", "alg": "HS256", "kid": kid}, "the header")
    signed, _, signature = token.rpartition(".")
    equal(tokens.decode(signature), hmac.new(secret_of(stack, kid), signed.encode(), hashlib.sha256).digest(), "the HMAC")
    must(client.active(token) and client.active(token), "it is not active")
    must(not client.active(token[:-3] + "AAA"), "a changed one is active")
    equal(client.revoke(token).status, 200, "the revocation")
    must(not client.active(token), "it is active after its revocation")


@check("E11 no jwks_uri, no JWK Set; the secret in no answer")
def nothing_published(stack):
    metadata = get(stack, METADATA)
    equal((metadata.status, "jwks_uri" in metadata.json()), (200, False), "status, jwks_uri")
    answer = get(stack, "/oauth/jwks.json")
    equal((answer.status, answer.json()["error"]), (404, "not_found"), "the JWK Set")


@check("B7 other secrets under the header of the key: the empty one, its kid, its JWK, a public key")
def other_secrets(stack):
    client = stack.client("api")
    token = client.token()
    head, payload = tokens.header(token), token.split(".")[1]
    must(client.active(mac(secret_of(stack, head["kid"]), head, payload)), "the control is not active")
    public = tokens.openssl("pkey", "-passin", f"file:{stack.operator.passphrase_file}", "-pubout", "-outform", "DER",
                            stdin=stack.database.run("SELECT private_pem FROM signing_key LIMIT 1", schema="m2mauth").stdout)
    for secret in b"", head["kid"].encode(), b'{"kty":"oct"}', bytes(32), public.stdout, public.stdout[-32:]:
        must(not client.active(mac(secret, head, payload)), f"a secret of {len(secret)} bytes is let in")


@check("B18 an audience that names an algorithm gets no token, and no key is made for it")
def audience(stack):
    client = stack.client("api")
    stack.database.sql("UPDATE audience SET token_algorithm = 'RS256'")
    stack.soon(lambda: client.token_answer().status == 400, "it is refused")
    equal(client.token_answer().error(), "invalid_target", "the error")
    stack.database.sql("UPDATE audience SET token_algorithm = NULL")
    stack.soon(lambda: client.token_answer().status == 200, "it is let in again")


@check("B20 from HS256 to ES256 and back: by rotation, and no token that lives is lost")
def change_of_mind(stack):
    client = stack.client("api")
    old = client.token()
    for algorithm, before in ("ES256", "HS256"), ("HS256", "ES256"):
        stack.operator.configure(token_algorithm=algorithm)
        stack.pool.reload()
        has_set = algorithm == "ES256"
        if not has_set:
            # E12 An API that verifies tokens itself has tokens signed by the public key; the key stays published without a gap.
            must(tokens.verifies(old, get(stack, "/oauth/jwks.json").json()), "the JWK Set lacks the key from before")
            must("jwks_uri" in get(stack, METADATA).json(), "no jwks_uri")
        count = f"SELECT COUNT(*) FROM signing_key WHERE alg = '{algorithm}' AND retire_at IS NULL"
        await_true(lambda count=count: stack.database.sql(count) != [["0"]], LOOK, "a key of it")
        if has_set:
            equal(tokens.header(client.token())["alg"], before, "what signs until it is known")
            stack.soon(lambda: get(stack, "/oauth/jwks.json").status == 200, "there is a JWK Set")
            must(f"no key of token_algorithm ({algorithm}) is active: one of another algorithm signs; key " in stack.pool.log(),
                 "the log does not say which key will sign")
            must("oct" not in get(stack, "/oauth/jwks.json").body.decode(), "the secret is in the JWK Set")
        stack.database.sql(f"UPDATE signing_key SET activate_at = publish_at WHERE alg = '{algorithm}'")
        stack.soon(lambda algorithm=algorithm: tokens.header(client.token())["alg"] == algorithm, f"tokens of {algorithm}")
        must(client.active(old), "the token of before is inactive")
        old = client.token()


@check("a secret that cannot be decrypted: its tokens are 503, not inactive, and the log says why; another key signs")
def undecipherable(stack):
    client = stack.client("api")
    token = client.token()
    kid = tokens.header(token)["kid"]
    stack.database.sql(f"""CREATE TEMPORARY TABLE bad AS SELECT * FROM signing_key WHERE kid = '{kid}';
        UPDATE bad SET private_pem = CONCAT('-----BEGIN ENCRYPTED PRIVATE KEY-----', CHAR(10), 'AAAA', CHAR(10),
          '-----END ENCRYPTED PRIVATE KEY-----');
        DELETE FROM signing_key WHERE kid = '{kid}'; INSERT INTO signing_key SELECT * FROM bad""")
    stack.soon(lambda: client.validate(token).status == 503, "it cannot be said")
    must("this worker cannot use it" in stack.pool.log(), "no line in the log")
    equal(tokens.header(client.token())["alg"], "ES256", "what signs")


@check("no sanitizer report")
def quiet(stack):
    stack.pool.no_sanitizer_report()


def script(build, scratch):
    stack = Stack(build, scratch, kinds=("nginx",), **SETTINGS)
    stack.operator.client("api")
    rig.run_checks("", stack)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

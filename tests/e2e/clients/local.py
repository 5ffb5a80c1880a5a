"""local: Authlib verifies tokens by the published keys, and reads the metadata. Reads JSON from standard input and prints
one line for each check. Run by clients.py with the system's Python, for which Debian ships Authlib."""
import base64
import hashlib
import json
import ssl
import sys

from authlib.jose import JsonWebKey, JsonWebToken
from authlib.jose.errors import JoseError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

told = json.load(sys.stdin)


def verify_tokens():
    keys = JsonWebKey.import_key_set(told["jwks"])
    expected = {"iss": {"essential": True, "value": told["issuer"]}, "aud": {"essential": True, "value": told["audience"]},
                "exp": {"essential": True}, "sub": {"essential": True, "value": told["client"]["id"]}}
    assert len(told["byAlgorithm"]) == 4, "there are tokens of four algorithms"
    for algorithm, token in told["byAlgorithm"].items():
        claims = JsonWebToken([algorithm]).decode(token, keys, claims_options=expected)
        claims.validate()
        assert claims.header["typ"] == "at+jwt", claims.header
        start, _, signature = token.rpartition(".")
        forged = f"{start}.{'A' * 86 if len(signature) < 100 else 'A' * len(signature)}"
        try:
            JsonWebToken([algorithm]).decode(forged, keys)
        except JoseError:
            continue
        raise AssertionError(f"a forged {algorithm} signature holds")


def confirmation(token):
    keys = JsonWebKey.import_key_set(told["jwks"])
    claims = JsonWebToken(["ES256"]).decode(token, keys, claims_options={"cnf": {"essential": True}})
    claims.validate()
    return claims["cnf"]


def bound_to_key():
    found = confirmation(told["boundToKey"])
    assert found == {"jkt": JsonWebKey.import_key(told["key"]).thumbprint()}, found


def bound_to_certificate():
    with open(told["certificates"]["tls"]["path"]) as file:
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest()
    found = confirmation(told["boundToCertificate"])
    assert found == {"x5t#S256": base64.urlsafe_b64encode(digest).rstrip(b"=").decode()}, found


def validate_metadata():
    AuthorizationServerMetadata(told["metadata"]).validate()


for name, run in (("B6 I3 Authlib: verifies a token of each algorithm by the published keys", verify_tokens),
                  ("G1 Authlib: cnf of a bound token is the thumbprint of the key", bound_to_key),
                  ("G8 Authlib: cnf of a bound token is the thumbprint of the certificate", bound_to_certificate),
                  ("E1 E3 E4 E5 Authlib: the metadata is valid by RFC 8414", validate_metadata)):
    try:
        run()
        print(f"ok - {name} [{told['front']}]")
    except Exception as fault:
        print(f"not ok - {name} [{told['front']}] # {type(fault).__name__}: {fault}")

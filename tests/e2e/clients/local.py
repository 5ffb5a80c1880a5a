"""local: Authlib verifies tokens by the published keys, and reads the metadata. Reads JSON from standard input and prints
one line for each check. Run by clients.py with the system's Python, for which Debian ships Authlib."""
import json
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


def validate_metadata():
    AuthorizationServerMetadata(told["metadata"]).validate()


for name, run in (("B6 I3 Authlib: verifies a token of each algorithm by the published keys", verify_tokens),
                  ("E1 E3 E4 E5 Authlib: the metadata is valid by RFC 8414", validate_metadata)):
    try:
        run()
        print(f"ok - {name} [{told['front']}]")
    except Exception as fault:
        print(f"not ok - {name} [{told['front']}] # {type(fault).__name__}: {fault}")

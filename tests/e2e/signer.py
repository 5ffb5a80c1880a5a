"""signer: clients that prove themselves by a signature (private_key_jwt), made by openssl."""
import json
import time

import tokens
from rig import equal

ISSUER = "https://as.example/oauth"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Signer:
    """A client with a key pair of its own; sign() writes an assertion that is good unless told otherwise."""

    def __init__(self, scratch, client_id, kid, alg="ES256"):
        self.client_id, self.kid, self.alg = client_id, kid, alg
        self.key = scratch.path(f"{client_id}-{kid}.pem")
        options = {"ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                   "EdDSA": ["-algorithm", "ed25519"]}
        rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        equal(tokens.openssl("genpkey", *options.get(alg, rsa), "-out", self.key).returncode, 0, "genpkey")
        der = tokens.openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER").stdout
        if alg == "ES256":
            self.jwk = {"kty": "EC", "crv": "P-256", "x": tokens.encode(der[-64:-32]), "y": tokens.encode(der[-32:])}
        elif alg == "EdDSA":
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": tokens.encode(der[-32:])}
        else:                                           # SPKI of 2048 bits: n stands before 02 03 01 00 01
            self.jwk = {"kty": "RSA", "n": tokens.encode(der[-261:-5]), "e": "AQAB"}
        self.number = 0

    def raw(self, signed):
        if self.alg == "EdDSA":
            path = self.key + ".in"
            with open(path, "wb") as file:
                file.write(signed)
            return tokens.openssl("pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", path).stdout
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if self.alg == "PS256" else []
        made = tokens.openssl("dgst", "-sha256", *pss, "-sign", self.key, stdin=signed).stdout
        return tokens.raw_signature(made) if self.alg == "ES256" else made

    def sign(self, head=(), **claims):
        self.number += 1
        now = int(time.time())
        head = {"alg": self.alg, "kid": self.kid, **dict(head)}
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": ISSUER, "exp": now + 60, "iat": now,
                  "jti": f"{self.kid}-{self.number}-{now}", **claims}
        signed = f"{tokens.encode_json(head)}.{tokens.encode_json(claims)}"
        return f"{signed}.{tokens.encode(self.raw(signed.encode()))}"


def add_key(sql, signer, **columns):
    jwk = json.dumps({**signer.jwk, **columns})
    sql(f"CALL client_add_key('{signer.client_id}', '{signer.kid}', '{signer.alg}', '{jwk}', NULL)")

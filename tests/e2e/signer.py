"""signer: clients that prove possession of a key by signing an assertion (private_key_jwt) or a proof for each request
(DPoP). openssl makes keys and signatures; thumbprints and nonces are implemented a second time here."""
import hashlib
import hmac
import json
import time

import tokens
from rig import equal

ISSUER = "https://as.example/oauth"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")


class KeyPair:
    """A private key in a file, and the public key as a JWK with the required members only."""

    def __init__(self, scratch, name, alg="ES256"):
        self.alg, self.number = alg, 0
        self.key = scratch.path(f"{name}.pem")
        options = {"ES256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                   "EdDSA": ["-algorithm", "ed25519"]}
        rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        equal(tokens.openssl("genpkey", *options.get(alg, rsa), "-out", self.key).returncode, 0, "genpkey")
        der = tokens.openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER").stdout
        if alg == "ES256":
            self.jwk = {"kty": "EC", "crv": "P-256", "x": tokens.encode(der[-64:-32]), "y": tokens.encode(der[-32:])}
        elif alg == "EdDSA":
            self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": tokens.encode(der[-32:])}
        else:                                           # SPKI of 2048 bits: n precedes 02 03 01 00 01
            self.jwk = {"kty": "RSA", "n": tokens.encode(der[-261:-5]), "e": "AQAB"}

    def raw(self, signed):
        if self.alg == "EdDSA":
            path = self.key + ".in"
            with open(path, "wb") as file:
                file.write(signed)
            return tokens.openssl("pkeyutl", "-sign", "-inkey", self.key, "-rawin", "-in", path).stdout
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] if self.alg == "PS256" else []
        made = tokens.openssl("dgst", "-sha256", *pss, "-sign", self.key, stdin=signed).stdout
        return tokens.raw_signature(made) if self.alg == "ES256" else made

    def compact(self, head, claims):
        signed = f"{tokens.encode_json(head)}.{tokens.encode_json(claims)}"
        return f"{signed}.{tokens.encode(self.raw(signed.encode()))}"

    def thumbprint(self):
        """RFC 7638 3."""
        return tokens.encode(tokens.sha256(json.dumps(self.jwk, sort_keys=True, separators=(",", ":")).encode()))


class Signer(KeyPair):
    """A client with a key pair; sign() makes a valid assertion by default."""

    def __init__(self, scratch, client_id, kid, alg="ES256"):
        super().__init__(scratch, f"{client_id}-{kid}", alg)
        self.client_id, self.kid = client_id, kid

    def sign(self, head=(), **claims):
        self.number += 1
        now = int(time.time())
        head = {"alg": self.alg, "kid": self.kid, **dict(head)}
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": ISSUER, "exp": now + 60, "iat": now,
                  "jti": f"{self.kid}-{self.number}-{now}", **claims}
        return self.compact(head, claims)


class Holder(KeyPair):
    """The holder of a key; proof() makes a valid DPoP proof (RFC 9449 4.2) by default."""

    def __init__(self, scratch, name, alg="ES256"):
        super().__init__(scratch, name, alg)
        self.name = name

    def proof(self, method="POST", url=f"{ISSUER}/token", token=None, head=(), **claims):
        self.number += 1
        head = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk, **dict(head)}
        claims = {"jti": f"{self.name}-{self.number}", "htm": method, "htu": url, "iat": int(time.time()), **claims}
        if token:
            claims.setdefault("ath", tokens.encode(tokens.sha256(token.encode())))
        return self.compact(head, claims)


def nonce(passphrase_file, minutes=0):
    """The DPoP nonce that a server with this passphrase offers, or offered so many minutes ago."""
    with open(passphrase_file, "rb") as file:
        key = hashlib.pbkdf2_hmac("sha256", file.read().rstrip(b"\n"), b"m2mauth DPoP-Nonce", 10000)
    minute = (int(time.time()) // 60 - minutes).to_bytes(4, "big")
    return tokens.encode(minute + hmac.digest(key, minute, "sha256")[:16])


def add_key(sql, signer, **columns):
    jwk = json.dumps({**signer.jwk, **columns})
    sql(f"CALL client_add_key('{signer.client_id}', '{signer.kid}', '{signer.alg}', '{jwk}', NULL)")

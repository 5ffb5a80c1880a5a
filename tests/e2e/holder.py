"""holder: somebody with a key of their own, who makes DPoP proofs with it (RFC 9449)."""
import os
import time

import tokens


class Holder(tokens.Forger):
    def __init__(self, folder):
        os.makedirs(folder)
        super().__init__(folder)
        self.number = 0

    def thumbprint(self):
        """RFC 7638 3, of a key of P-256."""
        members = ",".join(f'"{name}":"{self.jwk[name]}"' for name in ("crv", "kty", "x", "y"))
        return tokens.encode(tokens.sha256(f"{{{members}}}".encode()))

    def proof(self, method, url, token=None, **claims):
        """A good one, but for what is changed in it."""
        self.number += 1
        claims = {"jti": f"{id(self)}-{self.number}", "htm": method, "htu": url, "iat": int(time.time()), **claims}
        if token:
            claims.setdefault("ath", tokens.encode(tokens.sha256(token.encode())))
        return self.sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk}, claims)

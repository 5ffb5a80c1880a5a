"""tokens: compact JWS read, verified with the openssl command line, and forged, independently of m2mauth."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import tempfile

P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551
SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sha256(data):
    return hashlib.sha256(data).digest()


def encode_json(value):
    return encode(json.dumps(value, separators=(",", ":")).encode())


def header(token):
    return json.loads(decode(token.split(".")[0]))


def claims(token):
    return json.loads(decode(token.split(".")[1]))


def der_integer(number):
    content = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes([2, len(content)]) + content


def der_signature(raw):
    """RFC 7518 3.4 to what openssl reads."""
    content = der_integer(int.from_bytes(raw[:32], "big")) + der_integer(int.from_bytes(raw[32:], "big"))
    return bytes([0x30, len(content)]) + content


def raw_signature(der):
    r_size = der[3]
    r, s = der[4:4 + r_size], der[6 + r_size:]
    return b"".join(int.from_bytes(part, "big").to_bytes(32, "big") for part in (r, s))


def public_der(jwk):
    return SPKI_P256 + decode(jwk["x"]) + decode(jwk["y"])


def public_pem(jwk):
    return b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(public_der(jwk)) + b"-----END PUBLIC KEY-----\n"


def openssl(*args, stdin=b""):
    return subprocess.run(["openssl", *args], input=stdin, capture_output=True, timeout=600)


def verifies(token, jwks):
    """Whether openssl verifies the token (ES256) with the key of that kid in the JWKS."""
    keys = [key for key in jwks["keys"] if key["kid"] == header(token)["kid"]]
    signed, _, signature = token.rpartition(".")
    with tempfile.TemporaryDirectory() as folder:
        key, sig = os.path.join(folder, "key.pem"), os.path.join(folder, "sig")
        with open(key, "wb") as file:
            file.write(public_pem(keys[0]))
        with open(sig, "wb") as file:
            file.write(der_signature(decode(signature)))
        done = openssl("dgst", "-sha256", "-verify", key, "-signature", sig, stdin=signed.encode())
    return len(keys) == 1 and done.returncode == 0


class Forger:
    """An attacker with a P-256 key."""

    def __init__(self, folder):
        self.key = os.path.join(folder, "forger.pem")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        point = openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER").stdout[-64:]
        self.jwk = {"kty": "EC", "crv": "P-256", "x": encode(point[:32]), "y": encode(point[32:])}

    def sign(self, head, payload):
        signed = f"{encode_json(head)}.{encode_json(payload)}"
        der = openssl("dgst", "-sha256", "-sign", self.key, stdin=signed.encode()).stdout
        return f"{signed}.{encode(raw_signature(der))}"


def high_s_twin(token):
    """Another valid signature of the same bytes: (r, n - s)."""
    signed, _, signature = token.rpartition(".")
    raw = decode(signature)
    twin = P256_ORDER - int.from_bytes(raw[32:], "big")
    return f"{signed}.{encode(raw[:32] + twin.to_bytes(32, 'big'))}"


def with_header(token, **more):
    first, rest = token.split(".", 1)
    return f"{encode_json({**json.loads(decode(first)), **more})}.{rest}"


def hmac_with_public_key(token, secret):
    signed = ".".join([encode_json({**header(token), "alg": "HS256"}), token.split(".")[1]])
    return f"{signed}.{encode(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def spare_bits(token):
    """Sets an unused bit of the last character."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


def forgeries(token, jwks, forger):
    """(line of tests/protocol/lines.txt, the alteration, the token): none of them may be accepted."""
    head, payload = header(token), claims(token)
    first, second, third = token.split(".")
    jwk = next(key for key in jwks["keys"] if key["kid"] == head["kid"])
    doubled = decode(second).decode()[:-1] + f',"client_id":{json.dumps(payload["client_id"])}}}'
    raw = decode(third)
    return [
        ("B7", "alg none, no signature", f"{encode_json({**head, 'alg': 'none'})}.{second}."),
        ("B7", "alg none, signature kept", with_header(token, alg="none")),
        ("B7", "HS256 with the public key in PEM", hmac_with_public_key(token, public_pem(jwk))),
        ("B7", "HS256 with the public key in DER", hmac_with_public_key(token, public_der(jwk))),
        ("B8", "another algorithm for the key", with_header(token, alg="RS256")),
        ("B9", "embedded jwk", forger.sign({**head, "jwk": forger.jwk}, payload)),
        ("B9", "jku", forger.sign({**head, "jku": "https://127.0.0.1/jwks.json"}, payload)),
        ("B9", "x5u and x5c", forger.sign({**head, "x5u": "https://127.0.0.1/", "x5c": ["AA"]}, payload)),
        ("B9", "unknown crit", with_header(token, crit=["exp"])),
        ("B9", "b64 false", with_header(token, b64=False, crit=["b64"])),
        ("B10", "kid: SQL", with_header(token, kid="' OR 1=1--")),
        ("B10", "kid: path", with_header(token, kid="../../etc/passwd")),
        ("B10", "kid: 10 kB", with_header(token, kid="k" * 10000)),
        ("B10", "kid: NUL", with_header(token, kid=head["kid"] + "\0")),
        ("B11", "repeated claim", f"{first}.{encode(doubled.encode())}.{third}"),
        ("B12", "r and s are 0", f"{first}.{second}.{encode(bytes(64))}"),
        ("B12", "r is 0", f"{first}.{second}.{encode(bytes(32) + raw[32:])}"),
        ("B12", "DER signature", f"{first}.{second}.{encode(der_signature(raw))}"),
        ("B12", "63 bytes", f"{first}.{second}.{encode(raw[:-1])}"),
        ("B13", "padding", token + "=="),
        ("B13", "spare bits", spare_bits(token)),
        ("B13", "standard alphabet", f"{first}.{second}.{base64.b64encode(raw).decode()}"),
        ("B13", "space inside", f"{first}. {second}.{third}"),
        ("B15", "another typ", with_header(token, typ="JWT")),
        ("B15", "four parts", token + "."),
        ("B15", "a claim changed", f"{first}.{encode_json({**payload, 'scope': 'admin'})}.{third}"),
        ("C2", "another issuer", forger.sign(head, {**payload, "iss": "https://else.example"})),
        ("C2", "no token at all", "mF_9.B5f-4.1JqM"),
        ("C2", "one word", "x"),
        ("C2", "20 kB", "A" * 20000),
    ]

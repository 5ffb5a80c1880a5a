#!/usr/bin/env python3
"""procedures: a credential is accepted if and only if the server can use it, by a procedure and by a plain INSERT, and is
otherwise refused with the reason.

usage: procedures.py BUILDDIR
"""
import json
import subprocess

import rig
from rig import check, equal, must

X, Y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
EC = {"kty": "EC", "crv": "P-256", "x": X, "y": Y}
OKP = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
N = "s" + "A" * 340 + "E"                   # 2048 bits; good_keys() has a real one
RSA = {"kty": "RSA", "n": N, "e": "AQAB"}


def refused(db, sql, *words):
    done = db.run(sql, False, "m2mauth")
    said = done.stderr.decode()
    must(done.returncode != 0, f"not refused: {sql}")
    for word in words:
        must(word in said, f"{word!r} is not in {said!r} ({sql})")


def without(jwk, *names):
    return {name: value for name, value in jwk.items() if name not in names}


def add(jwk, kid="'k'", alg="'ES256'", procedure="client_add_key"):
    text = jwk if isinstance(jwk, str) else json.dumps(jwk)
    return f"CALL {procedure}('orders', {kid}, {alg}, '{text}', NULL)"


BAD_KEYS = [
    ("[]", "'ES256'", "not a JSON object"), ("x", "'ES256'", "not a JSON object"), ("", "'ES256'", "not a JSON object"),
    ({"keys": [EC]}, "'ES256'", "JWK Set"), ({**EC, "d": X}, "'ES256'", "private members"), ({"kty": "oct", "k": X}, "NULL", "private"),
    ({**EC, "kid": "other"}, "'ES256'", "kid differs from that of the JWK"), ({**EC, "kid": 7}, "'ES256'", "kid differs from that of the JWK"),
    (EC, "'RS256'", "does not fit a key of kty EC"), (EC, "'EdDSA'", "does not fit"), (OKP, "'ES256'", "does not fit"),
    (RSA, "'ES256'", "does not fit"), (EC, "'none'", "alg must be"), (EC, "'HS256'", "alg must be"), (EC, "'es256'", "alg must be"),
    ({**EC, "alg": "RS256"}, "'ES256'", "alg differs from that of the JWK"), ({**EC, "alg": "ES384"}, "NULL", "alg must be"),
    ({**EC, "use": "enc"}, "'ES256'", "not sig"), ({**EC, "use": "SIG"}, "'ES256'", "not sig"),
    ({**EC, "key_ops": ["sign"]}, "'ES256'", "key_ops"), ({**EC, "kty": "ec"}, "'ES256'", "kty"), (without(EC, "kty"), "'ES256'", "kty"),
    ({**EC, "crv": "P-384"}, "'ES256'", "crv"), (without(EC, "crv"), "NULL", "crv"), ({**OKP, "crv": "X25519"}, "'EdDSA'", "crv"),
    ({**EC, "x": X + "="}, "'ES256'", "43 characters"), ({**EC, "x": X[:42]}, "'ES256'", "43 characters"),
    ({**EC, "x": "A" + X}, "'ES256'", "43 characters"), ({**EC, "y": Y.replace("_", "/")}, "'ES256'", "43 characters"),
    (without(EC, "y"), "'ES256'", "43 characters"), ({**OKP, "x": 5}, "'EdDSA'", "43 characters"),
    ({**RSA, "n": N[:300]}, "'RS256'", "2048 to 4096"), ({**RSA, "n": N * 3}, "'RS256'", "2048 to 4096"),
    (without(RSA, "e"), "'RS256'", "e must be present"), (json.dumps(EC)[:-1] + ',"x":"AA"}', "'ES256'", "twice"),
]


@check("a public key that the server could not use is refused with the reason, and nothing is stored")
def bad_keys(db):
    for jwk, alg, words in BAD_KEYS:
        refused(db, add(jwk, alg=alg), words)
        refused(db, add(jwk, alg=alg, procedure="client_add_certificate_key"), words)
        if alg != "NULL" and words != "not a JSON object":
            text = jwk if isinstance(jwk, str) else json.dumps(jwk)
            refused(db, f"INSERT INTO client_key (client_id, kid, alg, public_jwk) VALUES ('orders', 'k', {alg}, '{text}')",
                    "alg" if words == "alg must be" else words)
    refused(db, "CALL client_add_key('orders', 'k', 'ES256', NULL, NULL)", "not a JSON object")
    refused(db, add(EC).replace("'orders'", "'nobody'"), "there is no client")
    refused(db, add(EC, kid="'two words'"), "client_key_kid_is_a_plain_word")
    equal(db.sql("SELECT COUNT(*) FROM client_key"), [["0"]], "keys")
    equal(db.sql("SELECT auth_methods FROM client"), [["client_secret_basic,client_secret_post"]], "auth_methods")


GOOD_KEYS = [
    (EC, "'k'", "'ES256'", "k ES256"), ({**EC, "kid": "a"}, "NULL", "NULL", "a ES256"), ({**OKP, "kid": "a"}, "'a'", "NULL", "a EdDSA"),
    ({**OKP, "kid": "a", "alg": "EdDSA"}, "NULL", "NULL", "a EdDSA"), ({**OKP, "alg": "Ed25519"}, "'b'", "NULL", "b EdDSA"),
    ({**EC, "use": "sig", "key_ops": ["verify"], "x5t": "AA"}, "'k'", "'ES256'", "k ES256"),
    ({**RSA, "alg": "PS256", "kid": "r"}, "NULL", "NULL", "r PS256"), (RSA, "'r'", "'RS256'", "r RS256"),
]


@check("NULL kid and alg are those of the JWK; a good key is taken, its method is allowed, and the server can use it")
def good_keys(db):
    subprocess.run(["openssl", "genrsa", "-out", db.operator.scratch.path("rsa.pem"), "2048"], capture_output=True, check=True, timeout=600)
    subprocess.run(["openssl", "rsa", "-in", db.operator.scratch.path("rsa.pem"), "-pubout", "-out", db.operator.scratch.path("rsa.pub")],
                   capture_output=True, check=True, timeout=600)
    made = json.loads(db.operator.m2mctl("jwk", db.operator.scratch.path("rsa.pub")).stdout)
    real = {name: made[name] for name in ("kty", "n", "e")}
    for jwk, kid, alg, wanted in GOOD_KEYS:
        jwk = {**jwk, **real} if jwk["kty"] == "RSA" else jwk
        for procedure, method in (("client_add_key", "private_key_jwt"), ("client_add_certificate_key", "self_signed_tls_client_auth")):
            db.sql(add(jwk, kid, alg, procedure))
            equal(db.sql("SELECT CONCAT(kid, ' ', alg) FROM client_key"), [[wanted]], f"{jwk}")
            equal(db.sql("SELECT auth_methods FROM client"), [[f"client_secret_basic,client_secret_post,{method}"]], "auth_methods")
            shown = json.loads(db.operator.m2mctl("show", "--json", "orders", database=True).stdout)
            must(not shown["keys"][0].get("fault"), f"the server cannot use {jwk}: {shown['keys'][0]}")
            db.sql("DELETE FROM client_key; UPDATE client SET auth_methods = DEFAULT")
    refused(db, add(EC, "NULL"), "no kid, so the call must name one")
    refused(db, add(RSA, "'r'", "NULL"), "RS256 or PS256")
    db.sql(add(EC))
    refused(db, add(EC), "a key with this kid already")
    db.sql("DELETE FROM client_key")


@check("what is refused here the server could not use either")
def faults(db):
    for jwk, alg, words in BAD_KEYS:
        if alg == "NULL" or words in ("not a JSON object", "alg must be"):
            continue
        text = jwk if isinstance(jwk, str) else json.dumps(jwk)
        db.sql("SET check_constraint_checks = 0; INSERT INTO client_key (client_id, kid, alg, public_jwk) "
               f"VALUES ('orders', 'k', {alg}, '{text}')")
        shown = json.loads(db.operator.m2mctl("show", "--json", "orders", database=True).stdout)
        must(shown["keys"][0].get("fault"), f"the server could use {text}")
        db.sql("DELETE FROM client_key")


BAD_SUBJECTS = [
    ("dn", "CN=a", "kind of a subject must be"), ("", "CN=a", "kind of a subject"), ("subject_dn", "", "1 to 512 bytes"),
    ("subject_dn", "C" * 513, "1 to 512 bytes"), ("subject_dn", "orders", "RFC 4514"), ("subject_dn", "/C=DE/CN=orders", "RFC 4514"),
    ("subject_dn", "CN=", "RFC 4514"), ("subject_dn", "CN=a,", "RFC 4514"), ("subject_dn", "CN=#0401", "RFC 4514"),
    ("subject_dn", 'CN="a"', "RFC 4514"), ("subject_dn", "CN=a;O=b", "RFC 4514"), ("san_dns", "*.example.com", "wildcards"),
    ("san_dns", "a b", "blank"), ("san_dns", "a..b", "name of a host"), ("san_uri", "orders", "absolute URI"),
    ("san_ip", "192.0.2", "IP address"), ("san_ip", "300.1.1.1", "IP address"), ("san_ip", "192.0.2.1/32", "IP address"),
    ("san_email", "orders", "mailbox"), ("san_email", "a@b@c", "mailbox"), ("san_uri", "a: b", "blank"),
]
GOOD_SUBJECTS = [
    ("subject_dn", "CN=orders,O=Example,C=DE"), ("subject_dn", "cn = Orders , O=Ex ample+OU=x"), ("subject_dn", r"CN=a\\,b\\2C\\\"c,DC=x"),
    ("subject_dn", "2.5.4.3=a"), ("subject_dn", "CN=\u00e9,O=a=b"), ("san_dns", "a-1.example.com"), ("san_dns", "host"),
    ("san_uri", "spiffe://example.com/orders"), ("san_uri", "urn:uuid:1"), ("san_ip", "192.0.2.7"), ("san_ip", "2001:db8::7"),
    ("san_email", "orders@example.com"),
]


@check("a subject that no certificate can have is refused, by the procedure and by a plain UPDATE")
def subjects(db):
    for kind, value, words in BAD_SUBJECTS:
        refused(db, f"CALL client_set_tls_subject('orders', '{kind}', '{value}')", words)
        if words not in ("kind of a subject must be", "kind of a subject", "1 to 512 bytes"):
            refused(db, f"UPDATE client SET tls_subject_kind = '{kind}', tls_subject = '{value}'", words)
            refused(db, f"INSERT INTO client (client_id, tls_subject_kind, tls_subject) VALUES ('n', '{kind}', '{value}')", words)
    for kind, value in GOOD_SUBJECTS:
        db.sql(f"CALL client_set_tls_subject('orders', '{kind}', '{value}')")
        equal(db.sql("SELECT FIND_IN_SET('tls_client_auth', auth_methods) > 0, tls_subject_kind FROM client"), [["1", kind]], value)
    refused(db, "CALL client_set_tls_subject('orders', NULL, 'CN=a')", "kind of a subject")
    refused(db, "CALL client_set_tls_subject('orders', 'san_dns', NULL)", "1 to 512 bytes")
    refused(db, "CALL client_set_tls_subject('nobody', 'san_dns', 'a')", "there is no client")


HASH = "$sha256$" + "A" * 22 + "$" + "A" * 43
# NAME: where the name goes; each table's CHECK has $ at the end of its pattern, or there is none.
ROWS = [
    ("client_id", "name", "INSERT INTO client (client_id) VALUES (NAME)"),
    ("tls_issuer", "CN=a", "INSERT INTO client (client_id, tls_issuer) VALUES ('other', NAME)"),
    ("tls_issuer", "CN=a", "UPDATE client SET tls_issuer = NAME WHERE client_id = 'orders'"),
    ("audience", "https://api/", "INSERT INTO audience (audience) VALUES (NAME)"),
    ("scope", "read", "INSERT INTO audience (audience) VALUES ('https://a/'); "
                      "INSERT INTO audience_scope (audience, scope) VALUES ('https://a/', NAME)"),
    ("label", "s1", f"INSERT INTO client_secret (client_id, label, hash) VALUES ('orders', NAME, '{HASH}')"),
    ("hash", HASH, "INSERT INTO client_secret (client_id, label, hash) VALUES ('orders', 's1', NAME)"),
    ("hash", HASH, f"INSERT INTO client_secret (client_id, label, hash) VALUES ('orders', 's1', '{HASH[:-1]}B'); "
                   "UPDATE client_secret SET hash = NAME"),
    ("kid", "k1", f"INSERT INTO client_key (client_id, kid, alg, public_jwk) VALUES ('orders', NAME, 'ES256', '{json.dumps(EC)}')"),
    ("jti", "token", "INSERT INTO revoked_token (jti) VALUES (NAME)"),
    ("client_id", "orders", "INSERT INTO revocation_rule (client_id, issued_before, expires_at) "
                            "VALUES (NAME, UTC_TIMESTAMP, '2037-01-01')"),
    ("label", "s1", "INSERT INTO revocation_rule (client_id, label, issued_before, expires_at) "
                    "VALUES ('orders', NAME, UTC_TIMESTAMP, '2037-01-01')"),
    ("kid", "key", "INSERT INTO signing_key (kid, alg, public_jwk, private_uri, mac) VALUES (NAME, 'ES256', '{}', 'file:/a', '')"),
    ("private_uri", "file:/a", "INSERT INTO signing_key (kid, alg, public_jwk, private_uri, mac) "
                               "VALUES ('key', 'ES256', '{}', NAME, '')"),
]


@check("a name with a newline at its end is refused by each table, the same name without it is taken")
def newline(db):
    for column, value, row in ROWS:
        db.sql("START TRANSACTION; " + row.replace("NAME", f"'{value}'") + "; ROLLBACK")
        refused(db, "START TRANSACTION; " + row.replace("NAME", f"'{value}\n'") + "; ROLLBACK", f"{column} ends in a newline")
    refused(db, "CALL client_create('name\n', '')", "client_id ends in a newline")
    refused(db, "CALL client_set_tls_issuer('orders', 'CN=a\n')", "ends in a newline")


def script(build, scratch):
    db = rig.Database(scratch)
    db.start()
    db.operator = rig.Operator(scratch, build, db)
    db.operator.install()
    db.sql("CALL client_create('orders', '')")
    rig.run_checks("", db)


if __name__ == "__main__":
    rig.main(script)

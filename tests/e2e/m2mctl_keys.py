"""m2mctl key: keys that openssl can read, and times that stay in order."""
import base64
import hashlib
import json
import os
import re
import stat
import subprocess
import time

from console import says
from m2mctl_writes import decode, installed
from rig import check, equal, must


def passphrase(console):
    if not os.path.exists(console.passphrase):
        console.run("key", "passphrase", console.passphrase)


def with_key(console, *options):
    """A schema with one key; its kid."""
    passphrase(console)
    schema = installed(console)
    console.run("key", "new", *options, schema=schema)
    return schema, console.database.sql("SELECT kid FROM signing_key", schema)[0][0]


def row(console, schema, kid):
    """publish, activate, retire, remove"""
    columns = ", ".join(f"UNIX_TIMESTAMP({name}_at)" for name in ("publish", "activate", "retire", "remove"))
    return [None if value == "NULL" else int(value)
            for value in console.database.sql(f"SELECT {columns} FROM signing_key WHERE kid = '{kid}'", schema)[0]]


def openssl(*args, stdin=b"", status=0):
    done = subprocess.run(["openssl", *args], input=stdin, capture_output=True, timeout=600)
    must(done.returncode == status, f"openssl {' '.join(args)}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def private_pem(console, schema, kid):
    return console.database.run(f"SELECT private_pem FROM signing_key WHERE kid = '{kid}'", schema=schema).stdout


def jwk(console, schema, kid):
    return json.loads(console.database.sql(f"SELECT public_jwk FROM signing_key WHERE kid = '{kid}'", schema)[0][0])


def soon(value, wanted, what):
    must(value is not None and abs(value - wanted) <= 60, f"{what}: {value} is not about {wanted}")


UNITS = {"year": 365 * 86400, "day": 86400, "hour": 3600, "minute": 60, "second": 1}


def says_distance(text, seconds):
    """text says how far from now that is: rounded down to its unit, and two minutes may have passed since."""
    found = [(int(count) * UNITS[unit], UNITS[unit])
             for count, unit in re.findall(r"\bin (\d+) (year|day|hour|minute|second)s?\b", text)]
    must(any(seconds - 120 - unit < value <= seconds for value, unit in found), f"not about {seconds} s from now: {text!r}")


@check("key passphrase: a private file, never written over")
def key_passphrase(console):
    path = console.scratch.path("another-passphrase")
    os.umask(0)
    out, err = console.run("key", "passphrase", path)
    os.umask(0o022)
    with open(path) as file:
        text = file.read()
    equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")
    equal(len(decode(text.strip())), 32, "bytes")
    must(text.strip() not in out + err, "the passphrase is printed")
    says(console.run("key", "passphrase", path, status=1)[1], "exists already")
    with open(path) as file:
        equal(file.read(), text, "the file")
    console.run("key", "passphrase", status=2)
    console.run("key", "passphrase", "/nonexistent/file", status=3)


@check("key new: each algorithm; openssl reads the private half, the JWK is its public half, kid is the thumbprint")
def key_new(console):
    passphrase(console)
    schema = installed(console)
    for algorithm in "ES256", "RS256", "PS256", "EdDSA":
        says(console.run("key", "new", "--alg", algorithm, schema=schema)[0], f"({algorithm}) is published and signs from")
        kid = console.database.sql(f"SELECT kid FROM signing_key WHERE alg = '{algorithm}'", schema)[0][0]
        pem, public = private_pem(console, schema, kid), jwk(console, schema, kid)
        der = openssl("pkey", "-passin", f"file:{console.passphrase}", "-pubout", "-outform", "DER", stdin=pem)
        must(decode(public.get("n") or public["x"]) in der and decode(public.get("y") or "") in der, "another public key")
        openssl("pkey", "-passin", "pass:wrong", stdin=pem, status=1)
        members = sorted(set(public) - {"kid", "alg", "use"})
        canonical = json.dumps({name: public[name] for name in members}, separators=(",", ":")).encode()
        thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).decode()
        wanted = thumbprint.lstrip("-")[:16]
        equal((public["kid"], public["alg"], public["use"]), (wanted, algorithm, "sig"), "kid, alg, use")
        equal(kid, wanted, "kid of the row")
        form = openssl("asn1parse", stdin=pem).decode()
        says(form, "PBES2", "PBKDF2", ":03E8", "hmacWithSHA256", "aes-256-cbc")           # 1000 rounds
    console.run("key", "new", "--alg", "HS384", schema=schema, status=2)


@check("key new --alg HS256: a secret in the form of an X25519 key; nothing of it in the JWK or the kid")
def key_secret(console):
    passphrase(console)
    schema = installed(console)
    says(console.run("key", "new", "--alg", "HS256", schema=schema)[0], "(HS256) is published and signs from")
    console.run("key", "new", "--alg", "HS256", schema=schema)
    keys = console.database.sql("SELECT kid, public_jwk FROM signing_key", schema)
    secrets = []
    for kid, public in keys:
        equal((len(kid), public), (16, '{"kty":"oct"}'), "length of the kid, public_jwk")
        der = openssl("pkey", "-passin", f"file:{console.passphrase}", "-outform", "DER", stdin=private_pem(console, schema, kid))
        says(openssl("pkey", "-inform", "DER", "-noout", "-text", stdin=der).decode(), "X25519")
        secrets.append(der[-32:])
    must(secrets[0] != secrets[1] and keys[0][0] != keys[1][0], "the same twice")
    says(console.run("key", "list", schema=schema)[0], "HS256  signs")
    says(console.run("key", "list", schema=schema)[1], "No key of token_algorithm (ES256) signs now")
    out = console.run("key", "rotate", "--alg", "HS256", schema=schema, status=1)[1]
    says(out, "a successor is already planned")
    parts = {"m0200_key": console.run("key", "new", "--print", "--alg", "HS256", schema=schema)[0]}
    console.migrate(schema, console.folder(schema, **parts))
    equal(console.count(schema, "signing_key"), 3, "rows")
    out = console.run("key", "drop", keys[0][0], schema=schema)[0]
    must("verifiers that cache" not in out, f"a secret is said to be in a JWK Set: {out}")


def openssl_key(console, name, *options, mode=0o400):
    path = console.scratch.path(name)
    openssl("genpkey", "-out", path, *options)
    os.chmod(path, mode)
    return f"file:{path}"


EC = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


@check("key add: the private half stays where it is; the row has its URI, its public half, and the times of key new")
def key_add(console):
    passphrase(console)
    schema = installed(console)
    for algorithm, options in (("ES256", EC), ("EdDSA", ["-algorithm", "ED25519"]),
                               ("PS256", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])):
        uri = openssl_key(console, f"{algorithm}.pem", *options)
        out = console.run("key", "add", uri, "--alg", algorithm, schema=schema)[0]
        says(out, f"({algorithm}) is published and signs from", "(now)" if algorithm == "ES256" else "(in ")
        algorithm == "ES256" or says_distance(out, 390)
        kid = out.split()[1]
        (alg, pem, where), = console.database.sql(f"SELECT alg, private_pem, private_uri FROM signing_key WHERE kid = '{kid}'", schema)
        equal((alg, pem, where), (algorithm, "NULL", uri), "alg, private_pem, private_uri")
        public = jwk(console, schema, kid)
        der = openssl("pkey", "-in", uri.removeprefix("file:"), "-pubout", "-outform", "DER")
        must(decode(public.get("n") or public["x"]) in der and public["kid"] == kid, "another public key")
        says(console.run("key", "add", uri, "--alg", algorithm, schema=schema, status=1)[1], "in the database already")
    sealed = openssl_key(console, "sealed.pem", *EC, "-aes-256-cbc", "-pass", f"file:{console.passphrase}")
    console.run("key", "add", sealed.replace("file:", "file://"), schema=schema)
    parts = {"m0200_key": console.run("key", "add", openssl_key(console, "printed.pem", *EC), "--print", "--activate", "never",
                                   schema=schema)[0]}
    console.migrate(schema, console.folder(schema, **parts))
    equal(console.count(schema, "signing_key"), 5, "rows")
    out = console.run("key", "rotate", "--alg", "PS256", schema=schema, status=1)[1]
    says(out, "a successor is already planned")


@check("key add: a file as each tool writes it, with EC PARAMETERS in front too")
def key_files(console):
    passphrase(console)
    schema = installed(console)
    named = openssl("ecparam", "-name", "prime256v1", "-genkey")
    must(named.startswith(b"-----BEGIN EC PARAMETERS-----"), "ecparam writes no parameters")
    certificate = openssl("req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x", stdin=named)
    def again():
        return openssl("ecparam", "-name", "prime256v1", "-genkey")
    forms = {
        "parameters": named, "certificate": certificate + again(),
        "crlf": again().replace(b"\n", b"\r\n"), "text": b"a key of ours\n" + again(),
        "sec1": openssl("ec", stdin=again()), "pkcs8": openssl("pkey", stdin=again()),
        "der": openssl("pkey", "-outform", "DER", stdin=again()),
        "sealed": openssl("ec", "-aes256", "-passout", f"file:{console.passphrase}", stdin=again()),
        "chain": openssl("pkey", stdin=again()) + certificate + certificate,
    }
    for name, content in forms.items():
        path = console.scratch.write(f"form-{name}", content, 0o400)
        out = console.run("key", "add", f"file:{path}", schema=schema)[0]
        says(out, "(ES256) is published")
    equal(console.count(schema, "signing_key"), len(forms), "rows")
    path = console.scratch.write("form-only-parameters", named.partition(b"-----BEGIN EC PRIVATE")[0], 0o400)
    says(console.run("key", "add", f"file:{path}", schema=schema, status=1)[1], "no private key")


@check("key add: keys and URIs that are not taken, each with the reason")
def key_add_refused(console):
    passphrase(console)
    schema = installed(console)
    good = openssl_key(console, "good.pem", *EC)
    other = console.scratch.write("other-passphrase", "another one\n", 0o600)
    public = console.scratch.write("public.pem", openssl("pkey", "-in", good.removeprefix("file:"), "-pubout").decode(), 0o400)
    for uri, words, why in (
            (openssl_key(console, "rsa1024", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), ["--alg", "RS256"], "fewer than 2048"),
            (openssl_key(console, "p384", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"), [], "its curve is not P-256"),
            (openssl_key(console, "k256", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), [], "its curve is not P-256"),
            (openssl_key(console, "x25519", "-algorithm", "X25519"), ["--alg", "EdDSA"], "not an EC P-256, RSA or Ed25519 key"),
            (openssl_key(console, "ed448", "-algorithm", "ED448"), ["--alg", "EdDSA"], "not an EC P-256, RSA or Ed25519 key"),
            (good, ["--alg", "RS256"], "an EC key signs with ES256 only"), (good, ["--alg", "EdDSA"], "an EC key signs with ES256 only"),
            (openssl_key(console, "sealed", *EC, "-aes-256-cbc", "-pass", "pass:another"), [], "no private key that the passphrase opens"),
            (openssl_key(console, "sealed2", *EC, "-aes-256-cbc", "-pass", f"file:{console.passphrase}"), ["--passphrase-file", other],
             "no private key that the passphrase opens"),
            (openssl_key(console, "open", *EC, mode=0o444), [], "can be read by others"), (f"file:{public}", [], "no private key"),
            ("file:/nonexistent", [], "does not exist"), ("file:good.pem", [], "no absolute path"), ("/good.pem", [], "is not a URI"),
            ("file:/", [], "is not a regular file"), ("nonsense:x", [], "cannot be opened"), ("file:/a b", [], "characters"),
            ("pkcs11:object=k?pin-value=1234", [], "holds a PIN"), ("file:/" + "x" * 500, [], "longer than 500")):
        out, err = console.run("key", "add", uri, *words, schema=schema, status=1)
        says(err, why)
        must("1234" not in err, "the PIN is printed")
    for wrong in [], ["a", "b"], [good, "--alg", "HS256"], [good, "--activate", "soon"]:
        console.run("key", "add", *wrong, schema=schema, status=2)
    equal(console.count(schema, "signing_key"), 0, "rows")


@check("key new: the first one signs now, the next one when every JWK Set has it")
def key_times(console):
    schema, first = with_key(console)
    now = int(time.time())
    publish, activate, retire, remove = row(console, schema, first)
    soon(publish, now, "publish")
    equal((activate, retire, remove), (publish, None, None), "activate, retire, remove")
    console.conf(schema, jwks_max_age_seconds=900)
    out = console.run("key", "new", schema=schema)[0]
    says_distance(out, 990)
    soon(row(console, schema, out.split()[1])[1], now + 990, "activate of the second")
    out = console.run("key", "new", "--activate", "never", schema=schema)[0]
    equal(row(console, schema, out.split()[1])[1], None, "activate of the third")
    out, err = console.run("key", "new", "--activate", "+10m", schema=schema)
    soon(row(console, schema, out.split()[1])[1], now + 600, "activate of the fourth")
    says(err, "note: verifiers may keep the JWK Set for 900 seconds")
    out = console.run("key", "new", "--activate", "2037-01-01", schema=schema)[0]
    equal(row(console, schema, out.split()[1])[1], 2114380800, "activate of the fifth")
    for wrong in ["--activate", "2020-01-01"], ["--activate", "soon"], ["--activate", "2039-01-01"], ["more"]:
        console.run("key", "new", *wrong, schema=schema, status=2)
    out = console.run("key", "list", schema=schema)[0]
    states = {line.split()[0]: line.split()[2] for line in out.splitlines()[1:] if line[0] != " "}
    equal((states[first], sorted(states.values())), ("signs", ["published"] * 4 + ["signs"]), "states")


@check("key new: no passphrase, a passphrase that others may read: exit code 3")
def key_without_passphrase(console):
    passphrase(console)
    schema = installed(console)
    loose = console.scratch.write("loose", "not so secret any more\n", 0o644)
    says(console.run("key", "new", "--passphrase-file", loose, schema=schema, status=3)[1], loose)
    console.run("key", "new", "--passphrase-file", "/nonexistent", schema=schema, status=3)
    console.conf(schema, key_passphrase_file="key-passphrase")
    says(console.run("key", "new", schema=schema, status=3)[1], "--passphrase-file")
    console.conf(schema, key_passphrase_file="")
    says(console.run("key", "new", schema=schema, status=3)[1], "key passphrase FILE")
    equal(console.count(schema, "signing_key"), 0, "rows")
    says(console.run("key", "list", schema=schema)[1], "No key signs now")


@check("key new --print: a migration")
def key_print(console):
    passphrase(console)
    schema = installed(console)
    parts = {}
    for number, options in enumerate((["--activate", "now"], [], ["--activate", "never", "--alg", "EdDSA"],
                                      ["--activate", "2037-01-01"])):
        parts[f"m020{number}_key"] = console.run("key", "new", "--print", *options, schema=schema)[0]
    equal(console.count(schema, "signing_key"), 0, "rows before it is applied")
    console.migrate(schema, console.folder(schema, **parts))
    now = int(time.time())
    delays = console.database.sql("SELECT UNIX_TIMESTAMP(activate_at) FROM signing_key ORDER BY activate_at", schema)
    equal(delays[0], ["NULL"], "never")
    soon(int(delays[1][0]), now, "now")
    soon(int(delays[2][0]), now + 390, "default")
    equal(delays[3], ["2114380800"], "a date")
    for (pem,) in console.database.sql("SELECT REPLACE(private_pem, '\\n', '|') FROM signing_key", schema):
        openssl("pkey", "-passin", f"file:{console.passphrase}", stdin=pem.replace("|", "\n").encode())


@check("key activate and retire: in order, with the safe removal, never without a key that signs")
def key_life(console):
    schema, first = with_key(console)
    now = int(time.time())
    says(console.run("key", "retire", first, schema=schema, status=1)[1], "would leave no key to sign with")
    second = console.run("key", "new", "--activate", "never", schema=schema)[0].split()[1]
    says(console.run("key", "retire", second, schema=schema, status=1)[1], "has never signed")
    says(console.run("key", "retire", first, schema=schema, status=1)[1], "would leave no key")
    out, err = console.run("key", "activate", second, "+1m", schema=schema)
    says(err, "note: verifiers may keep")
    says(out, f"key {second} signs from")
    says_distance(out, 60)
    console.run("key", "retire", first, schema=schema, status=1)
    out = console.run("key", "retire", first, "+2m", schema=schema)[0]
    says(out, "no longer signs from", "leaves the JWK Set")
    says_distance(out, 120 + 86400 + 300 + 60)
    publish, activate, retire, remove = row(console, schema, first)
    soon(retire, now + 120, "retire")
    equal(remove, retire + 86400 + 300 + 60, "remove")
    says(console.run("key", "activate", first, schema=schema, status=1)[1], "is retired")
    says(console.run("key", "retire", second, "now", schema=schema, status=1)[1], "does not sign before then")
    out, err = console.run("key", "retire", first, "now", "--remove", "now", "--force", schema=schema)
    says(err, "note: tokens of this key")
    says(console.run("key", "list", schema=schema)[0], "removed", "published")
    for wrong in ["activate"], ["activate", second, "x"], ["retire", second, "now", "now"], ["retire", second, "--remove", "x"], \
            ["list", "x"]:
        console.run("key", *wrong, schema=schema, status=2)
    for command in "activate", "retire":
        says(console.run("key", command, "unknown", schema=schema, status=1)[1], "there is no key unknown")


@check("key list: a timeline: what each key does, what comes next, and when")
def key_timeline(console):
    schema, first = with_key(console)
    console.conf(schema, key_seconds=86400)
    out = console.run("key", "list", schema=schema)[0]
    says(out, f"{first}  ES256  signs      gets a successor")
    says_distance(out, 86400)
    second = console.run("key", "rotate", schema=schema)[0].split()[1]
    out, err = console.run("key", "list", schema=schema)
    equal(err, "", "standard error")
    lines = out.splitlines()
    states = [(line.split()[0], line.split()[2]) for line in lines[1:] if line[0] != " "]
    equal(dict(states), {first: "signs", second: "published"}, "states")
    at = lines.index(next(line for line in lines if line.startswith(first)))
    says(lines[at], "signs no longer")
    says_distance(lines[at], 420)
    says(lines[at + 1], "is removed")
    says_distance(lines[at + 1], 420 + 86400 + 300 + 60)
    says(out, f"{second}  ES256  published  signs ")
    console.conf(schema, token_algorithm="RS256")
    says(console.run("key", "list", schema=schema)[1], "No key of token_algorithm (RS256) signs now", first,
         "no key of it is planned (m2mctl key new --alg RS256)")
    third = console.run("key", "rotate", schema=schema)[0].split()[1]
    says(console.run("key", "list", schema=schema)[1], f"key {first} does; key {third} of it signs from ")
    out = console.run("key", "new", "--activate", "never", "--alg", "EdDSA", schema=schema)[0]
    says(console.run("key", "list", schema=schema)[0], f"signs after m2mctl key activate {out.split()[1]}")


@check("key rotate: the safe times, for both keys; not while a successor is planned; each algorithm for itself")
def key_rotate(console):
    passphrase(console)
    schema = installed(console)
    now = int(time.time())
    first = console.run("key", "rotate", schema=schema)[0].split()[1]
    equal(row(console, schema, first)[2:], [None, None], "retire, remove of the first")
    soon(row(console, schema, first)[1], now, "activate of the first")
    out = console.run("key", "rotate", schema=schema)[0]
    says(out, "is published and signs from", "the one before it signs no longer from", "leaves the JWK Set")
    second = out.split()[1]
    publish, activate, retire, remove = row(console, schema, second)
    equal((activate - publish, retire, remove), (300 + 30 + 60, None, None), "the second")
    equal(row(console, schema, first)[2:], [activate + 30, activate + 30 + 86400 + 300 + 60], "retire, remove")
    says(console.run("key", "rotate", schema=schema, status=1)[1], "already planned")
    third = console.run("key", "rotate", "--alg", "RS256", schema=schema)[0].split()[1]
    soon(row(console, schema, third)[1], now + 390, "activate of the third")
    equal(row(console, schema, second), [publish, activate, None, None], "the second still")
    for wrong in ["--alg", "HS384"], ["more"], ["--nonsense"]:
        console.run("key", "rotate", *wrong, schema=schema, status=2)
    says(console.run("key", "rotate", "--passphrase-file", "/nonexistent", schema=schema, status=3)[1], "/nonexistent")
    console.database.sql("UPDATE signing_key SET activate_at = publish_at", schema)
    for _ in range(13):
        console.run("key", "rotate", schema=schema)
        console.database.sql("UPDATE signing_key SET activate_at = publish_at, retire_at = IF(retire_at, activate_at, NULL)", schema)
    says(console.run("key", "rotate", schema=schema, status=1)[1], "there are 16 keys already")
    equal(console.count(schema, "signing_key"), 16, "rows")


@check("key drop: gone at once, with a successor that signs at once when none is left")
def key_drop(console):
    schema, first = with_key(console)
    out = console.run("key", "drop", first, schema=schema)[0]
    says(out, f"key {first} is dropped: its tokens are inactive", "for up to 300 seconds", "and signs from", "(now)")
    now = int(time.time())
    soon(row(console, schema, first)[3], now, "remove")
    second = console.database.sql(f"SELECT kid FROM signing_key WHERE kid <> '{first}'", schema)[0][0]
    soon(row(console, schema, second)[1], now, "activate of the successor")
    console.run("key", "new", "--alg", "RS256", "--activate", "now", schema=schema)
    rs = console.database.sql("SELECT kid FROM signing_key WHERE alg = 'RS256'", schema)[0][0]
    out, err = console.run("key", "drop", second, "--passphrase-file", "/nonexistent", schema=schema, status=3)
    says(err, "/nonexistent", "nothing was changed")
    out = console.run("key", "drop", second, schema=schema)[0]
    says(out, "(ES256) is published and signs from")
    says_distance(out, 390)
    third = out.rpartition("key ")[2].split()[0]
    console.run("key", "drop", third, "--passphrase-file", "/nonexistent", schema=schema, status=3)
    console.run("key", "activate", third, schema=schema)
    console.run("key", "new", "--activate", "now", schema=schema)
    out = console.run("key", "drop", third, "--passphrase-file", "/nonexistent", schema=schema)[0]
    says(out, f"key {third} is dropped")
    must("is published" not in out, f"another key was made: {out}")
    equal(row(console, schema, rs)[3], None, "remove of the other")
    says(console.run("key", "drop", "unknown", schema=schema, status=1)[1], "no such key")
    for wrong in [], ["a", "b"], ["--nonsense"]:
        console.run("key", "drop", *wrong, schema=schema, status=2)

"""What m2mctl secret and m2mctl client print: checked by hashing anew and by applying it."""
import base64
import binascii
import hashlib
import os
import pty
import re
import subprocess
import time

import rig
from console import says
from rig import check, equal, must

NASTY_IDS = "it's", "a\\b", "x'); DROP TABLE client; -- ", '"', " leading and trailing ", "`;//", "\\'", "~" * 128
SHOWN = re.compile(r"The secret of client (.*) is shown only now and is not stored: (\S+)\n$", re.S)
STORED = re.compile(r"'\$(sha256|pbkdf2-sha256\$600000)\$([\w-]{22})\$([\w-]{43})'")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def shown(err):
    match = SHOWN.search(err)
    must(match, f"no secret is shown: {err!r}")
    return match.group(2)


def holds(out, secret):
    """Whether the hash in the SQL is that of the secret."""
    form, salt, digest = STORED.search(out).groups()
    if form == "sha256":
        return hashlib.sha256(decode(salt) + secret.encode()).digest() == decode(digest)
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), decode(salt), 600000) == decode(digest)


def installed(console):
    schema = console.schema()
    console.migrate(schema, "--routines", rig.ROUTINES, rig.MIGRATIONS)
    return schema


@check("H5 secret: shown once, only its hash in the SQL, and the checksum holds")
def secret_new(console):
    seen = set()
    for _ in range(20):
        out, err = console.run("secret", "some-client")
        secret = shown(err)
        must(re.fullmatch(r"m2m_[\w-]{43}[\w-]{6}", secret), f"the form of {secret}")
        equal(decode(secret[-6:]), binascii.crc32(secret[:-6].encode()).to_bytes(4, "big"), "checksum")
        must(holds(out, secret), "the hash is of another secret")
        must(secret not in out and secret[4:47] not in out, "the secret is in the SQL")
        must(out.startswith("-- data\n"), "it is not a migration")
        seen.add(secret)
    equal(len(seen), 20, "different secrets")


@check("secret: a client_id is stored as it is, whatever it holds and whatever the sql_mode")
def secret_ids(console):
    schema = installed(console)
    for number, client_id in enumerate(NASTY_IDS):
        hexadecimal = client_id.encode().hex()
        console.database.sql(f"INSERT INTO client (client_id) VALUES (X'{hexadecimal}')", schema)
        for mode in "", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES":
            out, err = console.run("secret", "--label", f"s{number}{mode[:4]}", "--expires", "2037-01-02T03:04:05Z", "--", client_id)
            console.database.sql(f"SET sql_mode = '{mode}'; SET time_zone = '+05:00';\n{out}", schema)
            rows = console.database.sql(f"SELECT hash, UNIX_TIMESTAMP(expires_at) FROM client_secret WHERE client_id = "
                                     f"X'{hexadecimal}' AND label = 's{number}{mode[:4]}'", schema)
            equal(rows, [[STORED.search(out).group(0).strip("'"), "2114478245"]], f"row of {client_id!r}")


@check("secret: labels, times and ids that cannot be are usage errors, and no word of them is printed back")
def secret_usage(console):
    for wrong in [], ["a", "m2m_something-secret"], ["--label", "a b", "x"], ["--label", "", "x"], ["--label", "l" * 33, "x"], \
            ["--expires", "2020-01-01", "x"], ["--expires", "2027-02-30", "x"], ["--expires", "soon", "x"], [""], ["x" * 129], \
            ["\u00e9"], ["a\nb"], ["--secret=m2m_something-secret", "x"], ["--expires", "2039-01-01", "x"]:
        out, err = console.run("secret", *wrong, status=2)
        equal(out, "", f"standard output of {wrong}")
        must("something" not in err, f"the error repeats an argument: {err}")
    says(console.run("secret", "x")[0], time.strftime("'s%Y%m%d-", time.gmtime()))


@check("secret --stdin: a person's secret, by PBKDF2; bad ones are refused")
def secret_stdin(console):
    out, err = console.run("secret", "--stdin", "--label", "old", "legacy", stdin=b"correct horse battery staple\n")
    must(holds(out, "correct horse battery staple") and "pbkdf2-sha256" in out, "the hash is of another secret")
    must("horse" not in out + err, "the secret is printed")
    says(console.run("secret", "--stdin", "legacy", stdin=b"short")[1], "note: fewer than 16")
    for wrong in b"", b"\n", b"tab\there-and-more-of-it\n", b"\xc3\xa9" * 20, b"a" * 513, b"null\0byte-and-more-of-it":
        says(console.run("secret", "--stdin", "legacy", stdin=wrong, status=1)[1], "secret")
    must(holds(console.run("secret", "--stdin", "legacy", stdin=b"b" * 512)[0], "b" * 512), "the hash of 512 bytes")


def type_secret(console, lines):
    """What a terminal shows, and standard output, when lines are typed one after the other."""
    master, slave = pty.openpty()
    process = subprocess.Popen(console.command("secret", "--stdin", "x"), stdin=slave, stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    screen = b""
    for line, prompt in zip(lines, (b"Secret: ", b"again: ")):
        while prompt not in screen:
            screen += os.read(master, 1000)
        time.sleep(0.1)                                  # the echo goes off after the prompt
        with open(f"/proc/{process.pid}/cmdline", "rb") as arguments:
            must(line not in arguments.read(), "the secret is in the process list")
        os.write(master, line + b"\n")
    out = process.stdout.read().decode()
    try:
        while part := os.read(master, 1000):
            screen += part
    except OSError:                                      # the other end is closed
        pass
    os.close(master)
    return process.wait(20), out, screen.decode()


@check("secret --stdin on a terminal: hidden, and asked for twice")
def secret_typed(console):
    status, out, screen = type_secret(console, [b"typed by hand, unseen", b"typed by hand, unseen"])
    equal(status, 0, "exit code")
    must(holds(out, "typed by hand, unseen"), "the hash is of another secret")
    must("typed" not in screen, "the secret was echoed")
    status, out, screen = type_secret(console, [b"typed by hand, unseen", b"something else"])
    equal((status, out), (1, ""), "exit code and output when the two differ")


@check("client: a ready migration for a client that may ask, and read")
def client_ready(console):
    schema = installed(console)
    says(console.run("client", "--reads", "https://a.example/", "x")[1], "--reads was renamed to --introspects")
    out, err = console.run("client", "--description", "it's a \u201ctest\u201d \\", "--audience", "https://a.example/", "--scope",
                        "read write", "--default-scope", "read", "--audience", "urn:b", "--audience", "https://c.example/'",
                        "--scope", "all", "--introspects", "https://a.example/", "--introspects",
                        "https://d.example/", "--token-seconds", "120", "--rate", "60/7", "--binding", "any", "it's")
    secret = shown(err)
    must(holds(out, secret) and secret not in out, "the secret and its hash")
    must("CALL client_may_introspect(" in out and "client_may_read" not in out, "the procedure's present name")
    console.migrate(schema, console.folder(schema, m0100_client=out))
    rows = console.database.sql("SELECT client_id, description, default_audience, token_seconds, rate_per_minute, rate_burst, "
                             "require_binding FROM client", schema)
    equal(rows, [["it's", "it's a \u201ctest\u201d \\", "https://a.example/", "120", "60", "7", "any"]], "client")
    equal(console.database.sql("SELECT audience, scope, is_default FROM client_grant ORDER BY audience, scope", schema),
          [["https://a.example/", "read", "1"], ["https://a.example/", "write", "0"], ["https://c.example/'", "all", "1"],
           ["urn:b", "", "1"]], "grants")
    equal(console.database.sql("SELECT audience FROM audience_reader ORDER BY audience", schema),
          [["https://a.example/"], ["https://d.example/"]], "reads")
    equal(console.count(schema, "client_secret"), 1, "secrets")
    out = console.run("client", "--audience", "https://a.example/", "--scope", "read", "it's")[0]
    says(console.migrate(schema, console.folder(schema, m0101_again=out), status=1), "0101_again.sql:", "already")


@check("client: --generate makes up ids; two clients share an API")
def client_generate(console):
    schema = installed(console)
    for number in 1, 2:
        out = console.run("client", "--generate", "--audience", "https://a.example/", "--scope", "read")[0]
        console.migrate(schema, console.folder(schema, **{f"m010{number}_client": out}))
    ids = console.database.sql("SELECT client_id FROM client", schema)
    must(len(ids) == 2 and all(re.fullmatch(r"[A-Za-z0-9_-]{10,128}", row[0]) for row in ids), f"ids {ids}")


@check("client: what cannot be is a usage error")
def client_usage(console):
    audience = ["--audience", "https://a.example/"]
    for wrong in [], ["x"], audience, [*audience, "x", "y"], [*audience, "--generate", "x"], ["--audience", "a.example", "x"], \
            ["--audience", "https://a.example/#f", "x"], ["--audience", "https://a.example/ b", "x"], \
            ["--scope", "a", *audience, "x"], [*audience, "--scope", "a  b", "x"], [*audience, "--scope", 'a"b', "x"], \
            [*audience, "--scope", "a", "--default-scope", "b", "x"], [*audience, *audience, "x"], [*audience, "--rate", "0", "x"], \
            [*audience, "--rate", "5/0", "x"], [*audience, "--rate", "5/100001", "x"], [*audience, "--rate", "5/", "x"], \
            [*audience, "--binding", "tls", "x"], [*audience, "--methods", "client_secret_jwt", "x"], [*audience, "--methods", "", "x"], \
            [*audience, "--methods", "tls_client_auth", "x"], [*audience, "--mtls-subject", "subject_dn"], \
            [*audience, "--mtls-subject", "subject_dn", "orders", "x"], [*audience, "--mtls-subject", "cn", "CN=x", "x"], \
            [*audience, "--mtls-subject", "san_ip", "1.2.3", "x"], [*audience, "--alg", "ES256", "x"], \
            [*audience, "--mtls-issuer", "CN=a", "x"], \
            [*audience, "--mtls-subject", "san_dns", "a", "--mtls-issuer", "a", "x"], \
            [*audience, "--kid", "k", "x"], [*audience, "--secret", "--no-secret", "x"], [*audience, "--pem", "a", "--jwk", "b", "x"], \
            [*audience, "--pem", "a", "--alg", "HS256", "x"], ["--introspects", "b", "x"], \
            [*audience, "--token-seconds", "4", "x"], [*audience, "--token-seconds", "1h", "x"], ["--reads", "b", "x"]:
        equal(console.run("client", *wrong, status=2)[0], "", f"standard output of {wrong}")

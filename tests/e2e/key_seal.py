#!/usr/bin/env python3
"""key_seal: rows of signing_key are accepted only by their MAC, on all hosts, from the upgrade to a change of passphrase.

usage: key_seal.py BUILDDIR
"""
import json
import os
import re
import shutil
import signal
import subprocess
import time

import rig
import tokens
import web
from stack import Stack
from pool import Pool
from rig import PASSWORD, await_true, check, equal, must
from signer import KeyPair

FORM = web.form({"grant_type": "client_credentials"})
PEM = "-----BEGIN ENCRYPTED PRIVATE KEY-----"


class Hosts:
    """Two hosts on one database; more can be added."""

    def __init__(self, stack):
        self.stack, self.operator, self.database = stack, stack.operator, stack.database
        self.pools = [stack.pool]
        self.credentials = ("HTTP_AUTHORIZATION", web.basic("api", stack.operator.client("api"))[1])

    def add(self, name, **settings):
        scratch = rig.Scratch()
        self.stack.scratches.append(scratch)
        operator = rig.Operator(scratch, self.stack.build, self.database, host_id=name,
                                **{"key_passphrase_file": self.operator.passphrase_file, "workers": 1, **settings})
        return Pool(operator)

    def ask(self, pool, method, path, body=b""):
        answer = pool.ask(method, path, body, [self.credentials])
        must(answer is not None, f"no answer to {path}")
        return answer

    def token(self, pool=None):
        answer = self.ask(pool or self.pools[0], "POST", "/token", FORM)
        equal(answer.status, 200, "the status of /token")
        return json.loads(answer.body)["access_token"]

    def says(self, pool, token):
        """True, False, or the status of an error."""
        answer = self.ask(pool, "POST", "/validate", web.form({"token": token}))
        return json.loads(answer.body)["active"] if answer.status == 200 else answer.status

    def all_say(self, token, wanted, what):
        for number, pool in enumerate(self.pools):
            await_true(lambda pool=pool: self.says(pool, token) == wanted, 5, f"{what}: {wanted!r} on host {number}")

    def generation(self, pool):
        """Grows when the pool has read other rows of signing_key."""
        page = self.ask(pool, "GET", "/metrics").body.decode()
        return int(re.search(r"^m2mauth_keys_generation (\d+)$", page, re.M)[1])

    def jwks(self, pool):
        answer = self.ask(pool, "GET", "/jwks.json")
        return json.loads(answer.body)["keys"] if answer.status == 200 else answer.status

    def as_keeper(self, sql):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.database.socket}", "--user=m2mauth",
                               f"--password={PASSWORD}", "m2mauth"], input=sql.encode(), capture_output=True, timeout=60, check=False)

    def key(self, *words, status=0, stdin=b""):
        done = self.operator.m2mctl("key", *words, database=True, check=False, stdin=stdin)
        out, err = done.stdout.decode(), done.stderr.decode()
        equal(done.returncode, status, f"exit code of key {words[0]}: {out} {err}")
        return out, err


def forged(hosts, signer, kid, **more):
    """A token with every right, signed by a key that an attacker put into the table."""
    now = int(time.time())
    return signer.compact({"typ": "at+jwt", "alg": "ES256", "kid": kid}, {
        "iss": hosts.operator.issuer, "sub": "api", "aud": rig.AUDIENCE, "client_id": "api", "scope": "admin", "iat": now,
        "exp": now + 300, "jti": f"forged-{kid}", "cred": "s1", **more})


def row_of(signer, kid, mac):
    """An INSERT of a key that signs since yesterday, as an attacker who can write rows would make it."""
    return ("INSERT INTO signing_key (kid, alg, public_jwk, private_uri, mac, publish_at, activate_at) VALUES "
            f"('{kid}', 'ES256', '{json.dumps(signer.jwk)}', 'file:/nowhere', '{mac}', NOW() - INTERVAL 1 DAY, NOW() - INTERVAL 1 DAY)")


@check("a forged row: its token is inactive on every host, its key in no JWK Set, the log names it; all hosts go on")
def forged_row(hosts):
    signer = KeyPair(hosts.stack.scratch, "forger")
    good = hosts.token()
    (real, mac), = hosts.database.sql("SELECT kid, mac FROM signing_key")
    hosts.database.sql(row_of(signer, "forged", "A" * 43) + ";" + row_of(signer, "copied", mac))
    for kid in "forged", "copied":
        token = forged(hosts, signer, kid)
        for pool in hosts.pools:
            await_true(lambda pool=pool, kid=kid: f"key {kid}: its row of signing_key has a wrong MAC" in pool.log(), 5, "the log")
        hosts.all_say(token, False, "a forged token")
        time.sleep(0.5)
        hosts.all_say(token, False, "a forged token, later")
    hosts.all_say(good, True, "a good token")
    for pool in hosts.pools:
        equal([key["kid"] for key in hosts.jwks(pool)], [real], "the JWK Set")
        equal(tokens.header(hosts.token(pool))["kid"], real, "who signs")
        must("\nm2mauth_bad_key_rows 2\n" in pool.ask("GET", "/metrics").body.decode(), "the gauge")
    out, _ = hosts.key("list")
    for kid in "forged", "copied":
        must(any(line.split()[:4] == [kid, "ES256", "wrong", "MAC"] for line in out.splitlines()), f"key list: {out}")
        hosts.key("drop", kid)
    must("wrong MAC" not in hosts.key("list")[0], "the dropped keys are marked")


@check("a row without a MAC: nothing is said of its token; an older version adds none; seal takes no key that does not fit")
def row_without_mac(hosts):
    signer = KeyPair(hosts.stack.scratch, "unsealed")
    without = row_of(signer, "unsealed", "").replace(" mac,", "").replace("'', NOW", "NOW")
    done = hosts.database.run(without, False, "m2mauth")
    must(b"1364" in done.stderr, f"an INSERT without a MAC: {done.stderr}")
    hosts.database.sql(row_of(signer, "unsealed", ""))
    token = forged(hosts, signer, "unsealed")
    hosts.all_say(token, 503, "its token")
    for pool in hosts.pools:
        must("unsealed" not in [key["kid"] for key in hosts.jwks(pool)], "it is published")
    out, err = hosts.key("seal", "--yes", status=1)
    must("unsealed" in out and "cannot be opened on this host" in out and "left unchanged" in err, f"{out} {err}")
    equal(hosts.database.sql("SELECT mac FROM signing_key WHERE kid = 'unsealed'"), [[""]], "its MAC")
    hosts.key("drop", "unsealed")
    hosts.all_say(token, False, "its token, when the key is dropped")


@check("the upgrade: before key seal nothing is said of any token, and afterwards all is as before; nothing seals by itself")
def upgrade(hosts):
    good = hosts.token()
    before = hosts.jwks(hosts.pools[0])
    hosts.database.sql("UPDATE signing_key SET mac = ''")
    hosts.all_say(good, 503, "a good token")
    for pool in hosts.pools:
        equal((hosts.jwks(pool), hosts.ask(pool, "GET", "/ready").status, hosts.ask(pool, "POST", "/token", FORM).status), (503, 503, 503),
              "the JWK Set, /ready, /token")
        must("has no MAC and is not used: check it, then run m2mctl key seal" in pool.log(), "the log does not say it")
    time.sleep(3)                                       # all workers have seen that they can sign no more
    pool = hosts.pools[0]
    pool.reload()
    time.sleep(6)                                       # the keeper has looked at the keys once
    hosts.all_say(good, 503, "a good token after a reload")
    equal(hosts.database.sql("SELECT DISTINCT mac FROM signing_key WHERE remove_at IS NULL"), [[""]], "MACs")
    equal(hosts.database.sql("SELECT COUNT(*) FROM signing_key WHERE remove_at IS NULL"), [["1"]], "keys")
    must("no MAC" in hosts.key("list")[0], "key list")
    for words in ("new",), ("rotate",):
        must("key seal" in hosts.key(*words, status=1)[1], f"key {words[0]} does not name the mend")
    out, err = hosts.key("seal", status=1)
    must(before[0]["kid"] in out and "its private key matches" in out and "--yes" in err, f"{out} {err}")
    # The kid is the beginning of the thumbprint.
    must(before[0]["kid"][1:] in out.split(before[0]["kid"], 1)[1], f"no thumbprint in {out}")
    must("1 key is sealed" in hosts.key("seal", "--yes")[0], "key seal")
    hosts.all_say(good, True, "the token")
    for pool in hosts.pools:
        equal(hosts.jwks(pool), before, "the JWK Set")
        hosts.token(pool)
    must("nothing to do" in hosts.key("seal")[0], "seal again")


@check("a dropped key cannot be restored, neither by UPDATE nor by INSERT of its old row with its MAC")
def removed_key(hosts):
    token = hosts.token()
    kid = tokens.header(token)["kid"]
    columns = "kid, alg, public_jwk, private_pem, private_uri, mac, publish_at, activate_at"
    (saved,) = hosts.database.run(f"SELECT CONCAT_WS(',', QUOTE(kid), QUOTE(alg), QUOTE(public_jwk), QUOTE(private_pem), 'NULL', QUOTE(mac), "
                                  f"'NOW()', 'NOW()') FROM signing_key WHERE kid = '{kid}'", schema="m2mauth").stdout.decode().split("\0")
    hosts.key("drop", kid)
    hosts.all_say(token, False, "its token")
    for sql in (f"UPDATE signing_key SET remove_at = NULL WHERE kid = '{kid}'", f"INSERT INTO signing_key ({columns}) VALUES ({saved})",
                f"REPLACE INTO signing_key ({columns}) VALUES ({saved})", f"DELETE FROM signing_key WHERE kid = '{kid}'"):
        must(b"denied" in hosts.as_keeper(sql).stderr, f"{sql[:40]} was not denied")
    arguments = saved.replace("NOW()", "UNIX_TIMESTAMP()")
    must(b"Duplicate entry" in hosts.as_keeper(f"CALL signing_key_add({arguments})").stderr, "its old row was added again")
    for sql in (f"CALL signing_key_remove(2000000000, '{kid}')", f"CALL signing_key_retire(2000000000, 2000000000, '{kid}')"):
        equal(hosts.as_keeper(sql).returncode, 0, sql)
    must(b"cannot be used again" in hosts.database.run(f"UPDATE signing_key SET remove_at = NULL WHERE kid = '{kid}'", False, "m2mauth").stderr,
         "an operator's UPDATE was done")
    time.sleep(1)
    hosts.all_say(token, False, "its token, after all that")
    hosts.token()


@check("a token that lives too long, or names another subject, is inactive although our own key signed it")
def own_key(hosts):
    path = hosts.stack.scratch.path("added.pem")
    signer = KeyPair(hosts.stack.scratch, "signer")
    tokens.openssl("pkey", "-in", signer.key, "-out", path)
    os.chmod(path, 0o400)
    kid = hosts.key("add", f"file:{path}", "--activate", "never")[0].split()[1]
    hosts.all_say(forged(hosts, signer, kid), True, "a token as we write it")
    now = int(time.time())
    ahead = {"iat": now + 315273600, "exp": now + 315360000}
    for more in {"exp": now + 86401}, {"exp": now + 315360000}, ahead, {"sub": "admin"}, {"sub": ""}:
        hosts.all_say(forged(hosts, signer, kid, **more, jti=f"own-{len(str(more))}"), False, f"a token with {more}")
    hosts.key("drop", kid)


@check("a host with another passphrase says nothing of any token, is not ready, makes no key; its mend is a reload")
def other_passphrase(hosts):
    good = hosts.token()
    other = hosts.add("other")
    other.operator.m2mctl("key", "passphrase", other.scratch.path("wrong"))
    other.operator.configure(key_passphrase_file=other.scratch.path("wrong"))
    count = "SELECT COUNT(*) FROM signing_key"
    keys = hosts.database.sql(count)
    other.start(ready=False)
    await_true(lambda: "no row of signing_key has a valid MAC" in other.log(), 10, "the log")
    for _ in range(5):
        equal((hosts.says(other, good), hosts.jwks(other), hosts.ask(other, "GET", "/ready").status,
               hosts.ask(other, "POST", "/token", FORM).status), (503, 503, 503, 503), "validate, JWK Set, ready, token")
        time.sleep(1.2)
    equal(hosts.database.sql(count), keys, "keys")
    hosts.all_say(good, True, "the token, on the other hosts")
    other.operator.configure(key_passphrase_file=hosts.operator.passphrase_file)
    other.tell(signal.SIGHUP)
    await_true(lambda: hosts.says(other, good) is True, 10, "the mend")
    other.stop()
    other.no_sanitizer_report()


@check("more keys than fit: the one that signs stays, whatever is newer; and what is left out is not called inactive")
def many_keys(hosts):
    good = hosts.token()
    kid = tokens.header(good)["kid"]
    added = [hosts.key("new", "--activate", "never")[0].split()[1] for _ in range(18)]
    hosts.database.sql(f"UPDATE signing_key SET publish_at = NOW() - INTERVAL 2 DAY WHERE kid = '{kid}'")
    for pool in hosts.pools:
        await_true(lambda pool=pool: "there are more than 16 signing keys" in pool.log(), 5, "the log")
    hosts.all_say(good, True, "a good token")
    for pool in hosts.pools:
        equal(tokens.header(hosts.token(pool))["kid"], kid, "who signs")
        listed = [key["kid"] for key in hosts.jwks(pool)]
        must(len(listed) == 16 and kid in listed, f"the JWK Set: {listed}")
    for name in added:
        hosts.database.sql(f"UPDATE signing_key SET remove_at = NOW() WHERE kid = '{name}'")
    hosts.all_say(good, True, "a good token, afterwards")


@check("another passphrase: hosts take both, key reseal, then the new one alone; every token stays active")
def another_passphrase(hosts):
    good = hosts.token()
    new, old = hosts.stack.scratch.path("new.passphrase"), hosts.operator.passphrase_file
    hosts.key("passphrase", new)
    hosts.key("reseal", status=2)
    for pool in hosts.pools:
        pool.operator.configure(key_passphrase_file=new, key_passphrase_former_file=old)
        pool.reload()
    hosts.all_say(good, True, "a token before the rows are sealed anew")
    between = hosts.key("new", "--activate", "never")[0].split()[1]
    before = [hosts.generation(pool) for pool in hosts.pools]
    must("2 keys are sealed again" in hosts.key("reseal")[0], "key reseal")
    # A new generation that opens no key, because its host has not read the new rows yet, would be given up.
    for pool, was in zip(hosts.pools, before):
        await_true(lambda pool=pool, was=was: hosts.generation(pool) > was, 5, "the rows that are sealed anew")
    hosts.all_say(good, True, "a token afterwards")
    must("nothing to do" in hosts.key("reseal")[0], "reseal again")
    for pool in hosts.pools:
        pool.operator.configure(key_passphrase_former_file=None)
        pool.reload()
        hosts.token(pool)
    hosts.all_say(good, True, "a token with the new passphrase alone")
    pem = hosts.database.run(f"SELECT private_pem FROM signing_key WHERE kid = '{between}'", schema="m2mauth").stdout
    equal(tokens.openssl("pkey", "-passin", f"file:{new}", stdin=pem).returncode, 0, "openssl with the new passphrase")
    must(tokens.openssl("pkey", "-passin", f"file:{old}", stdin=pem).returncode != 0, "openssl opens it with the old one")
    hosts.operator.passphrase_file = new


@check("a file that 0.1.0 read with a carriage return: the keys of then are opened, sealed, and sign")
def literal(hosts):
    path = hosts.operator.passphrase_file
    with open(path, "rb") as file:
        secret = file.read().strip()
    key = tokens.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256").stdout
    uri = hosts.stack.scratch.write("literal.pem", key, 0o400)
    kid = hosts.key("add", f"file:{uri}", "--activate", "now")[0].split()[1]
    sealed = tokens.openssl("pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", f"pass:{(secret + bytes([13])).decode()}", stdin=key).stdout
    must(sealed.startswith(PEM.encode()), "no encrypted key")
    hosts.database.sql(f"""CREATE TEMPORARY TABLE t AS SELECT * FROM signing_key WHERE kid = '{kid}'; DELETE FROM signing_key WHERE kid = '{kid}';
        UPDATE t SET private_uri = NULL, private_pem = '{sealed.decode()}', mac = ''; INSERT INTO signing_key SELECT * FROM t""")
    with open(path, "wb") as file:
        file.write(secret + b"\r\n")
    out, err = hosts.key("seal", "--yes")
    must("1 key is sealed" in out and "byte 0x0D at" in err, f"{out} {err}")
    for pool in hosts.pools:
        pool.reload()
        await_true(lambda pool=pool: tokens.header(hosts.token(pool))["kid"] == kid, 5, "it signs")


@check("0012: keys from before stay, without a MAC; it can be begun again; an INSERT of 0.1.0 is refused from then on")
def keys_get_a_mac(hosts):
    db, jwk = hosts.database, '{"kty":"EC"}'
    migrations = sorted(name for name in os.listdir(rig.MIGRATIONS) if name < "0012")
    old = (f"INSERT INTO signing_key (kid, alg, public_jwk, private_pem, publish_at) VALUES ('KID', 'ES256', '{jwk}', '{PEM}', "
           "'2026-01-01')")
    db.sql("DROP DATABASE IF EXISTS older; CREATE DATABASE older CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "")
    for name in migrations + ["0012_key_mac.sql"]:
        if name == "0012_key_mac.sql":
            db.sql(old.replace("KID", "before"), "older")
        with open(os.path.join(rig.MIGRATIONS, name), encoding="utf-8") as file:
            text = file.read()
        db.sql(text, "older")
    db.sql(text, "older")
    equal(db.sql("SELECT kid, mac FROM signing_key", "older"), [["before", ""]], "the key")
    done = db.run(old.replace("KID", "after"), False, "older")
    must(b"error" in done.stderr.lower() and b"'mac' doesn't have a default" in done.stderr, f"an INSERT without a MAC: {done.stderr}")
    for mac in "A" * 42, "A" * 42 + "!", "A" * 44:
        must(db.run(f"UPDATE signing_key SET mac = '{mac}'", False, "older").returncode != 0, f"a MAC of {mac}")
    db.sql("DROP DATABASE older", "")


@check("no sanitizer report")
def quiet(hosts):
    for pool in hosts.pools:
        pool.no_sanitizer_report()


def script(build, scratch):
    stack = Stack(build, scratch, kinds=(), workers=2)
    stack.scratches = []
    hosts = Hosts(stack)
    try:
        hosts.pools.append(hosts.add("second"))
        for pool in hosts.pools:
            pool.start()
        rig.run_checks("", hosts)
        for pool in hosts.pools:
            pool.stop()
    finally:
        for other in stack.scratches:
            other.stop_all()
            shutil.rmtree(other.folder, ignore_errors=True)
    stack.database.stop()


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""keys: signing keys with the private key in a file and the rest in the database.

usage: keys.py BUILDDIR
"""
import os
import time

import rig
import tokens
import web
from stack import Stack
from rig import await_true, check, equal, must

LOOK = 12                                               # seconds in which the keeper has looked at the keys


def make(stack, name, *options):
    """Creates a P-256 key in a file; returns its URI."""
    path = stack.scratch.path(name)
    done = tokens.openssl("genpkey", "-out", path, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", *options)
    equal(done.returncode, 0, "openssl genpkey")
    os.chmod(path, 0o400)
    return f"file:{path}"


def add(stack, uri, *options):
    """Adds the key; returns its kid. Of two keys that begin in the same second either may sign."""
    time.sleep(1)
    return stack.operator.m2mctl("key", "add", uri, *options, database=True).stdout.decode().split()[1]


def jwks(stack):
    return web.request(stack.port(), "GET", "/oauth/jwks.json").json()


def signs(stack, client, kid):
    stack.soon(lambda: tokens.header(client.token())["kid"] == kid, f"{kid} signs")
    token = client.token()
    must(tokens.verifies(token, jwks(stack)) and client.active(token), "its token does not verify")
    return token


@check("a key in a file, the first of all: signs at once, at every worker")
def in_a_file(stack):
    stack.database.sql("DELETE FROM signing_key")
    kid = add(stack, make(stack, "first.pem"))
    stack.start()
    client = stack.client("api")
    for _ in range(10):
        equal(tokens.header(client.token())["kid"], kid, "who signs")
    signs(stack, client, kid)


@check("a key in an encrypted file, added while the server runs: opened with the passphrase of key_passphrase_file")
def in_an_encrypted_file(stack):
    client = stack.client("api")
    before = client.token()
    uri = make(stack, "sealed.pem", "-aes-256-cbc", "-pass", f"file:{stack.operator.passphrase_file}")
    with open(uri.removeprefix("file:")) as file:
        must("ENCRYPTED" in file.read(), "it is not encrypted")
    signs(stack, client, add(stack, uri, "--activate", "now"))
    must(client.active(before), "a token of the key before it is inactive")


@check("a file that is not there, cannot be decrypted, or holds another key: the log says so, another key signs")
def not_to_be_had(stack):
    client = stack.client("api")
    path = stack.scratch.path("lost.pem")
    now = tokens.header(client.token())["kid"]
    kid = add(stack, make(stack, "lost.pem"), "--activate", "now")
    signed = signs(stack, client, kid)
    other = make(stack, "other.pem").removeprefix("file:")
    sealed = make(stack, "stranger.pem", "-aes-256-cbc", "-pass", "pass:another").removeprefix("file:")
    for source, words in ((None, "private_uri cannot be opened; this worker only verifies with it"),
                          (sealed, "private_uri holds no private key that the passphrase opens; this worker only verifies with it"),
                          (other, "private_uri and public_jwk are not a pair; this worker only verifies with it")):
        if os.path.exists(path):
            os.rename(path, path + ".kept") if not os.path.exists(path + ".kept") else os.unlink(path)
        if source:
            os.link(source, path)
        stack.pool.reload()
        await_true(lambda words=words: f"key {kid}: {words}" in stack.pool.log(), 5, words)
        token = client.token()
        equal(tokens.header(token)["kid"], now, "who signs")
        must(kid in [key["kid"] for key in jwks(stack)["keys"]], "the key has left the JWK Set")
        must(client.active(signed), "a token that it signed is inactive")
    must("lost.pem" not in stack.pool.log(), "the URI is in the log")
    os.unlink(path)
    os.rename(path + ".kept", path)
    stack.pool.reload()
    signs(stack, client, kid)


@check("a key in a file that is due for rotation gets a successor in the database, and retires")
def successor(stack):
    client = stack.client("api")
    kid = tokens.header(client.token())["kid"]
    stack.database.sql(f"DELETE FROM signing_key WHERE kid <> '{kid}'")
    stack.database.sql("UPDATE signing_key SET publish_at = NOW() - INTERVAL 91 DAY, activate_at = publish_at")
    await_true(lambda: len(stack.database.sql("SELECT kid FROM signing_key")) == 2, LOOK, "a successor")
    (new, pem), = stack.database.sql(f"SELECT kid, private_pem IS NOT NULL FROM signing_key WHERE kid <> '{kid}'")
    equal(pem, "1", "it lies in the database")
    must(stack.database.sql(f"SELECT retire_at IS NOT NULL FROM signing_key WHERE kid = '{kid}'") == [["1"]], "no retire_at")
    stack.database.sql("UPDATE signing_key SET activate_at = publish_at WHERE private_pem IS NOT NULL")
    signs(stack, client, new)


@check("no sanitizer report")
def quiet(stack):
    stack.pool.no_sanitizer_report()


def script(build, scratch):
    stack = Stack(build, scratch, kinds=("nginx",), workers=2)
    stack.operator.client("api")
    rig.run_checks("", stack)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

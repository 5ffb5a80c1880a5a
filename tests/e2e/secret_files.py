#!/usr/bin/env python3
"""secret_files: the passphrase and the database password in files as editors and orchestrators write them.

usage: secret_files.py BUILDDIR
"""
import os
import subprocess

import rig
import web
from stack import Stack
from pool import sanitized
from rig import PASSWORD, check, equal, must

FORM = web.form({"grant_type": "client_credentials"})
MARK = b"\xef\xbb\xbf"
# name -> bytes around the secret, and the notes that have to come: byte and place, counted from the start of the file
FORMS = {
    "a line feed": (b"", b"\n", []),
    "nothing": (b"", b"", []),
    "CRLF": (b"", b"\r\n", [("0x0D", "end")]),
    "a blank": (b"", b" \n", [("0x20", "end")]),
    "a tab": (b"", b"\t", [("0x09", "end")]),
    "two line feeds": (b"", b"\n\n", [("0x0A", "end")]),
    "a byte-order mark": (MARK, b"\n", [("0xEF", 0)]),
    "a mark and CRLF": (MARK, b"\r\n", [("0xEF", 0), ("0x0D", "end")]),
    "an empty line before it": (b"\n", b"\n", [("0x0A", 0)]),
}


def check_configuration(stack):
    done = subprocess.run([os.path.join(stack.build, "m2mauth"), "-t", "-c", stack.operator.conf], capture_output=True,
                          env=sanitized(), timeout=600, check=False)
    return done.returncode, done.stderr.decode(), done.stdout.decode()


def write(path, content):
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(content)


def secrets(stack):
    with open(stack.operator.passphrase_file, "rb") as file:
        passphrase = file.read().strip()
    return (stack.operator.passphrase_file, passphrase), (stack.operator.password_file, PASSWORD.encode())


@check("each form is the same secret; -t and the start name byte and place in the same words, never the secret")
def forms(stack):
    for path, secret in stack.secrets:
        for name, (before, after, notes) in FORMS.items():
            write(path, before + secret + after)
            status, err, out = check_configuration(stack)
            equal((status, out), (0, "ok\n"), f"-t with {name}: {err}")
            lines = [line for line in err.splitlines() if "is not part of the secret" in line]
            wanted = [f"{path}: byte {byte} at {len(before + secret) if at == 'end' else at} " for byte, at in notes]
            must(len(lines) == len(wanted) and all(map(str.startswith, lines, wanted)), f"-t with {name}: {err}")
            must(secret.decode() not in err, "the secret is printed")
            mark = len(stack.pool.log())
            stack.start(start_fronts=False)
            answer = stack.pool.ask("POST", "/token", FORM, [stack.credentials])
            equal(answer and answer.status, 200, f"a token with {name}")
            stack.pool.stop()
            log = stack.pool.log()[mark:]
            for line in lines:
                must(line in log, f"the log of the start does not say: {line}")
            must(secret.decode() not in log, "the secret is logged")
        write(path, secret + b"\n")


@check("what no editor means as text is refused, at -t and at the start, with byte and place")
def refused(stack):
    for path, secret in stack.secrets:
        wide = secret.decode().encode("utf-16")
        for content, words in ((wide, f"begins with byte 0x{wide[0]:02X} at 0, a mark of UTF-16"),
                               (secret + b"\0\n", f"has byte 0x00 at {len(secret)}"), (b"", "is empty"),
                               (MARK + b" \r\n", "is empty"), (b"x" * 1025, "is longer than 1023 bytes")):
            write(path, content)
            status, err, _ = check_configuration(stack)
            equal(status, 78, f"-t: {err}")
            must(f"{path}: {words}" in err, f"{words!r} is missing in: {err}")
        write(path, secret + b"\n")


@check("a passphrase that could be guessed causes a warning with the solution, and m2mctl seals nothing with it")
def short(stack):
    (path, secret), _ = stack.secrets
    write(path, b"nineteen bytes long\n")
    status, err, _ = check_configuration(stack)
    equal(status, 0, f"-t: {err}")
    must("warning: the passphrase has fewer than 20 bytes" in err and "m2mctl key reseal" in err, f"-t: {err}")
    equal(stack.operator.m2mctl("key", "new", database=True, check=False).returncode, 1, "exit code of key new")
    new = stack.scratch.path("made")
    for given, code in (b"nineteen bytes long\n", 1), (b"\xef\xbb\xbfnineteen bytes long\r\n", 1), (b"", 1), \
            (b"twenty bytes of them\n", 0):
        equal(stack.operator.m2mctl("key", "passphrase", "--stdin", new, stdin=given, check=False).returncode, code, str(given))
        equal(os.path.exists(new), code == 0, "a file was made")
    with open(new, "rb") as file:
        equal(file.read(), b"twenty bytes of them\n", "the file")
    equal(os.stat(new).st_mode & 0o777, 0o600, "its mode")
    write(path, secret + b"\n")


@check("no sanitizer report")
def quiet(stack):
    stack.pool.no_sanitizer_report()


def script(build, scratch):
    stack = Stack(build, scratch, kinds=(), workers=1)
    stack.credentials = ("HTTP_AUTHORIZATION", web.basic("api", stack.operator.client("api"))[1])
    stack.secrets = secrets(stack)
    rig.run_checks("", stack)
    stack.database.stop()


if __name__ == "__main__":
    rig.main(script)

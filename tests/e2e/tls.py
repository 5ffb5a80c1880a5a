#!/usr/bin/env python3
"""tls: what deploy/*/m2mauth_tls.conf accepts from openssl s_client: FAPI 2.0 Security Profile 5.2.2."""
import os
import re

import rig
import tokens
from authority import Authority
from fronts import KINDS, Front
from rig import check, equal, must

ALLOWED = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-GCM-SHA256",
           "DHE-RSA-AES256-GCM-SHA384")
DHE_BITS = 2048
HEAD = b"HEAD /nowhere HTTP/1.1\r\nHost: as.example\r\nConnection: close\r\n\r\n"


class Port:
    """The TLS port of one front server, with an RSA certificate; it asks clients for theirs."""

    def __init__(self, front, client):
        self.front, self.client = front, client

    def connect(self, *options, level=0, data=HEAD):
        """The output of s_client; level: its security level, low enough that only the server refuses."""
        done = tokens.openssl("s_client", "-connect", f"127.0.0.1:{self.front.tls_port}", "-servername", "as.example",
                              "-CAfile", self.front.authority.own.path, "-ign_eof", "-cipher",
                              f"ALL:eNULL:@SECLEVEL={level}", *options, stdin=data)
        return done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")


def tls12_suites():
    listed = tokens.openssl("ciphers", "-v", "-tls1_2", "ALL:eNULL:@SECLEVEL=0").stdout.decode()
    other = re.compile(r"TLSv1\.3|Au=(PSK|SRP)|Kx=\S*(PSK|SRP|GOST)")     # without a certificate of this kind
    return [line.split()[0] for line in listed.splitlines() if not other.search(line)]


@check("TLS 1.3, and TLS 1.2 with each of the four suites of FAPI 2.0 5.2.2")
def allowed(port):
    said = port.connect("-tls1_3")
    must("TLSv1.3, Cipher is TLS_" in said and "Verify return code: 0 (ok)" in said, f"TLS 1.3: {said[-400:]}")
    for suite in ALLOWED:
        said = port.connect("-tls1_2", "-cipher", suite)
        must(f"Cipher is {suite}" in said, f"{suite}: {said[-300:]}")
        if suite.startswith("DHE"):
            bits = int(re.search(r"Server Temp Key: DH, (\d+) bits", said)[1])
            must(bits >= DHE_BITS, f"{suite} with {bits} bits")


@check("every other suite of TLS 1.2 is refused")
def other_suites(port):
    others = [suite for suite in tls12_suites() if suite not in ALLOWED]
    must(len(others) > 50, f"this openssl knows {len(others)} others only")
    said = port.connect("-tls1_2", "-cipher", ":".join(others) + ":@SECLEVEL=0")
    must("Cipher is (NONE)" in said and "alert" in said, f"one of all others: {said[-300:]}")
    for suite in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-CHACHA20-POLY1305", "DHE-RSA-AES128-SHA",
                  "AES256-SHA", "ADH-AES128-GCM-SHA256", "NULL-SHA256"):
        must(suite in others, f"this openssl does not know {suite}")
        must("Cipher is (NONE)" in port.connect("-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0"), suite)


@check("TLS 1.1 and TLS 1.0 are refused")
def old_versions(port):
    for version in ("-tls1_1", "-tls1"):
        said = port.connect(version)
        must("Cipher is (NONE)" in said and "alert protocol version" in said, f"{version}: {said[-300:]}")


@check("no ticket is given out that resumes a session, with a client certificate or without one")
def tickets(port):
    for version in ("-tls1_2", "-tls1_3"):
        for shown in ([], ["-cert", port.client.path, "-key", port.client.key]):
            options = [version, *shown] + (["-cipher", ALLOWED[0]] if version == "-tls1_2" else [])
            kept = port.front.scratch.path(f"session{version}{len(shown)}.pem")
            said = port.connect(*options, "-sess_out", kept)
            must("Cipher is (NONE)" not in said and "HTTP/1." in said, f"{version}: {said[-300:]}")
            must(version == "-tls1_3" or "TLS session ticket:" not in said, "a ticket with TLS 1.2")
            if os.path.exists(kept):        # TLS 1.3: OpenSSL sends the name of a session that the server has forgotten
                again = port.connect(*options, "-sess_in", kept)
                must("HTTP/1." in again and "Reused, " not in again, f"resumed with {version}: {again[-300:]}")


def script(build, scratch):
    authority = Authority(scratch, key=("rsa:2048",))
    client = authority.issue("client", "/CN=orders")
    for kind in KINDS:
        front = Front(scratch, kind, scratch.path("nowhere.sock"), authority=authority)
        front.hardened = True
        front.start()
        rig.run_checks(kind, Port(front, client))
        front.stop()


if __name__ == "__main__":
    rig.main(script)

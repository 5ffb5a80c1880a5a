#!/usr/bin/env python3
"""clients: independent libraries (openid-client, oauth4webapi, jose; Authlib) run the whole cycle, with each
authentication method, with bearer tokens and with bound ones.

The npm packages of clients/package-lock.json are kept in build/npm between runs. Without them the test fails instead of
being skipped: no other test shows the behaviour of real clients.
"""
import glob
import json
import os
import shutil
import subprocess
import time

import authority
import rig
import tokens
import web
from stack import Stack
from rig import must

HERE = os.path.join(rig.SOURCE, "tests", "e2e", "clients")
PACKAGES = os.path.join(rig.SOURCE, "build", "npm")
MTLS = "https://mtls.example/oauth"
ALGORITHMS = ("RS256", "PS256", "EdDSA", "ES256")       # the last one goes on signing
DEBIANS_PYTHON = "/usr/bin/python3"
# Of Node.js 18, which Debian 12 has, Web Crypto is global only on demand; later ones take the option and ignore it.
NODE = ["node", "--experimental-global-webcrypto", "--no-warnings"]


def same_file(one, other):
    try:
        with open(one, "rb") as first, open(other, "rb") as second:
            return first.read() == second.read()
    except FileNotFoundError:
        return False


def install():
    """Nothing to do when the packages of this lock file are there."""
    os.makedirs(PACKAGES, exist_ok=True)
    lock = os.path.join(HERE, "package-lock.json")
    kept = os.path.join(PACKAGES, "node_modules", "of.json")
    if not same_file(lock, kept):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(HERE, name), PACKAGES)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PACKAGES, timeout=600,
                              capture_output=True)
        must(done.returncode == 0, f"the npm registry gave no packages: {done.stderr.decode(errors='replace')[:500]}")
        shutil.copy(lock, kept)
    for module in glob.glob(os.path.join(HERE, "*.mjs")):
        shutil.copy(module, PACKAGES)


def reconfigure(stack, **settings):
    """Applies the settings; returns when the old workers have exited."""
    stack.operator.configure(**settings)
    stack.pool.reload()


def token_of(stack, algorithm):
    """A token signed by a new key of that algorithm, which the configuration asks for from now on."""
    made = stack.operator.m2mctl("key", "new", "--alg", algorithm, "--activate", "now", database=True)
    kid = made.stdout.decode().split()[1]
    reconfigure(stack, token_algorithm=algorithm)
    worker, found = stack.client("worker"), {}

    def signed():
        """By the new key: an older one of the same algorithm may sign until the pool has read it."""
        token = worker.token(scope="read")
        found[tokens.header(token)["kid"]] = token
        return kid in found
    rig.await_true(signed, 10, f"{algorithm} signs")
    return found[kid]


def all_algorithms(stack, by_algorithm):
    for algorithm in ALGORITHMS:
        by_algorithm[algorithm] = token_of(stack, algorithm)
        must(stack.client("reader").active(by_algorithm[algorithm]), f"{algorithm}: not active")


def add_signer(stack, alg, *generate):
    """A client that signs with a key of that algorithm, and its row."""
    client_id, key = f"signs-{alg}", stack.scratch.path(f"signs-{alg}.key")
    authority.openssl("genpkey", *generate, "-out", key)
    public = stack.scratch.write(f"{client_id}.pub", authority.openssl("pkey", "-in", key, "-pubout"))
    jwk = stack.operator.m2mctl("jwk", "--alg", alg, public).stdout.decode()
    kid = json.loads(jwk)["kid"]
    stack.operator.client(client_id)
    stack.database.sql(f"CALL client_add_key('{client_id}', '{kid}', '{alg}', '{jwk}', NULL)")
    return {"id": client_id, "kid": kid, "key": key}


def add_certificates(stack, issued, listed):
    """Clients that show certificates, and whose tokens are bound to them."""
    for name in (issued.name, listed.name):
        stack.operator.client(name)
    jwk = stack.operator.m2mctl("jwk", listed.path).stdout.decode()
    stack.database.sql(f"""CALL client_set_tls_subject('{issued.name}', 'subject_dn', 'CN={issued.name},O=Example,C=DE');
        CALL client_add_certificate_key('{listed.name}', '{json.loads(jwk)["kid"]}', 'ES256', '{jwk}', NULL);
        UPDATE client SET require_binding = 'mtls' WHERE client_id IN ('{issued.name}', '{listed.name}')""")
    return {kind: {"id": one.name, "path": one.path, "key": one.key} for kind, one in (("tls", issued), ("selfSigned", listed))}


def bound_to_certificate(stack, certificate, kind):
    body = web.form({"grant_type": "client_credentials", "client_id": certificate.name})
    return web.request(stack.tls_port(kind, certificate), "POST", "/oauth/token", body).json()["access_token"]


def bound_to_key(stack, forger, kind):
    """A token for a proof that no library made."""
    proof = forger.sign({"typ": "dpop+jwt", "alg": "ES256", "jwk": forger.jwk},
                        {"jti": f"once-{kind}", "htm": "POST", "htu": f"{stack.operator.issuer}/token",
                         "iat": int(time.time())})
    bound = stack.client("bound", kind)
    answer = bound.post("/token", {"grant_type": "client_credentials"}, [web.basic(bound.id, bound.secret), ("DPoP", proof)])
    return answer.json()["access_token"]


def what_to_know(stack, kind):
    """The input of all scripts, as JSON."""
    port, secrets = stack.port(kind), stack.operator.secrets
    named = {role: {"id": name, "secret": secrets[name]}
             for role, name in (("client", "worker"), ("reader", "reader"), ("bound", "bound"))}
    return {
        "front": kind, "port": port, "tlsPort": stack.fronts[kind].tls_port, "issuer": stack.operator.issuer, "mtls": MTLS,
        "audience": rig.AUDIENCE, "authority": stack.authority.own.path, **named,
        "jwks": web.request(port, "GET", "/oauth/jwks.json").json(),
        "metadata": web.request(port, "GET", "/.well-known/oauth-authorization-server/oauth").json(),
    }


def hand_over(command, folder, known, checks):
    """The script prints its own checks; a missing one is a failure."""
    done = subprocess.run(command, cwd=folder, input=json.dumps(known).encode(), capture_output=True, timeout=600)
    lines = [line for line in done.stdout.decode(errors="replace").splitlines() if line.startswith(("ok - ", "not ok - "))]
    print("\n".join(lines), flush=True)
    rig.Checks.failed += sum(line.startswith("not ok - ") for line in lines)
    must(len(lines) == checks, f"{len(lines)} of {checks} checks: {done.stderr.decode(errors='replace')[-500:]}")


def populate(stack, issued, listed):
    stack.operator.client("reader")
    stack.operator.client("worker", "--default-scope", "read", reads=False)
    stack.operator.client("bound", "--default-scope", "read", reads=False)
    stack.database.sql("UPDATE client SET require_binding = 'dpop' WHERE client_id = 'bound'")
    pss = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    return {"certificates": add_certificates(stack, issued, listed),
            "signers": {"ES256": add_signer(stack, "ES256", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
                        "PS256": add_signer(stack, "PS256", *pss)}}


def run_libraries(stack, kind, known, people):
    forger = tokens.Forger(stack.scratch.folder)
    known = {**what_to_know(stack, kind), **known, "nonces": False, "key": forger.jwk,
             "boundToKey": bound_to_key(stack, forger, kind),
             "boundToCertificate": bound_to_certificate(stack, people[0], kind)}
    for module, checks in (("clients.mjs", 9), ("methods.mjs", 11), ("dpop.mjs", 6)):
        rig.run_check(None, hand_over, [*NODE, module], PACKAGES, known, checks)
    rig.run_check(None, hand_over, [DEBIANS_PYTHON, os.path.join(HERE, "local.py")], HERE, known, 4)


def script(build, scratch):
    install()
    listed = authority.self_signed(scratch, "listed", "/C=DE/O=Example/CN=listed")
    issuing = authority.Authority(scratch, listed=[listed])
    people = issuing.issue("issued", "/C=DE/O=Example/CN=issued"), listed
    stack = Stack(build, scratch, authority=issuing, mtls_url=MTLS, failures_per_minute=1000)
    known = {**populate(stack, *people), "byAlgorithm": {}}
    stack.start(workers=2)
    rig.run_check("B6 tokens of RS256, PS256, EdDSA and ES256 are active", all_algorithms, stack, known["byAlgorithm"])
    for kind in stack.fronts:
        run_libraries(stack, kind, known, people)
    reconfigure(stack, dpop_nonce="required")
    for kind in stack.fronts:
        told = {**what_to_know(stack, kind), "nonces": True, "front": f"{kind}, nonces"}
        rig.run_check(None, hand_over, [*NODE, "dpop.mjs"], PACKAGES, told, 6)
    rig.run_check("no sanitizer report (clients)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

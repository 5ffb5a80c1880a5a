#!/usr/bin/env python3
"""removal: clients, grants, scopes, introspectors and audiences are removed by one call each, and what that does to tokens
that are out is what deploy/doc/operations.md says.

usage: removal.py BUILDDIR
"""
import json

import rig
import web
from stack import Stack
from rig import AUDIENCE, await_true, check, equal, must

OTHER = "https://other.example/"


class Host:
    def __init__(self, stack):
        self.stack, self.operator, self.pool, self.sql = stack, stack.operator, stack.pool, stack.database.sql

    def post(self, path, form, client):
        headers = [("HTTP_AUTHORIZATION", web.basic(client, self.operator.secrets[client])[1])]
        answer = self.pool.ask("POST", path, web.form(form), headers)
        return answer.status, json.loads(answer.body)

    def ask(self, client, **form):
        return self.post("/token", {"grant_type": "client_credentials", **form}, client)

    def token(self, client, **form):
        status, answer = self.ask(client, **form)
        equal(status, 200, f"/token for {client}")
        return answer["access_token"]

    def active(self, token, client="reader"):
        status, answer = self.post("/validate", {"token": token}, client)
        equal(status, 200, "/validate")
        return answer["active"]

    def refused(self, call, words):
        done = self.stack.database.run(f"CALL {call}", False, "m2mauth")
        must(done.returncode != 0 and words in done.stderr.decode(), f"{call}: {done.stderr.decode()!r}")


def client(host, name, **options):
    host.operator.client(name, reads=False, **options)
    await_true(lambda: host.ask(name)[0] == 200, 5, "the client is seen")


@check("a grant: no new token with it, tokens that are out keep it; the last one at an audience")
def grant(host):
    client(host, "granted")
    token = host.token("granted", scope="write")
    host.sql(f"CALL client_disallow('granted', '{AUDIENCE}', 'write')")
    await_true(lambda: host.ask("granted", scope="write")[1].get("error") == "invalid_scope", 5, "no new token with it")
    equal((host.active(token), host.ask("granted")[1].get("scope")), (True, "read"), "a token that is out, a new one")
    host.refused(f"client_disallow('granted', '{AUDIENCE}', 'write')", "no such grant")
    host.refused(f"client_disallow('nobody', '{AUDIENCE}', NULL)", "there is no client")
    host.sql(f"UPDATE client SET default_audience = '{AUDIENCE}' WHERE client_id = 'granted'; "
             f"CALL client_disallow('granted', '{AUDIENCE}', NULL)")
    await_true(lambda: host.ask("granted")[0] == 400, 5, "no token at all")
    equal(host.active(token), True, "a token that is out")
    equal(host.sql("SELECT default_audience IS NULL FROM client WHERE client_id = 'granted'"), [["1"]], "default_audience")


@check("a scope: from all clients; tokens that are out keep it")
def scope(host):
    client(host, "scoped", scope="read write extra")
    token = host.token("scoped", scope="extra")
    host.sql(f"CALL audience_scope_remove('{AUDIENCE}', 'extra')")
    await_true(lambda: host.ask("scoped", scope="extra")[1].get("error") == "invalid_scope", 5, "no new token with it")
    equal((host.active(token), host.ask("scoped")[0]), (True, 200), "a token that is out, a new one")
    host.refused(f"audience_scope_remove('{AUDIENCE}', 'extra')", "has no such scope")
    host.refused("audience_scope_remove('https://unknown/', 'extra')", "no such audience")


@check("an introspector: tokens are inactive to it, good to others; both names of the right")
def introspector(host):
    client(host, "asks")
    token = host.token("asks")
    for procedure in "client_may_introspect", "client_may_read":
        host.sql(f"CALL {procedure}('asks', '{AUDIENCE}'); CALL {procedure}('asks', '{AUDIENCE}')")
        await_true(lambda: host.active(token, "asks"), 5, "it may introspect")
        host.sql(f"CALL client_may_not_introspect('asks', '{AUDIENCE}')")
        await_true(lambda: not host.active(token, "asks"), 5, "it may not any more")
        must(host.active(token), "inactive to others")
    host.refused(f"client_may_not_introspect('asks', '{AUDIENCE}')", "does not introspect")


@check("an audience: no token for it and no introspection of its tokens; issued tokens stay valid where APIs verify them")
def audience(host):
    host.sql(f"INSERT INTO audience (audience) VALUES ('{OTHER}'); INSERT INTO audience_scope (audience, scope) VALUES ('{OTHER}', 'read')")
    client(host, "both")
    host.sql(f"CALL client_allow('both', '{OTHER}', 'read', TRUE); CALL client_may_introspect('reader', '{OTHER}');"
             f"UPDATE client SET default_audience = '{AUDIENCE}' WHERE client_id = 'both'")
    await_true(lambda: host.ask("both", resource=OTHER)[0] == 200, 5, "a token for it")
    token, mine = host.token("both", resource=OTHER), host.token("both")
    await_true(lambda: host.active(token), 5, "active")
    host.sql(f"CALL audience_remove('{OTHER}')")
    await_true(lambda: host.ask("both", resource=OTHER)[1].get("error") == "invalid_target", 5, "no new token for it")
    await_true(lambda: not host.active(token), 5, "it cannot be introspected")
    must(host.active(mine), "a token for another audience")
    host.refused(f"audience_remove('{OTHER}')", "no such audience")
    equal(host.sql(f"SELECT COUNT(*) FROM client_grant WHERE audience = '{OTHER}'"), [["0"]], "grants")


@check("a client: its tokens are inactive at once, and stay so when a client of the same name comes later")
def removed(host):
    client(host, "gone")
    token = host.token("gone")
    must(host.active(token), "not active before")
    host.sql("CALL client_add_key('gone', 'k', NULL, '{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}', "
             "NULL); CALL client_may_introspect('gone', '" + AUDIENCE + "'); CALL client_remove('gone')")
    await_true(lambda: not host.active(token), 5, "its token is inactive")
    equal(host.ask("gone")[0], 401, "/token")
    host.refused("client_remove('gone')", "there is no client")
    client(host, "gone")
    await_true(lambda: host.active(host.token("gone")), 5, "a token of the new client is active")
    must(not host.active(token), "a token of the removed client is active again")
    for table in "client", "client_secret", "client_grant":
        equal(host.sql(f"SELECT COUNT(*) > 0 FROM {table} WHERE client_id = 'gone'"), [["1"]], f"{table} of the new client")
    equal(host.sql("SELECT COUNT(*) FROM client_key WHERE client_id = 'gone'"), [["0"]], "keys of the removed client")


def script(build, scratch):
    stack = Stack(build, scratch, kinds=(), failures_per_minute=10000)     # each wait for a change is many failures
    stack.start(workers=1)
    stack.operator.client("reader")
    host = Host(stack)
    await_true(lambda: host.ask("reader")[0] == 200, 10, "the client is seen")
    rig.run_checks("", host)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

#!/usr/bin/env python3
"""scopes: the metadata lists the scopes of audience_scope and follows its rows; scopes that cannot be listed affect nothing else."""
import json

import fastcgi
import rig
import web
from stack import Stack
from rig import check, equal, must

PATH = "/oauth/.well-known/oauth-authorization-server"
API, OTHER = "https://scopes.example.com/", "https://other.example.com/"
FIRST = ["read", "write"]            # of the client that asks
PROMISED = 3                            # seconds


class Account:
    """The database account of the server."""
    name = ""


def metadata(stack):
    answer = fastcgi.ask(stack.pool.socket, "GET", PATH)
    equal(answer.status, 200, "metadata")
    return json.loads(answer.body)


def lists(stack, words):
    return lambda: metadata(stack).get("scopes_supported") == words


def token_is_given(stack):
    authorization = ("HTTP_AUTHORIZATION", web.basic("reader", stack.operator.secrets["reader"])[1])
    answer = fastcgi.ask(stack.pool.socket, "POST", "/oauth/token", b"grant_type=client_credentials", more=[authorization])
    equal(answer.status, 200, "token")


@check("E15 scopes_supported: each word of audience_scope once, in their order, within seconds of a change")
def follow(stack):
    equal(metadata(stack)["scopes_supported"], FIRST, "at the start")
    stack.database.sql(f"INSERT INTO audience_scope (audience, scope) VALUES ('{API}', 'export'), ('{API}', 'read'), "
                       f"('{OTHER}', 'export'), ('{OTHER}', 'Admin')")
    stack.soon(lists(stack, ["Admin", "export", "read", "write"]), "new scopes", PROMISED)
    stack.database.sql(f"DELETE FROM audience_scope WHERE audience = '{OTHER}'")
    stack.soon(lists(stack, ["export", "read", "write"]), "one less", PROMISED)
    stack.database.sql(f"DELETE FROM audience_scope WHERE audience = '{API}'")
    stack.soon(lists(stack, FIRST), "as at the start", PROMISED)


@check("E15 more scopes than the metadata can hold: none is listed, the log says so, and tokens are issued")
def too_many(stack):
    values = ", ".join(f"('{API}', '{n:03}-{'x' * 200}')" for n in range(60))
    stack.database.sql(f"INSERT INTO audience_scope (audience, scope) VALUES {values}")
    stack.soon(lists(stack, None), "none is listed", PROMISED)
    must("scopes_left_out" in stack.pool.log() and "longer than 8192 bytes" in stack.pool.log(), "the log does not say why")
    token_is_given(stack)
    stack.database.sql("DELETE FROM audience_scope WHERE LENGTH(scope) > 200")
    stack.soon(lists(stack, FIRST), "all are listed again", PROMISED)


@check("E15 an account that may not read audience_scope: the last list stays, the log names the solution, and the rest works")
def denied(stack):
    stack.database.sql(f"REVOKE SELECT ON audience_scope FROM {Account.name}")
    stack.database.sql(f"INSERT INTO audience_scope (audience, scope) VALUES ('{API}', 'unseen')")
    stack.soon(lambda: "run sql/grants.sql" in stack.pool.log(), "the log names the solution", PROMISED)
    stack.operator.client("late")
    authorization = ("HTTP_AUTHORIZATION", web.basic("late", stack.operator.secrets["late"])[1])
    stack.soon(lambda: fastcgi.ask(stack.pool.socket, "POST", "/oauth/token", b"grant_type=client_credentials",
                                   more=[authorization]).status == 200, "a client that came later", PROMISED)
    equal(metadata(stack)["scopes_supported"], FIRST, "the last list")
    stack.database.sql(f"GRANT SELECT ON audience_scope TO {Account.name}")
    stack.database.sql(f"INSERT INTO audience_scope (audience, scope) VALUES ('{OTHER}', 'unseen')")
    stack.soon(lists(stack, ["read", "unseen", "write"]), "listed once it may", PROMISED)
    stack.database.sql("DELETE FROM audience_scope WHERE scope = 'unseen'")


@check("E15 an account that may not read audience_scope from the start: no list, and all else is served")
def denied_from_the_start(stack):
    stack.database.sql(f"REVOKE SELECT ON audience_scope FROM {Account.name}")
    stack.pool.stop()
    stack.pool.start("spawn")
    stack.soon(lambda: fastcgi.ask(stack.pool.socket, "GET", "/oauth/ready").status == 200, "ready", 20)
    token_is_given(stack)
    must("scopes_supported" not in metadata(stack), "there is a list")
    stack.database.sql(f"GRANT SELECT ON audience_scope TO {Account.name}")


def script(build, scratch):
    stack = Stack(build, scratch, kinds=())
    stack.operator.client("reader")
    stack.database.sql(f"INSERT INTO audience (audience) VALUES ('{API}'), ('{OTHER}')")
    Account.name = f"{stack.operator.settings['db_user']}@localhost"
    stack.start(start_fronts=False)
    rig.run_checks("scopes", stack)
    rig.run_check("no sanitizer report (scopes)", stack.pool.no_sanitizer_report)
    stack.stop()


if __name__ == "__main__":
    rig.main(script)

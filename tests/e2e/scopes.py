#!/usr/bin/env python3
"""scopes: what audience_scope lists is in the metadata, and follows its rows; what cannot be listed stops nothing else."""
import json

import fastcgi
import rig
import web
from house import House
from rig import check, equal, must

PATH = "/oauth/.well-known/oauth-authorization-server"
API, OTHER = "https://scopes.example.com/", "https://other.example.com/"
FIRST = ["read", "write"]            # of the client that asks
PROMISED = 3                            # seconds


class Account:
    """The server's, in the database."""
    name = ""


def metadata(house):
    answer = fastcgi.ask(house.pool.socket, "GET", PATH)
    equal(answer.status, 200, "metadata")
    return json.loads(answer.body)


def lists(house, words):
    return lambda: metadata(house).get("scopes_supported") == words


def token_is_given(house):
    authorization = ("HTTP_AUTHORIZATION", web.basic("reader", house.operator.secrets["reader"])[1])
    answer = fastcgi.ask(house.pool.socket, "POST", "/oauth/token", b"grant_type=client_credentials", more=[authorization])
    equal(answer.status, 200, "token")


@check("E15 scopes_supported: each word of audience_scope once, in their order, within seconds of a change")
def follow(house):
    equal(metadata(house)["scopes_supported"], FIRST, "at the start")
    house.database.sql(f"INSERT INTO audience_scope (audience, scope) VALUES ('{API}', 'export'), ('{API}', 'read'), "
                       f"('{OTHER}', 'export'), ('{OTHER}', 'Admin')")
    house.soon(lists(house, ["Admin", "export", "read", "write"]), "new scopes", PROMISED)
    house.database.sql(f"DELETE FROM audience_scope WHERE audience = '{OTHER}'")
    house.soon(lists(house, ["export", "read", "write"]), "one less", PROMISED)
    house.database.sql(f"DELETE FROM audience_scope WHERE audience = '{API}'")
    house.soon(lists(house, FIRST), "as at the start", PROMISED)


@check("E15 more scopes than the metadata has room for: none is listed, the log says so, and tokens are given")
def too_many(house):
    values = ", ".join(f"('{API}', '{n:03}-{'x' * 200}')" for n in range(60))
    house.database.sql(f"INSERT INTO audience_scope (audience, scope) VALUES {values}")
    house.soon(lists(house, None), "none is listed", PROMISED)
    must("scopes_left_out" in house.pool.log() and "longer than 8192 bytes" in house.pool.log(), "the log does not say why")
    token_is_given(house)
    house.database.sql("DELETE FROM audience_scope WHERE LENGTH(scope) > 200")
    house.soon(lists(house, FIRST), "all are listed again", PROMISED)


@check("E15 an account that may not read audience_scope: the last list stays, the log names the mend, and all else goes on")
def denied(house):
    house.database.sql(f"REVOKE SELECT ON audience_scope FROM {Account.name}")
    house.database.sql(f"INSERT INTO audience_scope (audience, scope) VALUES ('{API}', 'unseen')")
    house.soon(lambda: "run sql/grants.sql" in house.pool.log(), "the log names the mend", PROMISED)
    house.operator.client("late")
    authorization = ("HTTP_AUTHORIZATION", web.basic("late", house.operator.secrets["late"])[1])
    house.soon(lambda: fastcgi.ask(house.pool.socket, "POST", "/oauth/token", b"grant_type=client_credentials",
                                   more=[authorization]).status == 200, "a client that came later", PROMISED)
    equal(metadata(house)["scopes_supported"], FIRST, "the last list")
    house.database.sql(f"GRANT SELECT ON audience_scope TO {Account.name}")
    house.database.sql(f"INSERT INTO audience_scope (audience, scope) VALUES ('{OTHER}', 'unseen')")
    house.soon(lists(house, ["read", "unseen", "write"]), "listed once it may", PROMISED)
    house.database.sql("DELETE FROM audience_scope WHERE scope = 'unseen'")


@check("E15 an account that may not read audience_scope from the start: no list, and all else is served")
def denied_from_the_start(house):
    house.database.sql(f"REVOKE SELECT ON audience_scope FROM {Account.name}")
    house.pool.stop()
    house.pool.start("spawn")
    house.soon(lambda: fastcgi.ask(house.pool.socket, "GET", "/oauth/ready").status == 200, "ready", 20)
    token_is_given(house)
    must("scopes_supported" not in metadata(house), "there is a list")
    house.database.sql(f"GRANT SELECT ON audience_scope TO {Account.name}")


def script(build, scratch):
    house = House(build, scratch, kinds=())
    house.operator.client("reader")
    house.database.sql(f"INSERT INTO audience (audience) VALUES ('{API}'), ('{OTHER}')")
    Account.name = f"{house.operator.settings['db_user']}@localhost"
    house.start(start_fronts=False)
    rig.run_checks("scopes", house)
    rig.run_check("no sanitizer report (scopes)", house.pool.no_sanitizer_report)
    house.stop()


if __name__ == "__main__":
    rig.main(script)

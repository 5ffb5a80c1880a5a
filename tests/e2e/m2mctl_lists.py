"""m2mctl list and m2mctl show: text and JSON of valid clients, of unusual ones, and without clients."""
import json

from console import says
from m2mctl_writes import installed
from rig import check, equal, must

API = "https://a.example/"
OTHER = "urn:b"


def listed(console, schema):
    return json.loads(console.run("list", "--json", schema=schema)[0])


def shown(console, schema, client_id):
    return json.loads(console.run("show", "--json", "--", client_id, schema=schema)[0])


def add(console, schema, *words):
    console.database.sql(console.run("client", "--audience", API, "--scope", "read write", "--default-scope", "read", *words)[0], schema)


@check("list, show: no clients, no such client, no database, usage")
def none(console):
    schema = installed(console)
    out, err = console.run("list", schema=schema)
    equal(out, "", "standard output")
    says(err, "no clients yet", "m2mctl client")
    equal(listed(console, schema), [], "as JSON")
    says(console.run("show", "x", schema=schema, status=1)[1], "no such client")
    for wrong in (["list", "x"], ["show"], ["show", "a", "b"], ["show", "\u00e9"], ["list", "--yaml"]):
        equal(console.run(*wrong, schema=schema, status=2)[0], "", f"standard output of {wrong}")
    empty = console.schema()
    says(console.run("list", schema=empty, status=1)[1], "client")


@check("list, show: state, scopes by audience, credentials with their ends, introspects, binding, rate")
def words(console):
    schema = installed(console)
    add(console, schema, "--audience", OTHER, "--introspects", "urn:c", "--rate", "60/7", "--binding", "dpop", "--token-seconds",
        "120", "--description", "nightly", "--mtls-subject", "subject_dn", "CN=orders,O=Example", "--secret", "orders")
    add(console, schema, "plain")
    console.database.sql(console.run("secret", "--label", "old", "--expires", "+1d", "orders")[0], schema)
    console.database.sql("CALL client_expire_secret('orders', 'old', CURRENT_TIMESTAMP - INTERVAL 1 HOUR); CALL client_disable('plain')", schema)
    out = console.run("list", schema=schema)[0].splitlines()
    equal(len(out), 5, "lines")
    says(" ".join(out[1].split()), "orders enabled 1 secret, subject https://a.example/: read (default), write")
    equal((out[2].strip(), out[3].strip()), ("urn:b: without a scope", "introspects urn:c"), "further lines")
    says(" ".join(out[4].split()), "plain disabled 1 secret https://a.example/: read (default), write")
    out = console.run("show", "orders", schema=schema)[0]
    says(" ".join(out.split()), "client orders", "state enabled", "description nightly", "may ask for urn:b: without a scope",
         "without resource https://a.example/", "introspects urn:c", "without scope the default scopes",
         "tokens bound to a DPoP key", "tokens live 120 s", "rate 60 a minute, 7 at once", "secret old ended",
         "does not end", "certificate of subject_dn CN=orders,O=Example")
    says(console.run("show", "plain", schema=schema)[0], "disabled: no new token", "not limited", "as long as m2mauth.conf says")


@check("list --json, show --json: the same facts, and no hash in any output")
def as_json(console):
    schema = installed(console)
    add(console, schema, "--rate", "60", "orders")
    client = shown(console, schema, "orders")
    equal([client], listed(console, schema), "list and show")
    equal((client["client_id"], client["enabled"], client["rate_per_minute"], client["rate_burst"], client["default_audience"]),
          ("orders", True, 60, None, None), "columns")
    equal([(grant["scope"], grant["is_default"], grant["fault"]) for grant in client["grants"]],
          [("read", True, None), ("write", False, None)], "grants")
    equal([(secret["expires_at"], secret["in_force"], secret["fault"]) for secret in client["secrets"]], [(None, True, None)], "secrets")
    must(client["created_at"].endswith("Z"), f"created_at {client['created_at']}")
    stored = console.database.sql("SELECT hash FROM client_secret", schema)[0][0]
    everything = "".join(console.run(*command, schema=schema)[0] for command in (["list"], ["list", "--json"], ["show", "orders"],
                                                                              ["show", "--json", "orders"]))
    must(stored not in everything and "$sha256" not in everything, "a hash is shown")


@check("show: a credential that the server leaves out is marked; what rows hold does not disturb a terminal")
def odd(console):
    schema = installed(console)
    add(console, schema, "it's")
    jwk = '{"kty":"EC","crv":"P-384","x":"A","y":"B"}'
    console.database.sql(f"""SET SESSION check_constraint_checks = 0;
        INSERT INTO client_key (client_id, kid, alg, public_jwk) VALUES ("it's", 'bad', 'ES256', '{jwk}');
        INSERT INTO client_secret (client_id, label, hash) VALUES ("it's", 'ill', '$sha256$x');
        UPDATE client SET description = X'1b5d303b7469746c6507e280aec28522'""", schema)
    out = console.run("show", "it's", schema=schema)[0]
    must(not any(ord(c) < 32 and c != "\n" or c in "\u202e\u0085\x7f" for c in out), f"not escaped: {out!r}")
    says(out, "\\u001b]0;title\\u0007\\u202e\\u0085", "cannot be used: public_jwk: ", "cannot be used: hash: not one that")
    client = shown(console, schema, "it's")
    equal(client["description"], "\x1b]0;title\x07\u202e\u0085\"", "description as JSON")
    must(client["keys"][0]["fault"] and not client["keys"][0]["in_force"], "the fault of a key")
    says(" ".join(console.run("list", schema=schema)[0].split()), "it's enabled 1 secret https")


@check("list: more clients than a page, in the order of their ids, each once")
def many(console):
    schema = installed(console)
    console.database.sql(f"INSERT INTO audience (audience) VALUES ('{API}'); INSERT INTO client (client_id) "
                      f"SELECT CONCAT('c', LPAD(seq, 3, '0')) FROM seq_1_to_250; INSERT INTO client_grant (client_id, audience) "
                      f"SELECT client_id, '{API}' FROM client", schema)
    clients = listed(console, schema)
    equal([client["client_id"] for client in clients], [f"c{number:03d}" for number in range(1, 251)], "ids")
    must(all(len(client["grants"]) == 1 for client in clients), "a grant is missing or at another client")
    equal(len(console.run("list", schema=schema)[0].splitlines()), 251, "lines")

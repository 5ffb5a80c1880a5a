#!/usr/bin/env python3
"""routines: the procedures and triggers of sql/routines.sql: installed, installed again when needed, and never replaced by an older version.

usage: routines.py BUILDDIR
"""
import os
import re
import shutil
import signal
import subprocess
import sys

import rig
from console import Console, says
from rig import MIGRATIONS, ROUTINES, check, equal, must

with open(ROUTINES) as text:
    TEXT = text.read()
NUMBER = int(re.match(r"-- routines (\d+)\n", TEXT)[1])
NAMES = re.findall(r"^CREATE OR REPLACE (?:PROCEDURE|FUNCTION|TRIGGER) (\w+)", TEXT, re.M)


def variant(console, schema, number, text=TEXT):
    """The file with another number in its first line."""
    return console.scratch.write(f"{schema}-{number}.sql", text.replace(f"-- routines {NUMBER}\n", f"-- routines {number}\n", 1))


def installed(console):
    schema = console.schema()
    console.migrate(schema, "--routines", ROUTINES, MIGRATIONS)
    return schema


def existing(console, schema):
    return {row[0] for row in console.database.sql(
        f"SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{schema}' UNION ALL "
        f"SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '{schema}'", "")}


def dump(console, schema, *options):
    """What mariadb-dump with these options writes, restored into another schema."""
    other = console.schema()
    done = subprocess.run(["mariadb-dump", "--no-defaults", f"--socket={console.database.socket}", "--user=root",
                           "--single-transaction", *options, schema], capture_output=True, timeout=600)
    must(done.returncode == 0, done.stderr.decode())
    console.database.sql(done.stdout.decode(), other)
    return other


@check("a new database has them all, after the shipped migrations and before the operators'")
def fresh(console):
    schema = console.schema()
    clients = console.folder(f"{schema}-clients", m0100_a="-- data\nCALL newest_procedure();\n")
    newest = "CREATE OR REPLACE PROCEDURE newest_procedure() UPDATE client SET enabled = 1//\nDELIMITER ;"
    path = variant(console, schema, NUMBER, TEXT.replace("DELIMITER ;", newest))
    out = console.migrate(schema, "--routines", path, MIGRATIONS, clients)
    says(out, f"routines {NUMBER} ({len(NAMES) + 1} procedures and triggers) ... done", "0100_a (data) ... done")
    equal(existing(console, schema), {*NAMES, "newest_procedure"}, "what is there")
    equal(console.database.sql("SELECT number, state FROM schema_routine_file", schema), [[str(NUMBER), "done"]], "the record")
    says(console.migrate(schema, "--routines", path, MIGRATIONS, clients), "nothing to do")
    says(console.migrate(schema, "--status", "--routines", path, MIGRATIONS, clients), f"routines {NUMBER}  by root@localhost")


@check("dry run and status only look")
def looking(console):
    schema = console.schema()
    says(console.migrate(schema, "--dry-run", "--routines", ROUTINES, MIGRATIONS), f"would install routines {NUMBER} {ROUTINES}")
    says(console.migrate(schema, "--status", "--routines", ROUTINES, MIGRATIONS, status=1), "to be done", f"routines {NUMBER}")
    must(not console.has(schema, "%"), "looking made a table")
    console.migrate(schema, MIGRATIONS)
    says(console.migrate(schema, "--status", "--routines", ROUTINES, MIGRATIONS, status=1), f"routines {NUMBER}")


@check("the database of the version before, where the procedures came with the migrations: the same afterwards")
def upgraded(console):
    schema, new = console.schema(), installed(console)
    old = console.scratch.path(f"{schema}-old")
    shutil.copytree(MIGRATIONS, old, ignore=lambda folder, names: [name for name in names if name > "0008~"])
    console.migrate(schema, old)
    must(not console.has(schema, "schema_routine"), "the version before has the table")
    console.migrate(schema, "--routines", ROUTINES, MIGRATIONS)
    equal(existing(console, schema), existing(console, new), "what is there")
    says(console.migrate(schema, old), "nothing to do")                    # the version before is run again
    says(console.migrate(schema, "--status", old), "done, no file")
    equal(existing(console, schema), existing(console, new), "what is there after that")


@check("an older number and another text of the same number are installed again; a greater number stays")
def numbers(console):
    schema = installed(console)
    marked = TEXT.replace("'the client gets no token, and its tokens are inactive'", "'marked'")
    comment = f"SELECT ROUTINE_COMMENT FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '{schema}' " \
              "AND ROUTINE_NAME = 'client_disable'"
    for number, text, wanted in ((NUMBER, marked, "marked"), (NUMBER, TEXT, "the client gets no token, and its tokens are inactive"),
                                 (NUMBER + 1, marked, "marked")):
        path = variant(console, schema, number, text)
        says(console.migrate(schema, "--status", "--routines", path, MIGRATIONS, status=1), "routines")
        says(console.migrate(schema, "--routines", path, MIGRATIONS), f"routines {number} (")
        equal(console.database.sql(comment, ""), [[wanted]], f"number {number}")
    says(console.migrate(schema, "--routines", ROUTINES, MIGRATIONS),
         f"routines {NUMBER + 1} of the database are newer than routines {NUMBER}")
    equal(console.database.sql(comment, ""), [["marked"]], "after the older file")
    says(console.migrate(schema, "--status", "--routines", ROUTINES, MIGRATIONS), "newer", f"routines {NUMBER + 1}")


@check("a dump without routines, or without triggers: noticed by name, installed again by migrate")
def restored(console):
    whole = installed(console)
    triggers = [name for name in existing(console, whole) if f"TRIGGER {name} " in TEXT]
    for options, missing in (((), len(NAMES) - len(triggers)), (("--routines", "--skip-triggers"), len(triggers)),
                             (("--skip-triggers",), len(NAMES)), (("--routines", "--triggers"), 0)):
        schema = dump(console, whole, *options)
        out = console.migrate(schema, "--status", "--routines", ROUTINES, MIGRATIONS, status=1 if missing else 0)
        if not missing:
            continue
        says(out, "MISSING", f"{missing} missing: ")
        says(console.migrate(schema, "--status", MIGRATIONS, status=1), "MISSING")
        says(console.migrate(schema, "--routines", ROUTINES, MIGRATIONS), f"{missing} of the procedures and triggers are missing",
             "a dump without --routines", "done")
        equal(existing(console, schema), existing(console, whole), f"what is there after {options}")


@check("a newer number of which something is missing: the older file stays away and says where to go")
def newer_missing(console):
    schema = installed(console)
    console.migrate(schema, "--routines", variant(console, schema, NUMBER + 1), MIGRATIONS)
    console.database.sql("DROP PROCEDURE client_disable", schema)
    says(console.migrate(schema, "--routines", ROUTINES, MIGRATIONS, status=1), "client_disable", "newest version of m2mauth")
    must("client_disable" not in existing(console, schema), "the older file was installed")


@check("an installation that fails half-way is reported with its line, shown in the status, and repeated")
def unfinished(console):
    schema = installed(console)
    line = TEXT.count("\n", 0, TEXT.index("CREATE OR REPLACE PROCEDURE client_disable")) + 1
    broken = TEXT.replace("CREATE OR REPLACE PROCEDURE client_disable(", "CREATE OR REPLACE PROCEDURE client_disable(?")
    path = variant(console, schema, NUMBER + 1, broken)
    clients = console.folder(f"{schema}-clients", m0100_a="-- data\nCALL client_create('a', '')\n")
    says(console.migrate(schema, "--routines", path, MIGRATIONS, clients, status=1), f"{path}:{line}:", "run m2mctl migrate again")
    equal(console.count(schema, "client"), 0, "clients of a file that comes after the routines")
    says(console.migrate(schema, "--status", "--routines", path, MIGRATIONS, status=1), "UNFINISHED")
    console.migrate(schema, "--routines", variant(console, schema, NUMBER + 1), MIGRATIONS, clients)
    equal(existing(console, schema), set(NAMES), "what is there")


@check("a file that is not a file of routines is refused before anything is done")
def refused(console):
    schema = console.schema()
    for text, words in ((TEXT.replace("-- routines ", "-- "), ":1: the first line must be -- routines"),
                        (TEXT.replace(f"-- routines {NUMBER}", "-- routines 0"), ":1: the first line"),
                        ("-- routines 1\nCREATE PROCEDURE p() DO 0;\n", ":2: a statement must be CREATE OR REPLACE"),
                        ("-- routines 1\n\nDROP TABLE client;\n", ":3: a statement must be"),
                        ("-- routines 1\nCREATE OR REPLACE TABLE t (a INT);\n", ":2: a statement must be"),
                        ("-- routines 1\nDROP PROCEDURE p;\n", ":2: a statement must be"),
                        ("-- routines 1\nCREATE OR REPLACE PROCEDURE p() SELECT 'x;\n", "does not end")):
        path = console.scratch.write("refused.sql", text)
        says(console.migrate(schema, "--routines", path, MIGRATIONS, status=1), words)
    says(console.migrate(schema, "--routines", console.scratch.path("none"), MIGRATIONS, status=1), "none: No such file")
    must(not console.has(schema, "%"), "something was done")


@check("what is granted on a procedure stays granted when it is installed again")
def grants_stay(console):
    schema = installed(console)
    console.database.sql(f"CREATE USER hand@localhost IDENTIFIED BY 'x'; GRANT EXECUTE ON PROCEDURE {schema}.client_disable "
                      "TO hand@localhost", "")
    console.migrate(schema, "--routines", variant(console, schema, NUMBER + 1), MIGRATIONS)
    says(str(console.database.sql("SHOW GRANTS FOR hand@localhost", "")), "client_disable")


@check("a shipped migration after 0008 that was not finished can be forgotten and begun again, wherever it stopped")
def begun_again(console):
    schema = installed(console)
    def tables():
        return {table: sorted(row[-1].strip().rstrip(",") for row in console.database.sql(f"SHOW CREATE TABLE {table}", schema))
                for table in ("client", "audience", "signing_key", "feed", "feed_stream")}

    shown = tables()
    late = sorted(name[:-4] for name in os.listdir(MIGRATIONS) if name > "0009")
    must(len(late) >= 5, f"migrations: {late}")
    for version in late:
        console.database.sql(f"UPDATE schema_migration SET state = 'running' WHERE version = '{version}'", schema)
        console.migrate(schema, "--forget", version, MIGRATIONS)
        says(console.migrate(schema, "--routines", ROUTINES, MIGRATIONS), f"{version} (ddl) ... done")
    equal(tables(), shown, "the tables")


def as_account(console, schema, *args, status=0, account="adm"):
    base = ["-c", console.scratch.path(f"{schema}.conf"), "--db-user", account, "--db-password-file", console.scratch.path("adm")]
    return "".join(console.run(*base, "migrate", *args, status=status))


@check("an account that lacks a right: said before anything is done, with the right it needs")
def rights(console):
    console.scratch.write("adm", "open sesame\n", 0o600)
    console.database.sql("CREATE USER adm@localhost IDENTIFIED BY 'open sesame'", "")
    names = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, TRIGGER, CREATE ROUTINE, ALTER ROUTINE, EXECUTE"
    for without in "CREATE", "ALTER", "DROP", "TRIGGER", "CREATE ROUTINE", "ALTER ROUTINE", "INSERT", "UPDATE", "DELETE", None:
        schema = console.schema()
        granted = ", ".join(name for name in names.split(", ") if name != without)
        console.database.sql(f"GRANT {granted} ON {schema}.* TO adm@localhost", "")
        out = as_account(console, schema, "--routines", ROUTINES, MIGRATIONS, status=1 if without else 0)
        if without:
            says(out, "ALL PRIVILEGES", "CREATE ROUTINE")
        if without not in (None, "DROP"):
            must(not console.has(schema, "%") and not existing(console, schema), f"without {without} something was done")
    console.database.sql(f"CREATE USER hand2@localhost IDENTIFIED BY 'open sesame'; GRANT SELECT, INSERT, UPDATE, EXECUTE ON {schema}.* "
                      f"TO hand2@localhost; GRANT CREATE ON {schema}.schema_migration TO hand2@localhost", "")
    folder = console.folder(schema, m0100_a="-- data\nCALL client_create('a', '');\n")
    says(as_account(console, schema, folder, account="hand2"), "0100_a (data) ... done")       # data needs none of them


@check("a binary log without log_bin_trust_function_creators, read_only, another server: refused before anything is done")
def servers(console):
    database = rig.Database(console.scratch)
    schema = console.schema()
    console.conf(schema, db_socket=database.socket)
    for options, account, words in ((("--log-bin", "--server-id=1"), "adm", ("log_bin_trust_function_creators = 1", "SUPER")),
                                    (("--read-only",), "adm", ("the server is read only",)),
                                    (("--version=10.5.9-MariaDB",), "root", ("10.5.9", "MariaDB 10.6 or newer")),
                                    (("--version=8.0.36",), "root", ("8.0.36", "MariaDB 10.6 or newer"))):
        database.options = options
        database.start()
        database.sql(f"CREATE DATABASE IF NOT EXISTS {schema}; CREATE OR REPLACE USER adm@localhost IDENTIFIED BY 'open sesame'; "
                     f"GRANT ALL ON {schema}.* TO adm@localhost", "")
        files = ("--routines", ROUTINES, MIGRATIONS)
        out = as_account(console, schema, *files, status=1) if account == "adm" else console.migrate(schema, *files, status=1)
        says(out, "nothing was done", *words)
        equal(database.sql("SHOW TABLES", schema), [], f"tables after {options}")
        if "--log-bin" in options:
            database.sql("SET GLOBAL log_bin_trust_function_creators = 1", "")
            says(as_account(console, schema, *files), "done")
            database.sql(f"DROP DATABASE {schema}", "")
        database.stop()


def main():
    if len(sys.argv) != 2 or not os.access(os.path.join(sys.argv[1], "m2mctl"), os.X_OK):
        sys.exit(__doc__.strip())
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    with rig.Scratch() as scratch:
        rig.run_checks("", Console(scratch, os.path.abspath(sys.argv[1])))
    sys.exit(1 if rig.Checks.failed else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""m2mctl from outside: every command, its exit codes, and what it leaves in the database.

usage: m2mctl_test.py BUILDDIR [SOURCEDIR]
"""
import importlib
import os
import signal
import subprocess
import sys

import rig
from console import Console, says
from rig import await_true, check, equal, must

SOURCE = os.path.abspath(sys.argv[2]) if len(sys.argv) == 3 else rig.SOURCE
MIGRATIONS = os.path.join(SOURCE, "sql", "migrations")


@check("help, version and usage: exit codes 0 and 2")
def help_texts(console):
    says(console.run("--help")[0], "migrate", "secret", "client", "key", "token", "exit codes")
    for command in "migrate", "secret", "client", "key", "token":
        says(console.run(command, "--help")[0], f"m2mctl {command}", "exit codes")
    says(console.run("--version")[0], "m2mctl ")
    for wrong in [], ["nonsense"], ["--nonsense"], ["-c"], ["migrate", "--nonsense"], ["key"], ["key", "nonsense"], \
            ["migrate", "--status", "--dry-run"]:
        equal(console.run(*wrong, status=2)[0], "", f"standard output of {wrong}")


@check("standard output that is full: exit code 3")
def output_full(console):
    with open("/dev/full", "w") as full:
        done = subprocess.run(console.command("secret", "x"), stdout=full, stderr=subprocess.DEVNULL)
    equal(done.returncode, 3, "exit code")


@check("no database, no configuration: exit code 3, and says so")
def no_database(console):
    schema = console.schema()
    folder = console.folder(schema)
    console.conf(schema, db_socket="/nonexistent/socket")
    says(console.migrate(schema, folder, status=3), "no connection to the database")
    console.run("-c", "/nonexistent/conf", "migrate", folder, status=3)
    console.conf(schema)
    says(console.run("-c", console.scratch.path(f"{schema}.conf"), "--db-user", "nobody-here", "migrate", folder, status=3)[1],
         "nobody-here")


@check("a password comes from a file only")
def password_file(console):
    schema = console.schema()
    console.database.sql(f"CREATE USER hand@localhost IDENTIFIED BY 'open sesame'; GRANT ALL ON {schema}.* TO hand@localhost", "")
    base = ["-c", console.scratch.path(f"{schema}.conf"), "--db-user", "hand"]
    right = console.scratch.write("right", "open sesame\n", 0o600)
    wrong = console.scratch.write("wrong", "close sesame\n", 0o600)
    folder = console.folder(schema)
    console.run(*base, "--db-password-file", right, "migrate", folder)
    out = "".join(console.run(*base, "--db-password-file", wrong, "migrate", folder, status=3))
    must("sesame" not in out, "the password is in the error")
    os.chmod(right, 0o644)
    console.run(*base, "--db-password-file", right, "migrate", folder, status=3)


@check("migrate: shipped files are applied once; status and dry run only look")
def shipped(console):
    schema = console.schema()
    says(console.migrate(schema, "--status", MIGRATIONS, status=1), "to be done", "0001_schema")
    says(console.migrate(schema, "--dry-run", MIGRATIONS), "would apply 0001_schema (ddl)")
    must(not console.has(schema, "%"), "looking made a table")
    says(console.migrate(schema, MIGRATIONS), "0001_schema (ddl) ... done")
    must(console.has(schema, "signing_key"), "a table is missing")
    says(console.migrate(schema, "--status", MIGRATIONS), "done ", "0001_schema", "by root@localhost")
    says(console.migrate(schema, MIGRATIONS), "nothing to do")
    files = [name for name in os.listdir(MIGRATIONS) if name.endswith(".sql")]
    equal(console.count(schema, "schema_migration WHERE state = 'done' AND finished_at IS NOT NULL"), len(files), "records")


@check("migrate: in the order of the names, folder by folder; a file that comes later is applied then")
def order(console):
    schema = console.schema()
    first = console.folder(schema, m0002_b="-- data\nINSERT INTO t VALUES (2)", m0001_a="-- ddl\nCREATE TABLE t (a INT)")
    second = console.folder(f"{schema}x", m0001_c="-- data\r\nINSERT INTO t VALUES (3);\r\n")
    console.migrate(schema, first, second)
    equal(console.database.sql("SELECT GROUP_CONCAT(a) FROM t", schema), [["2,3"]], "rows")
    console.folder(schema, m0003_d="-- data\n/* nothing */")
    says(console.migrate(schema, first, second), "0003_d (data) ... done")


@check("migrate: what cannot be a migration is refused before anything is applied")
def refused(console):
    schema = console.schema()
    good = "-- ddl\nCREATE TABLE t (a INT);\n"
    cases = {
        "the first line must be -- data": {"m0002_x": "CREATE TABLE u (a INT);\n"},
        "name it NNNN_name.sql": {"m2_x": good},
        "does not end": {"m0002_x": "-- data\nINSERT INTO t VALUES ('1);\n"},
        "0002_x.sql:3: USE": {"m0002_x": "-- ddl\n\nUSE mysql;\n"},
        "DELIMITER needs": {"m0002_x": "-- ddl\nDELIMITER\n"},
    }
    for number, (words, files) in enumerate(cases.items()):
        folder = console.folder(f"{schema}-{number}", m0001_t=good, **files)
        says(console.migrate(schema, folder, status=1), words)
    twice = console.folder(f"{schema}-twice", m0001_t=good)
    says(console.migrate(schema, twice, twice, status=1), "the same version")
    console.migrate(schema, "/nonexistent/folder", status=1)
    must(not console.has(schema, "%"), "something was applied")


@check("migrate: an applied file that was edited is refused by name")
def edited(console):
    schema = console.schema()
    folder = console.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT);\n", m0002_u="-- ddl\nCREATE TABLE u (a INT);\n")
    console.migrate(schema, folder)
    console.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT, b INT);\n", m0003_v="-- ddl\nCREATE TABLE v (a INT);\n")
    says(console.migrate(schema, folder, status=1), "0001_t was changed after it was applied", "0001_t.sql")
    says(console.migrate(schema, "--dry-run", folder, status=1), "0001_t was changed")
    says(console.migrate(schema, "--status", folder, status=1), "EDITED")
    must(not console.has(schema, "v"), "a later file was applied")


@check("migrate: a data file is all or nothing, and runs again when mended")
def data_file(console):
    schema = console.schema()
    folder = console.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT PRIMARY KEY)",
                         m0002_d="-- data\nINSERT INTO t VALUES (1);\n-- twice\nINSERT INTO t\n VALUES (1);\n")
    says(console.migrate(schema, folder, status=1), "0002_d.sql:4: Duplicate entry", "nothing of 0002_d was kept")
    equal(console.count(schema, "t"), 0, "rows")
    equal(console.count(schema, "schema_migration"), 1, "records")
    console.folder(schema, m0002_d="-- data\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\n")
    console.migrate(schema, folder)
    equal(console.count(schema, "t"), 2, "rows")


@check("migrate: a data file must not commit: refused when seen, left half-way when a procedure does it")
def data_file_commits(console):
    schema = console.schema()
    create = "-- ddl\nCREATE TABLE t (a INT);\nDELIMITER $$\nCREATE PROCEDURE p() BEGIN COMMIT; END$$\nDELIMITER ;\n"
    folder = console.folder(schema, m0001_t=create)
    console.migrate(schema, folder)
    for statement in "CREATE TABLE u (a INT)", "commit", "Start Transaction", "/*!50001 DROP */ TABLE t", "TRUNCATE t", \
            "/* so */ LOCK TABLES t WRITE", "grant select on t to x", "ROLLBACK":
        console.folder(schema, m0002_d=f"-- data\nINSERT INTO t VALUES (1);\n# ;\n  {statement};\n")
        says(console.migrate(schema, folder, status=1), "0002_d.sql:4:", "would end the transaction")
    console.folder(schema, m0002_d="-- data\nINSERT INTO t VALUES ('5'); CALL p();\n")
    says(console.migrate(schema, folder, status=1), "0002_d ended its own transaction", "--mark-done 0002_d")
    says(console.migrate(schema, folder, status=1), "was begun by root@localhost and not finished")
    says(console.migrate(schema, "--mark-done", "0002_d", folder), "is done")
    console.migrate(schema, folder)


@check("migrate: a ddl file that fails half-way blocks until it is settled")
def ddl_fails(console):
    schema = console.schema()
    folder = console.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT);\nCREATE TABLE t (a INT);\n",
                         m0002_u="-- ddl\nCREATE TABLE u (a INT)")
    says(console.migrate(schema, folder, status=1), "0001_t.sql:3:", "already exists", "--forget 0001_t", "--mark-done 0001_t")
    says(console.migrate(schema, folder, status=1), "not finished", "0001_t.sql")
    says(console.migrate(schema, "--status", folder, status=1), "UNFINISHED", "to be done")
    must(not console.has(schema, "u"), "a later file was applied")
    console.migrate(schema, "--forget", "0002_u", folder, status=1)
    console.database.sql("DROP TABLE t", schema)
    console.migrate(schema, "--forget", "0001_t", folder)
    console.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT);\n")
    console.migrate(schema, folder)
    must(console.has(schema, "t") and console.has(schema, "u"), "a table is missing")


@check("migrate: a runner killed in a ddl file leaves it unfinished; --mark-done takes the mended file")
def ddl_killed(console):
    schema = console.schema()
    text = "-- ddl\nCREATE TABLE t (a INT);\nSELECT SLEEP(2);\nCREATE TABLE u (a INT);\n"
    folder = console.folder(schema, m0001_t=text)
    runner = subprocess.Popen(console.command("migrate", folder, schema=schema), stdout=subprocess.DEVNULL)
    await_true(lambda: console.has(schema, "t"), 10, "the first table")
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    await_true(lambda: console.database.sql(f"SELECT IS_FREE_LOCK('m2mauth.{schema}')", "")[0][0] == "1", 10, "the lock is free")
    says(console.migrate(schema, folder, status=1), "0001_t", "not finished")
    console.database.sql("CREATE TABLE u (a INT)", schema)
    console.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT);\nCREATE TABLE u (a INT);\n")
    console.migrate(schema, "--mark-done", "0001_t", folder)
    says(console.migrate(schema, folder), "nothing to do")


@check("migrate: one process at a time; reading the status is always possible")
def locked(console):
    schema, other = console.schema(), console.schema()
    folder = console.folder(schema, m0001_t="-- ddl\nSELECT SLEEP(3);\nCREATE TABLE t (a INT);\n")
    runner = subprocess.Popen(console.command("migrate", folder, schema=schema), stdout=subprocess.DEVNULL)
    await_true(lambda: console.has(schema, "schema_migration") and console.count(schema, "schema_migration"), 10, "the record")
    says(console.migrate(schema, folder, status=3), "another m2mctl migrate is running")
    console.migrate(schema, "--status", folder, status=1)
    console.migrate(other, console.folder(other))
    equal(runner.wait(20), 0, "exit code of the first")


@check("migrate: quotes, comments and DELIMITER are cut as the mariadb client cuts them")
def delimiter(console):
    text = """-- ddl
CREATE TABLE t (a VARCHAR(90)); -- no; end
CREATE TABLE `odd;name` (a INT); # it's; nothing
INSERT INTO t VALUES ('a;b'), ("c;'d"), ('it''s;'), ('back\\\\'), ('\\';'), ("--;"), ('/*;');
/* a comment; with 'quotes */ INSERT INTO t VALUES (1--1);
delimiter //
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN
  -- DELIMITER ;
  SET NEW.a = CONCAT(NEW.a, '//');
  SET NEW.a = CONCAT(NEW.a, '!');
END //
  DELIMITER $$
CREATE PROCEDURE p() BEGIN INSERT INTO t VALUES ('p;'); END$$
DELIMITER ;
/*!40101 INSERT INTO t VALUES ('v') */;;
CALL p()"""
    ours, theirs = console.schema(), console.schema()
    console.migrate(ours, console.folder(ours, m0001_t=text))
    console.database.sql(text, theirs)
    rows = console.database.sql("SELECT a FROM t", ours)
    equal(rows, console.database.sql("SELECT a FROM t", theirs), "rows, here and by the mariadb client")
    equal(rows[-2:], [["v//!"], ["p;//!"]], "last rows")


def main():
    if len(sys.argv) not in (2, 3) or not os.access(os.path.join(sys.argv[1], "m2mctl"), os.X_OK):
        sys.exit(__doc__.strip())
    for name in "m2mctl_writes", "m2mctl_lists", "m2mctl_keys", "m2mctl_tokens":      # their checks come after these
        importlib.import_module(name)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    with rig.Scratch() as scratch:
        console = Console(scratch, os.path.abspath(sys.argv[1]))
        rig.run_checks("", console)
    sys.exit(1 if rig.Checks.failed else 0)


if __name__ == "__main__":
    main()

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
from desk import Desk, says
from rig import await_true, check, equal, must

SOURCE = os.path.abspath(sys.argv[2]) if len(sys.argv) == 3 else rig.SOURCE
MIGRATIONS = os.path.join(SOURCE, "sql", "migrations")


@check("help, version and usage: exit codes 0 and 2")
def help_texts(desk):
    says(desk.run("--help")[0], "migrate", "secret", "client", "key", "token", "exit codes")
    for command in "migrate", "secret", "client", "key", "token":
        says(desk.run(command, "--help")[0], f"m2mctl {command}", "exit codes")
    says(desk.run("--version")[0], "m2mctl ")
    for wrong in [], ["nonsense"], ["--nonsense"], ["-c"], ["migrate", "--nonsense"], ["key"], ["key", "nonsense"], \
            ["migrate", "--status", "--dry-run"]:
        equal(desk.run(*wrong, status=2)[0], "", f"standard output of {wrong}")


@check("standard output that is full: exit code 3")
def output_full(desk):
    with open("/dev/full", "w") as full:
        done = subprocess.run(desk.command("secret", "x"), stdout=full, stderr=subprocess.DEVNULL)
    equal(done.returncode, 3, "exit code")


@check("no database, no configuration: exit code 3, and says so")
def no_database(desk):
    schema = desk.schema()
    folder = desk.folder(schema)
    desk.conf(schema, db_socket="/nonexistent/socket")
    says(desk.migrate(schema, folder, status=3), "no connection to the database")
    desk.run("-c", "/nonexistent/conf", "migrate", folder, status=3)
    desk.conf(schema)
    says(desk.run("-c", desk.scratch.path(f"{schema}.conf"), "--db-user", "nobody-here", "migrate", folder, status=3)[1],
         "nobody-here")


@check("a password comes from a file only")
def password_file(desk):
    schema = desk.schema()
    desk.database.sql(f"CREATE USER hand@localhost IDENTIFIED BY 'open sesame'; GRANT ALL ON {schema}.* TO hand@localhost", "")
    base = ["-c", desk.scratch.path(f"{schema}.conf"), "--db-user", "hand"]
    right = desk.scratch.write("right", "open sesame\n", 0o600)
    wrong = desk.scratch.write("wrong", "close sesame\n", 0o600)
    folder = desk.folder(schema)
    desk.run(*base, "--db-password-file", right, "migrate", folder)
    out = "".join(desk.run(*base, "--db-password-file", wrong, "migrate", folder, status=3))
    must("sesame" not in out, "the password stands in the error")
    os.chmod(right, 0o644)
    desk.run(*base, "--db-password-file", right, "migrate", folder, status=3)


@check("migrate: shipped files are applied once; status and dry run only look")
def shipped(desk):
    schema = desk.schema()
    says(desk.migrate(schema, "--status", MIGRATIONS, status=1), "to be done", "0001_schema")
    says(desk.migrate(schema, "--dry-run", MIGRATIONS), "would apply 0001_schema (ddl)")
    must(not desk.has(schema, "%"), "looking made a table")
    says(desk.migrate(schema, MIGRATIONS), "0001_schema (ddl) ... done")
    must(desk.has(schema, "signing_key"), "a table is missing")
    says(desk.migrate(schema, "--status", MIGRATIONS), "done ", "0001_schema", "by root@localhost")
    says(desk.migrate(schema, MIGRATIONS), "nothing to do")
    files = [name for name in os.listdir(MIGRATIONS) if name.endswith(".sql")]
    equal(desk.count(schema, "schema_migration WHERE state = 'done' AND finished_at IS NOT NULL"), len(files), "records")


@check("migrate: in the order of the names, folder by folder; a file that comes later is applied then")
def order(desk):
    schema = desk.schema()
    first = desk.folder(schema, m0002_b="-- data\nINSERT INTO t VALUES (2)", m0001_a="-- ddl\nCREATE TABLE t (a INT)")
    second = desk.folder(f"{schema}x", m0001_c="-- data\r\nINSERT INTO t VALUES (3);\r\n")
    desk.migrate(schema, first, second)
    equal(desk.database.sql("SELECT GROUP_CONCAT(a) FROM t", schema), [["2,3"]], "rows")
    desk.folder(schema, m0003_d="-- data\n/* nothing */")
    says(desk.migrate(schema, first, second), "0003_d (data) ... done")


@check("migrate: what cannot be a migration is refused before anything is applied")
def refused(desk):
    schema = desk.schema()
    good = "-- ddl\nCREATE TABLE t (a INT);\n"
    cases = {
        "the first line must be -- data": {"m0002_x": "CREATE TABLE u (a INT);\n"},
        "name it NNNN_name.sql": {"m2_x": good},
        "does not end": {"m0002_x": "-- data\nINSERT INTO t VALUES ('1);\n"},
        "0002_x.sql:3: USE": {"m0002_x": "-- ddl\n\nUSE mysql;\n"},
        "DELIMITER needs": {"m0002_x": "-- ddl\nDELIMITER\n"},
    }
    for number, (words, files) in enumerate(cases.items()):
        folder = desk.folder(f"{schema}-{number}", m0001_t=good, **files)
        says(desk.migrate(schema, folder, status=1), words)
    twice = desk.folder(f"{schema}-twice", m0001_t=good)
    says(desk.migrate(schema, twice, twice, status=1), "the same version")
    desk.migrate(schema, "/nonexistent/folder", status=1)
    must(not desk.has(schema, "%"), "something was applied")


@check("migrate: an applied file that was edited is refused by name")
def edited(desk):
    schema = desk.schema()
    folder = desk.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT);\n", m0002_u="-- ddl\nCREATE TABLE u (a INT);\n")
    desk.migrate(schema, folder)
    desk.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT, b INT);\n", m0003_v="-- ddl\nCREATE TABLE v (a INT);\n")
    says(desk.migrate(schema, folder, status=1), "0001_t was changed after it was applied", "0001_t.sql")
    says(desk.migrate(schema, "--dry-run", folder, status=1), "0001_t was changed")
    says(desk.migrate(schema, "--status", folder, status=1), "EDITED")
    must(not desk.has(schema, "v"), "a later file was applied")


@check("migrate: a data file is all or nothing, and runs again when mended")
def data_file(desk):
    schema = desk.schema()
    folder = desk.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT PRIMARY KEY)",
                         m0002_d="-- data\nINSERT INTO t VALUES (1);\n-- twice\nINSERT INTO t\n VALUES (1);\n")
    says(desk.migrate(schema, folder, status=1), "0002_d.sql:4: Duplicate entry", "nothing of 0002_d was kept")
    equal(desk.count(schema, "t"), 0, "rows")
    equal(desk.count(schema, "schema_migration"), 1, "records")
    desk.folder(schema, m0002_d="-- data\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (2);\n")
    desk.migrate(schema, folder)
    equal(desk.count(schema, "t"), 2, "rows")


@check("migrate: a data file must not commit: refused when seen, left half-way when a procedure does it")
def data_file_commits(desk):
    schema = desk.schema()
    create = "-- ddl\nCREATE TABLE t (a INT);\nDELIMITER $$\nCREATE PROCEDURE p() BEGIN COMMIT; END$$\nDELIMITER ;\n"
    folder = desk.folder(schema, m0001_t=create)
    desk.migrate(schema, folder)
    for statement in "CREATE TABLE u (a INT)", "commit", "Start Transaction", "/*!50001 DROP */ TABLE t", "TRUNCATE t", \
            "/* so */ LOCK TABLES t WRITE", "grant select on t to x", "ROLLBACK":
        desk.folder(schema, m0002_d=f"-- data\nINSERT INTO t VALUES (1);\n# ;\n  {statement};\n")
        says(desk.migrate(schema, folder, status=1), "0002_d.sql:4:", "would end the transaction")
    desk.folder(schema, m0002_d="-- data\nINSERT INTO t VALUES ('5'); CALL p();\n")
    says(desk.migrate(schema, folder, status=1), "0002_d ended its own transaction", "--mark-done 0002_d")
    says(desk.migrate(schema, folder, status=1), "was begun by root@localhost and not finished")
    says(desk.migrate(schema, "--mark-done", "0002_d", folder), "is done")
    desk.migrate(schema, folder)


@check("migrate: a ddl file that fails half-way blocks until it is settled")
def ddl_fails(desk):
    schema = desk.schema()
    folder = desk.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT);\nCREATE TABLE t (a INT);\n",
                         m0002_u="-- ddl\nCREATE TABLE u (a INT)")
    says(desk.migrate(schema, folder, status=1), "0001_t.sql:3:", "already exists", "--forget 0001_t", "--mark-done 0001_t")
    says(desk.migrate(schema, folder, status=1), "not finished", "0001_t.sql")
    says(desk.migrate(schema, "--status", folder, status=1), "UNFINISHED", "to be done")
    must(not desk.has(schema, "u"), "a later file was applied")
    desk.migrate(schema, "--forget", "0002_u", folder, status=1)
    desk.database.sql("DROP TABLE t", schema)
    desk.migrate(schema, "--forget", "0001_t", folder)
    desk.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT);\n")
    desk.migrate(schema, folder)
    must(desk.has(schema, "t") and desk.has(schema, "u"), "a table is missing")


@check("migrate: a runner killed in a ddl file leaves it unfinished; --mark-done takes the mended file")
def ddl_killed(desk):
    schema = desk.schema()
    text = "-- ddl\nCREATE TABLE t (a INT);\nSELECT SLEEP(2);\nCREATE TABLE u (a INT);\n"
    folder = desk.folder(schema, m0001_t=text)
    runner = subprocess.Popen(desk.command("migrate", folder, schema=schema), stdout=subprocess.DEVNULL)
    await_true(lambda: desk.has(schema, "t"), 10, "the first table")
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    await_true(lambda: desk.database.sql(f"SELECT IS_FREE_LOCK('m2mauth.{schema}')", "")[0][0] == "1", 10, "the lock is free")
    says(desk.migrate(schema, folder, status=1), "0001_t", "not finished")
    desk.database.sql("CREATE TABLE u (a INT)", schema)
    desk.folder(schema, m0001_t="-- ddl\nCREATE TABLE t (a INT);\nCREATE TABLE u (a INT);\n")
    desk.migrate(schema, "--mark-done", "0001_t", folder)
    says(desk.migrate(schema, folder), "nothing to do")


@check("migrate: one runner at a time; whoever only looks may look")
def locked(desk):
    schema, other = desk.schema(), desk.schema()
    folder = desk.folder(schema, m0001_t="-- ddl\nSELECT SLEEP(3);\nCREATE TABLE t (a INT);\n")
    runner = subprocess.Popen(desk.command("migrate", folder, schema=schema), stdout=subprocess.DEVNULL)
    await_true(lambda: desk.has(schema, "schema_migration") and desk.count(schema, "schema_migration"), 10, "the record")
    says(desk.migrate(schema, folder, status=3), "another m2mctl migrate is running")
    desk.migrate(schema, "--status", folder, status=1)
    desk.migrate(other, desk.folder(other))
    equal(runner.wait(20), 0, "exit code of the first")


@check("migrate: quotes, comments and DELIMITER are cut as the mariadb client cuts them")
def delimiter(desk):
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
    ours, theirs = desk.schema(), desk.schema()
    desk.migrate(ours, desk.folder(ours, m0001_t=text))
    desk.database.sql(text, theirs)
    rows = desk.database.sql("SELECT a FROM t", ours)
    equal(rows, desk.database.sql("SELECT a FROM t", theirs), "rows, here and by the mariadb client")
    equal(rows[-2:], [["v//!"], ["p;//!"]], "last rows")


def main():
    if len(sys.argv) not in (2, 3) or not os.access(os.path.join(sys.argv[1], "m2mctl"), os.X_OK):
        sys.exit(__doc__.strip())
    for name in "m2mctl_writes", "m2mctl_lists", "m2mctl_keys", "m2mctl_tokens":      # their checks come after these
        importlib.import_module(name)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    with rig.Scratch() as scratch:
        desk = Desk(scratch, os.path.abspath(sys.argv[1]))
        rig.run_checks("", desk)
    sys.exit(1 if rig.Checks.failed else 0)


if __name__ == "__main__":
    main()

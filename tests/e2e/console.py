"""console: the environment of the checks of m2mctl: a database, a configuration, folders of migrations, no server."""
import os
import subprocess

from rig import SANITIZER_WORDS, Database, must


class Console:
    """Creates schemas on demand, each with its own configuration file."""

    def __init__(self, scratch, build):
        self.scratch = scratch
        self.program = os.path.join(build, "m2mctl")
        self.database = Database(scratch, "--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync")
        self.database.start()
        self.passphrase = scratch.path("passphrase")
        self.schemas = 0

    def schema(self):
        """Creates an empty schema and returns its name."""
        self.schemas += 1
        name = f"ctl{self.schemas}"
        self.database.sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "")
        self.conf(name)
        return name

    def conf(self, schema, **settings):
        settings = {"db_socket": self.database.socket, "db_name": schema, "key_passphrase_file": self.passphrase} | settings
        return self.scratch.write(f"{schema}.conf", "".join(f"{key} = {value}\n" for key, value in settings.items()))

    def folder(self, schema, **files):
        """A folder with these files: m0001_a="-- data..." becomes 0001_a.sql."""
        path = self.scratch.path(f"{schema}.d")
        os.makedirs(path, exist_ok=True)
        for name, content in files.items():
            with open(os.path.join(path, name[1:] + ".sql"), "w") as file:
                file.write(content)
        return path

    def command(self, *args, schema=None):
        base = [self.program]
        if schema:
            base += ["-c", self.scratch.path(f"{schema}.conf"), "--db-user", "root"]
        return [*base, *args]

    def run(self, *args, schema=None, status=0, stdin=b""):
        """What the command wrote to standard output and error. Its exit code must be status."""
        done = subprocess.run(self.command(*args, schema=schema), input=stdin, capture_output=True, timeout=600)
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        must(not any(word in err for word in SANITIZER_WORDS), f"{' '.join(args)}: {err}")
        must(done.returncode == status, f"{' '.join(args)}: exit code {done.returncode}, not {status}: {out} {err}")
        return out, err

    def migrate(self, schema, *args, status=0):
        """As run(), both outputs in one."""
        return "".join(self.run("migrate", *args, schema=schema, status=status))

    def count(self, schema, table):
        return int(self.database.sql(f"SELECT COUNT(*) FROM {table}", schema)[0][0])

    def has(self, schema, table):
        return bool(self.database.sql(f"SHOW TABLES LIKE '{table}'", schema))


def says(text, *words):
    for word in words:
        must(word in text, f"{word!r} is missing in: {text}")

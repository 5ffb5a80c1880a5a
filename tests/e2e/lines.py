"""lines: the command lines, SQL lines, settings and pieces of configuration of the documents, in their order.

README.md and deploy/doc: indented blocks, also those of a list, and what is in backquotes; pictures are fenced (```text).
Manual pages: Ql, Dl and literal displays. sql/examples: each file as a migration, the statements in its comments, and the
commands in backquotes or on comment lines of their own.
"""
import collections
import os
import re

# kind: shell, sql, setting, nginx, lighttpd, migration; or stray: a command that stands outside of all of these
Line = collections.namedtuple("Line", "document kind text")

PROGRAMS = ("m2mctl|m2mauth|mariadb|mariadb-dump|curl|openssl|install|systemctl|journalctl|make|nginx|lighttpd|"
            "spawn-fcgi|apt|apt-get|editor|grep|cp|mv|rm|cat|echo|cd|chown|chmod|mkdir|useradd|usermod|kill|npm|git|sh")
SHELL = re.compile(rf"(sudo .+|({PROGRAMS}) \S.*|(\./|\.\./|deploy/|tests/)\S+ \S.*)$", re.S)
# Where only a command can stand, it may be without arguments.
COMMAND = re.compile(rf"(sudo .+|({PROGRAMS})( .*)?|(\./|\.\./|deploy/|tests/)\S+( .*)?)$", re.S)
SQL = re.compile(r"(CALL|SELECT|UPDATE|INSERT|DELETE|REPLACE|ALTER|CREATE|DROP|GRANT|REVOKE|SHOW|SET) \S.*$", re.S)
SETTING = re.compile(r"[a-z][a-z_]+ = \S.*$")
STRAY = re.compile(r"\bm2mctl (migrate|client|secret|key|token|jwk|list|show)\b|\bCALL \w+\(|\bcurl -|"
                   r"\bUPDATE \w+ SET\b")


def kind_of(text):
    for kind, pattern in (("sql", SQL), ("shell", SHELL), ("setting", SETTING)):
        if pattern.match(text):
            return kind
    return None


def without_comment(text):
    """A shell line without the comment at its end."""
    return re.sub(r"\s+#.*$", "", text).strip()


# --- README.md, deploy/doc ------------------------------------------------------------------------------------------

def unfenced(document, content):
    """The lines outside of fences, and the strays within them."""
    kept, strays, fenced = [], [], False
    for line in content.splitlines():
        if line.startswith("```"):
            fenced = not fenced
            kept.append("")
        elif fenced:
            strays += stray(document, line)
        else:
            kept.append(line)
    return kept, strays


def paragraphs(kept):
    """(is a block, lines): a block of indented lines without blank ones, a row of a table, or a paragraph."""
    found = []
    for line in kept:
        kind = "block" if line.startswith("    ") else "row" if line.startswith("|") else "text" if line.strip() else ""
        if kind and found and found[-1][0] == kind != "row":
            found[-1][1].append(line)
        else:
            found.append((kind, [line]))
    return [(kind == "block", lines) for kind, lines in found if kind]


def is_configuration(text):
    return bool(re.search(r"[;{}(,]$|^[)}]", without_comment(text))) and not SQL.match(text)


def block_lines(document, lines):
    """Commands one by one, lines of configuration together."""
    configuration = []
    for line in joined([line.strip() for line in lines]):
        if line.startswith("#"):
            yield from stray(document, line)
        elif is_configuration(line) and not COMMAND.match(line):
            configuration.append(line)
        elif SQL.match(line):
            yield Line(document, "sql", line)
        elif COMMAND.match(line):
            yield Line(document, "shell", without_comment(line))
        else:
            yield Line(document, kind_of(line) or "stray", line)
    if configuration:
        front = "lighttpd" if any("=>" in line or "+=" in line for line in configuration) else "nginx"
        yield Line(document, front, "\n".join(configuration))


def joined(lines):
    """A line that ends with a backslash, or inside of quotes, goes on in the next."""
    whole = ""
    for line in lines:
        whole += line if whole.endswith(" ") or not whole else f"\n{line}"
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip() + " "
        elif without_comment(whole).count('"') % 2 == 0 or whole.startswith("#"):
            yield whole
            whole = ""
    if whole:
        yield whole


def stray(document, text):
    if STRAY.search(text):
        yield Line(document, "stray", text.strip())


def page(document, content):
    kept, strays = unfenced(document, content)
    yield from strays
    for is_block, lines in paragraphs(kept):
        if is_block:
            yield from block_lines(document, lines)
            continue
        text = " ".join(line.strip() for line in lines)
        for span in re.findall(r"`([^`]+)`", text):
            if kind_of(span):
                yield Line(document, kind_of(span), span)
        yield from stray(document, re.sub(r"`[^`]+`", "", text))


# --- manual pages ---------------------------------------------------------------------------------------------------

def manual(document, content):
    display = None
    for line in content.splitlines():
        text = line.replace("\\e", "\\").replace("\\(dq", '"').replace("\\&", "").replace("\\-", "-")
        if line.startswith(".Bd -literal"):
            display = []
        elif line.startswith(".Ed") and display is not None:
            yield from block_lines(document, display)
            display = None
        elif display is not None:
            display.append(text)
        elif found := re.match(r"\.Dl (.*)", text):
            yield Line(document, "shell" if COMMAND.match(found[1]) else kind_of(found[1]) or "stray", found[1])
        elif found := re.match(r"\.(?:\w\w )?Ql (.*?)(?: [.,:;)]+)*$", text):
            if kind_of(found[1]):
                yield Line(document, kind_of(found[1]), found[1])
        elif not line.startswith("."):
            yield from stray(document, text)


# --- sql/examples ---------------------------------------------------------------------------------------------------

def example(document, content):
    yield Line(document, "migration", content)
    comments = [found[1] for line in content.splitlines() if (found := re.search(r"(?:^|\s)-- ?(.*)$", line))]
    statement = ""
    for comment in comments:
        text = comment.strip()
        if statement or SQL.match(text):
            statement = f"{statement} {text}".strip()
            if ";" in statement:
                yield Line(document, "sql", statement[:statement.rindex(";") + 1])
                statement = ""
        elif SHELL.match(text):
            yield Line(document, "shell", text)
        else:
            for span in re.findall(r"`([^`]+)`", text):
                if kind_of(span):
                    yield Line(document, kind_of(span), span)
            yield from stray(document, re.sub(r"`[^`]+`", "", text))


# --- all ------------------------------------------------------------------------------------------------------------

def documents(source):
    """(path in the source, function that finds its lines): what installs it first, then as a new operator reads them."""
    yield "deploy/doc/operations.md", page
    yield "README.md", page
    for name in sorted(os.listdir(os.path.join(source, "deploy", "doc"))):
        if name != "operations.md":
            yield f"deploy/doc/{name}", page
    for name in ("m2mauth.8", "m2mauth.conf.5", "m2mctl.1"):
        yield f"deploy/man/{name}", manual
    for name in sorted(os.listdir(os.path.join(source, "sql", "examples"))):
        yield f"sql/examples/{name}", example


def all_lines(source):
    found = []
    for path, lines_of in documents(source):
        with open(os.path.join(source, path), encoding="utf-8") as file:
            found += lines_of(path, file.read())
    return found

"""promises: reads tests/protocol/lines.txt, and finds the tests that name its lines by their ids."""
import collections
import os
import re

ID = r"[A-J][1-9][0-9]?"
LINE = re.compile(rf"({ID}) +(?:waits: ([^|]+?) +)?\| *([^|]+?) *\| (\S.*)")

# feature: what the line waits for, or None.
Promise = collections.namedtuple("Promise", "feature clause text")

# Where tests are named, and how: the group is the name, which ids begin.
PLACES = [
    ("tests/exchanges", ".txt", re.compile(r"^# (.+)$", re.M)),
    ("tests/vectors", ".txt", re.compile(r"^# (.+)$", re.M)),
    ("tests/e2e", ".py", re.compile(r"""(?:check|run_check)\(\s*f?"([^"]+)""")),
    ("tests/e2e", ".py", re.compile(r"""^    \(f?"([^"]+)", \w+\),$""", re.M)),
    ("tests/e2e/clients", ".mjs", re.compile(r"""^check\("([^"]+)""", re.M)),
    ("tests/unit", ".c", re.compile(r"RUN\((\w+)\)")),
    ("tests/region", ".c", re.compile(r"RUN\((\w+)\)")),
]


def read(source, *names):
    with open(os.path.join(source, *names), encoding="utf-8") as file:
        return file.read()


def read_promises(source):
    """{id: Promise}, and what is wrong with the file."""
    promises, wrong = {}, []
    for number, line in enumerate(read(source, "tests", "protocol", "lines.txt").splitlines(), 1):
        if not line or line.startswith("##"):
            continue
        found = LINE.fullmatch(line)
        if not found or found[1] in promises:
            wrong.append(f"lines.txt:{number}: {'id is there twice' if found else 'not of the form ID | clause | text'}")
        else:
            promises[found[1]] = Promise(found[2], found[3], found[4])
    return promises, wrong


def tests(source):
    """(name, file) of each test."""
    for folder, end, pattern in PLACES:
        path = os.path.join(source, folder)
        for file in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            if file.endswith(end):
                for name in pattern.findall(read(source, folder, file)):
                    yield name, f"{folder}/{file}"


def ids(name):
    """Ids count where they stand as words of their own: `A1 B2 title`, `A1_B2_title`, `title, H7: more`."""
    return re.findall(rf"(?<![A-Za-z0-9.])({ID})(?![A-Za-z0-9.-])", name.replace("_", " "))

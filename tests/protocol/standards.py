#!/usr/bin/env python3
"""standards: writes deploy/doc/standards.md from tests/protocol/lines.txt and the tests that name its lines.

usage: tests/protocol/standards.py        run it after a change of lines.txt, or when a test that names a line comes,
                                          moves or goes; tests/protocol/check fails while the page is stale
"""
import os
import re
import sys

sys.dont_write_bytecode = True
import promises                                         # noqa: E402

PAGE = "deploy/doc/standards.md"
TITLES = {
    "RFC 3875": "The Common Gateway Interface",
    "RFC 6749": "The OAuth 2.0 Authorization Framework",
    "RFC 6750": "Bearer Token Usage",
    "RFC 7009": "Token Revocation",
    "RFC 7515": "JSON Web Signature",
    "RFC 7517": "JSON Web Key",
    "RFC 7518": "JSON Web Algorithms",
    "RFC 7519": "JSON Web Token",
    "RFC 7523": "JWT Profile for Client Authentication",
    "RFC 7662": "Token Introspection",
    "RFC 7800": "Proof-of-Possession Key Semantics for JWTs",
    "RFC 8414": "Authorization Server Metadata",
    "RFC 8705": "Mutual-TLS Client Authentication and Certificate-Bound Access Tokens",
    "RFC 8707": "Resource Indicators",
    "RFC 8725": "JSON Web Token Best Current Practices",
    "RFC 9068": "JWT Profile for Access Tokens",
    "RFC 9110": "HTTP Semantics",
    "RFC 9449": "Demonstrating Proof of Possession (DPoP)",
    "RFC 9700": "Best Current Practice for OAuth 2.0 Security",
    "RFC 9701": "JWT Response for Token Introspection",
    "RFC 9728": "Protected Resource Metadata",
    "RFC 9864": "Fully-Specified Algorithms for JOSE",
    "FAPI 2.0": "Security Profile",
    "OAuth 2.1": "draft-ietf-oauth-v2-1",
    "draft-ietf-oauth-rfc7523bis": "Updates to Audience Values of Assertions",
    "Fetch": "WHATWG Fetch Standard (CORS)",
}
HEAD = """# Standards

<!-- Written by tests/protocol/standards.py from tests/protocol/lines.txt. Edit that file, and run the script. -->

What m2mauth promises on the wire, by specification and clause. Each promise is held by the tests in its last column (below
`tests/`); `tests/run protocol` fails when a promise has no test, or when this page is stale. The id of a promise is
the name by which tests refer to it. Where a promise and an RFC disagree, the RFC wins, and we want to know.
"""


def clauses(text):
    """(specification, clause) for each of `RFC 9449 5.1, RFC 8705 3.3`."""
    return [tuple(one.strip().rsplit(" ", 1)) for one in text.split(",")]


def order(specification):
    """RFCs by number, then the others by name."""
    return (not specification.startswith("RFC "), specification)


def clause_order(clause):
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in clause.split(".")]


def short(path):
    return re.sub(r"^tests/", "", path)


def page(source):
    lines, _ = promises.read_promises(source)
    files, by_specification = {}, {}
    for name, path in promises.tests(source):
        for one in promises.ids(name):
            files.setdefault(one, set()).add(short(path))
    for one, line in lines.items():
        for specification, clause in clauses(line.clause):
            by_specification.setdefault(specification, []).append((clause, one, line))
    text = HEAD
    for specification in sorted(by_specification, key=order):
        title = TITLES.get(specification)
        text += f"\n## {specification}{': ' + title if title else ''}\n\n| clause | promise | id | tests |\n| --- | --- | --- | --- |\n"
        for clause, one, line in sorted(by_specification[specification], key=lambda row: clause_order(row[0])):
            held = "not yet: " + line.feature if line.feature else ", ".join(sorted(files.get(one, ["none"])))
            text += f"| {clause} | {line.text} | {one} | {held} |\n"
    return text


def stale(source):
    """What is wrong with the page in the tree: an empty list, or one text."""
    path = os.path.join(source, PAGE)
    if os.path.exists(path) and promises.read(source, PAGE) == page(source):
        return []
    return ["it is stale: run tests/protocol/standards.py"]


def main():
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    path = os.path.join(source, PAGE)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(page(source))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Holds everything that lists the statistics to lib/counters/fields.h: the public struct, the schema of dumps, the
Python package, the table of fields, the table of metrics, and what is said of the columns of `arrowpool top`. What
differs is printed, a line each.

usage: tests/style/fields.py [--write]    --write: put the tables of metrics and of columns into docs/use"""

import ast
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/use/statistics.md"
TOP = ROOT / "docs/use/top.md"
FIGURES = re.compile(r"\| LIVE \| live \|.*\n(?:\|.*\n)*?(?=\| LIVE 1min)")
TABLE = re.compile(r"\| metric \| type \| meaning \|\n(?:\|.*\n)+")


def read_fields():
    """{list: [(name, unit, type, metric, help)]}, as in the header."""
    text = (ROOT / "lib/counters/fields.h").read_text().replace("\\\n", " ")
    row = re.compile(r'\bX\((\w+), (\w+), (\w+),\s+(?:"([^"]*)"|NULL),\s+"([^"]*)"\)')
    return {name: row.findall(body) for name, body in re.findall(r"#define FIELDS_(\w+)\(X\)(.*)", text)}


def names(rows):
    return [row[0] for row in rows]


def public_struct():
    text = (ROOT / "lib/include/arrowpool.h").read_text()
    body = re.search(r"typedef struct arrowpool_stats \{(.*?)\} arrowpool_stats;", text, re.S)[1]
    return re.findall(r"int64_t (\w+);", body)


def python_fields():
    tree = ast.parse((ROOT / "python/arrowpool/_stats.py").read_text())
    [record] = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "PoolStats"]
    return [node.target.id for node in record.body if isinstance(node, ast.AnnAssign)]


def metrics(fields):
    rows = [f"| arrowpool_{metric} | {kind} | {text} |"
            for _, _, kind, metric, text in fields["OF_PROCESS"] + fields["OF_POOL"] if metric]
    start = "| arrowpool_start_time_seconds | gauge | When the process, or the fork that made it, began. |"
    return "\n".join(["| metric | type | meaning |", "|---|---|---|", start, *rows, ""])


def read_columns():
    """[(word, heading, field)], of which either may be empty."""
    text = (ROOT / "cli/top/columns.h").read_text()
    row = r'^  X\(\w+, (?:"([^"]+)"|NULL), "([^"]+)", \d+, \d+, (?:OF_\w+\((\w+)\)|OTHER)'
    return re.findall(row, text, re.M)


def figures(fields):
    help_of = {name: text for rows in fields.values() for name, _, _, _, text in rows}
    return "".join(f"| {heading} | {word} | {help_of[field]} |\n" for word, heading, field in read_columns() if field)


def column_differences(fields):
    words = [word for word, _, _ in read_columns() if word]
    if f"{', '.join(words[:-1])} or {words[-1]}" not in (ROOT / "man/arrowpool.1").read_text().replace("\n", " "):
        yield f"man/arrowpool.1: --sort takes {', '.join(words)}"
    document = TOP.read_text()
    if figures(fields) not in document:
        yield "docs/use/top.md: the table of columns is another; tests/style/fields.py --write puts it there"
    for word, heading, _ in read_columns():
        if word and f"| {heading} | {word} | " not in document:
            yield f"{heading}, sorted by {word}: not in the table of docs/use/top.md"


def differences(fields):
    yield from column_differences(fields)
    pool, process = names(fields["OF_POOL"]), names(fields["OF_PROCESS"] + fields["OF_JEMALLOC"])
    schema = json.loads((ROOT / "docs/use/arrowpool.schema.json").read_text())
    document = DOCUMENT.read_text()
    besides_pool = ("name", "backend", "size_basis", "size_histogram", "live_histogram")
    in_reports = (*besides_pool, "bytes_before_end", "histogram_before_end")
    lists = {
        "arrowpool_stats in lib/include/arrowpool.h": (public_struct(), pool, ()),
        "a pool in docs/use/arrowpool.schema.json": (
            schema["$defs"]["pool"]["properties"], pool, in_reports),
        "the process in docs/use/arrowpool.schema.json": (
            schema["properties"]["process"]["properties"], process,
            ("pid", "program", "host", "name", "presence", "start_time", "time")),
        "PoolStats in python/arrowpool/_stats.py": (python_fields(), pool, besides_pool),
        "the required ones of a pool in docs/use/arrowpool.schema.json": (
            schema["$defs"]["pool"]["required"], pool, in_reports),
    }
    for where, (found, wanted, besides) in lists.items():
        for name in {*found} ^ {*wanted, *besides}:
            yield f"{name}: {'not ' if name in wanted else 'only '}in {where}"
    for name, unit, *_ in fields["OF_POOL"]:
        if not re.search(rf"^\| [^|]*\b{name}\b[^|]* \| {unit} \|", document, re.M):
            yield f"{name}, in {unit}: not in the table of docs/use/statistics.md"
    for name in process:
        if not re.search(rf"^\| [^|]*\b{name}\b[^|]* \|", document, re.M):
            yield f"{name}: not in the table of docs/use/statistics.md"
    if metrics(fields) not in document:
        yield "docs/use/statistics.md: the table of metrics is another; tests/style/fields.py --write puts it there"


def main():
    fields = read_fields()
    fields["OF_POOL"] = fields["DERIVED"] + fields["STORED"] + fields["KEPT"]
    assert len(fields["OF_POOL"]) > 10, fields
    if "--write" in sys.argv:
        DOCUMENT.write_text(TABLE.sub(lambda _: metrics(fields), DOCUMENT.read_text()))
        TOP.write_text(FIGURES.sub(lambda _: figures(fields), TOP.read_text()))
    return "\n".join(differences(fields)) or None


if __name__ == "__main__":
    sys.exit(main())

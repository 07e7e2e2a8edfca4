"""The queries of docs/use/statistics.md, on dumps and on reports of them: what they say has to be what the report says.

usage: queries.py REPORT

In the working directory: report.jsonl, by process and pool, and dumps/HOST/*.jsonl. REPORT is the json report by pool
of the same dumps."""

import json
import pathlib
import re
import sys

import duckdb

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/use/statistics.md"
COLUMNS = ("processes", "total_bytes_allocated", "max_memory_sum", "max_memory_at_least", "max_memory_highest")


def query(name):
    found = re.search(f"<!-- query: {name} -->\n(.*?)<!-- /query -->", DOCUMENT.read_text(), re.DOTALL)
    return re.sub("^    ", "", found.group(1), flags=re.MULTILINE)


def expected(report):
    """By pool. What is not known of a part is null, with a bound; the highest that a query sees is one, too."""
    out = {}
    for group in report["groups"]:
        least = group["at_least"]
        out[group["pool"]] = (group["processes"], group["total_bytes_allocated"], group["max_memory_sum"],
                              least.get("max_memory_sum", group["max_memory_sum"]),
                              least.get("max_memory_highest", group["max_memory_highest"]))
    return out


def of_duckdb(name):
    return {row[0]: row[1:] for row in duckdb.sql(query(name)).fetchall()}


def of_pyarrow():
    names = {}
    exec(query("pyarrow"), names)  # the document's own
    columns = ("processes_sum", "total_bytes_allocated_sum", "max_memory_sum_sum", "max_memory_sum_max")
    return {row["pool"]: tuple(row[name] for name in columns) for row in names["table"].to_pylist()}


def check_types():
    """Every column has the type that the document says, in both."""
    import pyarrow.json
    table = pyarrow.json.read_json("report.jsonl")
    seen = dict(duckdb.sql("SELECT column_name, column_type FROM (DESCRIBE FROM 'report.jsonl')").fetchall())
    assert list(seen) == table.column_names, seen
    for field in table.schema:
        text, decimal = field.name in ("pool", "host", "program"), field.name == "start_time"
        wanted = ("string", "VARCHAR") if text else ("double", "DOUBLE") if decimal else ("int64", "BIGINT")
        assert (str(field.type), seen[field.name]) == wanted, (field, seen[field.name])


def main():
    wanted = expected(json.loads(pathlib.Path(sys.argv[1]).read_text()))
    assert any(row[2] is None and row[3] for row in wanted.values()), "nothing is known only in part"
    check_types()
    for name in ("report", "dumps"):
        found = of_duckdb(name)
        assert found == wanted, (name, found, wanted)
    found = of_pyarrow()
    assert found == {pool: (row[0], row[1], row[3], row[4]) for pool, row in wanted.items()}, (found, wanted)
    print(f"{len(wanted)} pools, {len(COLUMNS)} columns: equal")


if __name__ == "__main__":
    main()

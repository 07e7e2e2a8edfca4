"""Work of packages that bring arrow-rs and take its memory from the process's malloc; prints a hash of the results.

usage: library_work.py lance|lancedb|arro3|connectorx DIRECTORY
"""

import hashlib
import sqlite3
import sys
from pathlib import Path

import pyarrow as pa

ROWS = 200_000


def make_table() -> pa.Table:
    numbers = range(ROWS)
    return pa.table({
        "key": pa.array([n * 7919 % 1000 for n in numbers], pa.int64()),
        "value": pa.array([n * 0.5 for n in numbers], pa.float64()),
        "text": pa.array([f"row {n % 5000} of many" for n in numbers]),
    })


def digest(table: pa.Table) -> str:
    table = table.combine_chunks().sort_by([(name, "ascending") for name in table.column_names])
    return hashlib.sha256(repr([column.to_pylist() for column in table.columns]).encode()).hexdigest()[:16]


def lance(directory: Path) -> pa.Table:
    import lance

    dataset = lance.write_dataset(make_table(), directory / "data.lance", mode="overwrite")
    for _ in range(3):
        found = dataset.to_table(filter="key < 500 AND value > 100.0", columns=["key", "value", "text"])
    return found


def lancedb(directory: Path) -> pa.Table:
    import lancedb

    points = [[float(n % 97), float(n % 31), float(n % 7), 1.0] for n in range(20_000)]
    vectors = pa.array(points, pa.list_(pa.float32(), 4))
    table = lancedb.connect(directory / "db").create_table(
        "rows", pa.table({"vector": vectors, "id": pa.array(range(20_000))}), mode="overwrite"
    )
    for _ in range(10):
        found = table.search([3.0, 4.0, 5.0, 1.0]).limit(1000).to_arrow()
    return found.select(["_distance"])


def arro3(directory: Path) -> pa.Table:
    import arro3.core
    import arro3.io

    path = str(directory / "data.parquet")
    for _ in range(3):
        arro3.io.write_parquet(arro3.core.Table.from_arrow(make_table()), path)
        found = arro3.io.read_parquet(path).read_all()
    return pa.table(found)


def connectorx(directory: Path) -> pa.Table:
    import connectorx

    path = directory / "data.sqlite"
    path.unlink(missing_ok=True)
    rows = zip(*[column.to_pylist() for column in make_table().columns], strict=True)
    with sqlite3.connect(path) as database:
        database.execute("create table rows (key integer, value real, text text)")
        database.executemany("insert into rows values (?, ?, ?)", rows)
    database.close()
    query = "select key, value, text from rows where key < 500"
    found = connectorx.read_sql(f"sqlite://{path}", query, return_type="arrow")
    return found if isinstance(found, pa.Table) else pa.table(found)


if __name__ == "__main__":
    work = {"lance": lance, "lancedb": lancedb, "arro3": arro3, "connectorx": connectorx}
    print(digest(work[sys.argv[1]](Path(sys.argv[2]))))

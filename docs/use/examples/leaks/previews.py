"""A service that keeps the first ten rows of each of twenty files."""

import os
import signal

import arrowpool  # noqa: F401  # answers `arrowpool who --holders`
import pyarrow as pa
import pyarrow.parquet  # is pa.parquet


def write(file):
    numbers = pa.array(range(1_000_000))
    table = pa.table({"id": numbers, "value": numbers.cast("double")})
    pa.parquet.write_table(table, file)


previews = {}


def preview(name, file):
    table = pa.parquet.read_table(file)
    previews[name] = table.slice(0, 10)


for day in range(20):
    path = f"day-{day}.parquet"
    if not os.path.exists(path):
        write(path)
    preview(path, path)
print(len(previews), "previews", flush=True)
signal.pause()

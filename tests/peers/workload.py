"""A day of a pyarrow program in a few seconds: every format, compute, joins, growing buffers, on data it makes
itself. Deterministic in its results, which go to stdout as one digest; the books are compared while buffers
live (books.py) when a mode is named.  Usage: workload.py DIRECTORY [jemalloc|system]"""

import hashlib
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.feather
import pyarrow.json
import pyarrow.orc
import pyarrow.parquet as pq

ROWS = 200_000
digest = hashlib.sha256()


def note(*values):
    digest.update(repr(values).encode())


def make_table():
    random = np.random.default_rng(1)
    price = random.random(ROWS) * 1000
    return pa.table({
        "id": np.arange(ROWS),
        "group": pa.array(random.integers(0, 500, ROWS).astype("int32")),
        "price": pa.array(price, mask=price < 20),
        "name": pa.array([f"name-{i % 1000}" for i in range(ROWS)]).dictionary_encode().cast(pa.string()),
        "when": pa.array(np.arange(ROWS) * 1_000_000, pa.timestamp("us")),
        "tags": pa.array([[i % 7, i % 5] if i % 3 else [] for i in range(ROWS)]),
        "nothing": pa.nulls(ROWS, pa.int8()),
    })


def flat(table):
    return table.drop_columns(["tags", "nothing"])


def run_formats(table, folder):
    def path(name):
        return os.path.join(folder, name)

    pa.csv.write_csv(flat(table), path("t.csv"))
    csv = pa.csv.read_csv(path("t.csv"), read_options=pa.csv.ReadOptions(block_size=1 << 18))
    assert csv["id"].equals(table["id"].cast(csv["id"].type)), "csv"
    with open(path("t.json"), "w") as file:
        file.writelines(f'{{"a": {i}, "b": "x{i % 9}", "c": [{i % 3}]}}\n' for i in range(50_000))
    json = pa.json.read_json(path("t.json"), read_options=pa.json.ReadOptions(block_size=1 << 16))
    assert pc.sum(json["a"]).as_py() == 50_000 * 49_999 // 2, "json"
    for compression in ("snappy", "zstd", "none"):
        pq.write_table(table, path("t.parquet"), compression=compression, row_group_size=30_000)
        assert pq.read_table(path("t.parquet")).equals(table), compression
    pa.feather.write_feather(table, path("t.feather"))
    assert pa.feather.read_table(path("t.feather")).equals(table), "feather"
    pa.orc.write_table(flat(table), path("t.orc"))
    assert pa.orc.read_table(path("t.orc"))["id"].equals(flat(table)["id"]), "orc"
    note(csv.schema.to_string(), json.num_rows)
    return csv


def run_dataset(table, folder):
    root = os.path.join(folder, "dataset")
    part = pc.bit_wise_and(table["group"], 3)
    ds.write_dataset(flat(table).append_column("part", part), root, format="parquet", partitioning=["part"],
                     existing_data_behavior="overwrite_or_ignore")
    found = ds.dataset(root, partitioning=["part"]).to_table(
        columns=["id", "price"], filter=(ds.field("part") == 2) & (ds.field("price") > 500)).sort_by("id")
    note(found.num_rows, pc.sum(found["id"]).as_py())
    return found


def run_ipc(table):
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=10_000)
    buffer = sink.getvalue()
    assert pa.ipc.open_stream(buffer).read_all().equals(table), "ipc"
    assert pa.ipc.open_stream(memoryview(buffer)).read_all().num_rows == ROWS, "ipc of a view"
    return buffer


def run_compute(table):
    groups = table.group_by("group").aggregate([("price", "mean"), ("id", "max"), ("name", "count_distinct")])
    groups = groups.sort_by("group")
    joined = flat(table).join(groups, "group", join_type="left outer").sort_by("id")
    taken = joined.take(pa.array(np.arange(0, ROWS, 7)))
    words = pc.utf8_upper(pc.replace_substring(table["name"], "name", "n"))
    none = table.filter(pc.less(table["id"], -1))  # empty columns
    assert none.num_rows == 0 and none.to_pylist() == [], "empty"
    note(groups.num_rows, round(pc.sum(taken["price_mean"]).as_py(), 3), words[-1].as_py())
    return groups, joined, taken, words, none


def run_buffers():
    kept = []
    for start in (0, 1, 64, 100_000):
        buffer = pa.allocate_buffer(start, resizable=True)
        for power in range(6, 25):
            buffer.resize(1 << power)
        for power in range(23, 10, -2):
            buffer.resize(1 << power, shrink_to_fit=True)
        kept.append(buffer)
    builder = pa.lib.StringBuilder()
    for i in range(50_000):
        builder.append(f"{i}" * (i % 4))
    words = builder.finish()
    note(len(words), sum(len(buffer) for buffer in kept))
    return kept, words


def main():
    folder, mode = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    kept = []
    for _ in range(2):  # the second round finds memory that was used before
        table = make_table()
        kept = [table, run_formats(table, folder), run_dataset(table, folder), run_ipc(table), run_compute(table),
                run_buffers()]
    print(digest.hexdigest())
    if mode:
        import books
        difference = books.compare(mode)
        # pyarrow also counts allocations of no bytes, which no allocator ever sees.
        assert difference > 0, difference
    del kept


main()

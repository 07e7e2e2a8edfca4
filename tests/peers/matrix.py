"""The same work on one thread, in any pyarrow from 10 on, and the default pool's figures after each step of it.
Prints them, so that two runs can be compared event for event. With the shim its books have to be those of
pyarrow, to the byte.  Usage: matrix.py [jemalloc|system]    (what serves the default pool, if the shim does)"""

import hashlib
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.feather
import pyarrow.json
import pyarrow.orc
import pyarrow.parquet as pq

import figures

ROWS = 20_000


def make_table():
    random = np.random.default_rng(1)
    price = random.random(ROWS) * 1000
    return pa.table({
        "id": np.arange(ROWS),
        "group": pa.array(random.integers(0, 500, ROWS).astype("int32")),
        "price": pa.array(price, mask=price < 20),
        "name": pa.array([f"name-{i % 1000}" for i in range(ROWS)]),
        "when": pa.array(np.arange(ROWS) * 1_000_000, pa.timestamp("us")),
        "tags": pa.array([[i % 7, i % 5] if i % 3 else [] for i in range(ROWS)]),
        "nothing": pa.nulls(ROWS, pa.int8()),
    })


def flat(table):
    return table.select(["id", "group", "price", "name", "when"])


def run_csv(table):
    sink = pa.BufferOutputStream()
    pa.csv.write_csv(flat(table), sink)
    options = pa.csv.ReadOptions(block_size=1 << 17, use_threads=False)
    return pa.csv.read_csv(pa.BufferReader(sink.getvalue()), read_options=options)


def run_json(_):
    text = "".join(f'{{"a": {i}, "b": "x{i % 9}", "c": [{i % 3}]}}\n' for i in range(20_000)).encode()
    options = pa.json.ReadOptions(block_size=1 << 16, use_threads=False)
    return pa.json.read_json(pa.BufferReader(text), read_options=options)


def run_parquet(table):
    read = []
    for compression in ("snappy", "zstd", "none"):
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression=compression, row_group_size=7_000)
        read.append(pq.ParquetFile(pa.BufferReader(sink.getvalue())).read(use_threads=False))
    return read


def run_dataset(table):
    with tempfile.TemporaryDirectory() as folder:
        parts = flat(table).append_column("part", pc.bit_wise_and(table["group"], 3))
        ds.write_dataset(parts, folder, format="parquet", partitioning=["part"], use_threads=False)
        return ds.dataset(folder, partitioning=["part"]).to_table(
            columns=["id", "price"], filter=(ds.field("part") == 2) & (ds.field("price") > 500),
            use_threads=False).sort_by("id")


def run_ipc(table):
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=3_000)
    options = pa.ipc.IpcReadOptions(use_threads=False)
    return sink.getvalue(), pa.ipc.open_stream(sink.getvalue(), options=options).read_all()


def run_feather(table):
    sink = pa.BufferOutputStream()
    pa.feather.write_feather(table, sink, compression="zstd")
    return pa.feather.read_table(pa.BufferReader(sink.getvalue()), use_threads=False)


def run_orc(table):
    sink = pa.BufferOutputStream()
    pa.orc.write_table(flat(table), sink)
    return pa.orc.ORCFile(pa.BufferReader(sink.getvalue())).read()


def run_compute(table):
    words = pc.utf8_upper(pc.replace_substring(table["name"], "name", "n"))
    none = table.filter(pc.less(table["id"], -1))  # empty columns
    return words, none, table.take(pa.array(np.arange(0, ROWS, 7))), pc.sort_indices(table["price"])


def run_group_by(table):
    return table.group_by("group").aggregate(
        [("price", "sum"), ("id", "max"), ("name", "count_distinct")]).sort_by("group")


def run_join(table):
    right = pa.table({"group": pa.array(np.arange(500, dtype="int32")), "weight": np.arange(500)})
    return flat(table).join(right, "group", join_type="left outer", use_threads=False).sort_by("id")


def run_buffers(_):
    kept = []
    for start in (0, 1, 64, 100_000):
        buffer = pa.allocate_buffer(start, resizable=True)
        for power in range(6, 25):
            buffer.resize(1 << power)
        for power in range(23, 10, -2):
            buffer.resize(1 << power, shrink_to_fit=True)
        buffer.resize(0, shrink_to_fit=True)  # to nothing and back
        buffer.resize(start + 1000)
        memoryview(buffer).cast("B")[:] = bytes(len(buffer))
        kept.append(buffer)
    return kept


def run_nothing(_):
    before = figures.zero_sizes()
    kept = [pa.allocate_buffer(0, resizable=True) for _ in range(7)]
    for buffer in kept[:3]:
        buffer.resize(1000)  # from nothing: an allocation like any other
        buffer.resize(0, shrink_to_fit=True)
    after = figures.zero_sizes()
    assert before is None or after - before == 7, (before, after)
    return kept


def digest(result):
    """Of what was computed; arrays by what they hold, not by how they lie."""
    if isinstance(result, (list, tuple)):
        return hashlib.sha256("".join(map(digest, result)).encode()).hexdigest()
    if isinstance(result, pa.Buffer):
        return hashlib.sha256(result).hexdigest()
    return hashlib.sha256(repr(result.to_pylist()).encode()).hexdigest()


def run_crest(_):
    """More than all that follows will hold at once."""
    buffer = pa.allocate_buffer(1 << 20, resizable=True)
    buffer.resize(1 << 28)
    buffer.resize(64, shrink_to_fit=True)
    memoryview(buffer).cast("B")[:] = bytes(64)
    return buffer


def settle(table):
    """Arrow's one thread takes tasks in their order: when this is done, so is what came before it, and let go of.
    Compressing in parallel leaves nothing behind itself."""
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=True)
    with pa.ipc.new_stream(pa.BufferOutputStream(), table.schema, options=options) as writer:
        writer.write_table(table)


ON_ONE_THREAD = (run_csv, run_json, run_parquet, run_ipc, run_orc, run_compute, run_buffers, run_nothing)
ON_ARROWS_TOO = (run_dataset, run_feather, run_group_by, run_join)


def main():
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    figures.start(sys.argv[1] if len(sys.argv) > 1 else None)
    table = make_table()
    kept = []
    for step in ON_ONE_THREAD * 2 + (run_crest,):  # the second time memory was used before
        kept.append(step(table))
        figures.note(step.__name__, digest(kept[-1]))
    for step in ON_ARROWS_TOO * 2:  # what was ever asked for is certain; when it is let go of is not
        kept.append(step(table))
        figures.note_totals(step.__name__, digest(kept[-1]))
    settle(table)
    figures.note("all of it")
    del kept[1::2]
    figures.note("half of it")
    del kept, table
    figures.note("the end")


main()

"""Which of Arrow's operations allocate in the pool they are told, which in pyarrow's default pool, and which
elsewhere. Each operation runs in two ways: with memory_pool=, where it has that, and under set_memory_pool;
what the pool allocated is compared with what pyarrow's own pools did meanwhile.

usage: paths.py [--docs FILE]      prints the table, or puts it between the markers of a document
       paths.py check              the same figures from pyarrow and from the shim, which has to be preloaded
"""

import os
import sys
import tempfile

import arrowpool
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet as pq
from arrowpool._stats import format_bytes

ROWS = 200_000
FORMER = pa.default_memory_pool()
POOLS = {name: getattr(pa, name + "_memory_pool")() for name in ("mimalloc", "jemalloc", "system")
         if name in pa.supported_memory_backends()}

table = pa.table({"key": pa.array([i % 1000 for i in range(ROWS)]), "value": pa.array(float(i) for i in range(ROWS)),
                  "text": pa.array(f"row {i % 500}" for i in range(ROWS))})
other = pa.table({"key": pa.array(range(1000)), "name": pa.array(f"name {i}" for i in range(1000))})
values = list(range(ROWS))
folder = tempfile.TemporaryDirectory()
files = {name: os.path.join(folder.name, "data." + name) for name in ("parquet", "csv", "arrow", "json")}
pq.write_table(table, files["parquet"])
pa.csv.write_csv(table, files["csv"])
pa.feather.write_feather(table, files["arrow"], compression="lz4")
with open(files["json"], "w") as file:
    file.writelines(f'{{"a": {i}, "b": "text {i}"}}\n' for i in range(20_000))


def stream_of(pool):
    stream = pa.BufferOutputStream(pool)
    for _ in range(100):
        stream.write(b"x" * 10_000)
    return stream.getvalue()


def ipc_write(pool):
    sink = pa.BufferOutputStream(pool)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def read_ipc(pool):
    options = {} if pool is None else {"memory_pool": pool}
    return pa.ipc.open_file(files["arrow"], **options).read_all()


# What is run, and whether it takes memory_pool=; the pool is None where it is not to be told one.
OPERATIONS = {
    "pa.array(list)": (True, lambda pool: pa.array(values, memory_pool=pool)),
    "pa.allocate_buffer": (True, lambda pool: pa.allocate_buffer(1 << 20, pool)),
    "BufferOutputStream": (True, stream_of),
    "concat_arrays": (True, lambda pool: pa.concat_arrays(table["key"].chunks * 3, memory_pool=pool)),
    "compute: add": (True, lambda pool: pc.add(table["key"], 1, memory_pool=pool)),
    "compute: sort_indices": (True, lambda pool: pc.sort_indices(table["value"], memory_pool=pool)),
    "Array.cast": (True, lambda pool: table["key"].chunk(0).cast(pa.float64(), memory_pool=pool)),
    "Table.take": (False, lambda pool: table.take(REVERSED)),
    "Table.filter": (False, lambda pool: table.filter(pc.field("key") < 500)),
    "compute: filter(table)": (True, lambda pool: pc.filter(table, MASK, memory_pool=pool)),
    "compute: take(table)": (True, lambda pool: pc.take(table, REVERSED, memory_pool=pool)),
    "Table.combine_chunks": (True, lambda pool: pa.concat_tables([table, table]).combine_chunks(memory_pool=pool)),
    "Table.sort_by": (False, lambda pool: table.sort_by("value")),
    "Table.group_by().aggregate": (False, lambda pool: table.group_by("key").aggregate([("value", "sum")])),
    "Table.join": (False, lambda pool: table.join(other, "key")),
    "Table.from_pandas": (False, lambda pool: pa.Table.from_pandas(FRAME)),
    "Table.to_pandas": (True, lambda pool: table.to_pandas(memory_pool=pool)),
    "csv.read_csv": (True, lambda pool: pa.csv.read_csv(files["csv"], memory_pool=pool)),
    "csv.write_csv": (True, lambda pool: pa.csv.write_csv(table, os.devnull, memory_pool=pool)),
    "json.read_json": (True, lambda pool: pa.json.read_json(files["json"], memory_pool=pool)),
    "ipc: write": (True, ipc_write),
    "ipc: read lz4": (True, read_ipc),
    "parquet.read_table": (False, lambda pool: pq.read_table(files["parquet"])),
    "parquet.ParquetFile.read": (False, lambda pool: pq.ParquetFile(files["parquet"]).read()),
    "parquet.write_table": (False, lambda pool: pq.write_table(table, os.devnull)),
    "dataset.to_table": (True, lambda pool: ds.dataset(files["parquet"]).to_table(
        filter=ds.field("key") < 500, **({} if pool is None else {"memory_pool": pool}))),
    "dataset.write_dataset": (False, lambda pool: ds.write_dataset(table, os.path.join(folder.name, "out"),
                                                                   format="parquet",
                                                                   existing_data_behavior="overwrite_or_ignore")),
}
FRAME, MASK, REVERSED = table.to_pandas(), pc.greater(table["key"], 500), pa.array(values[::-1])


def totals():
    return {name: pool.total_bytes_allocated() for name, pool in POOLS.items()}


def measure(operation, pool, told):
    """What our pool and what pyarrow's pools allocated (bytes), until the operation's result was there."""
    before, ours = totals(), pool.stats().total_bytes_allocated
    if told:
        result = operation(pool)
    else:
        with pool:
            result = operation(None)
    elsewhere = {name: now - before[name] for name, now in totals().items() if now > before[name]}
    del result
    return pool.stats().total_bytes_allocated - ours, elsewhere


def describe(ours, elsewhere):
    if ours == 0 and not elsewhere:
        return "allocates nothing"
    others = sum(elsewhere.values())
    share = 100 * ours / (ours + others)
    where = ", ".join(sorted(elsewhere))
    if not others:
        return "all of it"
    return f"none ({where})" if ours == 0 else f"{share:.1f} % ({where}: {format_bytes(others)})"


def make_table():
    lines = ["| operation | with memory_pool= | under set_memory_pool, or in a with statement |", "|---|---|---|"]
    for number, (name, (takes, operation)) in enumerate(OPERATIONS.items()):
        operation(None)  # what is made once only is not the operation's
        cells = []
        for told in (True, False):
            pool = arrowpool.pool(f"path {number} {'told' if told else 'default'}")
            cells.append(describe(*measure(operation, pool, told)) if takes or not told else "has no such argument")
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def check():
    """All that pyarrow says its pools allocated is in the shim's statistics, and nothing else."""
    def shim():
        return {s.name: s.total_bytes_allocated for s in arrowpool.stats() if s.name.startswith("arrow.")}

    seen = 0
    for number, (name, (takes, operation)) in enumerate(OPERATIONS.items()):
        pool, before = arrowpool.pool(f"check {number}"), shim()
        elsewhere = measure(operation, pool, takes)[1]
        counted = {key: now - before.get(key, 0) for key, now in shim().items() if now > before.get(key, 0)}
        expected = {"arrow." + key: size for key, size in elsewhere.items()}
        assert counted == expected, f"{name}: pyarrow says {expected}, the shim {counted}"
        seen += sum(counted.values())
    assert seen > 0
    print("alike")


if sys.argv[1:] == ["check"]:
    check()
else:
    text = (f"pyarrow {pa.__version__}, whose default pool is {FORMER.backend_name}; {ROWS:,} rows. Of the bytes that "
            f"were allocated, so many by the pool; in brackets, who allocated the rest.\n\n{make_table()}")
    if sys.argv[1:2] == ["--docs"]:
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench"))
        import document

        with open(sys.argv[2]) as file:
            former = file.read()
        with open(sys.argv[2], "w") as file:
            file.write(document.replace(former, "paths", text))
    else:
        print(text)

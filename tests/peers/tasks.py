"""Whose tasks Arrow's own threads work on, by a shim that watches them (tests/shim/tasks_told.c). Each Python thread
gives its tasks as a number of its own. Prints for each step how many tasks were given, and what Arrow's threads
allocated (bytes); ends with an error where a task did not know by whom it was given.  Usage: tasks.py"""

import concurrent.futures
import ctypes
import os
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet as pq

ROWS = 60_000
shim = ctypes.CDLL(None)  # called without the GIL
wrong = []  # what a task saw, where that was not its giver's number
looked = set()  # the numbers that were seen in Arrow's threads


def counts():
    out = (ctypes.c_int64 * 2)()
    shim.tasks_told_counts(out)
    return tuple(out)


def allocated():
    """Bytes that Arrow's threads allocated: for nobody, and for somebody."""
    out = (ctypes.c_int64 * 2)()
    shim.tasks_told_bytes(out)
    return tuple(out)


def look(expected):
    """In a thread of Arrow's: whose task is it?"""
    if shim.tasks_told_own() == 0:
        here = shim.tasks_told_here()
        looked.add(here)
        if here != expected:
            wrong.append((expected, here))


class Watching:
    """A file whose reader looks whose task it is."""

    def __init__(self, path, number):
        self.file, self.number = open(path, "rb"), number  # noqa: SIM115 as long as the reader wants

    def __getattr__(self, name):
        return getattr(self.file, name)

    def read(self, size=-1):
        look(self.number)
        return self.file.read(size)


def make_files(folder):
    random = np.random.default_rng(1)
    table = pa.table({
        "id": np.arange(ROWS),
        "group": pa.array(random.integers(0, 500, ROWS).astype("int32")),
        "price": pa.array(random.random(ROWS) * 1000),
        "name": pa.array([f"name-{i % 1000}" for i in range(ROWS)]),
    })
    pa.csv.write_csv(table, folder + "/a.csv")
    pq.write_table(table, folder + "/a.parquet", row_group_size=8_000)
    pa.feather.write_feather(table, folder + "/a.feather", compression="lz4")
    with open(folder + "/a.json", "w") as out:
        out.writelines(f'{{"a": {i}, "b": "x{i % 9}"}}\n' for i in range(ROWS))
    ds.write_dataset(table, folder + "/set", format="parquet", max_rows_per_file=10_000, max_rows_per_group=5_000)
    return table


def read_csv(folder, _):
    return pa.csv.read_csv(folder + "/a.csv", read_options=pa.csv.ReadOptions(block_size=1 << 17))


def read_json(folder, _):
    return pa.json.read_json(folder + "/a.json", read_options=pa.json.ReadOptions(block_size=1 << 17))


def read_dataset(folder, _):
    return ds.dataset(folder + "/set").to_table()


def filter_dataset(folder, _):
    return ds.dataset(folder + "/set").to_table(columns=["id", "name"], filter=ds.field("price") > 500)


def read_batches(folder, _):
    return list(ds.dataset(folder + "/set").to_batches(batch_size=2_000))


def count_rows(folder, _):
    return ds.dataset(folder + "/set").count_rows(filter=ds.field("group") == 3)


def read_parquet(folder, _):
    return pq.read_table(folder + "/a.parquet", use_threads=True)


def read_parquet_alone(folder, _):
    return pq.read_table(folder + "/a.parquet", use_threads=False)


def read_parquet_file(folder, _):
    return list(pq.ParquetFile(folder + "/a.parquet", pre_buffer=True).iter_batches(3_000))


def read_feather(folder, _):
    return pa.feather.read_table(folder + "/a.feather")


def write_and_read_ipc(_, table):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table, max_chunksize=4_000)
    return pa.ipc.open_stream(sink.getvalue()).read_all()


def group_by(_, table):
    return table.group_by("group").aggregate([("price", "sum"), ("name", "count_distinct")])


def join(_, table):
    right = pa.table({"group": pa.array(np.arange(500, dtype="int32")), "weight": np.arange(500)})
    return table.join(right, "group", join_type="left outer")


def sort(_, table):
    return table.sort_by([("price", "descending")])


def compute(_, table):
    return table.filter(pc.less(table["price"], 300)), pc.utf8_upper(table["name"])


def to_pandas(_, table):
    return table.to_pandas(split_blocks=True)


def from_pandas(_, table):
    return pa.Table.from_pandas(table.to_pandas(), nthreads=1)  # other threads would be Python's, without a number


def write_parquet(folder, table):
    pq.write_table(table, folder + "/b.parquet", compression="zstd")


def write_dataset(folder, table):
    ds.write_dataset(table, folder + "/other", format="parquet", partitioning=["group"], max_partitions=1024,
                     existing_data_behavior="overwrite_or_ignore")


def call_back(_, table):
    """Python functions that Arrow's threads call."""
    def function(_, values):
        look(1)
        return values
    pc.register_scalar_function(function, "look", {"summary": "", "description": ""}, {"x": pa.int64()}, pa.int64())
    pieces = pa.concat_tables([table.slice(start, 4_000) for start in range(0, ROWS, 4_000)])
    return ds.dataset(pieces).to_table(columns={"y": pc.Expression._call("look", [pc.field("id")])})


def read_python_file(folder, number):
    shim.tasks_told_as(number)
    options = pa.csv.ReadOptions(block_size=1 << 16)
    for _ in range(3):
        pa.csv.read_csv(pa.PythonFile(Watching(folder + "/a.csv", number), mode="r"), read_options=options)
        pq.read_table(folder + "/a.parquet")
        ds.dataset(folder + "/set").to_table(filter=ds.field("price") > 900)


def four_threads(folder, _):
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        for number in list(threads.map(lambda number: read_python_file(folder, number) or number, range(11, 15))):
            assert number in looked, (number, looked)


def change_size(folder, table):
    before = pa.cpu_count(), pa.io_thread_count()
    for size in (1, 7, 2, 5):
        pa.set_cpu_count(size)
        pa.set_io_thread_count(size)
        read_csv(folder, table)
        read_dataset(folder, table)
    pa.set_cpu_count(before[0])
    pa.set_io_thread_count(before[1])


def fork(folder, table):
    child = os.fork()
    if child == 0:
        before = counts()
        read_csv(folder, table)
        read_dataset(folder, table)
        given, told = counts()
        os._exit(not (given > before[0] and given == told))
    assert os.waitpid(child, 0)[1] == 0


def errors(folder, table):
    with open(folder + "/bad.csv", "w") as out:
        out.writelines(["a,b\n"] + ["1,2\n"] * 200_000 + ["1\n"] + ["1,2\n"] * 200_000)
    try:
        pa.csv.read_csv(folder + "/bad.csv", read_options=pa.csv.ReadOptions(block_size=1 << 14))
    except pa.ArrowInvalid:
        return
    raise AssertionError("it read a line that lacks a column")


STEPS = (read_csv, read_json, read_dataset, filter_dataset, read_batches, count_rows, read_parquet, read_parquet_alone,
         read_parquet_file, read_feather, write_and_read_ipc, group_by, join, sort, compute, to_pandas, from_pandas,
         write_parquet, write_dataset, call_back, four_threads, change_size, fork, errors)
WITH_TASKS = {read_csv, read_json, read_dataset, filter_dataset, read_parquet, write_dataset, four_threads}


def main():
    at_first = allocated()[0]  # while pyarrow was imported, by a thread without a number
    shim.tasks_told_as(1)
    pa.set_cpu_count(4)
    assert counts() == (0, 0), counts()
    with tempfile.TemporaryDirectory() as folder:
        table = make_files(folder)
        for step in STEPS:
            before = counts()
            step(folder, table)
            given, told = counts()
            print(step.__name__, given - before[0], *allocated(), flush=True)
            assert given == told, (step.__name__, given, told)
            assert allocated()[0] == at_first, (step.__name__, allocated())
            assert given > before[0] or step not in WITH_TASKS, step.__name__
        assert not wrong, wrong[:10]
        assert {1, 11, 12, 13, 14} <= looked, looked
        if os.environ["ARROW_POOL_HOOKS"] == "all":  # else the pools do not come by the shim
            assert allocated()[1] > 1000 * ROWS, allocated()
        # The process ends with tasks under way.
        options = pa.csv.ReadOptions(block_size=1 << 12)
        reader = pa.csv.open_csv(folder + "/a.csv", read_options=options)
        reader.read_next_batch()
        print("all", *counts(), flush=True)
    return 0


sys.exit(main())

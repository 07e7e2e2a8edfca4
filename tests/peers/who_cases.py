"""Programs of which `arrowpool who` is to say who holds the memory. Each writes what is true to a file and then kills
itself, or has the kernel do it, so that nothing but the profile is left.

usage: who_cases.py CASE TRUTH [ARGUMENT]"""

import gc
import io
import json
import os
import signal
import sys
import threading
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import csv, ipc

MIB = 1 << 20
held = []
truth = {}


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def outgrow():
    """Takes memory that is not Arrow's, until the control group has no more and the kernel kills the process."""
    held.extend(b"x" * (16 * MIB) for _ in range(64))
    sys.exit("the kernel killed nobody")


def die(path, end=kill):
    truth["total"] = pa.total_allocated_bytes()
    with open(path, "w") as file:
        json.dump(truth, file)
    end()


def counted(name, function):
    """Keeps what the function returns, and how many bytes Arrow's own counters say that it holds."""
    before = pa.total_allocated_bytes()
    held.append(function())
    gc.collect()
    truth[name] = pa.total_allocated_bytes() - before


def csv_text(rows):
    lines = "".join(f"{i},{i * 7 % 1000},name-{i % 5000},{i / 3:.3f}\n" for i in range(10000))
    return io.BytesIO(b"a,b,name,x\n" + lines.encode() * (rows // 10000))


# ---- three lines, of all kinds of allocation ----

given = {}  # what the functions below take, since their names stand for what they hold


def load():
    return csv.read_csv(given["text"])


def small():
    return [pa.array(range(1000)) for _ in range(5000)]


def stream():
    sink = pa.BufferOutputStream()
    for _ in range(64):
        sink.write(b"x" * MIB)
    return sink


def three(path, end="kill"):
    given["text"] = csv_text(1_000_000)
    counted("load", load)
    counted("small", small)
    counted("stream", stream)
    die(path, {"kill": kill, "outgrow": outgrow}[end])


# ---- three threads that read at the same time ----


def read_parquet():
    return [pq.read_table(f"{given['folder']}/{i}.parquet", columns=["k", "x"]) for i in range(4)]


def read_csv():
    return csv.read_csv(csv_text(400_000))


def read_dataset():
    return ds.dataset(given["folder"], format="parquet").to_table(columns=["x"])


def make_folder(folder, rows):
    table = pa.table({"k": pa.array(range(rows)), "x": pc.divide(pa.array(range(rows), pa.float64()), 7.0),
                      "s": pa.array([f"n{i % 1000}" for i in range(rows)])})
    for i in range(4):
        pq.write_table(table, f"{folder}/{i}.parquet")


def bytes_of(result):
    tables = result if isinstance(result, list) else [result]
    buffers = [buffer for table in tables for column in table.columns for chunk in column.chunks
               for buffer in chunk.buffers() if buffer]
    return sum({buffer.address: buffer.size for buffer in buffers}.values())  # chunks share them


def readers(path, folder):
    given["folder"] = folder
    make_folder(folder, 400_000)
    results = {}

    def run(function):
        results[function.__name__] = function()

    threads = [threading.Thread(target=run, args=(function,)) for function in (read_parquet, read_csv, read_dataset)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, result in results.items():
        truth[name] = bytes_of(result)
    while pa.total_allocated_bytes() > sum(truth.values()) + MIB:  # Arrow's threads still free what they worked on
        time.sleep(0.01)
    die(path)


# ---- one operation, of which every byte should have a line ----


def make_table(rows):
    return pa.table({"k": pc.cast(pc.multiply(pa.array(range(rows)), 7), pa.int64()),
                     "x": pc.divide(pa.array(range(rows), pa.float64()), 3.0),
                     "s": pa.array([f"n{i % 100000}" for i in range(rows)])})


def ipc_round_trip(table):
    sink = pa.BufferOutputStream()
    writer = ipc.new_stream(sink, table.schema, options=ipc.IpcWriteOptions(compression="zstd"))
    writer.write_table(table, max_chunksize=50000)
    writer.close()
    return ipc.open_stream(sink.getvalue()).read_all()


def four_threads(folder):
    results = [None] * 4

    def run(i):
        results[i] = pq.read_table(f"{folder}/{i}.parquet")

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


OPERATIONS = {
    "read_csv": lambda t, f: csv.read_csv(csv_text(len(t) // 2)),
    "dataset": lambda t, f: ds.dataset(f, format="parquet").to_table(),
    "dataset_filter": lambda t, f: ds.dataset(f, format="parquet").to_table(filter=ds.field("k") < 100_000),
    "read_table": lambda t, f: [pq.read_table(f"{f}/{i}.parquet") for i in range(4)],
    "read_table_serial": lambda t, f: [pq.read_table(f"{f}/{i}.parquet", use_threads=False) for i in range(4)],
    "to_batches": lambda t, f: list(ds.dataset(f, format="parquet").to_batches()),
    "group_by": lambda t, f: t.group_by("s").aggregate([("x", "sum")]),
    "join": lambda t, f: t.join(pa.table({"k": range(1000), "y": range(1000)}), "k"),
    "sort": lambda t, f: t.sort_by("x") if hasattr(t, "sort_by") else t.take(pc.sort_indices(t, [("x", "ascending")])),
    "ipc": lambda t, f: ipc_round_trip(t),
    "to_pandas": lambda t, f: t.to_pandas(),
    "from_pandas": lambda t, f: pa.Table.from_pandas(t.to_pandas()),
    "filter": lambda t, f: t.filter(pc.greater(t["x"], 1000.0)),
    "write_table": lambda t, f: pq.write_table(t, f"{f}/out.parquet_"),
    "write_dataset": lambda t, f: ds.write_dataset(t, f + "/out", format="parquet"),
    "four_threads": lambda t, f: four_threads(f),
}


def operation(path, argument):
    name, folder, rows = argument.split(":")
    make_folder(folder, int(rows) * 2 // 5)
    held.append(make_table(int(rows)))
    held.append(OPERATIONS[name](held[0], folder))
    die(path)


if __name__ == "__main__":
    case, path, *rest = sys.argv[1:]
    {"three": three, "readers": readers, "operation": operation}[case](path, *rest)

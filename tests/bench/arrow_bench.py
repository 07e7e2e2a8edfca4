"""End-to-end cases on a stock pyarrow; one case a process, whatever serves its pools. Prints one JSON object.

    arrow_bench.py CASE [FOLDER [settle]]   measure; csv and dataset read what `generate` left in FOLDER;
                                            settle: look at RSS again 2 s after the end
    arrow_bench.py generate FOLDER          make that data
    arrow_bench.py facts                    versions, and where this pyarrow's libarrow is
"""

import glob
import json
import os
import sys
import time

import pyarrow as pa

from process import SETTLE_SECONDS, served_by_arrowpool, status_mib

MIB = 1 << 20
CHUNK = b"\x5a" * MIB  # not zeros: those would be read from one page that stays in the CPU's cache
APPEND_BYTES = 1024 * MIB  # over all streams
IPC_BYTES, BATCH_BYTES = 512 * MIB, 8 * MIB
UNTOUCHED_FROM, UNTOUCHED_STEPS = 64 << 10, 23  # by half each: 701 MiB
CSV_ROWS = 2_500_000
DATASET_ROWS, DATASET_COLUMNS = 5_000_000, 10
DATASET_READS = 20


class Growing:
    """Streams into memory, as a program has them that does not know how much there will be."""

    def __init__(self, count, size):
        self.streams = [pa.BufferOutputStream() for _ in range(count)]

    def finish(self):
        return [stream.getvalue() for stream in self.streams]


class Presized:
    """The limit: buffers of the final size from the start."""

    def __init__(self, count, size):
        self.buffers = [pa.allocate_buffer(size) for _ in range(count)]
        self.streams = [pa.FixedSizeBufferWriter(buffer) for buffer in self.buffers]

    def finish(self):
        return self.buffers


def append(kind, count):
    """`count` streams take a MiB each in turn."""
    size = APPEND_BYTES // count
    start = time.perf_counter()
    target = kind(count, size)
    for _ in range(size // MIB):
        for stream in target.streams:
            stream.write(CHUNK)
    buffers = target.finish()
    seconds = time.perf_counter() - start
    right = all(len(buffer) == size and memoryview(buffer)[size // 2 : size // 2 + MIB] == CHUNK for buffer in buffers)
    return seconds, right


def ipc(kind):
    """A stream of record batches written into memory."""
    values = pa.Array.from_buffers(pa.int64(), BATCH_BYTES // 8, [None, pa.py_buffer(CHUNK * (BATCH_BYTES // MIB))])
    batch = pa.RecordBatch.from_arrays([values], ["x"])
    start = time.perf_counter()
    target = kind(1, IPC_BYTES + MIB)
    with pa.ipc.new_stream(target.streams[0], batch.schema) as writer:
        for _ in range(IPC_BYTES // BATCH_BYTES):
            writer.write_batch(batch)
    [buffer] = target.finish()
    seconds = time.perf_counter() - start
    table = pa.ipc.open_stream(buffer).read_all()
    return seconds, table.num_rows == IPC_BYTES // 8 and table["x"].chunks[-1].equals(values)


def untouched():
    """A resizable buffer grows by half each time and is never written to."""
    size = UNTOUCHED_FROM
    start = time.perf_counter()
    buffer = pa.allocate_buffer(size, resizable=True)
    for _ in range(UNTOUCHED_STEPS):
        size = size * 3 // 2
        buffer.resize(size)
    return time.perf_counter() - start, buffer.size == size


def read_table(folder):
    from pyarrow.csv import read_csv

    start = time.perf_counter()
    table = read_csv(os.path.join(folder, "table.csv"))
    return time.perf_counter() - start, table.num_rows == CSV_ROWS


def read_dataset(folder):
    """The same data is read again and again; each table is gone before the next one is read."""
    import pyarrow.dataset as ds

    def read():
        return ds.dataset(os.path.join(folder, "dataset")).to_table().num_rows

    start = time.perf_counter()
    rows = [read() for _ in range(DATASET_READS)]
    return time.perf_counter() - start, set(rows) == {DATASET_ROWS}


CASES = {
    "append": lambda: append(Growing, 1),
    "append-presized": lambda: append(Presized, 1),
    "interleaved": lambda: append(Growing, 16),
    "interleaved-presized": lambda: append(Presized, 16),
    "ipc": lambda: ipc(Growing),
    "ipc-presized": lambda: ipc(Presized),
    "untouched": untouched,
    "csv": read_table,
    "dataset": read_dataset,
}


def generate(folder):
    import numpy as np
    from pyarrow import csv, dataset

    random = np.random.default_rng(1)
    words = np.array([f"word-{i:05}" for i in range(5000)], dtype=object)
    table = pa.table({
        "id": np.arange(CSV_ROWS),
        "number": random.integers(0, 1 << 40, CSV_ROWS),
        "price": random.random(CSV_ROWS).round(9),
        "text": pa.array(words[random.integers(0, len(words), CSV_ROWS)]),
        "rate": random.random(CSV_ROWS).round(9),
    })
    csv.write_csv(table, os.path.join(folder, "table.csv"))
    columns = {f"column{i}": random.random(DATASET_ROWS) for i in range(DATASET_COLUMNS)}
    dataset.write_dataset(pa.table(columns), os.path.join(folder, "dataset"), format="parquet")


def measure(case, arguments, settle):
    pa.allocate_buffer(MIB)  # the allocator's own start is not measured
    base = status_mib("VmRSS")
    seconds, right = CASES[case](*arguments)
    figures = {"case": case, "seconds": seconds, "peak_mib": status_mib("VmHWM"), "base_mib": base,
               "rss_end_mib": status_mib("VmRSS")}
    if settle:
        time.sleep(SETTLE_SECONDS)
        figures["rss_later_mib"] = status_mib("VmRSS")
        pa.allocate_buffer(MIB)  # some allocators look at the clock only when they are called
        figures["rss_called_mib"] = status_mib("VmRSS")
    figures.update(backend=pa.default_memory_pool().backend_name, served_bytes=served_by_arrowpool(), verified=right)
    return figures


def facts():
    libraries = [file for folder in pa.get_library_dirs() for file in glob.glob(os.path.join(folder, "libarrow.so.*"))]
    return {"pyarrow": pa.__version__, "python": sys.version.split()[0], "libarrow": min(libraries, default=None),
            "backends": pa.supported_memory_backends()}


def main(arguments):
    if arguments == ["facts"]:
        print(json.dumps(facts()))
    elif arguments[:1] == ["generate"] and len(arguments) == 2:
        generate(arguments[1])
    elif arguments and arguments[0] in CASES:
        case, *rest = arguments
        settle = rest[-1:] == ["settle"]
        folder = rest[:-1] if settle else rest
        if len(folder) != (case in ("csv", "dataset")):
            sys.exit(__doc__)
        print(json.dumps(measure(case, folder, settle)))
    else:
        sys.exit(f"{__doc__}\nCases: {', '.join(CASES)}")


main(sys.argv[1:])

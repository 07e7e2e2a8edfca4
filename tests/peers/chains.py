"""A small pyarrow workload whose allocations are the same in every run: one thread, no timing. Prints a digest of
its results.  Usage: chains.py FOLDER"""

import hashlib
import os
import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

ROWS = 100_000


def buffers():
    buffer = pa.allocate_buffer(100, resizable=True)
    memoryview(buffer).cast("B")[:100] = bytes(range(100))
    for size in (1_000, 70_000, 1_000_000, 30_000_000, 40_000_000, 90_000, 500):
        buffer.resize(size, shrink_to_fit=True)
        assert memoryview(buffer).cast("B")[:100] == bytes(range(100)), size
        assert buffer.address % 64 == 0, size
    sink = pa.BufferOutputStream()
    for i in range(200):
        sink.write(bytes([i]) * 50_000)
    return bytes(sink.getvalue())


def main():
    folder = sys.argv[1]
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    table = pa.table({"id": pa.array(range(ROWS)), "word": pa.array([f"word-{i % 997}" for i in range(ROWS)])})
    csv, parquet = os.path.join(folder, "t.csv"), os.path.join(folder, "t.parquet")
    pa.csv.write_csv(table, csv)
    read = pa.csv.read_csv(csv, read_options=pa.csv.ReadOptions(use_threads=False))
    assert read.equals(table), "csv"
    pq.write_table(table, parquet, compression="zstd")
    read = pq.read_table(parquet, use_threads=False, pre_buffer=False)
    assert read.equals(table), "parquet"
    digest = hashlib.sha256(buffers())
    digest.update(repr(read.slice(ROWS - 100).to_pylist()).encode())
    print(digest.hexdigest())


main()

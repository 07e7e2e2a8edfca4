"""A process in the middle of threaded work with Arrow, for arrowpool attach: attached.py csv|dataset|growth|flight.

It says `running` when the work has begun, and works until a line comes on stdin. Each round's result has to be that of
the first. Then nothing lives, it holds buffers of HELD bytes, says so, and ends at the next line."""

import gc
import hashlib
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.flight
import pyarrow.parquet

SIZES = (64, 4096, 1 << 20, 5 << 20)
ROWS = 40_000


def table():
    return pa.table({"a": range(ROWS), "b": [f"name {i % 97}" for i in range(ROWS)], "c": [i / 3 for i in range(ROWS)]})


def digest(*parts):
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def csv(directory):
    pa.csv.write_csv(table(), f"{directory}/a.csv")
    options = pa.csv.ReadOptions(use_threads=True, block_size=1 << 16)
    while True:
        read = pa.csv.read_csv(f"{directory}/a.csv", read_options=options)
        groups = read.group_by("b").aggregate([("a", "sum")]).sort_by("b")
        yield digest(read.num_rows, groups.to_pydict())
        del read, groups


def dataset(directory):
    for i in range(4):
        pa.parquet.write_table(table(), f"{directory}/{i}.parquet", row_group_size=5000)
    while True:
        parts = pa.dataset.dataset(directory)
        rows = 0
        for batch in parts.to_batches(filter=pa.dataset.field("a") > 99):
            rows += batch.num_rows
            del batch
        yield digest(rows)
        del parts


def growth(_directory):
    piece = bytes(range(256)) * 1024
    while True:
        with ThreadPoolExecutor(3) as threads:
            yield digest(list(threads.map(grow, [piece] * 3)))


def grow(piece):
    stream = pa.BufferOutputStream()
    for _ in range(100):
        stream.write(piece)
    return hashlib.sha256(stream.getvalue()).hexdigest()


def flight(_directory):
    class Server(pa.flight.FlightServerBase):
        def do_get(self, _context, _ticket):
            return pa.flight.RecordBatchStream(table())

    server = Server("grpc://127.0.0.1:0")
    client = pa.flight.connect(f"grpc://127.0.0.1:{server.port}")
    while True:
        got = client.do_get(pa.flight.Ticket(b"x")).read_all()
        yield digest(got.num_rows, got["a"].to_pylist()[-1])
        del got


def main():
    asked = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), asked.set())).start()
    with tempfile.TemporaryDirectory() as directory:
        rounds = globals()[sys.argv[1]](directory)
        first = next(rounds)
        print("running", flush=True)
        count = 0
        while not asked.is_set() or count < 3:
            assert next(rounds) == first
            count += 1
        rounds.close()
    gc.collect()
    before = pa.total_allocated_bytes()
    held = [pa.allocate_buffer(size) for size in SIZES]
    print("holding", sum(b.size for b in held), before, count, flush=True)
    sys.stdin.readline()
    print("freed", flush=True)


main()

"""Three lines that leak, for tests/bench/profilers.py: one that Arrow's own threads allocate, one of small blocks, one
that grows. Writes what is true to a file, and then kills itself.

usage: profilers_workload.py TRUTH SCALE"""

import gc
import io
import json
import os
import signal
import sys
import time

import pyarrow as pa
from pyarrow import csv

from process import status_mib

held, truth, taken = [], {}, [0.0, 0.0]  # seconds by the clock, and of all threads' work


def csv_text(rows):
    lines = "".join(f"{i},{i * 7 % 1000},name-{i % 5000},{i / 3:.3f}\n" for i in range(10_000))
    return io.BytesIO(b"a,b,name,x\n" + lines.encode() * (rows // 10_000))


def load(text):
    return csv.read_csv(text)


def small(number):
    return [pa.array(range(1000)) for _ in range(number)]


def stream(mib):
    sink = pa.BufferOutputStream()
    for _ in range(mib):
        sink.write(b"x" * (1 << 20))
    return sink


def counted(function, argument):
    before = pa.total_allocated_bytes()
    start = time.perf_counter(), time.process_time()
    held.append(function(argument))
    taken[0] += time.perf_counter() - start[0]
    taken[1] += time.process_time() - start[1]
    gc.collect()
    truth[function.__name__] = pa.total_allocated_bytes() - before


if __name__ == "__main__":
    path, scale = sys.argv[1], float(sys.argv[2])
    given = csv_text(int(1_000_000 * scale))
    counted(load, given)
    counted(small, int(5000 * scale))
    counted(stream, int(64 * scale))
    with open(path, "w") as file:
        json.dump({"bytes": truth, "total": pa.total_allocated_bytes(), "seconds": taken[0],
                   "cpu_seconds": taken[1], "peak_mib": status_mib("VmHWM")}, file)
    os.kill(os.getpid(), signal.SIGKILL)

"""A stock pyarrow that grows, concatenates, writes and reads, in threads and in the child of a fork; each result is
compared with what it has to be. A request may be refused, by pyarrow's own exceptions; then all else goes on.
Prints how many steps were.  Usage: workload.py FOLDER    (for a parquet file)"""

import errno
import os
import sys
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

STEP = np.arange(1 << 17, dtype=np.int64)  # 1 MiB
refused = []


def grow():
    """A buffer by doubling, to 32 MiB and back."""
    buffer = pa.allocate_buffer(64, resizable=True)
    for shift in range(7, 26):
        before = bytes(memoryview(buffer)[:64])
        buffer.resize(1 << shift)
        view = np.frombuffer(buffer, dtype=np.uint8)
        assert shift == 7 or bytes(view[:64]) == before
        view[:: 1 << 10] = shift
        view[:64] = shift
        assert view[-(1 << 10) if shift > 10 else 0] == shift
        del view
    buffer.resize(1 << 20, shrink_to_fit=True)
    assert set(memoryview(buffer)[:: 1 << 10].tolist()) == {25}


def append():
    sink = pa.BufferOutputStream()
    for _ in range(12):
        sink.write(STEP)
    whole = np.frombuffer(sink.getvalue(), dtype=np.int64).reshape(12, -1)
    assert (whole == STEP).all()


def make_table():
    return pa.table({"number": np.arange(50_000), "name": [f"name-{i % 100}" for i in range(50_000)]})


def concatenate():
    table = make_table()
    twice = pa.concat_tables([table, table]).combine_chunks()
    assert twice.slice(0, 50_000).equals(table) and twice.slice(50_000).equals(table)


def send():
    table, sink = make_table(), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, max_chunksize=7_000)
    assert pa.ipc.open_stream(sink.getvalue()).read_all().equals(table)


def store():
    path = f"{sys.argv[1]}/{os.getpid()}-{threading.get_ident()}.parquet"
    table = make_table()
    pq.write_table(table, path)
    assert pq.read_table(path).equals(table)


def attempt(step):
    try:
        step()
    except (pa.ArrowMemoryError, MemoryError) as error:
        refused.append(error)
    except OSError as error:
        assert error.errno in (errno.ENOMEM, None), error
        refused.append(error)


def attempt_all():
    for step in (grow, append, concatenate, send, store):
        attempt(step)


attempt_all()
thread = threading.Thread(target=attempt_all)
thread.start()
thread.join()
child = os.fork()
if child == 0:
    attempt_all()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print(len(refused), "refused, 0 misaligned")

"""What a wheel is installed for: work of pyarrow, of which a hash is printed, and with `pools` the package's pools."""

import hashlib
import io
import sys

import pyarrow as pa
import pyarrow.parquet as pq


def use_pools():
    import arrowpool

    small = arrowpool.pool("small", limit="1MiB")
    try:
        pa.allocate_buffer(8 << 20, memory_pool=small)
    except pa.ArrowMemoryError as error:
        print(str(error).partition("failed: ")[2])
    kept = pa.array(range(1000), memory_pool=arrowpool.pool("app"))
    print("app", arrowpool.pool("app").bytes_allocated(), len(kept))


def work():
    total = hashlib.sha256()
    out = pa.BufferOutputStream()
    for i in range(64):
        out.write(bytes([i]) * (1 << 20))
    total.update(out.getvalue())
    rows = range(100_000)
    table = pa.table({"key": [i * 7919 % 1009 for i in rows], "value": [float(i % 977) for i in rows],
                      "text": [str(i % 5003) for i in rows]})
    sums = table.group_by("key", use_threads=False).aggregate([("value", "sum")])
    for one in sums.sort_by("key"), table.sort_by([("text", "ascending"), ("key", "ascending")]):
        sink = io.BytesIO()
        pq.write_table(one, sink)
        total.update(repr(pq.read_table(io.BytesIO(sink.getvalue())).to_pydict()).encode())
    print(total.hexdigest())


if "pools" in sys.argv:
    use_pools()
work()

"""How a program chooses its pool.  Prints nothing; the answer is in the shim's books.
Usage: choices.py operation|globally|outside"""

import sys

import pyarrow as pa

import books

SIZE = 1 << 20


def ours():
    return {row["name"]: (row["backend"], row["bytes_allocated"]) for row in books.report()["pools"]}


values = list(range(SIZE // 8))
if sys.argv[1] == "operation":
    before = ours()
    one = pa.array([1, 2, 3], memory_pool=pa.jemalloc_memory_pool())
    assert ours().pop("arrow.jemalloc")[0] == "jemalloc", ours()
    rest = {name: row for name, row in ours().items() if name != "arrow.jemalloc"}
    assert rest == before, (before, ours())
    many = pa.array(values, pa.int64(), memory_pool=pa.jemalloc_memory_pool())
    assert pa.jemalloc_memory_pool().bytes_allocated() == ours()["arrow.jemalloc"][1] >= SIZE, ours()
    assert {name: row for name, row in ours().items() if name != "arrow.jemalloc"} == before, (before, ours())
    default = pa.array(values, pa.int64())
    name = "arrow." + pa.default_memory_pool().backend_name
    assert name != "arrow.jemalloc" and ours()[name] == ("system", pa.total_allocated_bytes()), ours()
elif sys.argv[1] == "globally":
    pa.set_memory_pool(pa.jemalloc_memory_pool())
    kept = pa.array(values, pa.int64()), pa.allocate_buffer(SIZE)
    assert pa.default_memory_pool().backend_name == "jemalloc"
    assert ours()["arrow.jemalloc"] == ("jemalloc", pa.total_allocated_bytes()), ours()
    assert pa.total_allocated_bytes() >= 2 * SIZE
    pa.set_memory_pool(pa.system_memory_pool())
    kept += pa.allocate_buffer(SIZE),
    assert ours()["arrow.system"] == ("system", SIZE), ours()
else:
    kept = pa.array(values, pa.int64())
    name = "arrow." + pa.default_memory_pool().backend_name
    assert ours()[name] == ("jemalloc", pa.total_allocated_bytes()), ours()
    assert pa.total_allocated_bytes() >= SIZE

"""A pyarrow program that runs into its limit of 256 MiB, frees, and lives on. Prints what its world told it.

usage: limit.py POOL      mimalloc, jemalloc or system: the pool that allocates
"""

import sys
import threading

import pyarrow as pa

MIB = 1 << 20
LIMIT = 256 * MIB
pool = getattr(pa, sys.argv[1] + "_memory_pool")()


def refused(what):
    try:
        what()
    except pa.ArrowMemoryError as error:
        return str(error)
    raise SystemExit("nothing was refused")


buffer = pa.allocate_buffer(200 * MIB, memory_pool=pool, resizable=True)
memoryview(buffer).cast("B")[0:4] = b"kept"
print(refused(lambda: pa.allocate_buffer(57 * MIB, memory_pool=pool)))
print(refused(lambda buffer=buffer: buffer.resize(300 * MIB)))
assert buffer.size == 200 * MIB and bytes(memoryview(buffer)[0:4]) == b"kept"
buffer.resize(255 * MIB)  # the interpreter's own aligned buffers count as well, and they are small
assert bytes(memoryview(buffer)[0:4]) == b"kept"
refused(lambda: pa.allocate_buffer(MIB + 1, memory_pool=pool))
del buffer
assert sum(pa.array(range(100_000), memory_pool=pool).to_pylist()) == 4_999_950_000

# 16 threads take and give back at the edge: refused or served, never over.
seen, lock = [], threading.Lock()


def work(index):
    kept = []
    for step in range(200):
        try:
            kept.append(pa.allocate_buffer((index * 7919 + step * 104_729) % (12 * MIB) + 1, memory_pool=pool))
        except pa.ArrowMemoryError:
            kept = kept[::2]
        with lock:
            seen.append(pool.bytes_allocated())


threads = [threading.Thread(target=work, args=(i,)) for i in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert LIMIT // 2 < max(seen) <= LIMIT, max(seen)
assert pool.max_memory() <= LIMIT, pool.max_memory()
assert pool.bytes_allocated() == 0
print("lives")

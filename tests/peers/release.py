"""What release_unused is for: what was freed is resident until then.  Usage: release.py"""

import os

import pyarrow as pa

MIB = 1 << 20


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


for pool in (pa.mimalloc_memory_pool(), pa.jemalloc_memory_pool(), pa.system_memory_pool()):
    start = resident()
    kept = [pa.allocate_buffer(16 * MIB, pool) for _ in range(16)]
    for buffer in kept:
        memoryview(buffer).cast("B")[:] = b"x" * (16 * MIB)
    assert resident() - start > 240 * MIB, (start, resident())
    del kept, buffer
    idle = resident() - start
    assert idle > 200 * MIB, idle
    pool.release_unused()
    assert resident() - start < 40 * MIB, (start, resident())

"""What release_unused is for: what was freed is resident until then.  Usage: release.py"""

import pyarrow as pa

MIB = 1 << 20


def resident():
    """Exactly, which statm is not: there each processor has a count of its own, which is added now and then."""
    with open("/proc/self/smaps_rollup") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("Rss:"))


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

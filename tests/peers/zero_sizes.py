"""pyarrow counts allocations of no bytes; we, as any allocator, never see them. Here their number is known by
construction, and must be the whole difference.  Usage: zero_sizes.py jemalloc|system"""

import sys

import pyarrow as pa

import books

mode = sys.argv[1]
start = books.compare(mode) if pa.allocate_buffer(64).size else None


def difference():
    return books.compare(mode) - start


kept = [pa.allocate_buffer(size, resizable=True) for size in (1, 64, 4096, 100_000, 5_000_000)]
for buffer in kept:
    for size in (200, 70_000, 70_001, 3_000_000, 90_000, 10):
        buffer.resize(size, shrink_to_fit=True)
assert difference() == 0
empty = [pa.allocate_buffer(0, resizable=True) for _ in range(7)]
assert difference() == 7
for buffer in empty[:3]:
    buffer.resize(1000)  # from nothing: an allocation for both
assert difference() == 7
for buffer in empty[:3]:
    buffer.resize(0, shrink_to_fit=True)  # to nothing: a free for us
del kept, buffer
assert difference() == 7
assert books.ours()["bytes_allocated"] == 0 == pa.mimalloc_memory_pool().bytes_allocated()

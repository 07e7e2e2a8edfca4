"""The main job: what a program does with Arrow's memory pools, for scripts/demo.

    demo.py work FILE       do it with whatever serves pyarrow's pools; figures go to FILE
    demo.py compare FOLDER  print what the shim changed: stock.json, shim.json and stats.json of FOLDER
    demo.py warm-up         touch memory, so that the next process does not pay for a cold machine
"""

import json
import mmap
import os
import resource
import sys
import time

MIB = 1 << 20


def available_bytes():
    with open("/proc/meminfo") as lines:
        fields = dict(line.split(":") for line in lines)
    return int(fields["MemAvailable"].split()[0]) * 1024


def warm_up():
    size = min(3 << 30, available_bytes() // 2)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    for page in range(0, size, mmap.PAGESIZE):
        memory[page] = 1


def timed(work):
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def grow_buffer(pa, size, pool):
    """A buffer that grows by half each time, written as it grows, as a column builder does it."""
    chunk = bytes(MIB)
    buffer = pa.allocate_buffer(64 * 1024, memory_pool=pool, resizable=True)
    written = 0
    while written < size:
        buffer.resize(min(size, max(written + MIB, buffer.size * 3 // 2)))
        view = memoryview(buffer).cast("B")
        while written < buffer.size:
            part = min(MIB, buffer.size - written)
            view[written : written + part] = chunk[:part]
            written += part
        del view
    return buffer


def append_to_stream(pa, size, pool):
    """A table written into memory piece by piece: the buffer underneath grows all the time."""
    chunk = bytes(MIB)
    stream = pa.BufferOutputStream(memory_pool=pool)
    for _ in range(size // MIB):
        stream.write(chunk)
    return stream.getvalue()


def work(path):
    import pyarrow as pa

    size = 1 << 30 if available_bytes() > 6 << 30 else 256 * MIB
    start_pool = pa.default_memory_pool()
    # One operation with a pool of its own; then all operations; then back.
    explicit_pool = pa.jemalloc_memory_pool()
    array = pa.array(range(1_000_000), memory_pool=explicit_pool)
    pa.set_memory_pool(explicit_pool)
    doubled = pa.array([2 * value for value in range(1_000_000)])
    pa.set_memory_pool(start_pool)
    buffer, grow_seconds = timed(lambda: grow_buffer(pa, size, start_pool))
    del buffer
    start_pool.release_unused()
    stream, stream_seconds = timed(lambda: append_to_stream(pa, size, start_pool))
    assert array.nbytes == doubled.nbytes and stream.size == size
    figures = {
        "pyarrow": pa.__version__,
        "backend": start_pool.backend_name,
        "size": size,
        "grow_seconds": grow_seconds,
        "stream_seconds": stream_seconds,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "max_memory": start_pool.max_memory(),
    }
    with open(path, "w") as out:
        json.dump(figures, out)


def mib(size):
    return f"{size / MIB:,.0f} MiB"


def read(path):
    with open(path) as file:
        return json.load(file)


def compare(folder):
    stock, shim, stats = (read(os.path.join(folder, name + ".json")) for name in ("stock", "shim", "stats"))
    pools = stats["pools"]

    def total(field):
        return sum(pool[field] or 0 for pool in pools)

    print(f"\npyarrow {stock['pyarrow']}, its default pool ({stock['backend']}) and the same under the shim\n")
    print(f"{'':44}{'stock':>12}{'shim':>12}{'ratio':>8}")
    rows = [
        (f"a buffer grown to {mib(stock['size'])} by halves (ms)", "grow_seconds", 1000),
        (f"a stream appended to {mib(stock['size'])} by 1 MiB (ms)", "stream_seconds", 1000),
        ("peak RSS of the process (MiB)", "peak_rss", 1 / MIB),
    ]
    for title, field, factor in rows:
        before, after = stock[field] * factor, shim[field] * factor
        print(f"{title:44}{before:12,.0f}{after:12,.0f}{after / before:8.2f}")
    print(f"\n{total('num_reallocations'):,} reallocations: {total('reallocs_in_place'):,} in place, "
          f"{total('reallocs_remapped'):,} by moving pages, {total('reallocs_copied'):,} copied")
    print(f"bytes that were not copied: {mib(total('bytes_grown_in_place') + total('bytes_remapped'))}; "
          f"copied: {mib(total('bytes_copied'))}\n")
    print(f"{'pool':18}{'peak':>14}{'total':>14}{'allocs':>9}{'reallocs':>10}{'in place':>10}{'copied':>8}")
    for pool in pools:
        print(f"{pool['name']:18}{mib(pool['max_memory'] or 0):>14}{mib(pool['total_bytes_allocated']):>14}"
              f"{pool['num_allocations']:9,}{pool['num_reallocations'] or 0:10,}"
              f"{pool['reallocs_in_place'] or 0:10,}{pool['reallocs_copied'] or 0:8,}")


if __name__ == "__main__":
    command = sys.argv[1:]
    if command[:1] == ["work"] and len(command) == 2:
        work(command[1])
    elif command[:1] == ["compare"] and len(command) == 2:
        compare(command[1])
    elif command == ["warm-up"]:
        warm_up()
    else:
        sys.exit(__doc__)

"""The main job: what a program does with Arrow's memory pools, for scripts/demo.

    demo.py work FILE       do it with whatever serves pyarrow's pools; figures go to FILE
    demo.py data FOLDER     make a dataset
    demo.py read FOLDER     read it likewise; print what is resident 2 s later (bytes)
    demo.py compare FOLDER  print what the shim changed: stock.N.json, shim.N.json and stats.N.json of FOLDER, and what
                            was printed of reading: stock.N.read and shim.N.read
    demo.py warm-up         touch memory, so that who comes next does not pay for a cold machine; print what a GiB takes
                            now (seconds)
"""

import glob
import json
import mmap
import os
import resource
import statistics
import subprocess
import sys
import time

MIB = 1 << 20


def available_bytes():
    with open("/proc/meminfo") as lines:
        fields = dict(line.split(":") for line in lines)
    return int(fields["MemAvailable"].split()[0]) * 1024


def touch(size):
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        if hasattr(memory, "madvise"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        for page in range(0, size, mmap.PAGESIZE):
            memory[page] = 1


def warm_up():
    """Pages that the machine has not handed out lately are slow to get, whoever asks: a second time tells whether they
    are so still."""
    touch(min(3 << 30, available_bytes() // 2))
    print(timed(lambda: touch(512 * MIB))[1] * 2)


def warmed_up():
    """Right before what is timed, by a process of its own, which adds nothing to the peak of ours."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    command = [sys.executable, __file__, "warm-up"]
    return float(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


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


def resident_bytes():
    with open("/proc/self/statm") as line:
        return int(line.read().split()[1]) * mmap.PAGESIZE


def make_dataset(path):
    import pyarrow as pa
    import pyarrow.parquet

    rows = 1_000_000
    table = pa.table({f"c{i}": pa.array(range(i, rows + i)) for i in range(10)})
    for part in range(4):
        pa.parquet.write_table(table.slice(part * rows // 4, rows // 4), os.path.join(path, f"{part}.parquet"))


def read_dataset(path):
    """Again and again, keeping nothing."""
    import pyarrow.dataset

    for _ in range(8):
        assert pyarrow.dataset.dataset(path).to_table().num_rows == 1_000_000
    time.sleep(2)
    print(resident_bytes())


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
    warm_seconds = warmed_up()
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
        "warm_seconds": warm_seconds,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    with open(path, "w") as out:
        json.dump(figures, out)


def mib(size):
    return f"{size / MIB:,.0f} MiB"


def read(path):
    with open(path) as file:
        return json.load(file)


def spread(values):
    """The median, and how far the others are."""
    values = sorted(values)
    return f"{values[len(values) // 2]:,.0f} ({values[0]:,.0f}-{values[-1]:,.0f})"


def doubts(rows, warm):
    """What speaks against the times: memory that was slow to get now and then, and processes of both sides alike."""
    if max(warm) > 1.5 * min(warm):
        milliseconds = f"{min(warm) * 1000:,.0f} to {max(warm) * 1000:,.0f} ms"
        yield (f"A GiB of memory took {milliseconds} to get, right before what is timed: this machine is cold or busy, "
               "and the times tell of that as well. Run it again.")
    for title, before, after in rows:
        if max(before) >= min(after) and max(after) >= min(before):
            yield f"{title}: the processes of the two overlap, so these times show no difference."


def compare(folder):
    stock, shim, stats = ([read(file) for file in sorted(glob.glob(os.path.join(folder, name + ".*.json")))]
                          for name in ("stock", "shim", "stats"))
    first, pools = stock[0], stats[-1]["pools"]
    for side, name in ((stock, "stock"), (shim, "shim")):
        for number, figures in enumerate(side, 1):
            figures["after_reading"] = read(os.path.join(folder, f"{name}.{number}.read"))

    def total(field):
        return sum(pool[field] or 0 for pool in pools)

    print(f"\npyarrow {first['pyarrow']}, its default pool ({first['backend']}) and the same under the shim: median "
          f"(lowest-highest) of {len(stock)} processes each\n")
    print(f"{'':52}{'stock':>22}{'shim':>22}{'ratio':>7}")
    rows = [
        (f"a buffer grown to {mib(first['size'])} by halves (ms)", "grow_seconds", 1000),
        (f"a stream appended to {mib(first['size'])} by 1 MiB (ms)", "stream_seconds", 1000),
        ("peak of resident memory (MiB)", "peak_rss", 1 / MIB),
        ("resident 2 s after a dataset was read 8 times (MiB)", "after_reading", 1 / MIB),
    ]
    timed_rows = []
    for title, field, factor in rows:
        before, after = ([figures[field] * factor for figures in side] for side in (stock, shim))
        ratio = statistics.median(after) / statistics.median(before)
        if field.endswith("seconds"):
            timed_rows.append((title, before, after))
        print(f"{title:52}{spread(before):>22}{spread(after):>22}{ratio:7.2f}")
    for doubt in doubts(timed_rows, [figures["warm_seconds"] for figures in stock + shim]):
        print(doubt)
    print("\nof the last process:", end="")
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
    if command[:1] == ["data"] and len(command) == 2:
        make_dataset(command[1])
    elif command[:1] == ["read"] and len(command) == 2:
        read_dataset(command[1])
    elif command[:1] == ["work"] and len(command) == 2:
        work(command[1])
    elif command[:1] == ["compare"] and len(command) == 2:
        compare(command[1])
    elif command == ["warm-up"]:
        warm_up()
    else:
        sys.exit(__doc__)

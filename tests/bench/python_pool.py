"""What a pool made from Python costs: the same operations with arrowpool.pool() and with the wheel's own default
pool, in one process, in turn, after a warm-up. Ends with status 1 if a goal is missed.

usage: python_pool.py [--repeats N] [--docs FILE]
"""

import argparse
import os
import statistics
import sys
import time

import arrowpool
import pyarrow as pa

MIB = 1 << 20
CHUNK = b"\x5a" * MIB  # not zeros: those would be read from one page that stays in the CPU's cache
GROWN, APPENDED = 512 * MIB, 256 * MIB
SMALL = [list(range(n, n + 20)) for n in range(100)]


def grow(pool):
    """By doubling, as builders do; each new half is written."""
    buffer = pa.allocate_buffer(64 << 10, pool, resizable=True)
    filled = 0
    while True:
        view = memoryview(buffer).cast("B")
        for start in range(filled, buffer.size, MIB):
            end = min(start + MIB, buffer.size)
            view[start:end] = CHUNK[:end - start]
        filled = buffer.size
        view.release()
        if filled == GROWN:
            return
        buffer.resize(2 * filled)


def append(pool):
    stream = pa.BufferOutputStream(pool)
    for _ in range(APPENDED // MIB):
        stream.write(CHUNK)
    assert stream.getvalue().size == APPENDED


def small(pool):
    kept = [pa.array(values, memory_pool=pool) for values in SMALL]
    assert len(kept) == len(SMALL)


# What is measured, how many measurements for each that was asked for, and the most that the ratio may be.
CASES = {
    "a buffer doubled from 64 KiB to 512 MiB by resize, and written": (grow, 1, 1.0),
    "a BufferOutputStream appended to 256 MiB by 1 MiB": (append, 1, 1.0),
    "100 arrays of 20 numbers by pa.array": (small, 40, 1.1),
}


def measure(case, pool):
    start = time.perf_counter()
    case(pool)
    return (time.perf_counter() - start) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--docs", metavar="FILE")
    options = parser.parse_args()
    default, ours, missed = pa.default_memory_pool(), arrowpool.pool("bench"), []
    when = (f"pyarrow {pa.__version__}, whose default pool is {default.backend_name}; "
            f"medians of {options.repeats} or more, in turn, after a warm-up.")
    lines = [when, "", "| operation | default pool (ms) | arrowpool.pool() (ms) | ratio | goal |",
             "|---|---:|---:|---:|---:|"]
    for name, (case, times, most) in CASES.items():
        measure(case, default), measure(case, ours)
        pairs = [(measure(case, default), measure(case, ours)) for _ in range(options.repeats * times)]
        theirs, own = (statistics.median(column) for column in zip(*pairs, strict=False))
        lines.append(f"| {name} | {theirs:.2f} | {own:.2f} | {own / theirs:.2f} | {most:.1f} |")
        if own / theirs > most:
            missed.append(f"{name}: {own / theirs:.2f}, wanted at most {most}")
    print("\n".join(lines))
    if options.docs:
        import document

        with open(options.docs) as file:
            former = file.read()
        with open(options.docs, "w") as file:
            file.write(document.replace(former, "cost", "\n".join(lines)))
    sys.exit("\n".join(missed) or 0)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()

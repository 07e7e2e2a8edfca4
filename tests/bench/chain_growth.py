"""One growing pyarrow buffer in system mode, with each of the allocators that may stand behind the shim: a table of
time, of how the growths were served, and of memory. Puts it into docs/use/allocators.md, or prints it.

usage: chain_growth.py [--repeats N] [--docs FILE]     (environment: ARROWPOOL_BUILD, ARROWPOOL_PYTHON)
       chain_growth.py grow                            one run, in the pyarrow of the Python that runs it
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import document

MIB = 1 << 20
FROM, STEPS = 64 << 10, 22  # by half each: 467 MiB
SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", SOURCE / "build"))
PYTHON = os.environ.get("ARROWPOOL_PYTHON", str(SOURCE / ".venv/bin/python"))

# name, mode (None: a stock pyarrow), what is preloaded behind the shim, variables
CHAINS = [
    ("glibc", "system", None, {}),
    ("glibc, glibc.malloc.hugetlb=1", "system", None, {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    ("tcmalloc 2.10", "system", "libtcmalloc_minimal.so.4", {}),
    ("mimalloc 2.0.9", "system", "libmimalloc.so.2.0", {}),
    ("jemalloc 5.3.0", "system", "libjemalloc.so.2", {}),
    ("ours (`ARROW_POOL=jemalloc`)", "jemalloc", None, {}),
    ("stock pyarrow, its mimalloc", None, None, {}),
]


def grow():
    """Each new byte is written once, and all are right in the end."""
    import time

    import pyarrow as pa

    chunk = bytes([0x5A]) * MIB
    size = old = FROM
    start = time.perf_counter()
    buffer = pa.allocate_buffer(size, resizable=True)
    memoryview(buffer).cast("B")[:] = chunk[:size]
    for _ in range(STEPS):
        old, size = size, size * 3 // 2
        buffer.resize(size)
        view = memoryview(buffer).cast("B")
        for at in range(old, size, MIB):
            end = min(at + MIB, size)
            view[at:end] = chunk[: end - at]
    seconds = time.perf_counter() - start
    view = memoryview(buffer).cast("B")
    assert all(view[at : at + 16] == chunk[:16] for at in range(0, size - 16, 4093 * 16))
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
    print(json.dumps({"seconds": seconds, "peak": peak}))


def run(chain, folder):
    _, mode, behind, variables = chain
    dump = os.path.join(folder, "dump.json")
    environment = {**os.environ, **variables}
    if mode:
        shim = str(BUILD / "shim/libarrowpool_preload.so")
        environment |= {"LD_PRELOAD": f"{shim}:{behind}" if behind else shim, "ARROW_POOL": mode,
                        "ARROW_POOL_STATS": dump}
    subprocess.run([BUILD / "tests/bench/bench_warm", "2048"], check=True)
    done = subprocess.run([PYTHON, __file__, "grow"], env=environment, check=True, capture_output=True, text=True)
    if "cannot be preloaded" in done.stderr:
        return None
    result = json.loads(done.stdout)
    if mode:
        with open(dump) as file:
            [result["pool"]] = [p for p in json.load(file)["pools"] if p["name"].startswith("arrow.")]
        os.unlink(dump)
    return result


def row(name, runs, fastest):
    seconds = [r["seconds"] for r in runs]
    pool = runs[0].get("pool")
    counts = [pool[f"reallocs_{how}"] for how in ("in_place", "remapped", "copied")] if pool else ["?"] * 3
    peak = statistics.median(r["peak"] for r in runs)
    return (f"| {name} | {min(seconds) / fastest:.2f} | {statistics.median(seconds) / fastest:.2f} | "
            f"{' | '.join(map(str, counts))} | {peak / MIB:,.0f} |")


def table(results):
    fastest = min(r["seconds"] for r in results[CHAINS[0][0]])
    lines = [("| what serves the buffer | time, best | time, median | in place | pages moved | copied "
              "| peak RSS, MiB |"),
             "|---|---|---|---|---|---|---|"]
    lines += [row(name, runs, fastest) for name, runs in results.items()]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--docs", type=pathlib.Path, help="the document to put the table in")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeats):  # interleaved: all share what the machine does besides
            for chain in CHAINS:
                result = run(chain, folder)
                if result:
                    results.setdefault(chain[0], []).append(result)
    text = table(results)
    if options.docs:
        options.docs.write_text(document.replace(options.docs.read_text(), "growth", text))
    print(text)


if __name__ == "__main__":
    grow() if sys.argv[1:] == ["grow"] else main()

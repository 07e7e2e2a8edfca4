"""Dumps of a whole fleet, made from a few real ones: those of programs that run under the shim now.

usage: dumps.py DIRECTORY COUNT [--layout files|jsonl] [--seed N] [--earlier SHARE]

COUNT processes of COUNT / PER_HOST hosts. In the layout `files` each has a .json file in its host's directory, as
ARROW_POOL_STATS=/DIRECTORY/%h/%e.%p.%t.json leaves it; in `jsonl` each host has one file with a line for each. Of a
SHARE of the processes there is an earlier dump as well, which must not count. The same seed gives the same
figures for the same real dumps: theirs, times a number from 1 to MOST.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", ROOT / "build"))
SHIM = os.environ.get("SHIM", str(BUILD / "shim/libarrowpool_preload.so"))
PER_HOST = 500
MOST = 1000
PROGRAMS = ("python3", "dask-worker", "ray_worker", "etl", "flight-server", "späte \"schicht\"")

# Variables of the shim, and a program. Between them: pools of either backend, what is not known (null), growth in each
# of its ways, requests that failed, a limit, buffers that a fork inherited, and pools that are never freed.
WORKLOADS = (
    ({"ARROW_POOL": "jemalloc"}, """
import ctypes, pyarrow as pa
ctypes.CDLL(None).aligned_alloc(64, ctypes.c_size_t(1 << 20))
a = pa.array(range(300000))
keep = pa.concat_arrays([a, a])
"""),
    ({"ARROW_POOL": "system"}, """
import ctypes, pyarrow as pa
ctypes.CDLL(None).aligned_alloc(64, ctypes.c_size_t(1 << 20))
stream = pa.BufferOutputStream(memory_pool=pa.jemalloc_memory_pool())
for _ in range(40):
    stream.write(bytes(1 << 18))
"""),
    ({"ARROW_POOL": "jemalloc", "ARROW_POOL_LIMIT": "64M"}, """
import pyarrow as pa
buffer = pa.allocate_buffer(1 << 20, resizable=True)
for shift in range(21, 26):
    buffer.resize(1 << shift)
try:
    pa.allocate_buffer(1 << 30)
except pa.ArrowMemoryError:
    pass
"""),
    ({"ARROW_POOL": "jemalloc"}, """
import os, pyarrow as pa
keep = pa.array(range(50000))
if os.fork() == 0:
    more = pa.array(range(70000))
    del more
else:
    os.wait()
"""),
)


def real():
    """The dumps of the workloads, in an order that does not depend on process numbers."""
    dumps = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (variables, program) in enumerate(WORKLOADS):
            environment = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_")}
            environment |= {"LD_PRELOAD": SHIM, "ARROW_POOL_STATS": f"{folder}/{number}.%p.json",
                            "ARROW_POOL_LOG": "quiet", **variables}
            subprocess.run([sys.executable, "-I", "-c", program], env=environment, check=True)
            files = pathlib.Path(folder).glob(f"{number}.*.json")
            dumps += sorted((json.loads(file.read_text()) for file in files),
                            key=lambda dump: dump["process"]["start_time"])
    pools = [pool for dump in dumps for pool in dump["pools"]]
    assert len(dumps) == len(WORKLOADS) + 1
    assert any(pool["max_memory"] is None for pool in pools), "nothing is unknown"
    for field in ("num_failed", "num_reallocations", "inherited_bytes", "bytes_allocated"):
        assert any(pool[field] for pool in pools), f"no {field}"
    return dumps


def scaled(value, factor):
    return value if value is None else value * factor


def scaled_pool(pool, factor):
    out = {field: scaled(value, factor) if isinstance(value, int) else value for field, value in pool.items()}
    for histogram in ("size_histogram", "live_histogram"):
        if pool[histogram] is not None:
            out[histogram] = [{**bucket, "count": bucket["count"] * factor} for bucket in pool[histogram]]
    return out


def make(originals, count, seed=1):
    """One dump after the other, each of another process; those of one host in a row."""
    chance = random.Random(seed)
    pids = {}
    for number in range(count):
        original, factor = originals[chance.randrange(len(originals))], chance.randint(1, MOST)
        host = f"node-{number // PER_HOST:05}"
        start = 1_700_000_000_000 + chance.randrange(86_400_000)
        pid = chance.randint(300, 4_194_303)
        # Numbers come back on real hosts, at another time: so do they here, once in a while.
        if number % 10 == 9 and pids.get("host") == host:
            pid, start = pids["pid"], pids["start"] + 1
        pids = {"host": host, "pid": pid, "start": start}
        process = {field: scaled(value, factor) if isinstance(value, int) else value
                   for field, value in original["process"].items()}
        process |= {"pid": pid, "host": host, "program": PROGRAMS[chance.randrange(len(PROGRAMS))],
                    "start_time": start / 1000, "time": (start + chance.randrange(1, 3_600_000)) / 1000}
        yield {**original, "process": process,
               "pools": [scaled_pool(pool, factor) for pool in original["pools"]]}


def earlier(dump):
    """What the same process said before it made half of its allocations."""
    pools = [{field: value // 2 if isinstance(value, int) else value for field, value in pool.items()}
             for pool in dump["pools"]]
    return {**dump, "process": {**dump["process"], "time": dump["process"]["start_time"]}, "pools": pools}


def text(dump):
    return json.dumps(dump, separators=(",", ":"), ensure_ascii=False) + "\n"


def write(folder, dumps, layout, share=0.0, seed=1):
    """Number of files and of bytes."""
    chance = random.Random(seed + 1)
    files, size, out, host = 0, 0, None, None
    for number, dump in enumerate(dumps):
        process = dump["process"]
        texts = [text(dump)]
        if chance.random() < share:
            texts.insert(chance.randrange(2), text(earlier(dump)))
        if process["host"] != host:
            host = process["host"]
            (folder / host).mkdir(parents=True)
            if layout == "jsonl":
                if out:
                    out.close()
                out = open(folder / host / "pools.jsonl", "w", encoding="utf-8")  # noqa: SIM115 # until the next host
                files += 1
        for part, line in enumerate(texts):
            size += len(line.encode())
            if layout == "jsonl":
                out.write(line)
                continue
            with open(folder / host / f"{number}.{part}.json", "w", encoding="utf-8") as file:
                file.write(line)
            files += 1
    if out:
        out.close()
    return files, size


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--layout", choices=("files", "jsonl"), default="files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--earlier", type=float, default=0.0)
    chosen = parser.parse_args()
    files, size = write(chosen.directory, make(real(), chosen.count, chosen.seed), chosen.layout, chosen.earlier,
                        chosen.seed)
    print(f"{chosen.count:,} processes in {files:,} files, {size:,} bytes")


if __name__ == "__main__":
    main()

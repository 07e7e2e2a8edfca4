"""Kill a probe in the middle of its work, over and over, and compare its live file with its own log.

live.py PROBE SHIM CLI TIMES

probe_live.c's `witness` numbers its operations and says which it began and which it finished. Each figure must be
that of one of these two, since the process was killed somewhere in between."""

import glob
import json
import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys

FIELDS = ("total_bytes_allocated", "num_allocations", "num_reallocations", "num_frees", "bytes_allocated")
sizes = []  # of each round
totals = [0]  # before each round


def state(operations):
    """The figures after so many operations."""
    rounds, rest = divmod(operations, 3)
    while len(sizes) <= rounds:
        sizes.append(1000 + len(sizes) * 7919 % 300000)
        totals.append(totals[-1] + 2 * sizes[-1])
    live = sizes[rounds] * rest
    figures = totals[rounds] + live, 2 * rounds + rest, rounds + (rest == 2), rounds, live
    return dict(zip(FIELDS, figures))


def compare(shown, done, begun):
    assert done <= begun <= done + 1, (done, begun)
    before, after = state(done), state(begun)
    [pool] = [p for p in shown["pools"] if p["name"] == "libc"]
    for field in FIELDS:
        assert pool[field] in (before[field], after[field]), (field, pool[field], before, after)
    assert sum(bucket["count"] for bucket in pool["size_histogram"]) == pool["num_allocations"], pool


def kill_one(probe, shim, cli, ready):
    """Start it, kill it as soon as `ready`, given the operations that it has done, says so, and look at its file."""
    environment = dict(os.environ, LD_PRELOAD=shim, ARROW_POOL="jemalloc", ARROW_POOL_LIVE=os.path.abspath("killed"))
    with open("log", "wb") as log:
        log.truncate(4096)
    with open("log", "r+b") as log, mmap.mmap(log.fileno(), 4096) as words:
        process = subprocess.Popen([probe, "witness", "log"], env=environment)
        while not ready(struct.unpack_from("=Q", words)[0]):
            assert process.poll() is None, process.returncode
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        done, begun = struct.unpack_from("=QQ", words)
    [path] = glob.glob(f"killed/arrowpool-{process.pid}-*.live")
    text = subprocess.run([cli, "show", path], capture_output=True, text=True, check=True).stdout
    assert text.startswith(f"gone: {probe} witness log\n"), text
    shown = subprocess.run([cli, "show", "--format=json", path], capture_output=True, check=True).stdout
    compare(json.loads(shown), done, begun)
    shutil.rmtree("killed")


if __name__ == "__main__":
    for i in range(1, int(sys.argv[4]) + 1):
        kill_one(*sys.argv[1:4], lambda done, enough=i * 37: done >= enough)

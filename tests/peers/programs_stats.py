"""Reads the dumps that one program left, all its processes' together, and says how many aligned allocations of
libc were served; ends with a message where a figure cannot be right.

usage: programs_stats.py FOLDER jemalloc|system
"""

import json
import pathlib
import sys


def check(pool, mode):
    """What holds for every pool libc. Its histogram tells a lower bound of the bytes, which have to be no fewer."""
    counted = {bucket["from_bytes"]: bucket["count"] for bucket in pool["size_histogram"]}
    lowest = sum(size * count for size, count in counted.items())
    assert pool["backend"] == mode
    assert pool["num_failed"] == 0 == pool["num_fallbacks"]
    assert 1 <= sum(counted.values()) <= pool["num_allocations"]
    assert lowest <= pool["total_bytes_allocated"]
    if mode == "system":
        assert pool["bytes_allocated"] is pool["max_memory"] is pool["num_frees"] is None
        return
    live = pool["bytes_allocated"]
    assert 0 <= live <= pool["max_memory"] <= pool["inherited_bytes"] + pool["total_bytes_allocated"]
    kinds = ("reallocs_in_place", "reallocs_remapped", "reallocs_copied")
    assert sum(pool[kind] for kind in kinds) == pool["num_reallocations"]
    if not pool["inherited_bytes"]:
        assert pool["num_frees"] <= pool["num_allocations"]


def served(folder, mode):
    """Calls and bytes; none where no process used a pool, since such a process leaves no dump."""
    calls = size = 0
    for file in sorted(pathlib.Path(folder).iterdir()):
        dump = json.loads(file.read_bytes())
        for pool in dump["pools"]:
            if pool["name"] != "libc" or not pool["num_allocations"]:
                continue
            try:
                check(pool, mode)
            except AssertionError as wrong:
                where = f"{dump['process']['program']}, line {wrong.__traceback__.tb_lineno}"
                raise SystemExit(f"{where}: {pool}") from None
            calls += pool["num_allocations"]
            size += pool["total_bytes_allocated"]
    return calls, size


if __name__ == "__main__":
    print(*served(*sys.argv[1:]))

"""The books of one process, read while its buffers live: ours, the witness's (witness.c) and pyarrow's."""

import ctypes
import json
import time

import pyarrow as pa

WITNESS_FIELDS = ["live_bytes", "live_buffers", "total_bytes", "allocations", "growths", "reallocations", "frees",
                  "misaligned"]
process = ctypes.CDLL(None)
# Where nothing is preloaded, the library is in nobody's view; it is asked for by its name.
library = process if hasattr(process, "arrowpool_report") else None


def witness():
    figures = (ctypes.c_int64 * len(WITNESS_FIELDS))()
    process.witness_read(figures)
    return dict(zip(WITNESS_FIELDS, figures, strict=True))


def report():
    """The shim's own report, through its C API."""
    pieces = []
    write = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t)
    collect = write(lambda _, text, size: pieces.append(text[:size]) or 0)
    assert (library or ctypes.CDLL("libarrowpool.so.0")).arrowpool_report(1, collect, None) == 0
    return json.loads(b"".join(pieces))


def ours(name="arrow.mimalloc"):
    pools = [p for p in report()["pools"] if p["name"] == name]
    assert len(pools) == 1, pools
    return pools[0]


def pyarrows():
    pool = pa.mimalloc_memory_pool()
    return {"bytes_allocated": pool.bytes_allocated(), "max_memory": pool.max_memory(),
            "total_bytes_allocated": pool.total_bytes_allocated(), "num_allocations": pool.num_allocations()}


def read():
    """All three, of one moment: Arrow's threads may still be letting go of something, so read until nothing
    moved in between."""
    for _ in range(12_000):
        before = witness(), pyarrows()
        mine = ours()
        if (witness(), pyarrows()) == before:
            return mine, *before
        time.sleep(0.01)
    raise AssertionError("the process never came to rest")


def compare(mode):
    """Check the three against each other; returns how many allocations only pyarrow counted."""
    mine, seen, theirs = read()
    print(json.dumps({"ours": mine, "witness": seen, "pyarrow": theirs}))
    assert mine["backend"] == mode and mine["num_failed"] == mine["inherited_bytes"] == 0, mine
    assert seen["misaligned"] == 0 and seen["live_bytes"] == theirs["bytes_allocated"], (seen, theirs)
    assert seen["total_bytes"] == theirs["total_bytes_allocated"], (seen, theirs)
    assert mine["num_reallocations"] == seen["reallocations"], (mine, seen)
    assert mine["num_frees"] == seen["frees"], (mine, seen)
    assert seen["allocations"] - seen["frees"] == seen["live_buffers"], seen
    histogram = sum(bucket["count"] for bucket in mine["size_histogram"])
    assert histogram == mine["num_allocations"], (histogram, mine)
    reallocs = [mine["reallocs_" + how] for how in ("in_place", "remapped", "copied")]
    assert sum(reallocs) == mine["num_reallocations"], mine
    events = seen["allocations"] + seen["growths"]
    if mode == "jemalloc":
        assert mine["size_basis"] == "requested", mine
        assert mine["bytes_allocated"] == seen["live_bytes"], (mine, seen)
        assert mine["total_bytes_allocated"] == seen["total_bytes"], (mine, seen)
        assert mine["num_allocations"] == events, (mine, seen)
        # Peaks: ours may miss what threads had not yet published, 256 KiB each.
        slack = 64 * 256 * 1024
        assert abs(mine["max_memory"] - theirs["max_memory"]) <= slack, (mine, theirs)
    else:  # sizes as glibc rounds them: up, by at most a page and a header
        assert mine["size_basis"] == "usable", mine
        rounding = mine["bytes_allocated"] - seen["live_bytes"]
        assert 0 <= rounding <= seen["live_buffers"] * 4200, (rounding, seen)
        assert mine["max_memory"] >= mine["bytes_allocated"]
        assert seen["allocations"] <= mine["num_allocations"] <= events, (mine, seen)
    return theirs["num_allocations"] - events

"""What a pool of pyarrow's says of itself, and what the shim says of it, for matrix.py."""

import ctypes
import sys

import pyarrow as pa

import books

pool = pa.default_memory_pool()
mode = None
libc_before = None


def in_cxx(slot):
    """A figure that libarrow 12 to 17 keep, but Python does not show: its place in the table is known."""
    library = ctypes.CDLL(pa.lib.__file__)
    find = library["_ZN5arrow19default_memory_poolEv"]
    find.restype = ctypes.c_void_p
    at = find()
    table = ctypes.cast(at, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))[0]
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(table[slot])(at)


def pyarrows():
    """None: this version does not count it."""
    major = int(pa.__version__.split(".")[0])
    if hasattr(pool, "num_allocations"):
        rest = pool.total_bytes_allocated(), pool.num_allocations()
    elif 12 <= major <= 17:
        rest = in_cxx(8), in_cxx(9)
    else:
        rest = None, None
    return dict(zip(("bytes_allocated", "max_memory", "total_bytes_allocated", "num_allocations"),
                    (pool.bytes_allocated(), pool.max_memory(), *rest), strict=True))


def rows():
    return {row["name"]: row for row in books.report()["pools"]}


def libc_total():
    row = rows().get("libc", {"num_allocations": 0, "total_bytes_allocated": 0})
    return row["num_allocations"], row["total_bytes_allocated"]


def zero_sizes():
    """How many allocations only pyarrow counted so far; None without the shim, or where it does not count."""
    theirs = pyarrows()["num_allocations"]
    return None if mode is None or theirs is None else theirs - rows()["arrow." + pool.backend_name]["num_allocations"]


def compare(theirs, fields):
    ours = rows()["arrow." + pool.backend_name]
    assert ours["backend"] == mode and ours["size_basis"] == "requested", ours
    assert ours["num_failed"] == ours["num_fallbacks"] == ours["inherited_bytes"] == 0, ours
    for field in fields:
        # Equal totals also say that what went past us was of no bytes.
        assert theirs[field] in (None, ours[field]), (field, theirs, ours)
    assert sum(bucket["count"] for bucket in ours["size_histogram"]) == ours["num_allocations"], ours
    assert zero_sizes() is None or zero_sizes() >= 0, (theirs, ours)
    others = [name for name in rows() if name not in ("libc", "arrow." + pool.backend_name)]
    assert not others, others
    assert libc_total() == libc_before, (libc_total(), libc_before)


def start(expected):
    global mode, libc_before  # noqa: PLW0603 - what the whole run is compared with, set once
    mode = expected
    pa.allocate_buffer(64)
    if mode:
        libc_before = libc_total()


def note(step, result="", fields=("bytes_allocated", "max_memory", "total_bytes_allocated", "num_allocations")):
    """Print what pyarrow says, for the comparison with another run; compare it to what the shim says."""
    theirs = pyarrows()
    print(step, result, *(theirs[field] for field in fields))
    if mode:
        compare(theirs, [field for field in fields if field != "num_allocations"])
        print(step, rows()["arrow." + pool.backend_name], file=sys.stderr)


def note_totals(step, result):
    note(step, result, ("total_bytes_allocated", "num_allocations"))

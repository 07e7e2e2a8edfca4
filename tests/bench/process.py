"""What a measured process says of itself: its memory by the kernel, and whether arrowpool has served it."""

import ctypes
import json

SETTLE_SECONDS = 2  # an allocator that gives idle memory back has done so by then


def status_mib(field):
    with open("/proc/self/status") as lines:
        fields = dict(line.split(":", 1) for line in lines)
    return int(fields[field].split()[0]) / 1024


def reset_peak():
    """From here on VmHWM is the peak."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def served_by_arrowpool():
    """Bytes that our jemalloc served, from the shim's own report; None without the shim."""
    process = ctypes.CDLL(None)
    if not hasattr(process, "arrowpool_report"):
        return None
    pieces = []
    receive = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
    as_json = 1
    process.arrowpool_report(as_json, receive(lambda _, text, size: pieces.append(ctypes.string_at(text, size)) or 0),
                             None)
    return sum(pool["total_bytes_allocated"] or 0 for pool in json.loads(b"".join(pieces))["pools"]
               if pool["backend"] == "jemalloc")

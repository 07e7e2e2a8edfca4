"""Reads the frames of whoever calls P() by the probe (probe_frames.c), and compares them with Python's own.

P and L have no frame of their own: P reads all frames, L the innermost 64. What they read is compared at once, before
anything else can read: so garbage is not collected by itself. The first word of the command line is the
probe, and a last word "held" has it called with the GIL, which it is otherwise without."""

import ctypes
import functools
import gc
import struct
import sys

FILE_BYTES, FUNCTION_BYTES = 512, 256  # PYTHON_FILE_BYTES, PYTHON_FUNCTION_BYTES
MOST = 2048
INNERMOST = 64

probe = ctypes.CDLL(sys.argv[1])
for name in "probe_walk", "probe_count", "probe_in_thread":
    getattr(probe, name).restype = ctypes.c_long
probe.probe_count.argtypes = (ctypes.c_long,)
probe.probe_text_has.argtypes = (ctypes.c_uint64,)

walk = (ctypes.PyDLL(sys.argv[1]) if sys.argv[-1] == "held" else probe).probe_walk
walk.restype = ctypes.c_long
walk.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t
room = ctypes.create_string_buffer(MOST * 1024)
P = functools.partial(walk, room, len(room), MOST)
L = functools.partial(walk, room, len(room), INNERMOST)
F = sys._getframe
gc.disable()

failures = []
compared = []  # for each comparison how many frames were read
seen = {}  # what the bytes of a python_frame stood for


def shown(text, size):
    whole = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text).encode()
    if len(whole) < size:
        return whole
    end = whole[len(whole) - size + 4:]
    while end[0] & 0xC0 == 0x80:
        end = end[1:]
    return b"..." + end


def true_frames(frame):
    while frame:
        code = frame.f_code
        yield (shown(code.co_filename, FILE_BYTES), frame.f_lineno or 0,
               shown(getattr(code, "co_qualname", code.co_name), FUNCTION_BYTES), code.co_firstlineno)
        frame = frame.f_back


def read_frames(count):
    at = ctypes.addressof(room)
    for _ in range(count):
        place = ctypes.string_at(at, 40)
        line, first = struct.unpack("ii", ctypes.string_at(at + 40, 8))
        file = ctypes.string_at(at + 48)
        function = ctypes.string_at(at + 49 + len(file))
        at += 50 + len(file) + len(function)
        read = file, line, function, first
        # Of code that is made and thrown away, all parts may lie where those of others did.
        if file.endswith(b".py") and seen.setdefault(place, read) != read:
            failures.append(f"{read} was {seen[place]}")
        yield read


def same(count, frame, most=MOST):
    """Compares what was just read with the true frames: called in the line that reads."""
    compared.append(count)
    read, true = list(read_frames(count)), list(true_frames(frame))[:most]
    if count <= 0 or read != true:
        differ = [(ours, theirs) for ours, theirs in zip(read, true) if ours != theirs]
        failures.append(f"{count} frames of {len(true)}: {differ[:3]}")

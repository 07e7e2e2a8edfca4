"""Made-up profiles (lib/profile/profile_format.h), for tests of what reads them.

usage: profiles.py FILE <SCRIPT    the script makes a Profile of `p`, which is written to FILE
"""

import os
import pathlib
import re
import struct
import sys

SECTIONS = ("stacks", "words", "frames", "strings", "modules", "threads", "records", "peak")
STACKS, WORDS, FRAMES, STRINGS, MODULES, THREADS, RECORDS, PEAK = range(8)
NO_PYTHON, OWN, TASK = range(3)
RUNNING, ENDED, REPLACED = range(3)
ABSENT, READ, UNKNOWN, OFF = range(4)

# Where fields of the header lie.
BYTE_ORDER, VERSION, HEADER_BYTES, SECTION_COUNT = range(8, 24, 4)
SECTION, SECTION_BYTES = 24, 24  # the first of them: offset, record_bytes, capacity, used
PID, MEAN = 216, 968
HEADER = "<8sIIII" + "QIIII" * 8 + "qqqqII40s65s64s16s512s7xqqqII32sqqqqqqqqIIq"
assert struct.calcsize(HEADER) == 1104
RECORD_BYTES = (48, 8, 32, 1, 64, 24, 48, 16)

EXACT = 50.0  # so much exposure that a sample stands for itself
MIB = 1 << 20


def boot():
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Profile:
    """Process 4711 of this host, which is gone."""

    def __init__(self):
        self.strings, self.places = b"?\0", {}
        self.stacks, self.words, self.frames = [struct.pack("<IIHHIIIqqq", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)], [], []
        self.modules, self.threads, self.records, self.peak = [], [struct.pack("<i16sI", 0, b"", 0)], [], []
        self.known = {}
        self.pid, self.start_ticks, self.start_time, self.end_time, self.state = 4711, 1, 1_000_000_000_000, 0, RUNNING
        self.boot, self.host, self.program, self.command = boot(), os.uname().nodename, "etl", ["etl.py", "2026"]
        self.parent, self.mean, self.mean_now, self.python, self.tasks = 0, 512 << 10, 512 << 10, READ, 1
        self.python_version = "3.12.1"
        self.samples = self.lost_records = self.lost_stacks = self.failed_walks = 0
        self.peak_bytes = self.peak_time = self.peak_which = self.peak_version = 0
        self.seen_time = 0  # milliseconds since the epoch
        self.frame("?", "?", 0)

    def text(self, text):
        text = text if isinstance(text, bytes) else text.encode()
        if text not in self.places:
            self.places[text] = len(self.strings)
            self.strings += text + b"\0"
        return self.places[text]

    def frame(self, file, function, line, first=1, ready=1):
        key = (file, function, line, ready)
        if key not in self.known:
            self.known[key] = len(self.frames)
            self.frames.append(
                struct.pack("<IIIiiIII", ready, self.text(file), self.text(function), line, first, 0, 0, 0))
        return self.known[key]

    def module(self, path, start, end, bias=0, build_id=b""):
        self.modules.append(
            struct.pack("<QQQI20sIIII", start, end, bias, len(build_id), build_id[:20], self.text(path), 1, 0, 0))

    def stack(self, *lines, native=(), kind=OWN, pool="arrow.mimalloc", total=(0, 0, 0), ready=1):
        """`lines` are "etl.py:8 load", the innermost first; `total` is bytes, buffers, samples. Returns its number."""
        words = list(native)
        for line in lines:
            file, number, function = re.fullmatch(r"(.*?):(\d+) (.*)", line, re.S).groups()
            words.append(self.frame(file, function, int(number)))
        if not lines and kind == OWN:
            kind = NO_PYTHON
        size, count, samples = total
        self.stacks.append(struct.pack("<IIHHIIIqqq", ready, len(self.words), len(native), len(lines), kind,
                                       self.text(pool), 0, size, int(count * 1024), samples))
        self.words += words
        return len(self.stacks) - 1

    def other(self, size, count, samples):
        self.stacks[0] = struct.pack("<IIHHIIIqqq", 1, 0, 0, 0, 0, 0, 0, size, int(count * 1024), samples)

    def thread(self, number, name):
        self.threads.append(struct.pack("<i16sI", number, name.encode(), 0))
        return len(self.threads) - 1

    def record(self, stack, size, exposure=EXACT, thread=0, **more):
        """`since` is in seconds from the start; `address` is one of its own if it is not given."""
        address = more.get("address", 0x7f0000000000 + len(self.records) * 4096)
        self.records.append(struct.pack("<QQIIIfIIII", address, size, stack, thread, int(more.get("since", 0) * 10),
                                        exposure, 0, 0, 0, 0))

    def live(self, stack, *sizes, **more):
        for size in sizes:
            self.record(stack, size, **more)

    def lived(self, stack, size, count):
        """At the peak."""
        self.peak += [struct.pack("<qq", 0, 0)] * (stack + 1 - len(self.peak))
        self.peak[stack] = struct.pack("<qq", size, int(count * 1024))

    def sections(self):
        """Each section's bytes, and records in use."""
        peak = self.peak + [struct.pack("<qq", 0, 0)] * (len(self.stacks) - len(self.peak))
        halves = [peak, [struct.pack("<qq", 77, 77)] * len(peak)]
        parts = [self.stacks, [struct.pack("<Q", word) for word in self.words], self.frames, None, self.modules,
                 self.threads, self.records, halves[self.peak_which] + halves[1 - self.peak_which]]
        data = [self.strings if part is None else b"".join(part) for part in parts]
        used = [len(d) // size for d, size in zip(data, RECORD_BYTES, strict=True)]
        used[PEAK] //= 2
        return data, used

    def build(self):
        data, used = self.sections()
        places, offset = [], 4096
        for number, part in enumerate(data):
            places += [offset, RECORD_BYTES[number], len(part) // RECORD_BYTES[number], used[number], 0]
            offset += (len(part) + 63) // 64 * 64
        command = b"".join(word.encode() + b"\0" for word in self.command)
        header = struct.pack(
            HEADER, b"ARRWPROF", 0x01020304, 1, 1104, 8, *places, self.pid, self.start_ticks, self.start_time,
            self.end_time, self.state, 0, self.boot.encode(), self.host.encode(), self.program.encode(), b"libarrow.so",
            command, self.parent, self.mean, self.mean_now, self.python, self.tasks, self.python_version.encode(),
            self.samples, self.lost_records, self.lost_stacks, self.failed_walks, 0, 0, self.peak_bytes, self.peak_time,
            self.peak_which, self.peak_version, self.seen_time)
        out = bytearray(header.ljust(4096, b"\0"))
        for part in data:
            out += part + bytes(-len(part) % 64)
        return bytes(out)

    def write(self, path):
        pathlib.Path(path).write_bytes(self.build())


def main():
    p = Profile()
    # The tests' own scripts.
    exec(sys.stdin.read(), globals() | {"p": p})
    p.write(sys.argv[1])


if __name__ == "__main__":
    main()

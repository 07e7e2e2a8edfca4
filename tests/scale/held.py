"""How many bytes a command has mapped for itself at most, by the calls that it makes: a figure that, unlike resident
memory, is the same on every machine.  usage: held.py COMMAND [ARGUMENT]..."""

import re
import subprocess
import sys
import tempfile

BRK = re.compile(r"brk\(.*\) = 0x(\w+)$")
MMAP = re.compile(r"mmap\(\w+, (\d+), .*MAP_ANONYMOUS.* = 0x(\w+)$")
MREMAP = re.compile(r"mremap\(0x(\w+), \d+, (\d+), .* = 0x(\w+)$")
MUNMAP = re.compile(r"munmap\(0x(\w+), \d+\) += 0$")

mapped, breaks, most = {}, [], 0
with tempfile.NamedTemporaryFile("r") as trace:
    subprocess.run(["strace", "-qq", "-e", "trace=brk,mmap,mremap,munmap", "-o", trace.name, *sys.argv[1:]],
                   stdout=subprocess.DEVNULL, check=True)
    for line in trace:
        if found := BRK.match(line):
            breaks.append(int(found[1], 16))
        elif found := MMAP.match(line):
            mapped[int(found[2], 16)] = int(found[1])
        elif found := MREMAP.match(line):
            mapped.pop(int(found[1], 16), None)
            mapped[int(found[3], 16)] = int(found[2])
        elif found := MUNMAP.match(line):
            mapped.pop(int(found[1], 16), None)
        most = max(most, sum(mapped.values()) + (breaks[-1] - breaks[0] if breaks else 0))
print(most)

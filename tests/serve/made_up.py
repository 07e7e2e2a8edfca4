"""Make live files that claim to be of running processes, from a good one, with what could make series twice: the same
process under other names, pools of one name, names that are alike once they are no UTF-8, numbers that overflow.
Prints how many.  usage: made_up.py FILE.live DIRECTORY PID OTHER-PID"""

import pathlib
import struct
import sys

PID, START_TICKS, START_TIME = 80, 88, 96  # live_header (lib/report/live.h)
POOLS_OFFSET, POOL_BYTES = 48, 24
FIELDS_OFFSET, FIELD_COUNT = 40, 32


def start_ticks(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def field(data, wanted):
    [at], [count] = struct.unpack_from("<Q", data, FIELDS_OFFSET), struct.unpack_from("<I", data, FIELD_COUNT)
    for number in range(count):
        name, place, offset, size, _ = struct.unpack_from("<40sIIII", data, at + number * 56)
        if name.rstrip(b"\0") == wanted and place == 0:
            return offset, size
    raise SystemExit(f"no field {wanted}")


def rename_pools(data, names):
    """Those that are used: pools whose names are in the file."""
    [pools], [size] = struct.unpack_from("<Q", data, POOLS_OFFSET), struct.unpack_from("<I", data, POOL_BYTES)
    offset, length = field(data, b"name")
    for number in range(1000):
        at = pools + number * size + offset
        if at + length > len(data):
            break
        if data[at:at + 2] == b"c:":
            data[at:at + length] = next(names).ljust(length, b"\0")


def main():
    good, directory = map(pathlib.Path, sys.argv[1:3])
    pid, other = map(int, sys.argv[3:])
    whole = good.read_bytes()
    program = whole.index(b"probe_pools\0", 0, 1000)
    made = 0

    def make(change, its=other):
        nonlocal made
        data = bytearray(whole)
        struct.pack_into("<qq", data, PID, its, start_ticks(its))
        change(data)
        (directory / f"arrowpool-{its}-{made}-9.live").write_bytes(data)
        made += 1

    def pools(*names):
        return lambda data: rename_pools(data, iter(names * 500))

    make(lambda data: None, pid)
    make(pools(b"c:same"))
    make(pools(b"c:\xff", b"c:\xfe"))
    make(pools(b'c:"}\n# TYPE x y', b"c:\\"))
    make(pools(b"\xff" * 71))
    make(lambda data: data.__setitem__(slice(program, program + 11), b'"\\\n{},\xff\xfe=#'))
    make(lambda data: data.__setitem__(slice(program, program + 64), b"\xff" * 64))
    make(lambda data: struct.pack_into("<q", data, START_TIME, (1 << 63) - 1))
    make(lambda data: struct.pack_into("<q", data, START_TIME, -1))
    print(made)


if __name__ == "__main__":
    main()

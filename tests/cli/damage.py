"""Make files that are damaged in every way.  Names begin with what is said of the file, with _ for a space.
Usage: damage.py DUMP.json FILE.live DIRECTORY, or damage.py FILE.profile DIRECTORY"""

import json
import os
import pathlib
import random
import struct
import sys

CUT = "it_is_cut_off"
FOREIGN = "it_is_neither_a_live_file_nor_a_dump_in_json"
NO_DUMP = "it_is_no_dump_of_arrowpool"
NO_LIVE = "it_is_no_live_file"
NO_PROFILE = "it_is_no_profile"
FIGURES = "its_figures_are_damaged"
HEADER = "its_header_is_damaged"

# live_header (lib/report/live.h): where its fields lie.
BYTE_ORDER, VERSION, HEADER_BYTES, FIELD_BYTES, POOL_BYTES, SHARD_BYTES, FIELD_COUNT, POOL_COUNT = range(8, 40, 4)
FIELDS_OFFSET, POOLS_OFFSET, SHARDS_OFFSET = range(40, 64, 8)
SHARD_COUNT = 64
PID = 80

# profile_header (lib/profile/profile_format.h) begins likewise; then come the sections.
SECTION_COUNT, SECTIONS, SECTION_BYTES = 20, 24, 24
SECTION_NAMES = ("stacks", "words", "frames", "strings", "modules", "threads", "records", "peak")
PROFILE_PID, PROFILE_MEAN = 216, 968


def dumps(dump, write):
    text = json.dumps(dump).encode()
    write("it_is_empty", ".json", b"")
    write("it_is_empty", ".blank.json", b"\n \n\n")
    for length in (1, 2, 10, len(text) // 2, len(text) - 1):
        write(CUT, f".{length}.json", text[:length])
        write(CUT, f".{length}.jsonl", text[:length])
    write("it_is_not_UTF-8", ".random.json", random.Random(1).randbytes(5000))
    write(FOREIGN, ".letters.json", bytes(random.Random(1).choices(b"abcdefghijklmnopqrstuvwxyz{}[]\n", k=5000)))
    write(CUT, ".zeros.json", bytes(5000))
    write("it_is_a_dump_as_text:_arrowpool_reads_json,_jsonl_and_live_files", ".text.json", b"arrowpool 0.1.0: a\n")
    write("it_is_not_UTF-8", ".json", text.replace(b"jemalloc", b"\xff\xfe", 1))
    write("it_is_nested_too_deeply", ".json", b'{"a":' * 100_000)
    write("it_is_nested_too_deeply", ".array.json", b"[" * 1_000_000)
    write("it_has_a_number_that_is_too_large", ".json", text.replace(b'"pid": ', b'"pid": 9' + b"9" * 40, 1))
    write("it_has_a_number_that_is_too_large", ".real.json", text.replace(b'"pid": ', b'"pid": 1e99999, "x": ', 1))
    for name, broken in {"list": [dump], "empty": {}, "other": {"schema": "arrowpool/1"},
                         "process": dump | {"process": []}, "pools": dump | {"pools": {}}}.items():
        write(NO_DUMP, f".{name}.json", json.dumps(broken).encode())
    write("it_is_of_a_schema_that_this_program_does_not_know", ".json",
          json.dumps(dump | {"schema": "arrowpool/2"}).encode())
    write("it_has_too_many_pools", ".json", json.dumps(dump | {"pools": dump["pools"][:1] * 5000}).encode())
    pool = dump["pools"][0]
    for name, broken in {"negative": pool | {"num_frees": -1}, "lowest": pool | {"num_frees": -(1 << 63)},
                         "text": pool | {"num_frees": "many"}, "list": [], "unnamed": pool | {"name": ""},
                         "histogram": pool | {"size_histogram": [{"from_bytes": -4, "count": 1}]}}.items():
        write(FIGURES, f".{name}.json", json.dumps(dump | {"pools": [broken]}).encode())
    for name, pid in {"zero": 0, "none": None, "real": 1.5}.items():
        write(FIGURES, f".pid-{name}.json", json.dumps(dump | {"process": dump["process"] | {"pid": pid}}).encode())


def live_files(data, write):
    def patched(layout, offset, value):
        out = bytearray(data)
        struct.pack_into(layout, out, offset, value)
        return bytes(out)

    end = struct.unpack_from("<Q", data, SHARDS_OFFSET)[0]
    for length in (0, 1, 7, 8, 100, 700):
        write(NO_LIVE, f".{length}.live", data[:length])
    for length in (1000, 4096, 4200, 8192, 8300, end, end + 100):
        write(CUT, f".{length}.live", data[:length])
    write(NO_LIVE, ".magic.live", b"NOTAPOOL" + data[8:])
    write(NO_LIVE, ".random.live", random.Random(2).randbytes(20000))
    write("it_was_not_finished", ".live", bytes(8) + data[8:])
    write("it_is_of_a_machine_with_another_byte_order", ".live", patched(">I", BYTE_ORDER, 0x01020304))
    for version in (0, 2, 0xffffffff):
        write("it_is_of_a_version_that_this_program_does_not_know", f".{version}.live", patched("<I", VERSION, version))
    for offset in (HEADER_BYTES, FIELD_BYTES, POOL_BYTES, SHARD_BYTES):
        for value in (0, 1, 0x7fffffff, 0xfffffff8, 0xffffffff):
            write(HEADER, f".{offset}.{value}.live", patched("<I", offset, value))
        if offset == HEADER_BYTES:  # one that is larger is of a later version
            for value in (0x7fffffff, 0xfffffff8, 0xffffffff):
                os.unlink(write.directory / f"{HEADER}.{offset}.{value}.live")
    for offset in (FIELD_COUNT, POOL_COUNT, SHARD_COUNT):
        for value in (0x7fffffff, 0xffffffff):
            write(HEADER, f".{offset}.{value}.live", patched("<I", offset, value))
    for offset in (FIELDS_OFFSET, POOLS_OFFSET, SHARDS_OFFSET):
        for value in (1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1):
            write(CUT, f".{offset}.{value}.live", patched("<Q", offset, value))
    for pid in (0, -1, -(1 << 63)):
        write(HEADER, f".pid{pid}.live", patched("<q", PID, pid))


def profiles(data, write):
    def patched(layout, offset, value):
        out = bytearray(data)
        struct.pack_into(layout, out, offset, value)
        return bytes(out)

    for length in (0, 1, 7, 8, 100, 1000, 1095):
        write(NO_PROFILE, f".{length}.profile", data[:length])
    records = struct.unpack_from("<Q", data, SECTIONS + SECTION_NAMES.index("records") * SECTION_BYTES)[0]
    for length in (1096, 4096, 4200, records, records + 50):
        write(CUT, f".{length}.profile", data[:length])
    write(NO_PROFILE, ".magic.profile", b"NOTAPROF" + data[8:])
    write(NO_PROFILE, ".random.profile", random.Random(2).randbytes(20000))
    write("it_was_not_finished", ".profile", bytes(8) + data[8:])
    write("it_is_of_a_machine_with_another_byte_order", ".profile", patched(">I", BYTE_ORDER, 0x01020304))
    for version in (0, 2, 0xffffffff):
        write("it_is_of_a_version_that_this_program_does_not_know", f".{version}.profile",
              patched("<I", VERSION, version))
    for offset in (HEADER_BYTES, SECTION_COUNT):
        for value in (0, 1):
            write(HEADER, f".{offset}.{value}.profile", patched("<I", offset, value))
    for layout, offset, values in (("<q", PROFILE_PID, (0, -1, -(1 << 63))), ("<q", PROFILE_MEAN, (0, -5))):
        for value in values:
            write(HEADER, f".{offset}.{value}.profile", patched(layout, offset, value))
    for number, name in enumerate(SECTION_NAMES):
        place = SECTIONS + number * SECTION_BYTES
        for value in (0, 7, 20, 0x7ffffff8, 0xffffffff):  # of a record
            write(HEADER, f".{name}.record.{value}.profile", patched("<I", place + 8, value))
        for value in (0x7fffffff, 0xffffffff):  # capacity, and how much is used
            write(HEADER, f".{name}.capacity.{value}.profile", patched("<I", place + 12, value))
            write(HEADER, f".{name}.used.{value}.profile", patched("<I", place + 16, value))
        write(CUT, f".{name}.offset.{1 << 40}.profile", patched("<Q", place, 1 << 40))
        for value in (1 << 63, (1 << 64) - 1):
            write(HEADER, f".{name}.offset.{value}.profile", patched("<Q", place, value))


class Writer:
    def __init__(self, directory):
        self.directory = directory

    def __call__(self, said, rest, data):
        path = self.directory / (said + rest)
        assert not path.exists(), path
        path.write_bytes(data)


def main():
    *files, directory = (pathlib.Path(argument) for argument in sys.argv[1:])
    write = Writer(directory)
    if len(files) == 1:
        profiles(files[0].read_bytes(), write)
    else:
        dump, live = files
        dumps(json.loads(dump.read_text()), write)
        live_files(live.read_bytes()[:1 << 20], write)


if __name__ == "__main__":
    main()

"""Write an ELF program of a kind that this machine has no compiler for: a header, the name of a loader, no code.

usage: elf.py FILE BITS MACHINE [LOADER]
"""
import os
import struct
import sys

path, bits, machine = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
loader = sys.argv[4].encode() + b"\0" if len(sys.argv) > 4 else b""
wide = bits == 64
header_size, segment_size = (64, 56) if wide else (52, 32)
ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]) + bytes(9)
header = ident + struct.pack("<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH", 2, machine, 1, 0, header_size, 0, 0,
                             header_size, segment_size, 1, 0, 0, 0)
at, size = header_size + segment_size, max(len(loader), 1)
kind = 3 if loader else 1  # PT_INTERP, PT_LOAD
segment = struct.pack("<IIQQQQQQ", kind, 4, at, at, at, size, size, 1) if wide else \
    struct.pack("<IIIIIIII", kind, at, at, at, size, size, 4, 1)
with open(path, "wb") as file:
    file.write(header + segment + loader.ljust(size, b"\0"))
os.chmod(path, 0o755)

"""A buffer of 1 MiB that grows to 16 and to 64 MiB, each step in a function of its own, for memory profilers to
find."""

import pyarrow as pa

MIB = 1 << 20


def begin():
    return pa.allocate_buffer(1 * MIB, resizable=True)


def grow_to_16(buffer):
    buffer.resize(16 * MIB)


def grow_to_64(buffer):
    buffer.resize(64 * MIB)


buffer = begin()
grow_to_16(buffer)
grow_to_64(buffer)
assert pa.total_allocated_bytes() == 64 * MIB

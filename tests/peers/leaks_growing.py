"""Drives docs/use/examples/leaks/growing.py without its pauses: each line on stdin says up to how many MiB it is to
grow, by Arrow's own counter, and each is answered when that is so."""

import itertools
import sys

import growing
import pyarrow as pa

requests = itertools.count()
for line in sys.stdin:
    while pa.total_allocated_bytes() < float(line) * (1 << 20):
        growing.answer(next(requests))
        growing.add_up()
    print("grown", flush=True)

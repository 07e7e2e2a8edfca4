"""A service whose queries may take 64 MiB each: one that needs more fails by itself, and the service lives on."""

import arrowpool
import pyarrow as pa
import pyarrow.compute


def answer(rows):
    pool = arrowpool.pool("queries", limit="64MiB")
    numbers = pa.nulls(rows, pa.int64(), memory_pool=pool).fill_null(7)
    return pa.compute.sum(pa.compute.add(numbers, numbers, memory_pool=pool)).as_py()


for rows in (1_000_000, 100_000_000, 1_000_000):
    try:
        print(f"{rows} rows: {answer(rows)}")
    except pa.ArrowMemoryError as error:
        print(f"{rows} rows: {error}")

stats = arrowpool.pool("queries", limit="64MiB").stats()
print(f"live {stats.bytes_allocated}, refused {stats.num_failed}, peak {stats.max_memory} of {stats.limit_bytes}")

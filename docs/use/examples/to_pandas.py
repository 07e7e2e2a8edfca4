"""What to_pandas costs in Arrow's memory, before and after it is told that the table is not needed any more."""

import arrowpool
import pyarrow as pa


def convert(name, **options):
    pool = arrowpool.pool(name)
    with pool:
        table = pa.table({f"column {i}": pa.array(range(1_000_000)) for i in range(4)})
        frame = table.to_pandas(use_threads=False, **options)
    if "self_destruct" in options:
        del table  # it must not be used any more
    stats = pool.stats()
    print(f"{name}: peak {stats.max_memory / 2**20:.1f} MiB, live afterwards {stats.bytes_allocated / 2**20:.1f} MiB")
    return frame


before = convert("before")
after = convert("after", split_blocks=True, self_destruct=True)
print(f"equal: {before.equals(after)}")

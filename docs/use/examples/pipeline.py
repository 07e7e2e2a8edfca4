"""Which step of a job takes how much: a pool for each, and what Arrow took from pools of its own choice."""

import io

import arrowpool
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

pa.set_cpu_count(1)  # the same figures each time
pa.set_io_thread_count(1)


def allocated_elsewhere():
    """Bytes that Arrow's own pools gave out so far; only the shim sees them."""
    return sum(pool.total_bytes_allocated for pool in arrowpool.stats() if pool.name.startswith("arrow"))


def step(name, work):
    before = allocated_elsewhere()
    with arrowpool.pool(name) as pool:
        result = work()
    elsewhere = allocated_elsewhere() - before
    print(f"{name}: {pool.stats().total_bytes_allocated / 2**20:.0f} MiB, and {elsewhere / 2**20:.0f} MiB elsewhere")
    return result


text = "id,name\n" + "".join(f"{i},name of {i % 1000}\n" for i in range(500_000))
names = pa.table({"name": [f"name of {i}" for i in range(1000)], "group": [i % 7 for i in range(1000)]})

options = pa.csv.ReadOptions(use_threads=False)
table = step("read", lambda: pa.csv.read_csv(io.BytesIO(text.encode()), read_options=options))
joined = step("join", lambda: table.join(names, "name", use_threads=False))
step("write", lambda: pa.parquet.write_table(joined, io.BytesIO()))

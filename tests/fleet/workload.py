"""What the engines are given to do: pieces over pyarrow alone, each of which is one task on one worker and takes and
returns plain values, so that Dask, Ray or Spark can send them to their workers as they are.

A shuffle: write_partition (or write_dataset), then shuffle: split each partition, gather each part, combine. All
results are exact: floats are multiples of 1/64, whose sums do not depend on their order, so that the digest of a run is
the same on every engine, with the shim and without. A task can be done twice (its worker may have been killed): files
appear by renaming.

Reading again and again: write_wide, then read_wide on each worker: a Parquet dataset of ten columns, read in a loop,
after which no buffer is left, and yet resident memory stays high.

hold, held and release keep known buffers in the worker that runs them; pool_figures is what that worker says of
itself."""

import gc
import hashlib
import os
import pathlib
import time

SIZES = {  # partitions, rows of each; rows of the wide dataset, times it is read
    "small": {"partitions": 8, "rows": 20_000, "wide_rows": 400_000, "reads": 4},
    "middle": {"partitions": 16, "rows": 100_000, "wide_rows": 1_000_000, "reads": 8},
    "large": {"partitions": 16, "rows": 500_000, "wide_rows": 3_000_000, "reads": 15},
}
KEYS = 5_000
WIDE_COLUMNS, WIDE_FILES = 10, 4
kept = {}  # of this process: what hold() was asked to keep


def written(table, path, **options):
    """The file is complete from the moment it has its name."""
    import pyarrow.parquet as pq

    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    unfinished = f"{path}.{os.getpid()}.tmp"
    pq.write_table(table, unfinished, **options)
    os.rename(unfinished, path)
    return table.num_rows


def partition_path(folder, partition):
    return f"{folder}/part-{partition:04}.parquet"


def partition_table(partition, rows):
    import numpy as np
    import pyarrow as pa

    random = np.random.default_rng(partition)
    key = random.integers(0, KEYS, rows)
    amount = random.integers(0, 64_000, rows) / 64
    return pa.table({
        "key": key,
        "id": np.arange(rows) + partition * rows,
        "group": pa.array(key % 97, pa.int32()),
        "amount": pa.array(amount, mask=random.random(rows) < 0.02),
        "weight": random.integers(0, 640, rows) / 64,
        "name": pa.array([f"name-{number}" for number in range(KEYS)]).take(pa.array(key)),
        "text": pa.array([f"{number:x}" * (number % 5) for number in range(1000)]).take(
            pa.array(random.integers(0, 1000, rows))),
    })


def write_partition(folder, partition, rows):
    return written(partition_table(partition, rows), partition_path(folder, partition))


def write_dataset(folder, partitions, rows):
    return sum(write_partition(folder, partition, rows) for partition in range(partitions))


# ---- the shuffle ----

def part_of(keys, parts):
    """A multiplicative hash, the same in every process."""
    import numpy as np

    mixed = keys.to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(40)) % np.uint64(parts)


def split(folder, exchange, partition, parts):
    """One partition, cut by the hash of its keys into a file for each part; its number of rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(partition_path(folder, partition))
    target = part_of(table["key"], parts)
    for part in range(parts):
        written(table.filter(pa.array(target == part)), f"{exchange}/{part:04}/from-{partition:04}.parquet")
    return table.num_rows


def gather(exchange, part):
    """One part, read from all pieces, grouped and turned into pandas; its rows and digest."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pieces = sorted(pathlib.Path(exchange, f"{part:04}").glob("*.parquet"))
    table = pa.concat_tables([pq.read_table(piece) for piece in pieces]).combine_chunks()
    groups = table.group_by(["key", "name"]).aggregate([
        ("amount", "sum"), ("amount", "count"), ("weight", "max"), ("id", "min"), ("text", "count_distinct")])
    frame = groups.sort_by("key").to_pandas()
    rows = table.sort_by("id").to_pandas()
    digest = hashlib.sha256(frame.to_csv(index=False).encode())
    digest.update(rows["text"].str.cat().encode())
    digest.update(rows["weight"].to_numpy().tobytes())
    return len(rows), digest.hexdigest()


def combine(results):
    """The digest of all parts, whose results come in the order of the parts."""
    return hashlib.sha256(repr([tuple(result) for result in results]).encode()).hexdigest()


# ---- reading again and again ----

def shuffle(cluster_map, size, folder, exchange, parts):
    """All steps after write_dataset, by an engine's map(function, *sequences): the digest. No row is lost."""
    partitions = range(size["partitions"])
    rows = cluster_map(split, *zip(*((f"{folder}/data", exchange, at, parts) for at in partitions), strict=True))
    results = cluster_map(gather, [exchange] * parts, range(parts))
    assert sum(rows) == sum(result[0] for result in results) == size["partitions"] * size["rows"]
    return combine(results)


def write_wide(folder, rows):
    import numpy as np
    import pyarrow as pa

    for number in range(WIDE_FILES):
        random = np.random.default_rng(1000 + number)
        columns = {f"column_{i}": random.integers(0, 1 << 40, rows // WIDE_FILES) for i in range(WIDE_COLUMNS)}
        written(pa.table(columns), f"{folder}/wide-{number}.parquet", row_group_size=1 << 17)
    return rows // WIDE_FILES * WIDE_FILES


def read_wide(folder, reads):
    """Both ways of reading it, in turn; nothing is left of what was read but a sum."""
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    total = 0
    for number in range(reads):
        table = pq.read_table(folder) if number % 2 else ds.dataset(folder, format="parquet").to_table()
        total += sum(pc.sum(column).as_py() for column in table.columns)
        del table
    gc.collect()
    return total


# ---- a worker's own view ----

def hold(name, size):
    """Keep a buffer of that size, written to, until release(name) or the end of the process."""
    import pyarrow as pa

    buffer = pa.allocate_buffer(size, resizable=True)
    view = memoryview(buffer).cast("B")
    view[:] = bytes(size)
    view.release()
    kept[name] = buffer
    return pool_figures()


def release(name):
    del kept[name]
    return pool_figures()


def status(name):
    """A field of /proc/self/status, in bytes."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name + ":"))


def reset_peak():
    """Have the peak of resident memory begin anew; true if the kernel lets us."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        return False
    return True


def pool_figures():
    """What this process says of itself: Arrow's own counters, and the kernel's."""
    import pyarrow as pa

    pool = pa.default_memory_pool()
    return {"pid": os.getpid(), "backend": pool.backend_name, "bytes_allocated": pool.bytes_allocated(),
            "max_memory": pool.max_memory(), "total_bytes_allocated": pool.total_bytes_allocated(),
            "num_allocations": pool.num_allocations(), "rss": status("VmRSS"), "peak_rss": status("VmHWM"),
            "time": time.time()}

"""Workloads that read and write files: CSV, JSON, Parquet, datasets, Arrow's own formats."""

import os

import pyarrow as pa
import pyarrow.ipc

from work.registry import workload


def csv_reader(inputs, name):
    import pyarrow.csv

    path = inputs.path(name + ".csv")
    return lambda: pyarrow.csv.read_csv(path)


@workload()
def csv_ints(inputs):
    """8 columns of integers."""
    return csv_reader(inputs, "ints")


@workload()
def csv_strs(inputs):
    """4 columns of strings of 10 to 40 characters."""
    return csv_reader(inputs, "strs")


@workload()
def csv_mixed(inputs):
    """Integers, floating point and strings."""
    return csv_reader(inputs, "mixed")


@workload()
def csv_wide(inputs):
    """500 columns: many builders that grow at once."""
    return csv_reader(inputs, "wide")


@workload()
def csv_stream(inputs):
    """Batch after batch, of which none is kept."""
    import pyarrow.csv

    path = inputs.path("mixed.csv")
    return lambda: sum(batch.num_rows for batch in pyarrow.csv.open_csv(path))


@workload()
def json_read(inputs):
    """Lines of JSON with lists and structs in them."""
    import pyarrow.json

    path = inputs.path("nested.json")
    return lambda: pyarrow.json.read_json(path)


def parquet_reader(inputs, name):
    import pyarrow.parquet

    path = inputs.path(name + ".parquet")
    return lambda: pyarrow.parquet.read_table(path)


@workload()
def pq_read_snappy(inputs):
    return parquet_reader(inputs, "events_snappy")


@workload()
def pq_read_zstd(inputs):
    return parquet_reader(inputs, "events_zstd")


@workload()
def pq_write_snappy(inputs):
    """Into a file in memory."""
    import pyarrow.parquet

    events, path = inputs.events(), inputs.output()

    def write():
        pyarrow.parquet.write_table(events, path, compression="snappy")
        return os.path.getsize(path)

    return write


@workload()
def pq_write_zstd(inputs):
    """Into a buffer of Arrow's, which grows."""
    import pyarrow.parquet

    events = inputs.events()

    def write():
        sink = pa.BufferOutputStream()
        pyarrow.parquet.write_table(events, sink, compression="zstd")
        return sink.getvalue()

    return write


@workload(6)
def ds_filter(inputs):
    """A quarter of the rows and half of the columns of a dataset of Parquet files."""
    import pyarrow.dataset as ds

    events = ds.dataset(inputs.path("events"))
    wanted = (ds.field("k") > 500) & (ds.field("v") < 0.5)
    return lambda: events.to_table(filter=wanted, columns=["k", "v", "s"])


@workload(5)
def ipc_write(inputs):
    """A stream of record batches into a buffer of Arrow's, which grows."""
    numbers = inputs.events().select(["k", "g", "v", "w"])

    def write():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, numbers.schema) as writer:
            writer.write_table(numbers, max_chunksize=65536)
        return sink.getvalue()

    return write


@workload()
def ipc_lz4(inputs):
    """A Feather file with LZ4, written and read back."""
    import pyarrow.feather

    events, path = inputs.events(), inputs.output()

    def write_and_read():
        pyarrow.feather.write_feather(events, path, compression="lz4")
        return pyarrow.feather.read_table(path, memory_map=False)

    return write_and_read

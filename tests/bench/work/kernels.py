"""Workloads of compute functions: grouping, sorting, joining, selection, strings, small batches."""

import pyarrow as pa
import pyarrow.compute as pc

from work.registry import workload


@workload()
def group_few(inputs):
    """1,000 groups."""
    events = inputs.events()
    return lambda: events.group_by("k").aggregate([("v", "sum"), ("w", "mean"), ("v", "max"), ("s", "count")])


@workload()
def group_many(inputs):
    """200,000 groups."""
    events = inputs.events()
    return lambda: events.group_by("g").aggregate([("v", "sum"), ("w", "mean"), ("v", "max")])


@workload()
def group_str(inputs):
    """5,000 groups, by strings."""
    events = inputs.events()
    return lambda: events.group_by("s").aggregate([("v", "sum"), ("k", "count_distinct")])


@workload(2)
def sort(inputs):
    """By two columns."""
    events = inputs.events()
    return lambda: events.sort_by([("k", "ascending"), ("v", "descending")])


@workload()
def take_filter(inputs):
    """Half of the rows at random positions, and half by a mask."""
    import numpy as np

    events = inputs.events()
    random = np.random.default_rng(11)
    positions = pa.array(random.integers(0, events.num_rows, events.num_rows // 2))
    mask = pc.less(events["v"], 0.5)
    return lambda: (events.take(positions), events.filter(mask))


@workload()
def join(inputs):
    """Line items with their orders, and these with their customers."""
    items, orders, customers = (inputs.parquet(name) for name in ("lineitem", "orders", "customers"))
    items = items.select(["l_orderkey", "l_extendedprice", "l_discount"])

    def join_three():
        of_customers = orders.join(customers, "o_custkey", "c_custkey", join_type="inner")
        return items.join(of_customers, "l_orderkey", "o_orderkey", join_type="inner")

    return join_three


@workload(5)
def concat(inputs):
    """Two tables into one of a single chunk."""
    events = inputs.events()
    return lambda: pa.concat_tables([events, events]).combine_chunks()


@workload()
def dict_encode(inputs):
    strings = inputs.events()["s"]
    return strings.dictionary_encode


@workload()
def str_kernels(inputs):
    """Upper case, slices, and pairs joined."""
    strings = inputs.events()["s"]
    return lambda: (pc.utf8_upper(strings), pc.utf8_slice_codeunits(strings, 1, 4),
                    pc.binary_join_element_wise(strings, strings, "-"))


@workload()
def str_split(inputs):
    """Strings into lists of strings."""
    strings = inputs.events()["s"]
    return lambda: pc.split_pattern(strings, "-")


@workload(5)
def arith_small(inputs):
    """Arithmetic and selection on many batches of 2,048 rows."""
    batches = inputs.events().select(["v", "w"]).combine_chunks().to_batches(max_chunksize=2048)

    def selected(batch):
        product = pc.multiply(batch.column(0), batch.column(1))
        return pc.filter(product, pc.greater(product, 0.5))

    return lambda: [selected(batch) for batch in batches]

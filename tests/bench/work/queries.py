"""Workloads after queries of TPC-H, in Acero and in a dataset's scanner."""

import pyarrow as pa
import pyarrow.compute as pc

from work.registry import workload


def date(days):
    """A day, counted from 1970 on, as Parquet and these tables count it."""
    return pa.scalar(days, pa.int32()).cast(pa.date32())


@workload()
def tpch_q1(inputs):
    """Sums and means of nearly all line items in six groups."""
    from pyarrow import acero

    items = inputs.parquet("lineitem")
    price, discount, tax = (pc.field(name) for name in ("l_extendedprice", "l_discount", "l_tax"))
    one = pc.scalar(1.0)
    columns = {
        "flag": pc.field("l_returnflag"),
        "status": pc.field("l_linestatus"),
        "quantity": pc.field("l_quantity"),
        "price": price,
        "reduced": price * (one - discount),
        "charge": price * (one - discount) * (one + tax),
        "discount": discount,
    }
    aggregates = [(name, function, None, f"{name}_{function}") for name, function in (
        ("quantity", "hash_sum"), ("price", "hash_sum"), ("reduced", "hash_sum"), ("charge", "hash_sum"),
        ("quantity", "hash_mean"), ("price", "hash_mean"), ("discount", "hash_mean"), ("quantity", "hash_count"))]

    def query():
        return acero.Declaration.from_sequence([
            acero.Declaration("table_source", acero.TableSourceNodeOptions(items)),
            acero.Declaration("filter", acero.FilterNodeOptions(pc.field("l_shipdate") <= date(10_500))),
            acero.Declaration("project", acero.ProjectNodeOptions(list(columns.values()), list(columns))),
            acero.Declaration("aggregate", acero.AggregateNodeOptions(aggregates, keys=["flag", "status"])),
        ]).to_table()

    return query


@workload(4)
def tpch_q6(inputs):
    """One sum over the few line items that a filter leaves."""
    import pyarrow.dataset as ds

    items = ds.dataset(inputs.path("lineitem.parquet"))
    day, discount = ds.field("l_shipdate"), ds.field("l_discount")
    wanted = ((day >= date(8_766)) & (day < date(9_131)) & (discount > 0.04) & (discount < 0.08)
              & (ds.field("l_quantity") < 24))
    revenue = {"revenue": ds.field("l_extendedprice") * discount}
    return lambda: pc.sum(items.to_table(filter=wanted, columns=revenue)["revenue"]).as_py()

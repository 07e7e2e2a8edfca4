"""A job that adds up the files of a month, and joins on one day what is far too large."""

import numpy
import pyarrow as pa


def read():
    return pa.table({"id": numpy.arange(1_000_000) % 1000, "value": numpy.random.rand(1_000_000)})


def add_up(table):
    return table.group_by("id").aggregate([("value", "sum")])


def compare(table):
    few = table.slice(0, 200_000)
    return few.join(few, "id", right_suffix=" of the other")


for day in range(1, 31):
    table = read()
    add_up(table)
    if day == 17:
        compare(table)
print("done")

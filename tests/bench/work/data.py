"""Makes the files that workloads read: always the same, from seeds. Once they are complete they are used again.

A folder has a marker, written last, that says what its files were made by; a folder without it, or with another's,
is made anew. Called by work_bench.py.
"""

import hashlib
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.ipc
import pyarrow.parquet

from work.inputs import Inputs

MARKER = "complete"
WORDS = np.array([f"word-{i:05}" for i in range(5000)], dtype=object)
FIRST_DAY, LAST_DAY = 8_000, 11_000  # since 1970: 1991 to 2000


def texts(random, vocabulary, rows):
    return pa.array(np.asarray(vocabulary, dtype=object)[random.integers(0, len(vocabulary), rows)])


def days(random, last, rows):
    return pa.array(random.integers(FIRST_DAY, last, rows).astype("int32")).cast(pa.date32())


def csv_ints(inputs, random):
    rows = inputs.count(1_500_000)
    return pa.table({f"i{column}": random.integers(0, 1 << 30, rows) for column in range(8)})


def csv_strs(inputs, random):
    rows = inputs.count(700_000)

    def strings(distinct, digits):
        return texts(random, [f"s{i:0{digits}}" for i in range(distinct)], rows)

    return pa.table({"a": strings(100_000, 10), "b": strings(1_000, 40), "c": strings(5_000, 20),
                     "d": strings(50_000, 25)})


def csv_wide(inputs, random):
    rows = inputs.count(30_000)

    def column(number):
        return random.random(rows).round(6) if number % 3 == 0 else random.integers(0, 100_000, rows)

    return pa.table({f"c{number}": column(number) for number in range(500)})


def csv_mixed(inputs, random):
    rows = inputs.count(1_200_000)
    return pa.table({"id": np.arange(rows), "number": random.integers(0, 1 << 40, rows),
                     "price": random.random(rows).round(9), "text": texts(random, WORDS, rows),
                     "rate": random.random(rows).round(9)})


def write_csv(inputs):
    for make in (csv_ints, csv_strs, csv_wide, csv_mixed):
        table = make(inputs, np.random.default_rng(1))
        pyarrow.csv.write_csv(table, inputs.path(make.__name__.removeprefix("csv_") + ".csv"))


def write_json(inputs):
    with open(inputs.path("nested.json"), "w") as file:
        file.writelines(
            f'{{"a":{i},"b":"{WORDS[i % len(WORDS)]}","c":[{i},{i + 1},{i + 2}],"d":{{"x":{i},"y":{i * 0.5:f}}}}}\n'
            for i in range(inputs.count(250_000)))


def write_events(inputs):
    """The table that most workloads compute on, in each of the formats."""
    rows, random = inputs.count(2_000_000), np.random.default_rng(2)
    table = pa.table({"k": random.integers(0, 1_000, rows), "g": random.integers(0, 200_000, rows),
                      "v": random.random(rows), "w": random.random(rows).round(3), "s": texts(random, WORDS, rows),
                      "d": days(random, LAST_DAY, rows)})
    for compression in ("snappy", "zstd"):
        pyarrow.parquet.write_table(table, inputs.path(f"events_{compression}.parquet"), compression=compression,
                                    row_group_size=250_000)
    pyarrow.dataset.write_dataset(table, inputs.path("events"), format="parquet", max_rows_per_file=250_000,
                                  max_rows_per_group=125_000)
    with pa.OSFile(inputs.path("events.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=250_000)


def write_orders(inputs):
    """Line items, orders and customers, with those columns of TPC-H's that are asked for."""
    rows, random = inputs.count(3_000_000), np.random.default_rng(3)
    orders, customers = rows // 4, inputs.count(75_000)
    items = pa.table({
        "l_orderkey": np.sort(random.integers(0, orders, rows)),
        "l_quantity": random.integers(1, 51, rows).astype("float64"),
        "l_extendedprice": random.random(rows) * 1e5,
        "l_discount": random.integers(0, 11, rows) / 100,
        "l_tax": random.integers(0, 9, rows) / 100,
        "l_returnflag": texts(random, ["A", "N", "R"], rows),
        "l_linestatus": texts(random, ["F", "O"], rows),
        "l_shipdate": days(random, 10_600, rows),
    })
    pyarrow.parquet.write_table(items, inputs.path("lineitem.parquet"), row_group_size=500_000)
    pyarrow.parquet.write_table(pa.table({
        "o_orderkey": np.arange(orders), "o_custkey": random.integers(0, customers, orders),
        "o_orderdate": days(random, 10_500, orders), "o_shippriority": np.zeros(orders, "int32"),
    }), inputs.path("orders.parquet"))
    pyarrow.parquet.write_table(pa.table({
        "c_custkey": np.arange(customers),
        "c_mktsegment": texts(random, ["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"], customers),
    }), inputs.path("customers.parquet"))


def maker(scale):
    """What the files depend on, as the marker's text."""
    with open(__file__, "rb") as source:
        program = hashlib.sha256(source.read()).hexdigest()
    return f"scale {scale}, numpy {np.__version__}, pyarrow {pa.__version__}, data.py {program}\n"


def generate(folder, scale):
    marker, wanted = os.path.join(folder, MARKER), maker(scale)
    if os.path.exists(marker):
        with open(marker) as file:
            if file.read() == wanted:
                return
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with Inputs(folder, scale) as inputs:
        for write in (write_csv, write_json, write_events, write_orders):
            write(inputs)
    with open(marker, "w") as file:
        file.write(wanted)

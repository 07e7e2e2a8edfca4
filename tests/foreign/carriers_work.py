"""One small piece of work for each package that carries Arrow: rows grouped, joined, written and read back. What it
prints is the same each time, so that it can be compared; carriers.py runs it without the shim and with it.

usage: carriers_work.py NAME    in an empty directory
"""

import hashlib
import sys

ROWS = 300_000


def columns():
    return {"id": list(range(ROWS)), "key": [i * 7919 % 1000 for i in range(ROWS)],
            "value": [i * 0.5 for i in range(ROWS)], "name": [f"name-{i % 5000}" for i in range(ROWS)]}


def table():
    import pyarrow as pa

    return pa.table(columns())


def digest(rows):
    """Of rows of any kind, in whatever order they came."""
    rows = list(rows)
    return hashlib.sha256(repr(sorted(map(repr, rows))).encode()).hexdigest()[:12], len(rows)


def batches(data):
    return digest(data.sort_by("id").to_pylist() if "id" in data.column_names else data.to_pylist())


def pandas():
    import pandas as pd

    frame = table().to_pandas(types_mapper=pd.ArrowDtype)
    frame.merge(frame.groupby("key")["value"].sum().reset_index(), on="key").to_parquet("a.parquet")
    back = pd.read_parquet("a.parquet", dtype_backend="pyarrow")
    assert isinstance(back["id"].dtype, pd.ArrowDtype)
    return digest(back.groupby("name")["value_y"].sum().items())


def datasets():
    import datasets as library

    data = library.Dataset.from_dict(columns()).filter(lambda rows: [k < 500 for k in rows["key"]], batched=True)
    return digest(data.sort("value").select(range(1000)).to_list())


def pyiceberg():
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("c", uri="sqlite:///catalog.db", warehouse="file://.")
    catalog.create_namespace("n")
    data = catalog.create_table("n.t", schema=table().schema)
    for _ in range(2):
        data.append(table())
    return batches(data.scan(row_filter="key < 100", selected_fields=("id", "key")).to_arrow())


def graphar():
    import os
    import pathlib

    import pyarrow.parquet
    from graphar import _core
    from graphar.importer.config import ImportConfig

    pyarrow.parquet.write_table(table(), "a.parquet")
    properties = [{"name": "id", "data_type": "int64", "is_primary": True}, {"name": "value", "data_type": "double"},
                  {"name": "name", "data_type": "string"}]
    vertices = {"type": "row", "property_groups": [{"properties": properties}],
                "sources": [{"path": "a.parquet", "columns": {name: name for name in ("id", "value", "name")}}]}
    place = {"path": f"{os.getcwd()}/graph", "name": "g", "vertex_chunk_size": 20_000, "edge_chunk_size": 20_000}
    config = {"graphar": place, "import_schema": {"vertices": [vertices], "edges": []}}
    _core.do_import(ImportConfig(**config).model_dump())
    chunks = sorted(pathlib.Path("graph").rglob("chunk*"))
    return digest(rows for chunk in chunks for rows in pyarrow.parquet.read_table(chunk).to_pylist())


def xgboost():
    import xgboost as library

    data = library.QuantileDMatrix(table().select(["key", "value"]), label=columns()["id"])
    model = library.train({"max_depth": 3, "nthread": 1, "seed": 1}, data, 5)
    return digest(model.get_dump())


def lightgbm():
    import lightgbm as library

    model = library.train({"verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True},
                          library.Dataset(table().select(["key", "value"]), label=table()["id"].to_numpy()), 5)
    return digest([model.model_to_string().split("parameters:")[0]])


def tiledb():
    import numpy as np
    import tiledb as library

    library.from_numpy("array", np.arange(ROWS * 4).reshape(ROWS, 4))
    with library.open("array") as array:
        return int(array[1000:200_000].sum())


def pantab():
    import pantab as library

    library.frame_to_hyper(table(), "a.hyper", table="t")
    return batches(library.frame_from_hyper("a.hyper", table="t", return_type="pyarrow"))


def adbc_driver_sqlite():
    from adbc_driver_sqlite import dbapi

    with dbapi.connect("a.db") as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("t", table())
        cursor.execute("select * from t where key < 300")
        return batches(cursor.fetch_arrow_table())


def pyogrio():
    import pyogrio as library

    library.write_arrow(table(), "a.gpkg", driver="GPKG", geometry_type="Unknown", geometry_name="g", crs="EPSG:4326")
    return library.read_arrow("a.gpkg")[1].num_rows


def arcticdb():
    import arcticdb as library

    store = library.Arctic("lmdb://here").get_library("l", create_if_missing=True)
    store.write("t", table().to_pandas())
    frame = store.read("t").data
    return digest(frame.groupby("key")["value"].sum().items())


def nanoarrow():
    import nanoarrow as library

    array = library.c_array(table().combine_chunks().to_batches()[0])
    return sum(library.Array(array).child(1).iter_py())


def perspective():
    import perspective as library

    client = library.Server().new_local_client()
    view = client.table(columns()).view(group_by=["key"], columns=["value"])
    return digest(view.to_columns().items())


def chdb():
    from chdb import session

    local = session.Session("there")
    local.query("create table t engine = MergeTree order by id as select number id, number * 7919 % 1000 key, "
                f"number * 0.5 value from numbers({ROWS})")
    return digest(str(local.query("select key, sum(value) from t group by key order by key", "CSV")).splitlines())


def polars():
    import polars as library

    frame = library.DataFrame(columns())
    frame.join(frame.group_by("key").agg(library.col("value").sum().alias("sum")), on="key").write_parquet("a.parquet")
    return digest(library.read_parquet("a.parquet").sort("id").head(5000).rows())


def duckdb():
    import duckdb as library

    data = table()
    assert data.num_rows
    rows = library.sql("select key, sum(value), count(distinct name) from data group by key").to_arrow_table()
    library.sql("copy (select * from data order by name, id) to 'a.parquet'")
    return batches(rows), library.sql("select count(*) from 'a.parquet'").fetchall()


def daft():
    import daft as library

    frame = library.from_pydict(columns())
    frame.write_parquet("written", compression="zstd")
    rows = library.read_parquet("written/*.parquet").groupby("key").agg(library.col("value").sum()).to_pylist()
    return digest(rows)


def deltalake():
    import deltalake as library

    for _ in range(2):
        library.write_deltalake("t", table(), mode="append")
    data = library.DeltaTable("t")
    data.optimize.compact()
    return batches(data.to_pyarrow_table(filters=[("key", "<", 100)]))


def datafusion():
    import datafusion as library

    context = library.SessionContext()
    context.from_arrow(table(), name="t")
    context.sql("select a.id, b.value from t a join t b on a.id = b.id + 1").write_parquet("written")
    return digest(context.sql("select key, sum(value) s from t group by key").to_pylist())


def lance():
    import lance as library

    data = library.write_dataset(table(), "t.lance")
    data.delete("key < 10")
    return batches(data.to_table(filter="key < 200"))


def lancedb():
    import lancedb as library

    data = library.connect("db").create_table("t", table())
    data.delete("key < 10")
    return data.count_rows(), batches(data.search().where("key < 200").limit(ROWS).to_arrow())


def connectorx():
    import sqlite3

    import connectorx as library

    with sqlite3.connect("a.db") as connection:
        connection.execute("create table t (id integer, key integer, value real, name text)")
        connection.executemany("insert into t values (?, ?, ?, ?)", zip(*columns().values(), strict=True))
    return batches(library.read_sql("sqlite://a.db", "select * from t", return_type="arrow"))


def arro3():
    from arro3.core import ChunkedArray, Table
    from arro3.io import read_parquet, write_parquet

    write_parquet(Table.from_arrow(table()), "a.parquet")
    back = read_parquet("a.parquet").read_all()
    assert isinstance(back.column("id"), ChunkedArray)
    import pyarrow as pa

    return batches(pa.table(back))


if __name__ == "__main__":
    print(globals()[sys.argv[1]]())

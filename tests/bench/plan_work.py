"""What scripts/bench measures of pyarrow's ordinary work: the workloads of work_bench.py, and who serves them."""

from dataclasses import dataclass

from plan import Case

STOCK = "mimalloc"  # a pyarrow as it comes
REPEATS, OTHERS_REPEATS = 5, 3  # of stock pyarrow and ours, between which 2 % count; and of the others
WARM_MIB = 1024  # about half as much again as any process of it holds


@dataclass(frozen=True)
class Peer:
    title: str
    pool: str = ""  # pyarrow's own pool that is chosen; none: its default, under the shim
    library: str = ""  # what serves malloc instead of glibc
    mode: str = ""  # the shim's


PEERS = {
    "arrowpool": Peer("arrowpool", mode="jemalloc"),
    "arrowpool-system": Peer("arrowpool, system mode", mode="system"),
    STOCK: Peer("stock (its mimalloc)", pool="mimalloc"),
    "jemalloc": Peer("its jemalloc", pool="jemalloc"),
    "system": Peer("its system pool: glibc", pool="system"),
    "system-tcmalloc": Peer("system pool: tcmalloc", pool="system", library="libtcmalloc_minimal.so.4"),
    "system-mimalloc": Peer("system pool: mimalloc", pool="system", library="libmimalloc.so.2"),
    "system-jemalloc": Peer("system pool: jemalloc", pool="system", library="libjemalloc.so.2"),
}
OTHERS = tuple(who for who, peer in PEERS.items() if not peer.mode)
QUICK = ("arrowpool", STOCK)

TITLES = {
    "csv_ints": "read_csv, 8 columns of integers",
    "csv_strs": "read_csv, 4 columns of strings",
    "csv_mixed": "read_csv, numbers and strings",
    "csv_wide": "read_csv, 500 columns",
    "csv_stream": "open_csv, batch by batch",
    "json_read": "read_json, lists and structs",
    "pq_read_snappy": "read Parquet, Snappy",
    "pq_read_zstd": "read Parquet, Zstandard",
    "pq_write_snappy": "write Parquet, Snappy, to a file",
    "pq_write_zstd": "write Parquet, Zstandard, to a buffer",
    "ds_filter": "filter a Parquet dataset",
    "ipc_write": "write an IPC stream to a buffer",
    "ipc_lz4": "write and read Feather, LZ4",
    "group_few": "group by, 1,000 groups",
    "group_many": "group by, 200,000 groups",
    "group_str": "group by strings, count_distinct",
    "sort": "sort by two columns",
    "take_filter": "take and filter, half of the rows",
    "join": "join three tables",
    "concat": "concatenate and combine chunks",
    "dict_encode": "dictionary-encode strings",
    "str_kernels": "upper, slice and join strings",
    "str_split": "split strings",
    "arith_small": "arithmetic on batches of 2,048 rows",
    "tpch_q1": "TPC-H query 1 in Acero",
    "tpch_q6": "TPC-H query 6 on Parquet",
    "to_pandas": "to pandas",
    "from_pandas": "from pandas",
    "pandas_arrow": "pandas on Arrow's types",
    "from_lists": "pa.array of lists, dicts, strings",
    "scalars_small": "150,000 arrays of 3 values",
    "flight": "a table over Flight",
}
READ_CSV = ("csv_ints", "csv_strs", "csv_mixed", "csv_wide")
CASES = [
    Case(name, "work", title, tuple(PEERS), WARM_MIB, REPEATS, long=True, data="work", settles=True,
         context=tuple(who for who in PEERS if who not in QUICK), context_repeats=OTHERS_REPEATS)
    for name, title in TITLES.items()
]

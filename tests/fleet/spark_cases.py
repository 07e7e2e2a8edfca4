"""What spark.bats runs with Spark, each in a process of its own, which prints what came of it as JSON.

usage: spark_cases.py data FOLDER           write FOLDER/data, FOLDER/zstd and FOLDER/wide
       spark_cases.py work FOLDER           the same work by stock workers and by those with the shim in both modes
       spark_cases.py executorEnv FOLDER    the variables by spark.executorEnv, and workers that are not used again

FOLDER/MODE has live files and dumps."""

import json
import os
import signal
import sys

import engine_spark
import figures
import observed
import workload

WORKERS = 4
PARTS = 4
SIZE = workload.SIZES["small"]
HELD = 3_000_000  # bytes that each worker is made to hold


def data(folder):
    """zstd: where Debian's musl-tools is installed, the Snappy library in Spark's jars takes the system for musl's."""
    import pyarrow.parquet as pq

    workload.write_dataset(f"{folder}/data", SIZE["partitions"], SIZE["rows"])
    for partition in range(SIZE["partitions"]):
        workload.written(pq.read_table(workload.partition_path(f"{folder}/data", partition)),
                         workload.partition_path(f"{folder}/zstd", partition), compression="zstd")
    return workload.write_wide(f"{folder}/wide", SIZE["wide_rows"])


def dataframe(session, folder):
    """Spark's own shuffle and group-by of the same files; columns go to Python as Arrow and as pandas, and back."""
    import pandas as pd
    import pyarrow.compute as pc
    from pyspark.sql.functions import pandas_udf

    @pandas_udf("double")
    def doubled(weight: pd.Series) -> pd.Series:
        return weight * 2

    def selected(batches):
        for batch in batches:
            yield batch.filter(pc.not_equal(batch["text"], ""))

    def grouped(rows):
        return pd.DataFrame({"group": [rows["group"].iloc[0]], "rows": [len(rows)], "ids": [rows["id"].sum()],
                             "weights": [rows["weight"].sum()]})

    frame = session.read.parquet(f"{folder}/zstd")
    total = frame.select(doubled("weight").alias("doubled")).agg({"doubled": "sum"}).collect()
    rows = frame.mapInArrow(selected, frame.schema).groupBy("group").applyInPandas(
        grouped, "group int, rows long, ids long, weights double").collect()
    return workload.hashlib.sha256(repr([tuple(row) for row in total + sorted(rows)]).encode()).hexdigest()


def role(words):
    if words[0].endswith("java"):
        return "executor" if "org.apache.spark.executor.CoarseGrainedExecutorBackend" in words else "JVM of the driver"
    return "Python" if "pyspark.daemon" in words else words[0]


def killed_once(notice, row):
    """The first time, hold a buffer, say so and be killed; Spark does the task again."""
    if not os.path.exists(notice):
        said = workload.hold("last", HELD)
        with open(notice, "w") as file:
            json.dump(said, file)
        os.kill(os.getpid(), signal.SIGKILL)
    return row


def work(folder):
    """One cluster for all: Spark keeps the workers of each Python apart."""
    result, said = {}, {}
    with engine_spark.Cluster({}, f"{folder}/cluster", WORKERS) as cluster:
        for mode in figures.MODES:
            place = f"{folder}/{mode}"
            environment = figures.variables(mode, f"{place}/live", f"{place}/dumps")
            cluster.context.pythonExec = engine_spark.wrapper(f"{place}/python", environment)
            result[mode] = {"shuffle": workload.shuffle(cluster.map, SIZE, folder, f"{place}/exchange", PARTS),
                            "dataframe": dataframe(cluster.session, folder),
                            "wide": sorted(cluster.each(workload.read_wide, f"{folder}/wide", 2).values()),
                            "processes": observed.processes(role)}
            said[mode] = cluster.each(workload.hold, "known", HELD)
            if mode != "stock":
                live = figures.report(f"{place}/live")
                result[mode]["workers"] = [[observed.kept(live, it), it["bytes_allocated"] >= HELD]
                                           for it in said[mode].values()]
        notice = f"{folder}/killed.json"
        assert cluster.map(killed_once, [notice], [4711]) == [4711]
        with open(notice) as file:
            killed = json.load(file)
        observed.gone(killed["pid"])
        result["killed"] = observed.left(folder + "/system", {"SIGKILL": killed})["SIGKILL"]
        last = cluster.each(workload.pool_figures)
    ended = {pid: it for mode in ("jemalloc", "system") for pid, it in said[mode].items() if pid != killed["pid"]}
    for pid in ended:
        observed.gone(pid)
    for mode in ("jemalloc", "system"):
        known = {pid: last.get(pid, it) for pid, it in said[mode].items() if pid in ended}
        left = observed.left(f"{folder}/{mode}", known)
        result[mode]["stopped"] = list(left.values())
    return result


def executor_env(folder):
    variables = figures.variables("jemalloc", f"{folder}/executorEnv/live", f"{folder}/executorEnv/dumps")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = engine_spark.session(f"{folder}/executorEnv", 1, 1, **{"spark.python.worker.reuse": "false"},
                                   **{f"spark.executorEnv.{name}": value for name, value in variables.items()})
    try:
        def task(rows):
            yield workload.hold("known", HELD + len(list(rows)))

        found = session.sparkContext.parallelize(range(3), 3).mapPartitions(task).collect()
        said = dict(enumerate(found))
        for it in said.values():
            observed.gone(it["pid"])
        workers = observed.left(f"{folder}/executorEnv", said)
        return {"processes": observed.processes(role), "workers": list(workers.values())}
    finally:
        session.stop()


if __name__ == "__main__":
    print(json.dumps({"data": data, "work": work, "executorEnv": executor_env}[sys.argv[1]](
        *map(os.path.abspath, sys.argv[2:]))))

"""Spark as an engine of table.py (engine_dask.py has the protocol): executors are processes of their own, on loopback,
and their Python workers get the shim from a wrapper of Python; the JVMs do not."""

import importlib.util
import os
import pathlib
import shlex
import shutil
import sys

NAME = "Spark"
EXECUTORS = 2
JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"  # short runs: less work for their start


def missing():
    lacking = [name for name in ("pyspark", "pyarrow") if not importlib.util.find_spec(name)]
    if lacking:
        return f"{', '.join(lacking)} not installed"
    return None if shutil.which("java") else "no java (Debian: openjdk-17-jre-headless)"


def wrapper(path, environment):
    """The recipe: a Python for the workers, whose variables no JVM sees."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, f'exec {shlex.quote(sys.executable)} "$@"', ""]))
    path.chmod(0o755)
    return str(path)


def home(folder):
    """The installed Spark by links: executors write their logs below it."""
    import pyspark

    place = pathlib.Path(folder, "home")
    place.mkdir(parents=True, exist_ok=True)
    for name in ("bin", "jars"):
        if not (place / name).exists():
            (place / name).symlink_to(pathlib.Path(pyspark.__file__).parent / name)
    return str(place)


def session(folder, executors, cores, **configuration):
    os.environ.update(SPARK_HOME=home(folder), SPARK_LOCAL_IP="127.0.0.1", SPARK_LOCAL_DIRS=f"{folder}/spark")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local-cluster[{executors},{cores},512]")
    configuration = {
        "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false", "spark.driver.memory": "512m", "spark.executor.memory": "512m",
        "spark.driver.extraJavaOptions": JAVA, "spark.executor.extraJavaOptions": JAVA,
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.sql.shuffle.partitions": str(executors * cores), "spark.sql.adaptive.enabled": "false",
        "spark.executorEnv.PYTHONPATH": os.path.dirname(__file__), **configuration}
    for name, value in configuration.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


class Cluster:
    def __init__(self, environment, folder, workers=4):
        folder = os.path.abspath(folder)
        os.environ["PYSPARK_PYTHON"] = wrapper(f"{folder}/python", environment)
        self.workers = workers
        self.session = session(folder, EXECUTORS, workers // EXECUTORS)
        self.context = self.session.sparkContext

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.session.stop()

    def map(self, function, *columns):
        rows = list(zip(*columns, strict=True))
        return self.context.parallelize(rows, len(rows)).map(lambda row: function(*row)).collect()

    def each(self, function, *arguments):
        """Tasks that wait for each other are on as many workers; each executor has one for each of its cores."""
        def task(_):
            from pyspark import BarrierTaskContext

            BarrierTaskContext.get().barrier()
            yield os.getpid(), function(*arguments)

        results = self.context.parallelize(range(self.workers), self.workers).barrier().mapPartitions(task).collect()
        assert len(dict(results)) == self.workers, results
        return dict(results)

    def pids(self):
        return sorted(self.each(os.getpid))

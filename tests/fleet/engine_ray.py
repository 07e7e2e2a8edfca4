"""Ray as an engine of table.py (engine_dask.py has the protocol): a cluster of this machine's own on loopback, whose
workers are actors and get the shim by the runtime environment."""

import contextlib
import importlib.util
import logging
import os
import pathlib
import shutil
import tempfile

NAME = "Ray"
OBJECT_STORE = 80 << 20  # bytes; the pieces of work go through files


def missing():
    lacking = [name for name in ("ray", "pyarrow") if not importlib.util.find_spec(name)]
    return f"{', '.join(lacking)} not installed" if lacking else None


@contextlib.contextmanager
def started(cores, **options):
    """Ray on loopback. All of its files, its token among them, are in a folder that goes away with it, whose name is
    short because sockets are in it. The address alone does not do: Ray puts another one in its place, unless it is told
    that this is no cluster of several machines, in a variable named after other systems."""
    place = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    os.environ.update(HOME=place, RAY_USAGE_STATS_ENABLED="0", RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0")
    import ray

    try:
        ray.init("local", num_cpus=cores, include_dashboard=False, _node_ip_address="127.0.0.1", _temp_dir=place,
                 object_store_memory=OBJECT_STORE, log_to_driver=False, logging_level=logging.ERROR, **options)
        assert ray.util.get_node_ip_address() == "127.0.0.1"
        yield ray
    finally:
        ray.shutdown()
        shutil.rmtree(place, ignore_errors=True)


class Worker:
    def run(self, function, *arguments):
        return function(*arguments)

    def pid(self):
        return os.getpid()


class Cluster:
    def __init__(self, environment, folder, workers=4):
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        self.stack = contextlib.ExitStack()
        self.ray = self.stack.enter_context(started(workers, runtime_env={"env_vars": environment}))
        actor = self.ray.remote(num_cpus=1)(Worker)
        self.actors = [actor.remote() for _ in range(workers)]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stack.close()

    def map(self, function, *columns):
        from ray.util import ActorPool

        return list(ActorPool(self.actors).map(lambda actor, row: actor.run.remote(function, *row),
                                               list(zip(*columns, strict=True))))

    def each(self, function, *arguments):
        return dict(zip(self.pids(), self.ray.get([actor.run.remote(function, *arguments) for actor in self.actors]),
                        strict=True))

    def pids(self):
        return self.ray.get([actor.pid.remote() for actor in self.actors])

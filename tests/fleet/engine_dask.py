"""Dask as an engine of table.py: a LocalCluster with nannies, whose workers get the shim by Dask's configuration; or
workers that somebody else started, by the scheduler's file.

What an engine's module has: NAME; missing(), which says why it cannot run here, or None; and a class Cluster, a
context manager with
    Cluster(environment, folder, workers)   starts workers with these variables, of one thread each
    map(function, *columns)                 function(*row) for each row, on any worker; the results in order
    each(function, *arguments)              once on each worker; {its pid: the result}
    pids()                                  the workers' processes
"""

import contextlib
import importlib.util

NAME = "Dask"
SECONDS_RECENT = 3  # Dask's "recent" memory is "old" after 30 s unless told otherwise


def missing():
    lacking = [name for name in ("dask", "distributed", "pyarrow") if not importlib.util.find_spec(name)]
    return f"{', '.join(lacking)} not installed" if lacking else None


def pre_spawn(environment):
    """Each variable by a key of its own: a dict as the value would take the place of Dask's defaults."""
    return {f"distributed.nanny.pre-spawn-environ.{name}": value for name, value in environment.items()}


class Cluster:
    def __init__(self, environment, folder, workers=4, scheduler_file=None):
        import dask
        import distributed

        self.stack = contextlib.ExitStack()
        # So long after a worker ended a LocalCluster looks whether it is there, and gives it up if not, although it may
        # have ended a second time just now: where much else runs, killing workers takes longer than the usual 15 s.
        self.stack.enter_context(dask.config.set({
            "temporary-directory": f"{folder}/dask", "distributed.scheduler.allowed-failures": 100,
            "distributed.deploy.lost-worker-timeout": "7 days",
            "distributed.worker.memory.recent-to-old-time": f"{SECONDS_RECENT}s", **pre_spawn(environment)}))
        if scheduler_file:
            self.client = distributed.Client(scheduler_file=scheduler_file)
        else:
            cluster = distributed.LocalCluster(n_workers=workers, threads_per_worker=1, host="127.0.0.1",
                                               dashboard_address="127.0.0.1:0")
            self.stack.enter_context(cluster)
            self.client = distributed.Client(cluster)
        self.stack.enter_context(self.client)
        self.client.wait_for_workers(workers)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stack.close()

    def map(self, function, *columns):
        return self.client.gather(self.client.map(function, *columns, pure=False))

    def each(self, function, *arguments):
        pids = self.client.run(_pid)
        futures = {pid: self.client.submit(function, *arguments, workers=[address], pure=False)
                   for address, pid in pids.items()}
        return {pid: future.result() for pid, future in futures.items()}

    def pids(self):
        return sorted(self.client.run(_pid).values())

    def memory(self, after):
        """What the scheduler says of each worker's memory, by its address, from heartbeats since that time."""
        import time

        while True:
            seen, memory = self.client.run_on_scheduler(_memory)
            if seen > after:
                return memory
            time.sleep(0.05)


def _pid():
    import os

    return os.getpid()


def _memory(dask_scheduler):
    workers = dask_scheduler.workers.values()
    fields = ("process", "managed", "unmanaged_old", "unmanaged_recent")
    return (min(worker.last_seen for worker in workers),
            {worker.address: {field: getattr(worker.memory, field) for field in fields} for worker in workers})

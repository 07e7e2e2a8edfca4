"""What dask.bats runs with Dask, each in a process of its own.

usage: dask_cases.py data FOLDER          writes FOLDER/data and FOLDER/wide, which the others read
       dask_cases.py local MODE FOLDER    a LocalCluster with nannies; MODE: stock, jemalloc or system
       dask_cases.py shell NAME FOLDER    workers that were started from a shell
       dask_cases.py limit FOLDER         a worker with a limit, and a task that wants more
       dask_cases.py kill FOLDER KILLS    workers killed at random while they work

local and shell print what came of the work as JSON; FOLDER/MODE or FOLDER/NAME has the live files, the dumps and the
scheduler's file. kill prints a line for each worker that was killed, and the result."""

import hashlib
import json
import os
import pathlib
import random
import signal
import sys
import time

import engine_dask
import figures
import workload

WORKERS = 4
PARTS = 4
SIZE = workload.SIZES["small"]
HELD = 3_000_000  # bytes that the first worker is made to hold; each further one holds that much more
PATIENCE = 1200  # seconds until something hangs that should go on; a busy machine takes minutes to restart a worker


def dataframe(folder):
    """Dask's own shuffle between workers, and a group-by, over the same files."""
    import dask.dataframe as dd

    frame = dd.read_parquet(f"{folder}/data").shuffle(on="key", npartitions=PARTS)
    sums = frame.groupby("key")[["amount", "weight", "id"]].sum().compute().sort_index()
    return hashlib.sha256(sums.to_csv().encode()).hexdigest()


def environment():
    names = ("LD_PRELOAD", "MALLOC_TRIM_THRESHOLD_", "OMP_NUM_THREADS")
    return {name: os.environ.get(name) for name in names} | {"parent": os.getppid()}


def work(cluster, folder, mode):
    place = f"{folder}/{mode}"
    seen = cluster.each(environment)
    return {"workers": sorted(seen), "environments": list(seen.values()),
            "nannies": sorted({worker["parent"] for worker in seen.values()}),
            "shuffle": workload.shuffle(cluster.map, SIZE, folder, f"{place}/exchange", PARTS)}


def read_again(cluster, folder):
    """Dask's view of the workers' memory before it, at its end, and when recent memory has become old."""
    before = cluster.memory(time.time())
    sums = cluster.each(workload.read_wide, f"{folder}/wide", SIZE["reads"])
    ended = time.time()
    after = cluster.memory(ended)
    later = cluster.memory(ended + engine_dask.SECONDS_RECENT + 1)
    return {"wide": sorted(set(sums.values())), "memory": {"before": before, "after": after, "later": later}}


def figures_of_both(cluster, live):
    """What each worker says of itself while it holds a known buffer, and what its live file says."""
    free, said = cluster.each(workload.pool_figures), {}
    for number, pid in enumerate(free):
        said[pid] = cluster.each(hold_if, pid, HELD * (number + 1))[pid]
        assert said[pid]["bytes_allocated"] - free[pid]["bytes_allocated"] == HELD * (number + 1)
    return {"said": said, "read": figures.report(live) if live else {}}


def hold_if(pid, size):
    """Only that worker holds; the others just say what they have."""
    return workload.hold("known", size) if os.getpid() == pid else workload.pool_figures()


def local(mode, folder):
    place = f"{folder}/{mode}"
    live = f"{place}/live" if mode != "stock" else None
    with engine_dask.Cluster(figures.variables(mode, live, f"{place}/dumps"), place, WORKERS) as cluster:
        result = work(cluster, folder, mode) | {"dataframe": dataframe(folder)}
        if mode != "system":
            result |= read_again(cluster, folder)
        result |= figures_of_both(cluster, live)
    return result | {"client_preload": os.environ.get("LD_PRELOAD")}


def shell(mode, folder):
    place = f"{folder}/{mode}"
    with engine_dask.Cluster({}, place, WORKERS, f"{place}/scheduler.json") as cluster:
        return work(cluster, folder, mode) | figures_of_both(cluster, f"{place}/live")


# ---- a limit ----

def too_much(size):
    """What the worker says of a buffer that it may not have, and of one that it may."""
    import pyarrow as pa

    try:
        workload.hold("too much", size)
    except pa.ArrowMemoryError as error:
        return f"{type(error).__name__}: {error}", workload.hold("enough", size // 4)["pid"]
    return None, os.getpid()


def limit(folder):
    place = f"{folder}/limited"
    environment = figures.variables("jemalloc", f"{place}/live") | {"ARROW_POOL_LIMIT": "256MiB"}
    with engine_dask.Cluster(environment, place, 1) as cluster:
        [before] = cluster.pids()
        said, pid = cluster.map(too_much, [512 << 20])[0]
        assert [before] == [pid] == cluster.pids(), "it is another worker"
        print(said)


# ---- killing ----

def victim(place, number, size, busy, *task):
    """The first time, hold a buffer, say so, and go on until the worker is killed; the next time, do the task."""
    notice = pathlib.Path(place, f"{number}.json")
    if not notice.exists():
        said = workload.hold("known", size)
        unfinished = notice.with_suffix(".tmp")
        unfinished.write_text(json.dumps(said))
        unfinished.rename(notice)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if busy:  # Arrow's buffers come and go when the signal arrives
                workload.split(task[0], f"{place}/lost-{number}", *task[2:])
            else:
                sum(range(10_000))
        raise TimeoutError(f"worker {os.getpid()} was not killed")
    return workload.split(*task)


def kill(folder, kills):
    """Every other worker works on with Arrow, so that what it said is only the least of what it held."""
    chance = random.Random(4711)
    place, exchange = f"{folder}/killed", f"{folder}/killed/exchange"
    sizes = [chance.randrange(1 << 20, 64 << 20) for _ in range(kills)]
    with engine_dask.Cluster(figures.variables("jemalloc", f"{place}/live"), place, WORKERS) as cluster:
        futures = [cluster.client.submit(victim, place, number, size, number % 2, f"{folder}/data", exchange,
                                         number % SIZE["partitions"], PARTS, pure=False)
                   for number, size in enumerate(sizes)]
        said, deadline = {}, time.monotonic() + PATIENCE
        while len(said) < kills:
            assert time.monotonic() < deadline, f"{len(said)} of {kills} were killed"
            time.sleep(chance.random() / 10)
            notices = {number: json.loads(pathlib.Path(place, f"{number}.json").read_text()) for number in range(kills)
                       if number not in said and pathlib.Path(place, f"{number}.json").exists()}
            if notices:
                number = chance.choice(list(notices))
                said[number] = notices[number]
                os.kill(said[number]["pid"], signal.SIGKILL)
                deadline = time.monotonic() + PATIENCE
        cluster.client.gather(futures)
        digest = workload.combine(cluster.map(workload.gather, [exchange] * PARTS, range(PARTS)))
        found = figures.report(f"{place}/live")
    for number, worker in sorted(said.items()):
        pool = figures.arrow_pool(found[worker["pid"]])
        exact = not number % 2
        assert worker["bytes_allocated"] >= sizes[number]
        for field in ("bytes_allocated", "total_bytes_allocated"):
            right = pool[field] == worker[field] if exact else pool[field] >= worker[field]
            assert right, (number, field, pool[field], worker[field])
        how = "exactly" if exact else "at least"
        print(f"{worker['pid']} {figures.state(pool)} {how} {worker['bytes_allocated']}: {pool['bytes_allocated']}")
    print(digest)


def main():
    what, *arguments = sys.argv[1:]
    if what == "data":
        [folder] = arguments
        workload.write_dataset(f"{folder}/data", SIZE["partitions"], SIZE["rows"])
        workload.write_wide(f"{folder}/wide", SIZE["wide_rows"])
    elif what == "limit":
        limit(*arguments)
    elif what == "kill":
        kill(arguments[0], int(arguments[1]))
    else:
        print(json.dumps({"local": local, "shell": shell}[what](*arguments)))


if __name__ == "__main__":
    main()

"""What ray.bats runs with Ray, each in a process of its own, which prints what came of it as JSON.

usage: ray_cases.py data FOLDER         write FOLDER/data and FOLDER/wide
       ray_cases.py work MODE FOLDER    four actors do the shuffle; MODE: stock, jemalloc or system
       ray_cases.py single FOLDER       only one actor and one kind of task are to be served
       ray_cases.py around              who is served if this process is started under the shim
       ray_cases.py ends FOLDER         workers end in each way that Ray has for them
       ray_cases.py lightgbm MODE FOLDER

FOLDER/MODE has live files and dumps."""

import contextlib
import json
import os
import pathlib
import signal
import sys

import engine_ray
import figures
import observed
import workload

WORKERS = 4
PARTS = 4
SIZE = workload.SIZES["small"]
HELD = 3_000_000  # bytes that each worker is made to hold


def data(folder):
    workload.write_dataset(f"{folder}/data", SIZE["partitions"], SIZE["rows"])
    return workload.write_wide(f"{folder}/wide", SIZE["wide_rows"])


ROLES = {"raylet/raylet": "raylet", "gcs_server": "GCS", "ray::Worker": "actor", "ray::IDLE": "idle worker"}


def role(words):
    line = " ".join(words)
    return next((role for word, role in ROLES.items() if word in line), "helper")


def work(mode, folder):
    place = f"{folder}/{mode}"
    with engine_ray.Cluster(figures.variables(mode, f"{place}/live", f"{place}/dumps"), place, WORKERS) as cluster:
        result = {"shuffle": workload.shuffle(cluster.map, SIZE, folder, f"{place}/exchange", PARTS),
                  "wide": sorted(cluster.each(workload.read_wide, f"{folder}/wide", 2).values()),
                  "processes": observed.processes(role)}
        said = cluster.each(workload.hold, "known", HELD)
        if mode != "stock":
            live = figures.report(f"{place}/live")
            result["workers"] = [[observed.kept(live, it), it["bytes_allocated"] >= HELD] for it in said.values()]
    return result


# ---- which of them ----

def served():
    import pyarrow as pa

    pa.allocate_buffer(1 << 20)
    return "libarrowpool_preload" in pathlib.Path("/proc/self/maps").read_text()


def single(folder):
    environment = {"env_vars": figures.variables("jemalloc", f"{folder}/single")}
    with engine_ray.started(2) as ray:
        actor, task = ray.remote(num_cpus=1)(engine_ray.Worker), ray.remote(num_cpus=1)(served)
        actors = {"actor served": actor.options(runtime_env=environment).remote(), "actor not": actor.remote()}
        result = {name: ray.get(it.run.remote(served)) for name, it in actors.items()}
        for it in actors.values():
            ray.kill(it)
        result["task served"] = ray.get(task.options(runtime_env=environment).remote())
        result["task not"] = ray.get(task.remote())
    return result


def around():
    with engine_ray.started(1) as ray:
        return {"task": ray.get(ray.remote(served).remote()), "processes": observed.processes(role)}


# ---- how they end ----

def leave(how):
    """Ways that begin in the worker; its driver sees no difference."""
    import ray

    if how == "exit_actor":
        ray.actor.exit_actor()
    elif how == "os._exit":
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


def ends(folder):
    environment = figures.variables("jemalloc", f"{folder}/live", f"{folder}/dumps")
    said = {}
    with engine_ray.started(2) as ray:
        actor = ray.remote(num_cpus=0, max_restarts=0)(engine_ray.Worker)
        actors = {}
        for how in ("exit_actor", "os._exit", "SIGKILL", "ray.kill", "out of scope", "ray.shutdown"):
            actors[how] = actor.options(runtime_env={"env_vars": environment}).remote()
            said[how] = ray.get(actors[how].run.remote(workload.hold, "known", HELD))
        for how in ("exit_actor", "os._exit", "SIGKILL"):
            with contextlib.suppress(ray.exceptions.RayActorError):
                ray.get(actors[how].run.remote(leave, how))
        ray.kill(actors["ray.kill"])
        del actors["out of scope"]
        for how in said:
            if how != "ray.shutdown":
                observed.gone(said[how]["pid"])
    observed.gone(said["ray.shutdown"]["pid"])
    return observed.left(folder, said)


# ---- LightGBM ----

def train(path):
    """A model from a column of Arrow's, by two threads; and whether the shim was there."""
    import lightgbm
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["key", "id", "weight", "group"])
    rows = table.select(["key", "weight", "group"]).to_pandas().to_numpy()
    data = lightgbm.Dataset(rows, label=table["id"].to_numpy() % 7, params={"verbose": -1})
    model = lightgbm.train({"num_threads": 2, "deterministic": True, "force_row_wise": True, "verbose": -1, "seed": 1},
                           data, num_boost_round=20)
    return workload.hashlib.sha256(model.model_to_string().encode()).hexdigest(), served()


def lightgbm(mode, folder):
    place, paths = f"{folder}/lightgbm-{mode}", [workload.partition_path(f"{folder}/data", at) for at in range(2)]
    if mode == "stock":
        return [train(path) for path in paths]  # in this process
    with engine_ray.Cluster(figures.variables(mode, place), place, 2) as cluster:
        return cluster.map(train, paths)


CASES = {"data": data, "work": work, "single": single, "around": around, "ends": ends, "lightgbm": lightgbm}

if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # where Ray says what befell its workers
        outcome = CASES[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(outcome))

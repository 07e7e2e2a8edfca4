"""What the shim's files say of an engine's workers, by `arrowpool report`, and what the kernel does."""

import json
import os
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", ROOT / "build"))
SHIM = os.environ.get("ARROWPOOL_SHIM", str(BUILD / "shim/libarrowpool_preload.so"))
COMMAND = str(BUILD / "cli/arrowpool")
MODES = ("stock", "jemalloc", "system")


def variables(mode, live, dumps=None):
    """What a worker's environment gets, for one of MODES."""
    if mode == "stock":
        return {}
    pathlib.Path(live).mkdir(mode=0o700, parents=True, exist_ok=True)
    stats = {"ARROW_POOL_STATS": f"{dumps}/%e.%p.json"} if dumps else {}
    if dumps:
        pathlib.Path(dumps).mkdir(mode=0o700, parents=True, exist_ok=True)
    return {"LD_PRELOAD": SHIM, "ARROW_POOL": mode, "ARROW_POOL_LIVE": str(live)} | stats


def report(folder):
    """{pid: {pool: its group}} of the live files or dumps below a folder."""
    done = subprocess.run([COMMAND, "report", "--by=process,pool", "--format=json", folder], check=True,
                          stdout=subprocess.PIPE)
    found = {}
    for group in json.loads(done.stdout)["groups"]:
        found.setdefault(group["pid"], {})[group["pool"]] = group
    return found


def arrow_pool(pools):
    """The group of the pool that served a worker's Arrow."""
    [group] = [group for name, group in pools.items() if name.startswith("arrow.")]
    return group


def state(group):
    """What became of the process: running, ended, gone, replaced or unknown."""
    [found] = [state for state in ("running", "ended", "gone", "replaced", "unknown") if group[state]]
    return found


def status(pid, name):
    """A field of a process's status, in bytes."""
    with open(f"/proc/{pid}/status") as lines:
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith(name + ":"))


def mean(pids, name):
    return statistics.fmean(status(pid, name) for pid in pids)

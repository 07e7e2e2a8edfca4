"""What the cases of Ray and Spark look at from outside: the processes that an engine started, which of them have the
shim, and what is left of them."""

import os
import pathlib
import time

import figures

PATIENCE = 300
LIBRARIES = {"libarrowpool_preload.so": "shim", "libjemalloc.so": "Ray's jemalloc"}


def ancestors(pid):
    while pid > 1:
        yield pid
        try:
            pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended since
            return


def processes(role):
    """{role: what is preloaded in them}, of this process and all below it; role tells it from the command line."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        if os.getpid() in ancestors(int(folder.name)):
            try:
                words = (folder / "cmdline").read_bytes().decode().split("\0")
                libraries = (folder / "maps").read_text()
            except OSError:
                continue
            if libraries:  # not one that has ended and waits for its parent
                name = "driver" if int(folder.name) == os.getpid() else role(words)
                preloaded = [word for library, word in LIBRARIES.items() if library in libraries]
                found.setdefault(name, set()).add(" ".join(preloaded) or "nothing")
    return {name: sorted(states) for name, states in sorted(found.items())}


def gone(pid):
    deadline = time.monotonic() + PATIENCE
    while pathlib.Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"worker {pid} is still there"
        time.sleep(0.02)


def kept(read, said):
    """What a folder says of a worker: its state, and whether its figures are those that it said itself last. An orderly
    end frees what was held; the total stays."""
    if said["pid"] not in read:
        return "nothing"
    pool = figures.arrow_pool(read[said["pid"]])
    same = {field: pool[field] == said[field] for field in ("bytes_allocated", "total_bytes_allocated")}
    words = "as it said" if all(same.values()) else "total as it said" if same["total_bytes_allocated"] else "wrong"
    return f"{figures.state(pool)}, {words}"


def left(folder, said):
    """{how a worker ended: [what its live file says, what its dump says]}."""
    live, dumps = (figures.report(place) if any(place.iterdir()) else {}
                   for place in (pathlib.Path(folder, "live"), pathlib.Path(folder, "dumps")))
    return {how: [kept(live, it), kept(dumps, it)] for how, it in said.items()}

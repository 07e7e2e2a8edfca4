"""Runs packages that carry Arrow (carriers_work.py) without the shim and with it in both modes, compares what they
print, and writes the table of docs/use/carriers.md: whose pools served what, and of the bytes that a package's own
libraries ask malloc's family for, how many come by aligned functions, which the shim serves. Where the shim has pools
for libraries (ARROW_POOL_LIBRARIES), the same with these. scripts/carriers makes the Python that this needs.

usage: carriers.py --python PYTHON [--rounds N] [--docs FILE] [NAME]...    without --docs the table is only printed
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", ROOT / "build"))
SHIM, CLI, CALLS = BUILD / "shim/libarrowpool_preload.so", BUILD / "cli/arrowpool", BUILD / "tests/foreign/libcalls.so"
MODES = ("stock", "jemalloc", "system")
sys.path.insert(0, str(ROOT / "tests/bench"))

Carrier = collections.namedtuple("Carrier", "work package folders arrow library")
# The work's name; the package on PyPI; where its own libraries are, in site-packages; whose Arrow it has; and whether
# ARROW_POOL_LIBRARIES is of use: by which names, where its code asks the process's malloc.
CARRIERS = [Carrier(*row) for row in (
    ("pandas", "pandas", [], "pyarrow's", None),
    ("datasets", "datasets", [], "pyarrow's", None),
    ("pyiceberg", "pyiceberg", [], "pyarrow's", None),
    ("graphar", "graphar", ["graphar"], "a libarrow of its own", None),
    ("xgboost", "xgboost-cpu", ["xgboost"], "reads pyarrow's", None),
    ("lightgbm", "lightgbm", ["lightgbm"], "reads pyarrow's", None),
    ("tiledb", "tiledb", ["tiledb"], "buffers of its own", None),
    ("pantab", "pantab", ["pantab", "tableauhyperapi"], "nanoarrow", None),
    ("adbc_driver_sqlite", "adbc-driver-sqlite", ["adbc_driver_sqlite", "adbc_driver_manager"], "nanoarrow", None),
    ("pyogrio", "pyogrio", ["pyogrio"], "GDAL's", None),
    ("arcticdb", "arcticdb", ["arcticdb"], "sparrow", None),
    ("nanoarrow", "nanoarrow", ["nanoarrow"], "nanoarrow", None),
    ("perspective", "perspective-python", ["perspective"], "libarrow, linked in", None),
    ("chdb", "chdb", ["chdb"], "libarrow, linked in", None),
    ("polars", "polars", ["_polars_runtime_32"], "polars-arrow", None),
    ("duckdb", "duckdb", ["_duckdb", "duckdb"], "its own", None),
    ("daft", "daft", ["daft"], "arrow-rs", None),
    ("deltalake", "deltalake", ["deltalake"], "arrow-rs", None),
    ("datafusion", "datafusion", ["datafusion"], "arrow-rs", None),
    ("lance", "pylance", ["lance"], "arrow-rs", "lance"),
    ("lancedb", "lancedb", ["lancedb"], "arrow-rs", "lancedb"),
    ("connectorx", "connectorx", ["connectorx"], "arrow-rs", "connectorx"),
    ("arro3", "arro3-core", ["arro3"], "arrow-rs", "arro3"),
)]

Run = collections.namedtuple("Run", "seconds said pools calls")


def ask(python, program):
    return json.loads(subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=True).stdout)


def pools_of(folder):
    """What was asked of each pool in all processes: allocations and bytes."""
    sums = collections.defaultdict(lambda: [0, 0])
    for dump in folder.glob("*.json"):
        for pool in json.loads(dump.read_text())["pools"]:
            sums[pool["name"]][0] += pool["num_allocations"]
            sums[pool["name"]][1] += pool["total_bytes_allocated"]
    return sums


def calls_of(folder, places):
    """Bytes that libraries in these places asked for: by malloc and its like, and by aligned functions."""
    plain = aligned = 0
    for file in folder.glob("calls.*"):
        for line in file.read_text().splitlines():
            path, *counts = line.split("\t")
            if path.startswith(tuple(places)):
                plain, aligned = plain + int(counts[0]), aligned + int(counts[1])
    return plain, aligned


def run(python, work, places, preload=(), **settings):
    with tempfile.TemporaryDirectory() as name:
        folder, here = pathlib.Path(name), pathlib.Path(name, "work")
        here.mkdir()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("ARROW_", "LD_PRELOAD"))}
        environment |= settings | {"CALLS_OUT": f"{folder}/calls", "ARROW_POOL_STATS": f"{folder}/%p.json"}
        environment |= {"LD_PRELOAD": " ".join(map(str, preload))} if preload else {}
        begin = time.perf_counter()
        done = subprocess.run([python, HERE / "carriers_work.py", work], cwd=here, env=environment, check=False,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=900)
        seconds = time.perf_counter() - begin
        if done.returncode:
            raise RuntimeError(f"{work} {settings}: status {done.returncode}\n{done.stderr[-2000:]}")
        return Run(seconds, done.stdout, pools_of(folder), calls_of(folder, places))


def amount(size):
    return f"{size / 2**20:,.1f} MiB"


def served(pools):
    """As "arrow.mimalloc 37, 12.2 MiB": each pool's allocations and bytes."""
    used = [f"{name} {count:,}, {amount(size)}" for name, (count, size) in sorted(pools.items()) if size >= 2**19]
    return "<br>".join(used) or "nothing"


def share(aligned, plain):
    return f"{100 * aligned / (aligned + plain):.1f} % of {amount(aligned + plain)}"


class Table:
    def __init__(self, python, rounds):
        self.python, self.rounds = python, rounds
        self.site = ask(python, "import json, sysconfig; print(json.dumps(sysconfig.get_path('platlib')))")
        self.libraries = "ARROW_POOL_LIBRARIES" in subprocess.run([CLI, "env"], capture_output=True, text=True,
                                                                  check=False).stdout
        told = subprocess.run([CLI, "doctor", "--format=json", python], capture_output=True, text=True, check=False)
        self.own = {}
        for library in json.loads(told.stdout)["libraries"]:
            folder = os.path.relpath(library["path"], self.site).split("/")[0].split(".")[0]
            if library["variable"]:
                self.own[folder] = f"{library['has'][0]}, `{library['variable']}`"

    def head(self):
        columns = ["package", "Arrow", "allocator of its own", "result", "served in jemalloc mode: allocations, bytes",
                   "of its own libraries' bytes", "stock (s)", "jemalloc / system"]
        columns += ["with a library pool", "time with it"] if self.libraries else []
        return [f"| {' | '.join(columns)} |", "|" + "---|" * 5 + "---:|" * (len(columns) - 5)]

    def row(self, carrier):
        places = [f"{self.site}/{folder}" + end for folder in carrier.folders for end in ("/", ".")]
        runs = {mode: [] for mode in MODES}
        for _ in range(self.rounds):
            for mode in MODES:
                preload = () if mode == "stock" else (SHIM,)
                runs[mode].append(run(self.python, carrier.work, places, preload, ARROW_POOL=mode))
        counted = run(self.python, carrier.work, places, (CALLS,))
        results = {one.said for mode in MODES for one in runs[mode]} | {counted.said}
        least = {mode: min(one.seconds for one in runs[mode]) for mode in MODES}
        find = f"import json, importlib.metadata as m; print(json.dumps(m.version({carrier.package!r})))"
        version = ask(self.python, find)
        own = next((self.own[folder] for folder in carrier.folders if folder in self.own), "")
        plain, aligned = counted.calls
        cells = [f"{carrier.package} {version}", carrier.arrow, own, "same" if len(results) == 1 else "**differs**",
                 served(runs["jemalloc"][0].pools), share(aligned, plain) if plain + aligned >= 2**19 else "",
                 f"{least['stock']:.1f}", " / ".join(f"{least[mode] / least['stock']:.2f}" for mode in MODES[1:])]
        if self.libraries:
            cells += self.with_pools(carrier, places, least["stock"], results)
        return f"| {' | '.join(cells)} |"

    def with_pools(self, carrier, places, stock, results):
        """The same with a pool for the library: the shim is first, so that what still passes it is counted behind."""
        if not carrier.library:
            return ["", ""]
        settings = {"ARROW_POOL": "jemalloc", "ARROW_POOL_LIBRARIES": carrier.library}
        timed = [run(self.python, carrier.work, places, (SHIM,), **settings) for _ in range(self.rounds)]
        counted = run(self.python, carrier.work, places, (SHIM, CALLS), **settings)
        if {one.said for one in [*timed, counted]} != results:
            return ["**differs**", ""]
        size = sum(size for name, (_, size) in counted.pools.items() if name.startswith("lib."))
        return [share(size, counted.calls[0]), f"{min(one.seconds for one in timed) / stock:.2f}"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", required=True)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--docs", type=pathlib.Path)
    options.add_argument("names", nargs="*", metavar="NAME", default=[one.work for one in CARRIERS])
    chosen = options.parse_args()
    table = Table(chosen.python, chosen.rounds)
    lines = table.head()
    print("\n".join(lines))
    failed = False
    for carrier in CARRIERS:
        if carrier.work not in chosen.names:
            continue
        try:
            lines.append(table.row(carrier))
        except (RuntimeError, subprocess.SubprocessError) as error:
            print(f"{carrier.work} is left out: {error}", file=sys.stderr)
            failed = True
            continue
        print(lines[-1], flush=True)
        failed |= "**differs**" in lines[-1]
    if chosen.docs:
        import document

        when = (f"{datetime.date.today()}, least of {chosen.rounds} rounds, {os.cpu_count()} processors, load at the "
                f"end {os.getloadavg()[0]:.0f}.")
        chosen.docs.write_text(document.replace(chosen.docs.read_text(), "carriers", "\n".join([when, "", *lines])))
    sys.exit(failed)


if __name__ == "__main__":
    main()

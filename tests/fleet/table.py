"""Runs the workload on engines without the shim and with it in both modes, in turn, and writes the tables of
docs/use/fleet.md: medians of wall time, of the workers' peak RSS, and of what is resident 2 s after the work.

usage: table.py [--rounds N] [--size SIZE] [--workers N] [--docs FILE] [ENGINE]...
       (Python of .venv-fleet; engines: those whose module engine_ENGINE.py is here; without --docs only printed)
       table.py one ENGINE MODE SIZE WORKERS FOLDER      one run, as JSON

engine_dask.py says what an engine's module has. Each run is a cluster of its own. One that can tell its own view of
the workers' memory has also memory(after) and SECONDS_RECENT, and gets a second table.
"""

import argparse
import datetime
import importlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import figures
import workload

MIB = 1 << 20
WORKS = {"shuffle": "shuffle, group-by, to pandas", "wide": "the same dataset read in a loop"}
FIELDS = (("wall", 1, "{:.1f}"), ("peak", MIB, "{:,.0f}"), ("after", MIB, "{:,.0f}"))
PATIENCE = 300  # seconds for one run
sys.path.insert(0, str(figures.ROOT / "tests/bench"))
import document  # noqa: E402

# ---- one run ----

def measured(cluster, work):
    """What work() gives, its wall time, and mean RSS of the workers: highest since it began, and 2 s after it."""
    can_reset = all(cluster.each(workload.reset_peak).values())
    start = time.perf_counter()
    result = work()
    wall, ended = time.perf_counter() - start, time.time()
    own_view = cluster.memory(ended) if hasattr(cluster, "memory") else None
    time.sleep(max(0, ended + 2 - time.time()))
    pids = cluster.pids()
    return {"result": result, "wall": wall, "ended": ended, "own_view": own_view,
            "peak": figures.mean(pids, "VmHWM") if can_reset else None, "after": figures.mean(pids, "VmRSS")}


def one(engine_name, mode, size_name, workers, folder):
    engine, size, place = importlib.import_module(f"engine_{engine_name}"), workload.SIZES[size_name], f"{folder}/run"
    with engine.Cluster(figures.variables(mode, f"{place}/live"), place, workers) as cluster:
        cluster.each(workload.pool_figures)  # pyarrow is loaded
        before = cluster.memory(time.time()) if hasattr(cluster, "memory") else None
        runs = {"shuffle": measured(cluster, lambda: workload.shuffle(cluster.map, size, folder, f"{place}/exchange",
                                                                     workers)),
                "wide": measured(cluster, lambda: sorted(set(
                    cluster.each(workload.read_wide, f"{folder}/wide", size["reads"]).values())))}
        memory = None
        if before:
            later = cluster.memory(runs["wide"]["ended"] + engine.SECONDS_RECENT + 1)
            memory = {"before": before, "at the end": runs["wide"]["own_view"], "later": later}
        check_served(cluster, mode, f"{place}/live")
    print(json.dumps({"runs": runs, "memory": memory}))


def check_served(cluster, mode, live):
    """What is measured has to be what it says."""
    if mode != "stock":
        said, read = cluster.each(workload.pool_figures), figures.report(live)
        for pid, figure in said.items():
            pool = figures.arrow_pool(read[int(pid)])
            assert pool["total_bytes_allocated"] == figure["total_bytes_allocated"] > 0, (pool, figure)


# ---- all of them ----

def run(engine, mode, options, folder):
    subprocess.run([figures.BUILD / "tests/bench/bench_warm", "2048"], check=True)
    subprocess.run(["rm", "-rf", f"{folder}/run"], check=True)
    os.mkdir(f"{folder}/run")
    with open(f"{folder}/log", "w+") as log:
        command = [sys.executable, __file__, "one", engine, mode, options.size, str(options.workers), folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=log, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            log.seek(0)
            sys.exit(f"{engine}, {mode}: status {done.returncode}\n{log.read()}")
    return json.loads(done.stdout.splitlines()[-1])


def cells(values, stock, scale, form):
    """Median, lowest to highest, and the median's ratio to stock."""
    if None in values + stock:
        return "? | ?"
    middle = statistics.median(values)
    low, high = (form.format(value / scale) for value in (min(values), max(values)))
    return (f"{form.format(middle / scale)} ({low} to {high}) | {middle / statistics.median(stock):.2f}")


def table(results):
    lines = ["| work | workers | wall time, s | ratio | peak RSS, MiB | ratio | RSS 2 s later, MiB | ratio |",
             "|---|---|---:|---:|---:|---:|---:|---:|"]
    for work, words in WORKS.items():
        def values(mode, field, work=work):
            return [result["runs"][work][field] for result in results[mode]]
        for mode in figures.MODES:
            row = [cells(values(mode, field), values("stock", field), scale, form) for field, scale, form in FIELDS]
            lines.append(f"| {words} | {mode} | {' | '.join(row)} |")
    return lines


def own_view(name, seconds, results):
    """The engine's own metrics, added up over the workers."""
    fields = {"process": "process", "managed": "managed", "unmanaged_old": "unmanaged, old",
              "unmanaged_recent": "unmanaged, recent"}
    text = (f"What {name} says of its workers' memory, all of them added up, in MiB (medians; here recent memory is "
            f"old after {seconds} s):")
    lines = [text, "", f"| when | workers | {' | '.join(fields.values())} |",
             "|---|---|" + "---:|" * len(fields)]
    for when, words in (("before", "before the work"), ("at the end", "when the reading loop has ended"),
                        ("later", f"{seconds + 1} s after it")):
        for mode in figures.MODES:
            sums = [statistics.median(sum(worker[field] for worker in result["memory"][when].values())
                                      for result in results[mode]) for field in fields]
            lines.append(f"| {words} | {mode} | {' | '.join(f'{value / MIB:,.0f}' for value in sums)} |")
    return lines


def engine_block(name, engine, options, folder):
    results = {mode: [] for mode in figures.MODES}
    for _ in range(options.rounds):
        for mode in figures.MODES:
            results[mode].append(run(name, mode, options, folder))
    for work in WORKS:
        if len({str(result["runs"][work]["result"]) for runs in results.values() for result in runs}) != 1:
            sys.exit(f"{name}, {work}: results differ")
    size = workload.SIZES[options.size]
    load = os.getloadavg()[0]
    text = (f"{datetime.date.today()}, {options.rounds} rounds, {options.workers} workers of one thread, "
            f"{os.cpu_count()} processors, load at the end {load:.0f}. "
            f"Shuffle: {size['partitions']} partitions of {size['rows']:,} rows; dataset: {size['wide_rows']:,} rows "
            f"of {workload.WIDE_COLUMNS} columns, read {size['reads']} times by each worker. Memory is the mean "
            "of the workers; in brackets lowest and highest round.")
    lines = [text, "", *table(results)]
    if results["stock"][0]["memory"]:
        lines += ["", *own_view(engine.NAME, engine.SECONDS_RECENT, results)]
    return "\n".join(lines)


def main():
    here = {file.stem.removeprefix("engine_") for file in pathlib.Path(__file__).parent.glob("engine_*.py")}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", choices=workload.SIZES, default="middle")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--docs", type=pathlib.Path)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", default=sorted(here))
    options = parser.parse_args()
    unknown = set(options.engines) - here
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: unknown engine; choose from {', '.join(sorted(here))}")
    with tempfile.TemporaryDirectory() as folder:
        size = workload.SIZES[options.size]
        workload.write_dataset(f"{folder}/data", size["partitions"], size["rows"])
        workload.write_wide(f"{folder}/wide", size["wide_rows"])
        for name in options.engines:
            engine = importlib.import_module(f"engine_{name}")
            if engine.missing():
                print(f"{name} is left out: {engine.missing()}", file=sys.stderr)
                continue
            if options.docs:  # before minutes are spent on what has no place
                document.replace(options.docs.read_text(), f"{name}-figures", "")
            text = engine_block(name, engine, options, folder)
            print(text, flush=True)
            if options.docs:
                options.docs.write_text(document.replace(options.docs.read_text(), f"{name}-figures", text))


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one(*sys.argv[2:5], int(sys.argv[5]), sys.argv[6])
    else:
        main()

"""What statistics cost on one host, measured on one process; and what that comes to in a fleet, reckoned from it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import dumps

# The fleet of the table. A process has the pools of the one that is measured: libc and arrow.mimalloc.
HOSTS = 10_000
PROCESSES = 50  # at a time on a host
ENDS = 2_000  # processes that end on a host in a day
PROGRAMS = 5  # different ones on a host
LINES_EVERY = 60  # seconds: ARROW_POOL_STATS_INTERVAL
SCRAPE_EVERY = 30  # seconds
SAMPLE_BYTES = 2  # on Prometheus's disk: its documentation says 1 to 2
DAY = 86_400

PROGRAM = """
import pathlib, sys
import pyarrow as pa
keep = pa.array(range(1_000_000))
keep = pa.concat_arrays([keep, keep])
file, = pathlib.Path(sys.argv[1]).glob("*.live")
resident = here = 0
for line in open("/proc/self/smaps"):
    words = line.split()
    if "-" in words[0] and not words[0].endswith(":"):
        here = line.rstrip().endswith(str(file))
    elif here and words[0] == "Rss:":
        resident += int(words[1]) * 1024
print(file.stat().st_blocks * 512, resident)
"""


def run(folder, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_")}
    environment |= {"LD_PRELOAD": dumps.SHIM, "ARROW_POOL": "jemalloc", "ARROW_POOL_LIVE": str(folder), **variables}
    done = subprocess.run([sys.executable, "-I", "-c", PROGRAM, str(folder)], env=environment, check=True,
                          stdout=subprocess.PIPE, text=True)
    return tuple(map(int, done.stdout.split()))


def measure():
    """Bytes of a live file on disk and in memory, of a dump, and of a page for Prometheus with its series."""
    with tempfile.TemporaryDirectory() as folder:
        dump, page = pathlib.Path(folder, "dump.json"), pathlib.Path(folder, "dump.prom")
        disk, resident = run(folder, ARROW_POOL_STATS=str(dump))
        run(folder, ARROW_POOL_STATS=str(page))
        text = page.read_text()
        pools = json.loads(dump.read_text())["pools"]
        samples = [line for line in text.splitlines() if not line.startswith("#")]
        of_pools = sum("pool=" in line for line in samples)
        assert disk and resident and of_pools % len(pools) == 0, (disk, resident, of_pools)
        return {"disk": disk, "resident": resident, "dump": dump.stat().st_size, "page": len(text.encode()),
                "pools": len(pools), "of_process": len(samples) - of_pools, "of_pool": of_pools // len(pools)}


def size(count):
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            return f"{count:,.1f} {unit}" if unit != "B" else f"{count:,.0f} B"
        count /= 1024
    return None


def host_table(m):
    return ["| of a process with " + f"{m['pools']} pools | bytes | of {PROCESSES} processes |", "|---|---:|---:|",
            *(f"| {what} | {m[key]:,} | {size(m[key] * PROCESSES)} |"
              for what, key in (("live file, on disk (tmpfs: in memory)", "disk"),
                                ("live file, mapped and resident in the process", "resident"),
                                ("dump in json, a line of jsonl", "dump"),
                                ("page for Prometheus", "page"))),
            "", f"Series of a process: {m['of_process']}, and {m['of_pool']} for each pool."]


def fleet_table(m, report):
    """`report`: the row of the largest report over files."""
    a_process = m["of_process"] + m["pools"] * m["of_pool"]
    ends, lines = HOSTS * ENDS, HOSTS * PROCESSES * DAY // LINES_EVERY
    by_process, by_program = PROCESSES * a_process, PROGRAMS * m["pools"] * m["of_pool"]

    def scraped(of_host):
        rate = HOSTS * of_host / SCRAPE_EVERY
        return f"{HOSTS * of_host:,} | {rate:,.0f} | {size(rate * DAY * SAMPLE_BYTES)}"

    hours = ends * report["seconds"] / report["count"] / 3600
    assumed = (f"{HOSTS:,} hosts with {PROCESSES} processes at a time, of {PROGRAMS} programs, "
               f"{m['pools']} pools each; {ENDS:,} processes\nend on each in a day. "
               f"Lines every {LINES_EVERY} s, scrapes every {SCRAPE_EVERY} s, {SAMPLE_BYTES} bytes a sample.")
    files = (("a dump at each end", f"{ends:,} files", size(ends * m["dump"]), size(ENDS * m["dump"])),
             (f"a line of jsonl every {LINES_EVERY} s", f"{lines:,} lines", size(lines * m["dump"]),
              size(lines / HOSTS * m["dump"])),
             ("live files", "none", f"none; {size(HOSTS * PROCESSES * m['disk'])} at a time",
              size(PROCESSES * m["disk"])))
    took = (f"A report over a day's dumps takes {hours:.2f} hours of one processor for all hosts, and "
            f"{hours * 3600 / HOSTS:.2f} s for one.")
    return [
        assumed, "",
        "| files | a day | bytes a day | of a host |", "|---|---:|---:|---:|",
        *(f"| {' | '.join(words)} |" for words in files), "",
        took, "",
        "| scraped | series at a time | samples a second | bytes a day | new series a day |",
        "|---|---:|---:|---:|---:|",
        f"| each process, label pid | {scraped(by_process)} | {ends * a_process:,} |",
        f"| sums by program and pool | {scraped(by_program)} | with new programs only |",
        f"| sums by pool | {scraped(m['pools'] * m['of_pool'])} | with new hosts only |"]

"""Measures memory profilers on one program (profilers_workload.py): what they say after SIGKILL, and what they cost.

    profilers.py [--rounds N] [--scale F] [--only REGEX] [--docs FILE]

    --rounds N    each tool so often, all in turns (default: 5)
    --scale F     so much of the program's data (default: 1)
    --only REGEX  only tools whose titles match; the run without any is always there
    --docs FILE   put the table between the markers of this document (default: only print it)

ARROWPOOL_BUILD and ARROWPOOL_PYTHON are as for driver.py. What is not installed is named as not measured."""

import argparse
import dataclasses
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile

import machine
import profilers_read as read
from commands import BUILD, HERE, PYTHON, ROOT, cannot_preload, clean_environment, shim
from document import replace

MIB = 1 << 20
SYSTEM = {"ARROW_DEFAULT_MEMORY_POOL": "system"}  # so that Arrow asks malloc, which these tools see


@dataclasses.dataclass
class Tool:
    title: str
    read: object = read.nothing
    prefix: tuple = ()  # what the command begins with; FOLDER is where its files go
    python: tuple = ()  # options of Python's
    environment: dict = dataclasses.field(default_factory=dict)
    package: str = ""  # whose version is told: of Debian, or of the Python
    needs: str = ""  # a program or library, without which it cannot be measured


TOOLS = (
    Tool("none"),
    Tool("none, Arrow's system pool", environment=SYSTEM),
    Tool("none, on arrowpool", environment={"LD_PRELOAD": shim(BUILD), "ARROW_POOL": "jemalloc"}),
    Tool("arrowpool's profile", read.arrowpool, environment={
        "LD_PRELOAD": shim(BUILD), "ARROW_POOL": "jemalloc", "ARROW_POOL_PROFILE": "FOLDER"}),
    Tool("memray", read.memray, python=("-m", "memray", "run", "-q", "-o", "FOLDER/trace.bin"), environment=SYSTEM,
         needs="memray"),
    Tool("memray, Arrow's own mimalloc", read.memray, python=("-m", "memray", "run", "-q", "-o", "FOLDER/trace.bin"),
         needs="memray"),
    Tool("heaptrack", read.heaptrack, prefix=("heaptrack", "-o", "FOLDER/trace"), environment=SYSTEM,
         package="heaptrack", needs="heaptrack"),
    Tool("jemalloc's profile, a dump each 64 MiB", read.jemalloc, package="libjemalloc2", needs="libjemalloc.so.2",
         environment=SYSTEM | {"LD_PRELOAD": "libjemalloc.so.2",
                               "MALLOC_CONF": "prof:true,lg_prof_interval:26,prof_prefix:FOLDER/dump"}),
    Tool("tcmalloc's profile, a dump each 64 MiB", read.tcmalloc, package="libgoogle-perftools4",
         needs="libtcmalloc.so.4",
         environment=SYSTEM | {"LD_PRELOAD": "libtcmalloc.so.4", "HEAPPROFILE": "FOLDER/dump",
                               "HEAP_PROFILE_ALLOCATION_INTERVAL": str(64 * MIB)}),
)


def lacks(tool):
    if tool.needs == "memray":
        found = subprocess.run([PYTHON, "-c", "import memray"], check=False, stderr=subprocess.DEVNULL).returncode == 0
    elif ".so" in tool.needs:
        found = not cannot_preload(tool.needs)
    else:
        found = not tool.needs or shutil.which(tool.needs)
    return not found


def version(tool):
    if tool.needs == "memray":
        return machine.output(PYTHON, "-c", "import memray; print(memray.__version__)")
    return machine.output("dpkg-query", "-W", "-f", "${Version}", tool.package) if tool.package else ""


def run(tool, scale):
    """One process: what was true, and the folder's size in bytes, with what is said of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name, "files")
        folder.mkdir()
        truth = pathlib.Path(name, "truth.json")
        command = [word.replace("FOLDER", str(folder)) for word in
                   (*tool.prefix, PYTHON, *tool.python, f"{HERE}/profilers_workload.py", str(truth), str(scale))]
        added = {key: value.replace("FOLDER", str(folder)) for key, value in tool.environment.items()}
        variables = clean_environment() | added | {"PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(command, env=variables, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if not truth.exists():
            raise SystemExit(f"{tool.title}: the program did not come to its end")
        size = sum(path.stat().st_blocks * 512 for path in folder.iterdir())
        return json.loads(truth.read_text()), size, tool.read(folder)


# ---- the table ----

def mib(size):
    return f"{size / MIB:,.1f}"


def said(found, name):
    if name not in found:
        return "-"
    return "named" if found[name] is None else mib(found[name])


def ratios(runs, base, field):
    """By minima, and by medians."""
    mine, theirs = [truth[field] for truth, *_ in runs], [truth[field] for truth, *_ in base]
    return f"{min(mine) / min(theirs):.2f} ({statistics.median(mine) / statistics.median(theirs):.2f})"


def row(tool, runs, base):
    truth, size, (found, whole) = runs[-1]
    known = {name: found[name] for name in read.FUNCTIONS if found.get(name) is not None}
    right = sum(min(known[name], truth["bytes"][name]) for name in known) / sum(truth["bytes"].values())
    measures = tool.read is not read.nothing
    cells = [f"{tool.title}{f' ({version(tool)})' if version(tool) else ''}"]
    cells += [said(found, name) if measures else "" for name in read.FUNCTIONS]
    cells += [f"{right:.0%}" if measures else "", mib(whole) if whole is not None else "nothing" if measures else ""]
    cells += [ratios(runs, base, field) for field in ("seconds", "cpu_seconds", "peak_mib")]
    cells += [mib(size) if measures else ""]
    return cells


def table(results, missing, arguments):
    base = results["none"]
    truth = base[0][0]
    facts = json.loads(machine.output(PYTHON, f"{HERE}/arrow_bench.py", "facts"))
    about = machine.describe(ROOT, facts)
    titles = ["", "load (MiB)", "small (MiB)", "stream (MiB)", "of the true bytes, in their lines",
              "all that is said to live (MiB)", "time, of none", "CPU time, of none", "peak memory, of none",
              "files (MiB)"]
    peak = min(t["peak_mib"] for t, *_ in base)
    times = [[t[field] for t, *_ in base] for field in ("seconds", "cpu_seconds")]
    true = ["**true, by Arrow's counter**", *(f"**{mib(truth['bytes'][name])}**" for name in read.FUNCTIONS), "",
            mib(truth["total"]), *(f"{min(field):.2f} s ({statistics.median(field):.2f} s)" for field in times),
            f"{peak:,.0f} MiB", ""]
    rows = [titles, ["---"] * len(titles), true, *(row(tool, results[tool.title], base) for tool in TOOLS
                                                   if tool.title in results)]
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    about = (f"{arguments.rounds} rounds, in turns; ratios of minima, and in brackets of medians. {about['date']}, "
             f"arrowpool {about['arrowpool']}, pyarrow {about['pyarrow']}, {about['processor']}, {about['memory']}; "
             f"load when it began {about['load when it began']}.")
    lines += ["", about]
    if missing:
        lines += ["", f"Not measured, as it was not installed: {', '.join(missing)}."]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description="Compare memory profilers on one program.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--docs", default="")
    arguments = parser.parse_args()
    chosen = [tool for tool in TOOLS if tool.title == "none" or re.search(arguments.only, tool.title)]
    missing = [tool.title for tool in chosen if lacks(tool)]
    tools = [tool for tool in chosen if tool.title not in missing]
    results = {tool.title: [] for tool in tools}
    for _ in range(arguments.rounds):
        for tool in tools:
            results[tool.title].append(run(tool, arguments.scale))
    text = table(results, missing, arguments)
    print(text)
    if arguments.docs:
        document = pathlib.Path(arguments.docs)
        document.write_text(replace(document.read_text(), "profilers", text))


if __name__ == "__main__":
    main()

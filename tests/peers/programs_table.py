"""Runs the programs of tests/peers/programs without the shim and with it in both modes, in turn, and writes the table
of docs/use/programs.md: least wall and CPU times of all rounds, peak RSS of the largest process that was waited for.

usage: programs_table.py [--rounds N] [--docs FILE] [PROGRAM]...   without --docs the table is only printed
"""

import argparse
import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import programs_stats

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHIM = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", ROOT / "build")) / "shim/libarrowpool_preload.so"
START = str(HERE / "programs/start")
MODES = ("stock", "jemalloc", "system")
sys.path.insert(0, str(ROOT / "tests/bench"))


def version(program):
    done = subprocess.run([START, "version", program], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout.strip()


def what_it_did(program):
    """The first comment of its file."""
    script = HERE / f"programs/{program}.sh"
    if script.exists():
        return script.read_text().splitlines()[1].removeprefix("# ")
    return (HERE / f"programs/{program}.py").read_text().splitlines()[0].strip('".')


def once(program, mode, folder):
    """Seconds by the wall, seconds of CPU, peak RSS (KiB), aligned calls, what it printed."""
    work, dumps = folder / "work", folder / "dumps"
    for path in (work, dumps):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    dumps.chmod(0o1777)
    preload = {"LD_PRELOAD": str(SHIM), "ARROW_POOL": mode, "ARROW_POOL_STATS": f"{dumps}/%e.%p.json"}
    with open(folder / "out", "w+b") as out:
        start = time.perf_counter()
        child = subprocess.Popen([START, "run", program], cwd=work, stdin=subprocess.DEVNULL, stdout=out,
                                 env=os.environ | (preload if mode != "stock" else {}))
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        out.seek(0)
        if status:
            sys.exit(f"{program}, {mode}: status {status}")
        calls = programs_stats.served(dumps, mode)[0] if mode != "stock" else 0
        return wall, used.ru_utime + used.ru_stime, used.ru_maxrss, calls, out.read()


def row(program, rounds):
    installed, name = version(program)
    if not installed:
        print(f"{program} is left out: {name}", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        runs = {mode: [] for mode in MODES}
        for _ in range(rounds):
            for mode in MODES:
                runs[mode].append(once(program, mode, pathlib.Path(folder)))
    if len({run[4] for mode in MODES for run in runs[mode]}) != 1:
        sys.exit(f"{program}: results differ")

    def ratios(field):
        least = {mode: min(run[field] for run in runs[mode]) for mode in MODES}
        return " / ".join(f"{least[mode] / least['stock']:.2f}" for mode in MODES[1:])

    calls = max(run[3] for run in runs["jemalloc"])
    seconds = min(run[0] for run in runs["stock"])
    return f"| {name} | {what_it_did(program)} | {seconds:.1f} | {ratios(0)} | {ratios(1)} | {ratios(2)} | {calls:,} |"


def main():
    everything = sorted({file.stem for file in (HERE / "programs").iterdir() if "_" in file.stem.strip("_")})
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--docs", type=pathlib.Path)
    options.add_argument("programs", nargs="*", metavar="PROGRAM", default=everything)
    chosen = options.parse_args()
    lines = ["| program | what it did | stock (s) | wall time | CPU time | peak RSS | aligned allocations |",
             "|---|---|---:|---:|---:|---:|---:|"]
    for program in chosen.programs:
        line = row(program, chosen.rounds)
        if line:
            print(line, flush=True)
            lines.append(line)
    if chosen.docs:
        import document

        when = (f"{datetime.date.today()}, {chosen.rounds} rounds, {os.cpu_count()} processors, load at the end "
                f"{os.getloadavg()[0]:.0f}.")
        text = chosen.docs.read_text()
        chosen.docs.write_text(document.replace(text, "programs", "\n".join([when, "", *lines])))


main()

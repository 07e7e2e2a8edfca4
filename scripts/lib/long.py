#!/usr/bin/env python3
"""The long form of the tests: every part within its time, two at a time where they leave room for that.

usage: scripts/test --long [--plan] [--only PART]...    --plan: what would run, and how long at most

Soaks use up their time. What has a fixed amount of work begins no further test when the time of its part is over: that
test is skipped, and the end says so. A part that still goes on after four times its time hangs, and has failed. Logs:
long/ of the build folder."""

import argparse
import collections
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD") or ROOT / "build")
LOGS = BUILD / "long"
PYTHON = os.environ.get("ARROWPOOL_PYTHON") or ROOT / ".venv/bin/python"

NAMES_TESTS = ("bats", "meson")  # commands that name each test, and tell of those that are skipped
# `busy`: processes that want a processor all the time beside it, since no test may depend on how soon it gets one.
Part = collections.namedtuple("Part", "name minutes alone command busy", defaults=[0])


def bats(*files, only="."):
    return ["bats", "--tap", "--filter", only, *(f"tests/{name}.bats" for name in files)]


def stress(flavour, log2, minutes):
    return [BUILD / f"tests/unit/stress{flavour}", 4, f"{minutes * 60}s", log2, "fork"]


# In this order: what is alone first. With two at a time the others take half of their sum.
PARTS = [
    Part("suites", 55, True, ["meson", "test", "-C", BUILD, "--no-rebuild", "--print-errorlogs"], busy=8),
    Part("overcommit", 1, True, bats("shim/surroundings", only="of the kernel's own")),
    Part("pyarrow", 25, False, bats("peers/pyarrow_suite", only="suite of")),
    Part("fleet", 15, False, bats("fleet/dask", "fleet/ray", "fleet/spark")),
    Part("dockerfile", 15, False, bats("install/dockerfile", only="builds")),
    Part("release", 20, False, bats("install/release")),
    Part("compilers", 10, False, bats("install/compilers")),
    Part("sanitize", 14, False, ["scripts/sanitize"]),
    Part("faults", 12, False, ["tests/faults/run", "--all", "--jobs", 1, "--seconds", 11 * 60]),
    Part("scale", 12, False, bats("scale/scale", only="100,000")),
    Part("programs", 12, False, bats("peers/programs")),
    Part("attach", 12, False, bats("cli/attach", only="threads work")),
    Part("robustness", 10, False, bats("peers/robustness")),
    Part("fuzz", 10, False, ["scripts/fuzz", 50]),
    Part("soaks", 10, False, [*bats("shim/life", "shim/live", "peers/arrow_cpp", "peers/cxx_pool",
                                    only="forks while|killed in the middle|under stress|eight threads")]),
    Part("wheels", 10, False, bats("peers/matrix", "peers/chains", "peers/cxx_pool", only="pyarrow")),
    Part("analyze", 6, False, ["scripts/analyze"]),
    Part("stress", 5, False, stress("", 24, 5)),
    Part("stress-tsan", 5, False, stress("-tsan", 22, 5)),
]
if (ROOT / "tests/foreign").is_dir():
    PARTS.append(Part("foreign", 12, False, ["bats", "--tap", *sorted((ROOT / "tests/foreign").glob("*.bats"))]))


def lines_of(part):
    return (LOGS / f"{part.name}.log").read_text(errors="replace").splitlines() or [""]


# Busy until its standard input is closed: by us, or by the kernel when this program is killed.
BUSY = "import select, sys\nwhile not select.select([sys.stdin], [], [], 0)[0]: sum(range(100000))"


@contextlib.contextmanager
def load(processes):
    started = [subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.PIPE) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.communicate()


def perform(part, results):
    """Run it, note how it ended, and say how long that took. The ordinary run of the suites, under load, is one."""
    log, began = LOGS / f"{part.name}.log", time.monotonic()
    environment = dict(os.environ, ARROWPOOL_BUILD=str(BUILD), ARROWPOOL_SOURCE=str(ROOT), ARROWPOOL_PYTHON=str(PYTHON))
    if part.name == "suites":
        environment |= {"MESON_TESTTHREADS": "6"}  # or they would get little between so many
    else:
        environment |= {"ARROWPOOL_LONG": "1", "ARROWPOOL_UNTIL": str(int(time.time() + part.minutes * 60))}
    with open(log, "w") as out, load(part.busy):
        process = subprocess.Popen(list(map(str, part.command)), cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(timeout=4 * part.minutes * 60 + 600)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = "hangs"
    results[part.name] = status
    lines = lines_of(part)
    if status:
        print(*lines[-40:], sep="\n", file=sys.stderr)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    how = "ok" if status == 0 else f"FAILED ({status}): {log}"
    last = "" if part.command[0] in NAMES_TESTS else lines[-1][:150]
    print(f"{part.name:12} {minutes:3}:{seconds:02} of {part.minutes:2} min  {how}  {last}".rstrip(), flush=True)


def perform_all(parts, results):
    """Those that are alone, one after the other; then the others, by two."""
    for part in parts:
        if part.alone:
            perform(part, results)
    rest = collections.deque(part for part in parts if not part.alone)

    def work():
        while True:
            try:
                part = rest.popleft()
            except IndexError:
                return
            perform(part, results)

    lanes = [threading.Thread(target=work) for _ in range(2)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()


def plan(parts):
    alone = sum(part.minutes for part in parts if part.alone)
    others = [part.minutes for part in parts if not part.alone]
    for part in parts:
        beside = f", beside {part.busy} busy processes" if part.busy else ", alone" if part.alone else ""
        print(f"{part.name:12} {part.minutes:3} min{beside}")
    total = alone + max([sum(others) / 2, *others], default=0)
    print(f"{total:.0f} minutes in all, besides scripts/setup and scripts/build")


def summarize(parts, results):
    """What was skipped and why, and the counts: of single tests where a part names them, else of parts."""
    named = {part.name for part in parts if part.command[0] in NAMES_TESTS}
    whole = [results[part.name] for part in parts if part.name not in named]
    testlog = BUILD / "meson-logs/testlog.json" if "suites" in results else os.devnull
    taps = [LOGS / f"{name}.log" for name in sorted(named - {"suites"})]
    # A part that ended badly without a test that did.
    lost = sum(results[tap.stem] != 0 and "\nnot ok" not in tap.read_text(errors="replace") for tap in taps)
    counts = [whole.count(0), len(whole) - whole.count(0) + lost]
    for part in parts:
        for line in lines_of(part):
            if line.startswith("not finished"):
                print(f"skipped: {part.name}: {line}")
    command = [sys.executable, ROOT / "scripts/lib/count_results.py", testlog, *counts, *taps]
    subprocess.run(list(map(str, command)), check=True)


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("--plan", action="store_true")
    options.add_argument("--only", action="append", choices=[part.name for part in PARTS])
    chosen = options.parse_args()
    parts = [part for part in PARTS if not chosen.only or part.name in chosen.only]
    if chosen.plan:
        plan(parts)
        return 0
    LOGS.mkdir(parents=True, exist_ok=True)
    results = {}
    perform_all(parts, results)
    summarize(parts, results)
    return 0 if all(status == 0 for status in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

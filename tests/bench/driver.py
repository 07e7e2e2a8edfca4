"""Runs the benchmarks: every case with every allocator, in processes of their own, and writes what came out.

    driver.py [--quick] [--repeats N] [--only REGEX] [--no-cold] [--docs FILE]

    --quick        2 repeats, for a look
    --only REGEX   only the matching CASE/ALLOCATOR pairs, such as 'doubling/(arrowpool|limit)$'
    --docs FILE    write the tables into this document; by default docs/use/performance.md, unless --quick or
                   --only was given, whose figures are only printed

Environment: ARROWPOOL_BUILD, the build folder; ARROWPOOL_PYTHON, a Python with pyarrow. Figures go to
bench/results.json in the build folder. Called by scripts/bench.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import chart
import document
import machine
import plan
import tables
from goals import goals as all_goals
from results import Results

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("ARROWPOOL_BUILD", os.path.join(ROOT, "build")))
PYTHON = os.environ.get("ARROWPOOL_PYTHON", os.path.join(ROOT, ".venv/bin/python"))
PROGRAMS = os.path.join(BUILD, "tests/bench")
PRELOAD = os.path.join(BUILD, "shim/libarrowpool_preload.so")
ARROW_BENCH = os.path.join(HERE, "arrow_bench.py")
SKIPPED = 77
TIMEOUT = 300  # seconds


def say(text):
    print(text, file=sys.stderr, flush=True)


def clean_environment():
    """Without what would configure an allocator behind our back."""
    foreign = re.compile(r"ARROW_|LD_PRELOAD$|MALLOC_|MIMALLOC_|TCMALLOC_|GLIBC_TUNABLES$")
    return {name: value for name, value in os.environ.items() if not foreign.match(name)}


def pool_environment(pool):
    if pool == "arrowpool":
        return {"LD_PRELOAD": PRELOAD, "ARROW_POOL": "jemalloc"}
    return {"ARROW_DEFAULT_MEMORY_POOL": pool}


class Bench:
    def __init__(self, arguments, libarrow, data):
        self.arguments, self.libarrow, self.data = arguments, libarrow, data
        self.results, self.skipped, self.failed = Results(), {}, []
        self.have_data = False

    @staticmethod
    def prepare_machine(case, temperature):
        if temperature == "cold":
            time.sleep(plan.COLD_PAUSE)
            return
        mib = min(case.warm_mib, machine.available_mib() // 2)
        subprocess.run([os.path.join(PROGRAMS, "bench_warm"), str(mib)], check=True)

    def command(self, case, who, settle):
        if case.group == "arrow":
            extra = [self.data] if case.name in ("csv", "dataset") else []
            extra += ["settle"] if settle and case.name == "dataset" else []
            return [PYTHON, ARROW_BENCH, case.name, *extra], pool_environment(who)
        if case.group == "count":
            what = "shards" if who == "arrowpool" else "atomics"
            return [os.path.join(PROGRAMS, "bench_count"), what, case.name.split("-")[1]], {}
        extra = ["settle"] if settle and case.name == "reuse-64m" else []
        return [os.path.join(PROGRAMS, "bench_growth"), who, case.name, *extra], {"BENCH_LIBARROW": self.libarrow or ""}

    def measure(self, case, who, temperature, settle):
        command, extra = self.command(case, who, settle)
        self.prepare_machine(case, temperature)
        try:
            done = subprocess.run(command, env=clean_environment() | extra, capture_output=True, text=True,
                                  timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            self.failed.append(f"{case.name}/{who}: still running after {TIMEOUT} s")
            return
        if done.returncode == SKIPPED:
            self.skipped[who] = done.stderr.strip()
            return
        try:
            run = json.loads(done.stdout)
        except ValueError:
            run = {}
        trouble = self.trouble(run, who, done.returncode)
        if trouble:
            self.failed.append(f"{case.name}/{who}: {trouble}; {done.stderr.strip()[-500:]}")
        else:
            self.results.add(case.name, who, temperature, run)

    @staticmethod
    def trouble(run, who, status):
        if not run:
            return f"no figures, status {status}"
        if not run["verified"]:
            return "wrong contents"
        if "served_bytes" in run and bool(run["served_bytes"]) != (who == "arrowpool"):
            return "not served by the pool that was asked for"
        return f"status {status}" if status else ""

    def wanted(self, case, who):
        return who not in self.skipped and re.search(self.arguments.only, f"{case.name}/{who}")

    def enough(self, case, who, rounds):
        """What takes long is repeated less often, and so is what no goal needs."""
        seconds = self.results.seconds(case.name, who)
        limits = [repeats for limit, repeats in plan.LONG if seconds > limit and not case.long]
        least = min([case.repeats, *limits, *([plan.CONTEXT_REPEATS] if who in plan.CONTEXT else [])])
        return rounds >= least * max(1, self.arguments.repeats / plan.REPEATS)

    def run_case(self, case, who, repeats, temperature="warm"):
        """All allocators take turns, so that what the machine does meanwhile meets them alike."""
        start = time.monotonic()
        for turn in range(repeats):
            for name in who:
                if self.wanted(case, name) and not (temperature == "warm" and self.enough(case, name, turn)):
                    # RSS 2 s later is much the same each time, and waiting for it makes the machine cold.
                    self.measure(case, name, temperature, settle=turn == 0 and name not in plan.CONTEXT)
        if any(self.results.has(case.name, name, temperature) for name in who):
            say(f"  {case.name} ({temperature}): {time.monotonic() - start:.0f} s")

    def prepare(self, case):
        if case.name in ("csv", "dataset") and not self.have_data and any(self.wanted(case, who) for who in case.who):
            say("  making the data for csv and dataset")
            subprocess.run([PYTHON, ARROW_BENCH, "generate", self.data], env=clean_environment(), check=True)
            self.have_data = True

    def run(self):
        if not self.arguments.no_cold:
            for name in plan.COLD_CASES:
                self.run_case(plan.BY_NAME[name], plan.COLD_ALLOCATORS, plan.COLD_REPEATS, "cold")
        for case in plan.CASES:
            self.prepare(case)
            self.run_case(case, case.who, self.arguments.repeats)
        return self.results


def parse():
    parser = argparse.ArgumentParser(description="Run the benchmarks of arrowpool.")
    parser.add_argument("--quick", action="store_true", help="2 repeats, no cold runs, for a look")
    parser.add_argument("--repeats", type=int, default=0, metavar="N",
                        help=f"rounds; default {plan.REPEATS}. More of them raise those of long cases in proportion")
    parser.add_argument("--only", default="", metavar="REGEX", help="only matching CASE/ALLOCATOR pairs")
    parser.add_argument("--no-cold", action="store_true", help="leave out the runs without a warm-up")
    parser.add_argument("--docs", default="", metavar="FILE", help="the document that gets the tables")
    arguments = parser.parse_args()
    arguments.no_cold = arguments.no_cold or arguments.quick
    arguments.repeats = arguments.repeats or (2 if arguments.quick else plan.REPEATS)
    if not arguments.docs and not arguments.quick and not arguments.only:
        arguments.docs = os.path.join(ROOT, "docs/use/performance.md")
    return arguments


def write_document(path, text, found, results, folder):
    if not chart.draw(results, folder, os.path.splitext(path)[0]):
        say("no chart: gnuplot is not installed, or the growth cases were not measured")
    with open(path) as file:
        page = file.read()
    page = document.replace(page, "missed", document.missed(page, found, tables.number))
    page = document.replace(page, "results", text)
    with open(path, "w") as file:
        file.write(page)


def main():
    arguments = parse()
    for file in (PYTHON, PRELOAD, os.path.join(PROGRAMS, "bench_growth")):
        if not os.path.exists(file):
            sys.exit(f"{file} is missing; scripts/bench builds what this needs")
    folder = os.path.join(BUILD, "bench")
    os.makedirs(folder, exist_ok=True)
    start = time.monotonic()
    facts = json.loads(subprocess.run([PYTHON, ARROW_BENCH, "facts"], env=clean_environment(), check=True,
                                      capture_output=True, text=True).stdout)
    described = machine.describe(ROOT, facts)
    with tempfile.TemporaryDirectory(dir=folder) as data:
        bench = Bench(arguments, facts["libarrow"], data)
        results = bench.run()
    minutes = (time.monotonic() - start) / 60
    described["took"] = f"{minutes:.1f} minutes"
    found = all_goals(results)
    with open(os.path.join(folder, "results.json"), "w") as out:
        json.dump({"machine": described, "skipped": bench.skipped, "failed": bench.failed, "cells": results.as_json(),
                   "goals": [vars(goal) | {"met": goal.met} for goal in found]}, out, indent=1)
    text = tables.everything(results, described, found)
    print(text)
    if arguments.docs:
        write_document(arguments.docs, text, found, results, folder)
    for reason in bench.skipped.values():
        say(f"left out: {reason}")
    for trouble in bench.failed:
        say(f"FAILED: {trouble}")
    counted = [sum(goal.met is verdict for goal in found) for verdict in (True, False, None)]
    say(f"{minutes:.1f} minutes; goals: {counted[0]} met, {counted[1]} missed, {counted[2]} not measured")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())

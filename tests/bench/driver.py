"""Runs the benchmarks: every case with every allocator, in processes of their own, and writes what came out.

    driver.py [--part buffers|work] [--quick] [--repeats N] [--only REGEX] [--against BUILD] [--no-cold] [--no-settle]
              [--docs FILE] [--scale F] [--folder FOLDER]

    --part         only growth and small buffers, or only ordinary work of pyarrow; by default both
    --quick        2 rounds, for a look; of ordinary work only stock pyarrow and arrowpool
    --only REGEX   only the matching CASE/ALLOCATOR pairs, such as 'doubling/(arrowpool|limit)$' or '^csv_'
    --against      one more peer, against: arrowpool of another build folder, in all that ours is measured in; ends with
                   a table of ratios between the two. --only '/(arrowpool|against)$' leaves out all others
    --no-cold      no runs without a warm-up
    --no-settle    do not wait to look at memory again
    --docs FILE    write the tables into this document; by default docs/use/performance.md, unless --quick, --only or
                   --against was given, whose figures are only printed
    --scale F      with so much of the data of ordinary work, for a try
    --folder       where results.json and the data of ordinary work are kept; by default bench in the build folder

Environment: ARROWPOOL_BUILD, the build folder; ARROWPOOL_PYTHON, a Python with pyarrow. Called by scripts/bench.
Fails if a run failed, or if the pools' results of a workload are not the same.
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
import commands
import document
import machine
import parts
import plan
import tables
import tables_against
from results import Results, differences

SKIPPED = 77
TIMEOUT = 300  # seconds
DOCUMENT = os.path.join(commands.ROOT, "docs/use/performance.md")


def say(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, arguments, run_by):
        self.arguments, self.commands = arguments, run_by
        self.results, self.skipped, self.failed = Results(), {}, []
        self.digests, self.have_data = {}, set()

    def prepare_machine(self, case, temperature):
        if temperature == "cold":
            time.sleep(plan.COLD_PAUSE)
            return
        mib = case.warm_mib * (self.arguments.scale if case.group == "work" else 1)
        self.commands.warm(max(1, min(int(mib), machine.available_mib() // 2)))

    def measure(self, case, who, temperature, settle):
        command, extra = self.commands.of(case, who, settle)
        self.prepare_machine(case, temperature)
        try:
            done = subprocess.run(command, env=commands.clean_environment() | extra, capture_output=True, text=True,
                                  timeout=TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            self.failed.append(f"{case.name}/{who}: still running after {TIMEOUT} s")
            return
        if done.returncode == SKIPPED:
            self.skipped[case.program, who] = done.stderr.strip()
            return
        try:
            run = json.loads(done.stdout)
        except ValueError:
            run = {}
        trouble = self.trouble(case, run, who, done.returncode)
        if trouble:
            self.failed.append(f"{case.name}/{who}: {'; '.join(filter(None, (trouble, done.stderr.strip()[-500:])))}")
        else:
            self.results.add(case.name, who, temperature, run)

    def trouble(self, case, run, who, status):
        if not run:
            return f"no figures, status {status}"
        if not run.get("verified", True):
            return "wrong contents"
        if "served_bytes" in run and not self.served_as_asked(run, who):
            return "not served by the pool that was asked for"
        if status:
            return f"status {status}"
        return self.disagreement(case, who, run["digest"]) if "digest" in run else ""

    def served_as_asked(self, run, who):
        """By our jemalloc, by the shim's system mode, or without the shim, in the pool that was chosen."""
        served, environment = run["served_bytes"], self.commands.environment(who)
        if "ARROW_POOL" not in environment:
            return served is None and run["backend"] == environment["ARROW_DEFAULT_MEMORY_POOL"]
        return served is not None and bool(served) == (environment["ARROW_POOL"] == "jemalloc")

    def disagreement(self, case, who, digest):
        """What is not as in the first result of the workload."""
        first, expected = self.digests.setdefault(case.name, (who, digest))
        found = differences(expected, digest)
        return f"another result than with {first}: {', '.join(found)}" if found else ""

    def wanted(self, case, who):
        return (case.program, who) not in self.skipped and re.search(self.arguments.only, f"{case.name}/{who}")

    def enough(self, case, who, rounds):
        """What takes long is repeated less often, and so is what no goal needs."""
        seconds = self.results.seconds(case.name, who)
        limits = [repeats for limit, repeats in plan.LONG if seconds > limit and not case.long]
        least = min([case.repeats, *limits, *([case.context_repeats] if who in case.context else [])])
        return rounds >= least * max(1, self.arguments.repeats / plan.REPEATS)

    def run_case(self, case, who, repeats, temperature="warm"):
        """All allocators take turns, so that what the machine does meanwhile meets them alike."""
        start = time.monotonic()
        for turn in range(repeats):
            # RSS 2 s later is much the same each time, and waiting for it makes the machine cold.
            settle = turn == 0 and not self.arguments.no_settle
            for name in who:
                if self.wanted(case, name) and not (temperature == "warm" and self.enough(case, name, turn)):
                    self.measure(case, name, temperature, settle and case.wants_settling(name))
        if any(self.results.has(case.name, name, temperature) for name in who):
            say(f"  {case.name} ({temperature}): {time.monotonic() - start:.0f} s")

    def prepare(self, case, who):
        """The data is there, and what cannot be had is known."""
        wanted = [name for name in who if self.wanted(case, name)]
        for name in wanted:
            reason = self.commands.lacks(case, name)
            if reason:
                self.skipped[case.program, name] = reason
        if wanted and case.data and case.data not in self.have_data:
            say(f"  the data for {case.name} and others")
            self.commands.generate(case.data)
            self.have_data.add(case.data)

    def run(self, part):
        """The minutes that it took."""
        start = time.monotonic()
        if part.name == "buffers" and not self.arguments.no_cold:
            for name in plan.COLD_CASES:
                self.run_case(plan.BY_NAME[name], plan.COLD_ALLOCATORS, plan.COLD_REPEATS, "cold")
        for case in part.cases:
            who = part.who(case, self.arguments.quick, bool(self.arguments.against))
            self.prepare(case, who)
            self.run_case(case, who, self.arguments.repeats)
        return (time.monotonic() - start) / 60


def parse():
    parser = argparse.ArgumentParser(description="Run the benchmarks of arrowpool.")
    parser.add_argument("--part", choices=parts.PARTS, help="growth and small buffers, or ordinary work of pyarrow")
    parser.add_argument("--quick", action="store_true",
                        help=f"{plan.QUICK_REPEATS} rounds, no cold runs, for a look; of work only stock and ours")
    parser.add_argument("--repeats", type=int, default=0, metavar="N",
                        help=f"rounds; default {plan.REPEATS}. More of them raise those of long cases in proportion")
    parser.add_argument("--only", default="", metavar="REGEX", help="only matching CASE/ALLOCATOR pairs")
    parser.add_argument("--against", default="", metavar="BUILD",
                        help="measure arrowpool of another build folder as well, as the peer 'against'")
    parser.add_argument("--no-cold", action="store_true", help="leave out the runs without a warm-up")
    parser.add_argument("--no-settle", action="store_true", help="do not wait to look at memory again")
    parser.add_argument("--docs", default="", metavar="FILE", help="the document that gets the tables")
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="so much of the data of ordinary work")
    parser.add_argument("--folder", default=os.path.join(commands.BUILD, "bench"), help="for figures and data")
    arguments = parser.parse_args()
    arguments.against = arguments.against and os.path.abspath(arguments.against)
    arguments.no_cold = arguments.no_cold or arguments.quick
    arguments.repeats = arguments.repeats or (plan.QUICK_REPEATS if arguments.quick else plan.REPEATS)
    if not (arguments.docs or arguments.quick or arguments.only or arguments.against or arguments.scale != 1):
        arguments.docs = DOCUMENT
    return arguments


def save(folder, saved, bench):
    """Everything measured so far, as JSON."""
    with open(os.path.join(folder, "results.json"), "w") as out:
        json.dump({"parts": saved, "skipped": list(bench.skipped.values()), "failed": bench.failed,
                   "cells": bench.results.as_json()}, out, indent=1)


def write_document(path, outcomes, results, folder):
    growth = any(part.name == "buffers" for part in outcomes)
    if growth and not chart.draw(results, folder, os.path.splitext(path)[0]):
        say("no chart: gnuplot is not installed, or the growth cases were not measured")
    with open(path) as file:
        page = file.read()
    for part, (text, found) in outcomes.items():
        page = document.replace(page, part.missed_marker,
                                document.missed(page, part.missed_marker, found, tables.number))
        page = document.replace(page, part.marker, text)
    with open(path, "w") as file:
        file.write(page)


def missing_files(arguments):
    needed = [commands.PYTHON, commands.shim(commands.BUILD), commands.program(commands.BUILD, "bench_growth")]
    return [file for file in needed + ([commands.shim(arguments.against)] if arguments.against else [])
            if not os.path.exists(file)]


def main():
    arguments = parse()
    if arguments.docs and not os.access(arguments.docs, os.W_OK):
        sys.exit(f"--docs={arguments.docs}: no document that the tables could be put into")
    for file in missing_files(arguments):
        sys.exit(f"{file} is missing; scripts/bench builds what this needs")
    os.makedirs(arguments.folder, exist_ok=True)
    chosen = [part for name, part in parts.PARTS.items() if arguments.part in (None, name)]
    outcomes, saved, minutes = {}, {}, 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        bench = Bench(arguments, commands.Commands(arguments.scale, arguments.folder, scratch, arguments.against))
        for part in chosen:
            described = machine.describe(commands.ROOT, bench.commands.facts)
            took = bench.run(part)
            minutes += took
            described |= {"took": f"{took:.1f} minutes"} | part.left_out(bench.skipped)
            found = list(part.goals(bench.results))
            outcomes[part] = part.tables(bench.results, described, found), found
            saved[part.name] = {"machine": described, "goals": [vars(goal) | {"met": goal.met} for goal in found]}
            save(arguments.folder, saved, bench)
    for text, _ in outcomes.values():
        print(text)
    if arguments.against:
        print(tables_against.everything(bench.results, [case for part in chosen for case in part.cases]))
    if arguments.docs:
        write_document(arguments.docs, outcomes, bench.results, arguments.folder)
    for reason in dict.fromkeys(bench.skipped.values()):
        say(f"left out: {reason}")
    for trouble in bench.failed:
        say(f"FAILED: {trouble}")
    counted = [sum(goal.met is verdict for _, found in outcomes.values() for goal in found)
               for verdict in (True, False, None)]
    say(f"{minutes:.1f} minutes; goals: {counted[0]} met, {counted[1]} missed, {counted[2]} not measured")
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Try what should never go wrong, and write the table of docs/internals/reliability.md from what came of it.

usage: reliability.py [--seconds N] [--only PART,...] [--faults FILE] [--fuzz FILE] [--docs FILE]

Each part is a command of its own that counts what it tried and what went wrong; their results go to reliability/ of the
build folder. A part that was not run says so, or keeps its line in the document. Fails if anything went wrong, or a
part could not say how it went."""

import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", ROOT / "build"))
RESULTS = BUILD / "reliability"
CLI, SHIM = BUILD / "cli/arrowpool", BUILD / "shim/libarrowpool_preload.so"
sys.path.insert(0, str(ROOT / "tests/bench"))

import document as page  # noqa: E402 # it lies there


class Failed(Exception):
    """A command that did not say how it went."""


def run(command, folder=ROOT):
    """What it printed. Its status may be bad: it is the figures that count, and they are missing then if it crashed."""
    print("==", *map(str, command), flush=True)
    done = subprocess.run(list(map(str, command)), cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout


def figures_of(command, file, folder=ROOT):
    """The JSON that it wrote."""
    file.unlink(missing_ok=True)
    run(command, folder)
    return read(file)


def read(file):
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as wrong:
        raise Failed(str(wrong)) from None


def numbers_in(text, pattern):
    found = re.search(pattern, text)
    if not found:
        raise Failed(f"no {pattern} in its output")
    return tuple(map(int, found.groups()))


# ---- the parts: each gives how much was tried, in words, and how much of it went wrong ----


def faults(chosen):
    file = RESULTS / "faults.json"
    if chosen.faults:
        figures = read(chosen.faults)
    elif (ROOT / "tests/faults/run").exists():
        figures = figures_of([ROOT / "tests/faults/run", "--json", file], file)
    else:
        return None
    injected, survived = figures["faults_injected"], figures["survived"]
    return f"{injected:,} faults injected", injected - survived, "not survived"


def bad_inputs(chosen):
    file = RESULTS / "bad_inputs.json"
    with tempfile.TemporaryDirectory() as folder:
        figures = figures_of([sys.executable, ROOT / "tests/cli/bad_inputs.py", CLI, SHIM,
                              BUILD / "tests/shim/probe_exit", "--json", file], file, folder)
    return f"{figures['tried']:,} bad inputs", figures["tried"] - figures["answered"], "not answered"


def fuzz(chosen):
    file = RESULTS / "fuzz.json"
    if chosen.fuzz:
        figures = read(chosen.fuzz)
    elif "--json" in (ROOT / "scripts/fuzz").read_text():
        figures = figures_of([ROOT / "scripts/fuzz", "--json", file, chosen.seconds], file)
    else:
        return None
    targets = figures["targets"].values()
    executions, crashes = (sum(target[key] for target in targets) for key in ("executions", "crashes"))
    return f"{executions:,} inputs made up by a fuzzer, for {len(targets)} readers", crashes, "crashes"


def stress(chosen, program, log2, *words):
    """It ends at the first mismatch, without a count."""
    text = run([BUILD / "tests/unit" / program, 4, f"{chosen.seconds}s", log2, *words])
    operations, mismatches = numbers_in(text, r"(\d+) operations, (\d+) mismatches")
    return f"{operations:,} operations", mismatches, "mismatches"


def killed(chosen):
    file, times = RESULTS / "killed.json", max(10, chosen.seconds * 200 // 60)
    with tempfile.TemporaryDirectory() as folder:
        figures = figures_of([sys.executable, ROOT / "tests/shim/kill_recover.py", BUILD / "tests/shim/probe_live",
                              SHIM, CLI, "--times", times, "--json", file], file, folder)
    return f"{figures['killed']:,} processes killed", figures["killed"] - figures["recovered"], "figures not recovered"


def analysis(chosen):
    tools, findings = numbers_in(run([ROOT / "scripts/analyze"]), r"analyze: (\d+) tools, (\d+) findings")
    return f"{tools} tools", findings, "findings"


def sanitizers(chosen):
    text = run([ROOT / "scripts/sanitize", "--seconds", chosen.seconds])
    suites, findings = numbers_in(text, r"sanitize: (\d+) suites, (\d+) findings")
    return f"{suites} suites", findings, "findings"


def cases(*names):
    """Of test files, each test of which is a case in several forms; one that is skipped was not tried."""
    lines = run(["bats", "--tap", *(ROOT / f"tests/shim/{name}.bats" for name in names)]).splitlines()
    ended = [line for line in lines if re.match(r"(not )?ok \d", line) and " # skip" not in line]
    if not ended:
        raise Failed("no test ended")
    return f"{len(ended)} tests", sum(line.startswith("not") for line in ended), "failed"


PARTS = {
    "faults": ("System calls and allocations that fail", faults),
    "inputs": ("Wrong command lines, values and files", bad_inputs),
    "fuzz": ("Fuzzing of what reads files and settings", fuzz),
    "stress": ("Stress test: four threads", lambda chosen: stress(chosen, "stress", 24)),
    "stress-fork": ("Stress test: four threads that fork", lambda chosen: stress(chosen, "stress", 24, "fork")),
    "stress-tsan": ("The same under ThreadSanitizer", lambda chosen: stress(chosen, "stress-tsan", 22, "fork")),
    "killed": ("SIGKILL at random moments", killed),
    "host": ("What a program does to its process: title, signals, ends, pages, malloc of its own",
             lambda chosen: cases("title", "signals", "ends", "raw_child", "pages", "owners")),
    "threads": ("Cancelled threads, forks within forks, signal stacks of 8 KiB",
                lambda chosen: cases("cancel", "fork", "altstack")),
    "misuse": ("Buffers freed twice, at wrong addresses, by others", lambda chosen: cases("misuse")),
    "analyze": ("Static analysis", analysis),
    "sanitize": ("Tests with sanitizers", sanitizers),
}


def rows_of(document):
    """The lines that are there already, by their titles: parts that are not chosen keep theirs."""
    text = page.between(document.read_text(), "reliability") if document else ""
    rows = re.finditer(r"^\| ([^|]+) \|.*$", text, re.MULTILINE)
    return {row[1]: row[0] for row in rows}


def table(chosen):
    """The lines, and whether all is well."""
    before = rows_of(chosen.docs)
    lines, well = ["| what | tried | went wrong |", "|---|---|---:|"], True
    for part, (title, try_it) in PARTS.items():
        if part not in chosen.only and title in before:
            lines.append(before[title])
            continue
        try:
            result = try_it(chosen) if part in chosen.only else None
            tried, wrong = (result[0], f"{result[1]:,} {result[2]}") if result else ("not run", "")
            well &= not result or result[1] == 0
        except Failed as reason:
            tried, wrong = "ended without a result", str(reason).replace("|", "\\|")
            well = False
        lines.append(f"| {title} | {tried} | {wrong} |")
        print(lines[-1], flush=True)
    return lines, well


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=60, help="of each stress test and fuzz target")
    options.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), help=", ".join(PARTS))
    options.add_argument("--faults", type=pathlib.Path, help="what tests/faults/run --json wrote before")
    options.add_argument("--fuzz", type=pathlib.Path, help="what scripts/fuzz --json wrote before")
    options.add_argument("--docs", type=pathlib.Path, help="the document to put the table in")
    chosen = options.parse_args()
    if chosen.seconds < 1 or not set(chosen.only) <= set(PARTS):
        options.error(f"choose seconds from 1 on, and parts among {', '.join(PARTS)}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    lines, well = table(chosen)
    if chosen.docs:

        when = f"{datetime.date.today()}, {os.cpu_count()} processors, --seconds {chosen.seconds}."
        text = page.replace(chosen.docs.read_text(), "reliability", "\n".join([when, "", *lines]))
        chosen.docs.write_text(text)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())

"""Measure what reports, live files and dumps cost, and what that comes to in a large fleet: the tables of
docs/use/scale.md.

usage: table.py [--most N] [--docs FILE]

N: processes of the largest report over files; ten times as many lines are read as jsonl. Takes 1 GB of disk and some
minutes at the default, 100,000."""

import argparse
import datetime
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import cost
import dumps
import fleet

sys.path.insert(0, str(dumps.ROOT / "tests/bench"))
import document

CLI = dumps.BUILD / "cli/arrowpool"
EARLIER = 0.1
LEAST = 5_000  # processes, of which each's part is told from what a run differs from the next
TIMES = 10  # as many lines of jsonl as the largest report has files


def multiplied(folder, target):
    """Each host becomes TIMES hosts, with the processes of the first."""
    for file in folder.glob("*/*.jsonl"):
        text = file.read_bytes()
        for copy in range(TIMES):
            name = f"n{copy}-{file.parent.name}"
            (target / name).mkdir(parents=True)
            (target / name / file.name).write_bytes(
                text.replace(b'"host":"' + file.parent.name.encode(), b'"host":"' + name.encode()))


def row(what, count, folder, *options, start):
    """`start`: the peak of a report of one process, which is no matter of scale."""
    seconds, elapsed, peak = cost.cost(CLI, *options, folder)
    print(what, f"{count:,}", f"{seconds:.2f} s, {elapsed:.2f} s by the clock, {peak:,} bytes", flush=True)
    each = f"{(peak - start) / count:,.0f}" if count >= LEAST else ""
    return {"what": what, "count": count, "seconds": seconds, "peak": peak, "each": each}


def reports(most, work):
    """Each made, measured and removed."""
    real, rows = dumps.real(), []

    def made(count, layout, share=0.0):
        shutil.rmtree(work / "dumps", ignore_errors=True)
        dumps.write(work / "dumps", dumps.make(real, count), layout, share)
        return work / "dumps"

    _, _, start = cost.cost(CLI, made(1, "files"))
    sizes = [most // 100, most // 10, most]
    rows += [row("files", count, made(count, "files"), start=start) for count in sizes]
    rows.append(row("files, by process and pool, --top=20", most, work / "dumps", "--by=process,pool", "--top=20",
                    start=start))
    rows.append(row("files, a tenth with an earlier dump besides", most, made(most, "files", EARLIER), start=start))
    rows += [row("lines of jsonl, a file a host", count, made(count, "jsonl"), start=start) for count in sizes]
    multiplied(work / "dumps", work / "many")
    rows.append(row("lines of jsonl, a file a host", most * TIMES, work / "many", start=start))
    return rows, start


def report_table(rows, start):
    head = ("processes, from", "processes", "processor time, s", "processes a second", "peak resident, MiB",
            "bytes a process")
    lines = [f"| {' | '.join(head)} |", "|---|---:|---:|---:|---:|---:|"]
    lines += [f"| {r['what']} | {r['count']:,} | {r['seconds']:.2f} | {r['count'] / r['seconds']:,.0f} | "
              f"{r['peak'] / (1 << 20):.1f} | {r['each']} |" for r in rows]
    return [*lines, "",
            f"A report of one process has {start / (1 << 20):.1f} MiB; bytes a process are what comes on top."]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--docs", type=pathlib.Path)
    chosen = parser.parse_args()
    if chosen.most < 100:
        parser.error("--most: at least 100")
    with tempfile.TemporaryDirectory(dir=dumps.BUILD) as folder:
        rows, start = reports(chosen.most, pathlib.Path(folder))
    host = fleet.measure()
    jansson = subprocess.run(["pkg-config", "--modversion", "jansson"], stdout=subprocess.PIPE, text=True, check=True)
    when = f"{datetime.date.today().isoformat()}, {os.cpu_count()} processors, jansson {jansson.stdout.strip()}."
    parts = {"report": [when, "", *report_table(rows, start)], "host": fleet.host_table(host),
             "fleet": fleet.fleet_table(host, rows[2])}
    for lines in parts.values():
        print("\n".join(lines), end="\n\n")
    if chosen.docs:
        text = chosen.docs.read_text()
        for name, lines in parts.items():
            text = document.replace(text, name, "\n".join(lines))
        chosen.docs.write_text(text)


if __name__ == "__main__":
    main()

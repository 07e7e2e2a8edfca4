"""What a report of dumps has to say, added up in Python; all figures of every group, to the byte.

usage: expected.py COMMAND DIRECTORY COUNT [--layout files|jsonl] [--earlier SHARE] [--by KEYS ...]

Makes the dumps (dumps.py) in DIRECTORY, which must not exist, has COMMAND (arrowpool) report on them by each of KEYS,
and fails at the first figure that differs."""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

import dumps

SUMS = ("bytes_allocated", "num_allocations", "num_reallocations", "total_bytes_allocated", "num_frees", "num_failed",
        "num_fallbacks", "reallocs_in_place", "reallocs_remapped", "reallocs_copied", "bytes_grown_in_place",
        "bytes_remapped", "bytes_copied", "inherited_bytes")
PERCENTILES = {"max_memory_p50": 50, "max_memory_p90": 90, "max_memory_p99": 99}
PROCESS = ("host", "program", "pid", "start_time")
BYS = ("pool", "host", "program", "host,program,pool", "process", "process,pool")


def add(values):
    """Their sum, and what is known of it if not all is."""
    known = [value for value in values if value is not None]
    if len(known) == len(values):
        return sum(known), None
    return None, sum(known) if known else None


def key_of(by, process, pool):
    names = []
    for word in by.split(","):
        names += PROCESS if word == "process" else (word,)
    return tuple((name, pool["name"] if name == "pool" else process[name]) for name in dict.fromkeys(names))


class Group:
    """What a group adds up: each pool of each of its processes."""

    def __init__(self):
        self.sums = {field: [0, 0, 0] for field in SUMS}  # known, how many are, how many are not
        self.peaks = []
        self.process = None

    def add(self, pool, process):
        for field, parts in self.sums.items():
            value = pool[field]
            if value is None:
                parts[2] += 1
            else:
                parts[0] += value
                parts[1] += 1
        if process is not self.process:
            self.peaks.append([])
        self.process = process
        self.peaks[-1].append(pool["max_memory"])

    def figures(self):
        out, at_least = {"processes": len(self.peaks)}, {}
        for field, (known, count, unknown) in self.sums.items():
            out[field] = None if unknown else known
            if unknown and count:
                at_least[field] = known
        out["max_memory_sum"], bound = add([peak for peaks in self.peaks for peak in peaks])
        if bound is not None:
            at_least["max_memory_sum"] = bound
        whole = sorted(sum(peaks) for peaks in self.peaks if None not in peaks)
        all_known = len(whole) == len(self.peaks)
        out["max_memory_highest"] = whole[-1] if all_known else None
        if whole and not all_known:
            at_least["max_memory_highest"] = whole[-1]
        for field, percent in PERCENTILES.items():
            rank = (len(whole) * percent + 99) // 100
            out[field] = whole[rank - 1] if all_known else None
        others = dict.fromkeys(("running", "gone", "replaced", "unknown"), 0)
        return {**out, **others, "ended": len(self.peaks), "at_least": at_least}


class Expected:
    def __init__(self, bys=BYS):
        self.groups = {by: collections.defaultdict(Group) for by in bys}
        self.resident = []

    def watch(self, made):
        """The dumps as they come, added up in passing."""
        for dump in made:
            process = dump["process"]
            self.resident.append(process["peak_rss_bytes"])
            for by, groups in self.groups.items():
                for pool in dump["pools"]:
                    groups[key_of(by, process, pool)].add(pool, process)
            yield dump

    def processes(self):
        return {"count": len(self.resident), "running": 0, "ended": len(self.resident), "gone": 0, "replaced": 0,
                "unknown": 0, "lost_records": 0, "peak_rss_bytes_sum": sum(self.resident),
                "peak_rss_bytes_highest": max(self.resident), "at_least": {}}

    def check(self, by, report, files):
        expected = {key: group.figures() for key, group in self.groups[by].items()}
        assert report["files"] == files and report["files_damaged"] == 0, (by, report["files"], files)
        assert report["processes"] == self.processes(), (by, report["processes"], self.processes())
        assert report["groups_total"] == len(report["groups"]) == len(expected), (by, len(expected))
        names = [name for name, _ in next(iter(expected))]
        for group in report["groups"]:
            wanted = {**{name: group[name] for name in names}, **expected[tuple((name, group[name]) for name in names)]}
            assert group == wanted, (by, group, wanted)
        peaks = [known(group, "max_memory_sum") for group in report["groups"]]
        assert peaks == sorted(peaks, reverse=True), (by, "not by the largest peak")


def known(group, field):
    value = group[field] if group[field] is not None else group["at_least"].get(field)
    return -1 if value is None else value


def report_of(command, folder, *options):
    return subprocess.run([command, "report", *options, folder], stdout=subprocess.PIPE, check=True).stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--layout", choices=("files", "jsonl"), default="files")
    parser.add_argument("--earlier", type=float, default=0.0)
    parser.add_argument("--by", nargs="+", default=BYS)
    chosen = parser.parse_args()
    expected = Expected(chosen.by)
    made = expected.watch(dumps.make(dumps.real(), chosen.count))
    files, size = dumps.write(chosen.directory, made, chosen.layout, chosen.earlier)
    print(f"{chosen.count:,} processes in {files:,} files, {size:,} bytes")
    for by in chosen.by:
        report = json.loads(report_of(chosen.command, chosen.directory, "--format=json", f"--by={by}"))
        expected.check(by, report, files)
        print(f"by {by}: {report['groups_total']:,} groups: equal")


if __name__ == "__main__":
    sys.exit(main())

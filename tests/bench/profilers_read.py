"""What each tool says of tests/bench/profilers_workload.py from the files that it left: for each of the three functions
the bytes in lines of Python, and how many bytes it says live in all, whoever holds them."""

import json
import math
import re
import subprocess

from commands import BUILD, PYTHON

WORKLOAD = "profilers_workload.py"
FUNCTIONS = ("load", "small", "stream")

# Reads a trace in the Python that has memray: bytes by function of the workload, and all.
MEMRAY = """
import collections, json, sys
import memray
found, whole, names = collections.Counter(), 0, sys.argv[2:]
for record in memray.FileReader(sys.argv[1]).get_leaked_allocation_records(merge_threads=True):
    whole += record.size
    for name in [frame[0] for frame in record.stack_trace() if frame[0] in names][:1]:
        found[name] += record.size
json.dump([found, whole], sys.stdout)
"""


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          timeout=600).stdout


def nothing(_):
    return {}, None


def arrowpool(folder):
    said = json.loads(output(f"{BUILD}/cli/arrowpool", "who", "--format=json", folder))
    found = {}
    for row in said["rows"]:
        if row["file"] and row["file"].endswith(WORKLOAD):
            name = row["function"].split(".")[0]
            found[name] = found.get(name, 0) + row["bytes"]
    return found, said["sum"]["bytes"]


def memray(folder):
    found, whole = json.loads(output(PYTHON, "-I", "-c", MEMRAY, f"{folder}/trace.bin", *FUNCTIONS))
    return found, whole


def lines_in(text):
    """Of a report of native functions: whether it has a line of the workload's anywhere, as NAME.py:LINE."""
    return dict.fromkeys(FUNCTIONS, None) if re.search(re.escape(WORKLOAD) + r":\d", text) else {}


def heaptrack(folder):
    (trace,) = folder.glob("trace.*")
    text = output("heaptrack_print", "-f", str(trace))
    number, unit = re.search(r"^total memory leaked: ([\d.]+)([KMG]?)B?", text, re.MULTILINE).groups()
    return lines_in(text), float(number) * {"": 1, "K": 1e3, "M": 1e6, "G": 1e9}[unit]


def last(folder):
    dumps = sorted(folder.glob("*.heap"), key=lambda path: path.stat().st_mtime)
    return dumps[-1] if dumps else None


def jemalloc(folder):
    """heap_v2: a sample of `size` bytes in `count` blocks stands for more, by their size (jeprof)."""
    dump = last(folder)
    if not dump:
        return {}, None
    text = dump.read_text(errors="replace")
    mean, whole = float(re.match(r"heap_v2/(\d+)", text)[1]), 0.0
    for count, size in re.findall(r"^@ .*\n +t\*: (\d+): (\d+) \[", text, re.MULTILINE):
        if int(count):
            whole += int(size) / (1 - math.exp(-int(size) / int(count) / mean))
    return {}, whole


def tcmalloc(folder):
    dump = last(folder)
    if not dump:
        return {}, None
    text = dump.read_text(errors="replace")
    return lines_in(text), float(re.match(r"heap profile: +\d+: +(\d+)", text)[1])

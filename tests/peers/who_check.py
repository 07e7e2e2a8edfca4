"""Compares what `arrowpool who --format=json` says with what was true (who_cases.py).

usage: who_check.py near TRUTH WHO PERCENT    each function's bytes, and their sum, are so near to the truth
       who_check.py lines WHO                 every byte has a line of Python, and every task a giver
"""

import json
import os
import sys


def read(path):
    with open(path) as file:
        return json.load(file)


def near(truth, who, percent):
    bound = float(percent) / 100
    true, said, wrong = read(truth), read(who), []
    found = {}
    for row in said["rows"]:
        name = (row["function"] or "?").split(".")[0]
        found[name] = found.get(name, 0) + row["bytes"]
    total = true.pop("total")
    for name, bytes_true in true.items():
        bytes_said = found.get(name, 0)
        print(f"# {name}: {bytes_true} bytes, said {bytes_said}", file=sys.stderr)
        if abs(bytes_said - bytes_true) > bound * bytes_true:
            wrong.append(name)
    print(f"# total: {total} bytes, said {said['sum']['bytes']}", file=sys.stderr)
    if abs(said["sum"]["bytes"] - total) > bound * total:
        wrong.append("total")
    return f"not within {percent} %: {', '.join(wrong)}" if wrong else None


def lines(who):
    said = read(who)
    without = sum(row["bytes"] for row in said["rows"] if not row["line"]) + said["rest"]["bytes"]
    (process,) = said["processes"]
    if not said["sum"]["samples"] or without > 0.01 * said["sum"]["bytes"]:
        return f"{without} of {said['sum']['bytes']} bytes have no line"
    if not process["tasks"] or process["tasks_given"] != process["tasks_told"]:
        return f"tasks: {process['tasks_given']} given, {process['tasks_told']} told"
    whole = said["sum"]
    print(f"{1 - without / whole['bytes']:.2%} of {whole['bytes']} bytes, by {whole['samples']} samples")
    return None


if __name__ == "__main__":
    problem = {"near": near, "lines": lines}[sys.argv[1]](*sys.argv[2:])
    if problem:
        sys.exit(f"{os.path.basename(sys.argv[1])}: {problem}")

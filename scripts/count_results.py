"""Add up the results of a meson test run: the single tests inside each program, where it names them.

usage: count_results.py TESTLOG.JSON PASSED FAILED [TAP]...    (what was run besides: counts, and files in TAP)
"""

import json
import re
import sys

# A program reports in TAP (bats) or in cmocka's own format; one that reports nothing counts as one test.
PATTERNS = {
    "passed": re.compile(r"^(?:ok \d+(?!.*# skip)|\[       OK \])", re.MULTILINE),
    "failed": re.compile(r"^(?:not ok \d+|\[  FAILED  \] [^0-9])", re.MULTILINE),
    "skipped": re.compile(r"^(?:ok \d+ .*# skip|\[  SKIPPED \] [^0-9])", re.MULTILINE),
}


def count(text):
    return {kind: len(pattern.findall(text)) for kind, pattern in PATTERNS.items()}


def results(test):
    counts = count(test.get("stdout", "") + test.get("stderr", ""))
    ended_badly = test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")
    if not sum(counts.values()):
        counts["skipped" if test["result"] == "SKIP" else "failed" if ended_badly else "passed"] = 1
    elif ended_badly and not counts["failed"]:
        counts["failed"] = 1
    return counts


total = {"passed": int(sys.argv[2]), "failed": int(sys.argv[3]), "skipped": 0}
with open(sys.argv[1]) as lines:
    found = [results(json.loads(line)) for line in lines]
for file in sys.argv[4:]:
    with open(file) as text:
        found.append(count(text.read()))
for counts in found:
    for kind, number in counts.items():
        total[kind] += number
print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")

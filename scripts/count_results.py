"""Add up the results of a meson test run: the single tests inside each program, where it names them.

usage: count_results.py TESTLOG.JSON PASSED FAILED    (what was run besides)
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


def results(test):
    counts = {kind: len(pattern.findall(test.get("stdout", "") + test.get("stderr", "")))
              for kind, pattern in PATTERNS.items()}
    ended_badly = test["result"] not in ("OK", "SKIP", "EXPECTEDFAIL")
    if not sum(counts.values()):
        counts["skipped" if test["result"] == "SKIP" else "failed" if ended_badly else "passed"] = 1
    elif ended_badly and not counts["failed"]:
        counts["failed"] = 1
    return counts


total = {"passed": int(sys.argv[2]), "failed": int(sys.argv[3]), "skipped": 0}
with open(sys.argv[1]) as lines:
    for line in lines:
        for kind, count in results(json.loads(line)).items():
            total[kind] += count
print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")

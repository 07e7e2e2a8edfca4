"""Add up the results of a meson test run: the single tests inside each program, where it names them.

usage: count_results.py TESTLOG.JSON PASSED FAILED [TAP]...    (what was run besides: counts, and files in TAP)

The last line has the counts; before it stands what was skipped, by reason. A test that the ordinary run skips because
it takes long is not skipped if it was run besides.
"""

import collections
import json
import re
import sys

# A program reports in TAP (bats) or in cmocka's own format; one that reports nothing counts as one test.
PATTERNS = {
    "passed": re.compile(r"^(?:ok \d+(?!.*# skip)|\[       OK \])", re.MULTILINE),
    "failed": re.compile(r"^(?:not ok \d+|\[  FAILED  \] [^0-9])", re.MULTILINE),
    "skipped": re.compile(r"^(?:ok \d+ .*# skip|\[  SKIPPED \] [^0-9])", re.MULTILINE),
}
RAN = re.compile(r"^(?:not )?ok \d+ (?!.*# skip)(.*?)(?: in \d+\S*)?$", re.MULTILINE)
SKIPPED = re.compile(r"^ok \d+ (.*?)(?: in \d+\S*)? # skip ?(.*)$|^skipped: (.*)$", re.MULTILINE)
LONG = re.compile(r"\blong\b|ARROWPOOL_LONG")


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


total = collections.Counter(passed=int(sys.argv[2]), failed=int(sys.argv[3]), skipped=0)
texts = []
with open(sys.argv[1]) as lines:
    for line in lines:
        total.update(results(json.loads(line)))
        texts.append(json.loads(line).get("stdout", ""))
ran = set()
for file in sys.argv[4:]:
    with open(file, errors="replace") as tap:
        texts.append(tap.read())
    total.update(count(texts[-1]))
    ran.update(RAN.findall(texts[-1]))
reasons = collections.Counter()
for name, reason, other in (found for text in texts for found in SKIPPED.findall(text)):
    if LONG.search(reason) and name in ran:
        total["skipped"] -= 1
    else:
        reasons[reason or other or "no reason given"] += 1
for reason, times in sorted(reasons.items()):
    print(f"skipped: {reason}" + (f" ({times} tests)" if times > 1 else ""))
print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")

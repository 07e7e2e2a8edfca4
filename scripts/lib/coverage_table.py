"""Print gcovr's summary (--json-summary, on standard input) as a table: lines and branches, by folder and in total.

usage: gcovr --json-summary - ... | coverage_table.py"""

import collections
import json
import os
import sys

KEYS = ("line_total", "line_covered", "branch_total", "branch_covered")


def share(sums, what):
    total = sums[what + "_total"]
    return f"{sums[what + '_covered'] / total:.1%}" if total else "-"


folders = collections.defaultdict(collections.Counter)
for file in json.load(sys.stdin)["files"]:
    folders[os.path.dirname(file["filename"])].update({key: file[key] for key in KEYS})
rows = [*sorted(folders.items()), ("total", sum(folders.values(), collections.Counter()))]
print(f"{'folder':16} {'lines':>7} {'run':>7} {'branches':>9} {'taken':>7}")
for folder, sums in rows:
    print(f"{folder:16} {sums['line_total']:7,} {share(sums, 'line'):>7}",
          f"{sums['branch_total']:9,} {share(sums, 'branch'):>7}")

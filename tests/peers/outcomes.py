"""Print each test of a JUnit file with its outcome, sorted.  Usage: outcomes.py FILE"""

import sys
import xml.etree.ElementTree as tree

lines = []
for case in tree.parse(sys.argv[1]).iter("testcase"):
    outcome = next((child.tag for child in case if child.tag in ("failure", "error", "skipped")), "passed")
    lines.append(f'{case.get("classname")}::{case.get("name")} {outcome}')
assert len(lines) > 500, len(lines)
print("\n".join(sorted(lines)))

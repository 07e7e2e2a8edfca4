"""Add one target's result to the summary of a fuzz run.

usage: fuzz_summary.py SUMMARY.json TARGET FOLDER    (FOLDER: of the target, with libFuzzer's log and its findings)
"""

import fcntl
import json
import pathlib
import re
import sys

summary, target, folder = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
log = (folder / "log").read_text(errors="replace")
executions = re.findall(r"^stat::number_of_executed_units: (\d+)$", log, re.MULTILINE)
done = re.findall(r"^Done (\d+) runs in (\d+) second", log, re.MULTILINE)
# libFuzzer names what it found, and ends with the first of them.
found = re.findall(r"Test unit written to (.*)$", log, re.MULTILINE)
progress = re.findall(r"^#(\d+)\t", log, re.MULTILINE)
result = {
    "executions": int(executions[-1] if executions else progress[-1] if progress else 0),
    "crashes": len(found),
    "seconds": int(done[-1][1]) if done else 0,
}
with open(summary, "a+") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    file.seek(0)
    text = file.read()
    whole = json.loads(text) if text.strip() else {"targets": {}}
    whole["targets"][target] = result
    file.truncate(0)
    file.write(json.dumps(whole, indent=2, sort_keys=True) + "\n")
print(f"{target}: {result['executions']} executions, {result['crashes']} crashes, {result['seconds']} s")

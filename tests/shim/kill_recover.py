"""Kill processes at random moments, and see whether their live files tell what they had done (live.py).

usage: kill_recover.py PROBE SHIM CLI [--times N] [--seed N] [--json FILE]    probe_live, in a folder that is empty

A process is killed after a random time, from none to some 100 ms, counted from its first operation: mostly in the
midst of the shim's own work, since it does nothing else. Its figures must be those before the operation that was under
way, or those after it. Prints how many were killed and of how many the figures were recovered."""

import argparse
import json
import pathlib
import random
import sys
import time

import live


class Moment:
    """True for the first time so many seconds after the first operation."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.end = None

    def __call__(self, done):
        if self.end is None and done:
            self.end = time.monotonic() + self.seconds
        return self.end is not None and time.monotonic() >= self.end


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("probe")
    options.add_argument("shim")
    options.add_argument("cli")
    options.add_argument("--times", type=int, default=200)
    options.add_argument("--seed", type=int, default=int(time.time()))
    options.add_argument("--json", type=pathlib.Path)
    chosen = options.parse_args()
    dice = random.Random(chosen.seed)
    recovered = 0
    for _ in range(chosen.times):
        # Short times more often than long ones: the file itself is made in the first of them.
        moment = Moment(0.1 * dice.random() ** 3)
        try:
            live.kill_one(chosen.probe, chosen.shim, chosen.cli, moment)
            recovered += 1
        except AssertionError as wrong:
            print(f"after {moment.seconds:.6f} s: {wrong}", file=sys.stderr)
    print(f"kill_recover: {chosen.times} killed, {recovered} recovered, seed {chosen.seed}")
    if chosen.json:
        chosen.json.write_text(json.dumps({"killed": chosen.times, "recovered": recovered}) + "\n")
    return 0 if recovered == chosen.times else 1


if __name__ == "__main__":
    sys.exit(main())

"""Attaches to many processes in the middle of threaded work: attach_many.py ARROWPOOL COUNT [kill].

All of them have to live on, with right results, and their live files have to be right to the byte for what was
allocated after. With `kill` the command is killed at a random moment first, and then tried again."""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).parent
KINDS = ("csv", "dataset", "growth", "flight")
AT_ONCE = 4
LONGEST = 0.4  # seconds in which the command is killed; it takes less, unless the machine is busy


def start(kind):
    return subprocess.Popen(
        [sys.executable, HERE / "attached.py", kind], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def attach(command, process, live):
    return [command, "attach", f"--live={live}", str(process.pid)]


def kill_half_way(words, seed):
    """Returns whether it was killed before it had ended."""
    attaching = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(random.Random(seed).uniform(0, LONGEST))
    attaching.kill()
    return attaching.wait() < 0


def expect(process, word):
    line = process.stdout.readline().split()
    assert line and line[0] == word, f"said {line} in place of {word}; status {process.poll()}"
    return [int(part) for part in line[1:]]


def live_bytes(command, process):
    shown = subprocess.run([command, "show", "--format=json", str(process.pid)], capture_output=True, check=True)
    return sum(pool["bytes_allocated"] or 0 for pool in json.loads(shown.stdout)["pools"])


def one(command, number, kill):
    kind = KINDS[number % len(KINDS)]
    killed = False
    with tempfile.TemporaryDirectory() as live, start(kind) as process:
        try:
            expect(process, "running")
            time.sleep(random.Random(number).uniform(0, 0.5))
            words = attach(command, process, live)
            if kill:
                killed = kill_half_way(words, number)
            done = subprocess.run(words, check=False, capture_output=True, text=True)
            already = kill and "already" in done.stderr
            assert done.returncode == 0 or already, done.stderr
            process.stdin.write("\n")
            process.stdin.flush()
            held, before, _rounds = expect(process, "holding")
            told = live_bytes(command, process)
            assert told == held + before, f"{told} bytes in the live file, {held} held, {before} before"
            assert before == 0, f"{before} bytes live although nothing is held"
            process.stdin.write("\n")
            process.stdin.flush()
            expect(process, "freed")
            status = process.wait()
            assert status == 0, f"status {status}"
        except Exception as error:
            process.kill()
            return f"{kind} {number}: {error}", killed
    return None, killed


def main():
    command, count, kill = os.path.abspath(sys.argv[1]), int(sys.argv[2]), "kill" in sys.argv[3:]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        results = list(threads.map(lambda number: one(command, number, kill), range(count)))
    problems = [problem for problem, _ in results if problem]
    print("\n".join(problems))
    print(f"{count} processes, {count - len(problems)} right, {sum(killed for _, killed in results)} commands killed")
    sys.exit(bool(problems))


main()

"""What a report costs.  usage: cost.py COMMAND [OPTION]... PATH...

Prints the number of processes in it, the seconds of processor time and of the clock, and the peak of resident memory
in bytes. GNU time starts the command: a child of Python's would begin with the peak that Python has."""

import json
import os
import subprocess
import sys
import tempfile
import time


def cost(command, *arguments):
    with tempfile.NamedTemporaryFile() as peak:
        began = time.monotonic()
        process = subprocess.Popen(["/usr/bin/time", "-f", "%M", "-o", peak.name, command, "report",
                                    *map(str, arguments)], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        elapsed = time.monotonic() - began
        assert status == 0, (arguments, status)
        return usage.ru_utime + usage.ru_stime, elapsed, int(peak.read()) * 1024


def main():
    done = subprocess.run([sys.argv[1], "report", "--format=json", *sys.argv[2:]], stdout=subprocess.PIPE, check=True)
    seconds, elapsed, peak = cost(*sys.argv[1:])
    print(json.loads(done.stdout)["processes"]["count"], f"{seconds:.3f} {elapsed:.3f}", peak)


if __name__ == "__main__":
    main()

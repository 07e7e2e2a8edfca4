"""Ordinary work of a stock pyarrow: one workload a process, whatever serves its pools. Prints one JSON object.

    work_bench.py WORKLOAD FOLDER SCALE [settle]   measure with the data in FOLDER; settle: look at RSS again 2 s after
                                                   the last iteration, and 2 s after its result was freed
    work_bench.py generate FOLDER SCALE            make that data, unless it is there; SCALE: 1, or less for a try
    work_bench.py list                             names of workloads

Time and page faults are given for an iteration, the first one included; VmHWM is reset before it, so that the peak is
that of the iterations, on top of what the process held before.
"""

import gc
import json
import resource
import statistics
import sys
import time

import pyarrow as pa

from process import SETTLE_SECONDS, reset_peak, served_by_arrowpool, status_mib
from work import exchange, files, kernels, queries  # noqa: F401 # they register their workloads
from work.inputs import Inputs
from work.registry import WORKLOADS


def iterate(run, count):
    """The last result, and the figures of an iteration. One result is alive at a time."""
    wall, cpu, result = [], [], None
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        result = None
        wall_start, cpu_start = time.perf_counter(), time.process_time()  # the latter of all threads
        result = run()
        wall.append(time.perf_counter() - wall_start)
        cpu.append(time.process_time() - cpu_start)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    return result, {"wall_min": min(wall), "wall_mean": statistics.mean(wall), "cpu_min": min(cpu),
                    "cpu_mean": statistics.mean(cpu), "faults": faults / count}


def measure(name, inputs, settle):
    run = WORKLOADS[name].prepare(inputs)
    gc.collect()
    base = status_mib("VmRSS")
    reset_peak()
    result, figures = iterate(run, WORKLOADS[name].iterations)
    figures.update(case=name, base_mib=base, peak_mib=status_mib("VmHWM"), rss_end_mib=status_mib("VmRSS"))
    if settle:
        time.sleep(SETTLE_SECONDS)
        figures["rss_live_mib"] = status_mib("VmRSS")
    from work.digest import digest

    figures["digest"] = digest(result)
    if settle:
        result = None
        gc.collect()
        time.sleep(SETTLE_SECONDS)
        figures["rss_freed_mib"] = status_mib("VmRSS")
    figures.update(backend=pa.default_memory_pool().backend_name, served_bytes=served_by_arrowpool())
    return figures


def main(arguments):
    if arguments == ["list"]:
        print("\n".join(WORKLOADS))
    elif len(arguments) == 3 and arguments[0] == "generate":
        from work.data import generate

        generate(arguments[1], float(arguments[2]))
    elif len(arguments) in (3, 4) and arguments[0] in WORKLOADS and arguments[3:] in ([], ["settle"]):
        with Inputs(arguments[1], float(arguments[2])) as inputs:
            figures = measure(arguments[0], inputs, settle=bool(arguments[3:]))
        print(json.dumps(figures))
    else:
        sys.exit(f"{__doc__}\nWorkloads: {', '.join(WORKLOADS)}")


if __name__ == "__main__":
    main(sys.argv[1:])

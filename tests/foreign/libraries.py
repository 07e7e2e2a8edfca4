"""A package's work (carriers_work.py) with a pool for its libraries: what it prints is the same in both modes, and
of the bytes that its libraries ask malloc and its kind for, 99 % are served in jemalloc mode; calls.c, behind the
shim, counts what is not.

usage: libraries.py PYTHON lance|lancedb|arro3|connectorx
status 77: PYTHON does not have it"""

import subprocess
import sys

from carriers import CALLS, SHIM, ask, run


def main(python, name):
    try:
        subprocess.run([python, "-W", "ignore", "-c", f"import pyarrow, {name}"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print(f"{python} does not have {name}: scripts/setup foreign")
        return 77
    site = ask(python, "import json, sysconfig; print(json.dumps(sysconfig.get_path('platlib')))")
    places = [f"{site}/{name}/"]
    stock = run(python, name, places, (CALLS,))
    named = {"ARROW_POOL_LIBRARIES": name}
    served = run(python, name, places, (SHIM, CALLS), ARROW_POOL="jemalloc", **named)
    counted = run(python, name, places, (SHIM,), ARROW_POOL="system", **named)
    size, missed = served.pools[f"lib.{name}"][1], sum(served.calls)
    without = 100 * stock.calls[1] / sum(stock.calls)
    print(f"{name}: {100 * size / (size + missed):.2f} % served, without a pool {without:.2f} %")
    same = stock.said == served.said == counted.said
    if not same:
        print(f"the results differ: {stock.said!r}, {served.said!r}, {counted.said!r}")
    return 0 if same and 100 * missed <= size + missed and counted.pools[f"lib.{name}"][0] else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

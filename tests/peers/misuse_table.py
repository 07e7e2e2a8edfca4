"""Misuses buffers (tests/shim/probe_misuse.cc) under the shim and under other allocators, and writes the table of
docs/use/debug.md: what came of it without a debug mode.

usage: misuse_table.py [--docs FILE] [--allocator NAME=LIBRARY]...   without --docs the table is only printed
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", ROOT / "build"))
SHIM = BUILD / "shim/libarrowpool_preload.so"
PROBE = BUILD / "tests/shim/probe_misuse"
sys.path.insert(0, str(ROOT / "tests/bench"))

# What is done, and what hardened_malloc's documentation says of it: it cannot be had as a package.
MISUSES = {
    "double": ("freed twice", "ends"),
    "double_later": ("freed twice, another in between", "ends"),
    "double_thread": ("freed by another thread, then again", "ends"),
    "inner": ("an inner pointer freed", "ends"),
    "inner_odd": ("the same, of odd alignment", "ends"),
    "never": ("an address that was never handed out", "ends"),
    "stack": ("an address of the stack", "ends"),
    "static": ("an address of static data", "ends"),
    "realloc_freed": ("a freed buffer resized", "ends"),
    "realloc_inner": ("an inner pointer resized", "ends"),
    "free_moved": ("the old address freed after a resize", "ends"),
    "overflow": ("128 bytes written behind the end", "ends at free, or at a guard page"),
    "write_freed": ("written after free", "ends when it is taken again; large: crash"),
}
TOLD = {"size": ("told twice its size", "ends (delete)"), "alignment": ("told another alignment", "not said")}


def outcome(hook, size, misuse, **variables):
    done = subprocess.run([PROBE, hook, size, misuse], env=os.environ | {"LC_ALL": "C"} | variables, text=True,
                          capture_output=True, check=False, errors="replace", timeout=120)
    if done.returncode == -signal.SIGABRT:
        return "ends"
    if done.returncode < 0:
        return "crash"
    return done.stdout.splitlines()[-1]


def cell(results):
    """What came of it in small and large buffers, said once where it is the same."""
    return results[0] if len(set(results)) == 1 else " / ".join(results)


def row(misuse, title, columns, hardened):
    cells = [cell([outcome(hook, size, misuse, **variables) for size in ("small", "large")])
             for hook, variables in columns.values() if hook != "-"]
    return "| " + " | ".join([title, *cells, hardened]) + " |"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--docs", type=pathlib.Path)
    options.add_argument("--allocator", action="append", default=[], metavar="NAME=LIBRARY")
    chosen = options.parse_args()
    ours = {"LD_PRELOAD": str(SHIM), "ARROW_POOL": "jemalloc"}
    told = {"C API": ("c", ours), "Arrow's pools": ("arrow", ours)}
    columns = {"libc": ("libc", ours), "arrow_mi": ("arrow_mi", ours), **told,
               "libc, `system`": ("libc", ours | {"ARROW_POOL": "system"}), "glibc": ("libc", {})}
    for named in chosen.allocator:
        name, library = named.split("=", 1)
        columns[name] = ("libc", {"LD_PRELOAD": library})
    lines = ["| misuse | " + " | ".join(columns) + " | hardened_malloc (as documented) |",
             "|---|" + "---|" * (len(columns) + 1)]
    for misuse, (title, hardened) in MISUSES.items():
        lines.append(row(misuse, title, columns, hardened))
        print(lines[-1], flush=True)
    for misuse, (title, hardened) in TOLD.items():
        cells = [cell([outcome(*told[name][:1], size, misuse, **told[name][1]) for size in ("small", "large")])
                 if name in told else "" for name in columns]
        lines.append("| " + " | ".join([title, *cells, hardened]) + " |")
        print(lines[-1], flush=True)
    if chosen.docs:
        import document

        chosen.docs.write_text(document.replace(chosen.docs.read_text(), "misuse", "\n".join(lines)))


main()

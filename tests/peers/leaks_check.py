"""Compares what docs/use/leaks.md shows with what the same commands print.

usage: leaks_check.py HEADING NUMBER <OUTPUT    the heading's NUMBERth block of output, from 0
       leaks_check.py HEADING NUMBER --mib      print how many MiB that block has of its first line
       leaks_check.py --program FILE            a block of Python is a part of that program

Names are to be the same: lines of Python and their remarks, native functions, variables. Sizes are to be near: as far
as five times the standard error that the page shows, and a tenth besides."""

import os
import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/use/leaks.md"
UNITS = {"B": 1 / (1 << 20), "KiB": 1 / 1024, "MiB": 1.0, "GiB": 1024.0}


def block(heading, number):
    section = re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)
    (text,) = (part for part in section if part.splitlines()[0] == heading)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [content for language, content in blocks if not language][number]


def program(path):
    source = re.sub(r"\n+", "\n", pathlib.Path(path).read_text())
    shown = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    found = any(re.sub(r"\n+", "\n", text) in source for text in shown)
    return None if found else f"{path}: the page shows another"


def without_folder(name):
    return re.sub(r"^\S*/", "", name)


def held(text):
    """Of `arrowpool who`: for each line of Python its MiB, how far they may be off, and the native functions."""
    rows = []
    for line in text.splitlines():
        row = re.match(r"\s+[\d.]+%\s+([\d.]+)\s+\d+\s+\d+\s+(\d+)%.*?(\S+\.py:\d+ .*)$", line)
        native = re.match(r"\s+\d+% in (.*)$", line)
        if row:
            mib = float(row[1])
            rows.append((without_folder(row[3]), mib, 0.1 + 5 * int(row[2]) / 100, set()))
        elif native:
            rows[-1][3].add(native[1])
    return rows


def kept(text):
    """Of `arrowpool who --holders`: the largest holder."""
    row = re.search(r"^ +([\d.]+) (\w+) +([\d.]+) (\w+) +([\d.]+) (\w+) +(\d+)  (\S.*)\n +(\S.*)$", text, re.MULTILINE)
    sizes = [float(row[i]) * UNITS[row[i + 1]] for i in (1, 3, 5)]
    return [(f"{row[7]} {row[8]}", sizes[0], 0.1, {re.sub(r"day-\d+", "day-N", row[9])}),
            (f"alone: {row[8]}", sizes[1], 0.1, set()), (f"used: {row[8]}", sizes[2], 0.1, set())]


def counted(text):
    """Of `arrowpool show`: live bytes of each pool that has much."""
    rows = re.findall(r"^(\S+) +([\d.]+) (\wiB) +[\d.]+ \wiB ", text, re.MULTILINE)
    return [(name, float(size) * UNITS[unit], 0.25, set()) for name, size, unit in rows if unit == "MiB"]


def rows_of(text):
    kind = kept if "objects  held by\n" in text else counted if text.startswith(("gone:", "arrowpool ")) else held
    return [row for row in kind(text) if row[1] >= 5 or kind is kept]


def compare(shown, printed):
    if [row[0] for row in shown] != [row[0] for row in printed]:
        yield f"names: {[row[0] for row in shown]} are shown, {[row[0] for row in printed]} were printed"
        return
    for (name, mib, off, native), (_, mib_now, _, native_now) in zip(shown, printed, strict=True):
        if abs(mib_now - mib) > off * mib:
            yield f"{name}: {mib} MiB are shown, {mib_now} were printed"
        if native != native_now:
            yield f"{name}: in {sorted(native)} is shown, {sorted(native_now)} was printed"


def main(heading, number, what=""):
    shown = rows_of(block(heading, int(number)))
    if what == "--mib":
        print(shown[0][1])
        return None
    printed = sys.stdin.read()
    problems = list(compare(shown, rows_of(printed)))
    return f"{os.path.basename(PAGE)}: " + "\n".join([*problems, printed]) if problems or not shown else None


if __name__ == "__main__":
    sys.exit(program(sys.argv[2]) if sys.argv[1] == "--program" else main(*sys.argv[1:]))

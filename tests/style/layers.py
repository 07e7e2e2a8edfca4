#!/usr/bin/env python3
"""Whether includes point down: from each folder only into those that layers.txt has above it; and with the folder of a
build, whether no files use one another in a circle. What breaks that is printed, a line each.

usage: tests/style/layers.py [--root ROOT] [--build BUILD | --draw]    --draw: docs/internals/layers.svg"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

import layers_drawing

# Where the compiler looks for what is included: an include names the folder as seen from one of these.
PLACES = ("", "lib", "lib/include")
SIDES = ("shim", "cli", "python")


def read_layers(root):
    """[{folder: what it is}], from the bottom."""
    lines = [line for line in (root / "tests/style/layers.txt").read_text().splitlines() if line[:1] != "#"]
    layers = "\n".join(lines).split("\n\n")
    return [dict(line.split(": ", 1) for line in layer.splitlines()) for layer in layers]


def read_includes(root, folders):
    """For each source its includes, as paths from the root."""
    files = {str(path.relative_to(root)) for top in {folder.split("/")[0] for folder in folders}
             for path in (root / top).rglob("*.*") if path.suffix in (".c", ".h", ".hpp", ".def")}
    found = {}
    for file in sorted(files):
        found[file] = []
        for name in re.findall(r'^\s*#\s*include "([^"]+)"', (root / file).read_text(), re.M):
            places = [pathlib.Path(file).parent] if name.startswith("../") else PLACES
            paths = [os.path.normpath(pathlib.Path(place, name)) for place in places]
            found[file].append(next((path for path in paths if path in files), name))
    return found


def folder_of(file):
    parent = str(pathlib.PurePath(file).parent)
    return "lib/include" if parent.startswith("lib/include") else parent


def check_folders(includes, layers):
    for file, targets in includes.items():
        own = folder_of(file)
        if own not in layers:
            yield f"{file}: {own} is not in layers.txt"
            continue
        for target in targets:
            folder = folder_of(target)
            if folder not in layers:
                yield f"{file} includes {target}, which is nowhere"
            elif folder != own and layers[folder] >= layers[own]:
                yield f"{file} includes {target}, which is not below it"
            elif (side := folder.split("/")[0]) in SIDES and side != own.split("/")[0]:
                yield f"{file} includes {target}, which is another's"


def read_uses(root, build):
    """For each source of the build the sources whose functions and data it uses, by the symbols of its object file."""
    uses, homes = {}, {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = os.path.relpath(os.path.join(entry["directory"], entry["file"]), root)
        if file.startswith((".", "tests/", "subprojects/")) or file in uses or entry["output"].startswith("tests/"):
            continue
        symbols = subprocess.run(["nm", "--format=posix", build / entry["output"]], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout
        kinds = [line.split()[:2] for line in symbols.splitlines()]
        homes |= {name: file for name, kind in kinds if kind in "TDBRCV"}
        uses[file] = {name for name, kind in kinds if kind == "U"}
    return {file: {homes[name] for name in names if name in homes} - {file} for file, names in uses.items()}


def check_circles(uses):
    """Within a folder. Between folders includes are checked, and what stands in for the C library would not be told."""
    reached = {}
    for file, others in uses.items():
        reached[file] = {other for other in others if folder_of(other) == folder_of(file)}
    for middle, further in reached.items():
        for file in [file for file, others in reached.items() if middle in others]:
            reached[file] |= further
    circles = {frozenset(other for other in others if file in reached[other]) for file, others in reached.items()}
    return ["a circle: " + " ".join(sorted(circle)) for circle in sorted(circles, key=sorted) if circle]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--draw", action="store_true")
    chosen = parser.parse_args()
    rows = read_layers(chosen.root)
    layers = {folder: number for number, row in enumerate(rows) for folder in row}
    includes = read_includes(chosen.root, layers)
    if chosen.draw:
        edges = {(folder_of(file), folder_of(target)) for file, targets in includes.items() for target in targets}
        return print(layers_drawing.draw(rows[::-1], {(a, b) for a, b in edges if a != b}), end="")
    circles = check_circles(read_uses(chosen.root, chosen.build)) if chosen.build else ()
    return "\n".join([*check_folders(includes, layers), *circles]) or None


if __name__ == "__main__":
    sys.exit(main())

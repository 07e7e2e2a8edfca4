"""Compiles and runs the examples that docs/use/cxx.md and docs/use/python.md show, and puts source and output there,
between the markers <!-- NAME.cc --> or <!-- NAME.py --> and <!-- NAME.out -->.

    examples.py FOLDER          rewrite the documents; FOLDER takes the programs
    examples.py FOLDER --check  only say where they differ from what the examples are and print

The build folder is $ARROWPOOL_BUILD, or build; pyarrow and its libarrow are those of the Python that runs this. An
example whose command in the document begins with `arrowpool run` gets the shim.
"""

import difflib
import os
import pathlib
import re
import subprocess
import sys

import pyarrow

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", ROOT / "build"))
DOCUMENTS = {"cc": (ROOT / "docs/use/cxx.md", "cpp"), "py": (ROOT / "docs/use/python.md", "python")}
sys.path.insert(0, str(ROOT / "tests/bench"))
from document import replace  # noqa: E402


def compiled(source, folder):
    """The command that runs a C++ example."""
    program = folder / source.stem
    arrow = pathlib.Path(pyarrow.get_library_dirs()[0])
    libraries = [*arrow.glob("libarrow.so.*"), *arrow.glob("libarrow_compute.so.*"), BUILD / "lib/libarrowpool.so"]
    subprocess.run(["g++", "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-isystem", pyarrow.get_include(),
                    "-I", ROOT / "lib/include", source, "-o", program, *libraries, f"-Wl,-rpath,{arrow}",
                    f"-Wl,-rpath,{BUILD / 'lib'}"], check=True)
    return [program]


def output_of(source, folder, text):
    command = compiled(source, folder) if source.suffix == ".cc" else [sys.executable, source]
    if f"arrowpool run -- python {source.name}" in text:
        command = [BUILD / "cli/arrowpool", "run", "--", *command]
    variables = os.environ | {"PYTHONPATH": str(BUILD / "python")}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=100, env=variables).stdout


def with_examples(text, kind, language, folder):
    for name in re.findall(rf"<!-- (\w+)\.{kind} -->", text):
        source = ROOT / "docs/use/examples" / f"{name}.{kind}"
        text = replace(text, f"{name}.{kind}", f"```{language}\n{source.read_text().rstrip()}\n```")
        text = replace(text, name + ".out", f"```\n{output_of(source, folder, text).rstrip()}\n```")
    return text


def main(folder, check):
    differences = []
    for kind, (document, language) in DOCUMENTS.items():
        text = document.read_text()
        expected = with_examples(text, kind, language, folder)
        if not check:
            document.write_text(expected)
        differences += difflib.unified_diff(text.splitlines(True), expected.splitlines(True), document.name,
                                            "the examples")
    if check and differences:
        sys.exit("".join(differences))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:] == ["--check"])

"""What the tests of arrowpool.install() share: programs in which nothing is preloaded, unless they say so."""

import json
import os
import subprocess
import sys

import pyarrow
import pytest

# The oldest and the newest pyarrow stand for those between them, which the long form has as well.
only_ends = pytest.mark.skipif(10 < int(pyarrow.__version__.split(".")[0]) < 26 and "ARROWPOOL_LONG" not in os.environ,
                              reason="a pyarrow between the oldest and the newest")

BUILD = os.environ["ARROWPOOL_BUILD"]
SHIM = os.path.join(BUILD, "shim", "libarrowpool_preload.so")
COMMAND = os.path.join(BUILD, "cli", "arrowpool")

BEGIN = """import gc, os, sys, threading, warnings
import pyarrow as pa
import arrowpool
pool = pa.default_memory_pool()
def figures():
    return next((one for one in arrowpool.stats() if one.name == "arrow." + pool.backend_name), None)
"""


def run(tmp_path, text, *options, begin=BEGIN, status=0, command=None, **variables):
    """What a program says on stdout and on stderr."""
    (tmp_path / "program.py").write_text(begin + text)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_POOL")}
    done = subprocess.run(command or [sys.executable, *options, "program.py"], cwd=tmp_path, capture_output=True,
                          text=True, check=False, env={**environment, **variables})
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def dumps(tmp_path):
    """The pools that dumps tell of, by process."""
    found = {}
    for path in tmp_path.glob("*.json"):
        dump = json.loads(path.read_text())
        found[dump["process"]["pid"]] = {one["name"]: one for one in dump["pools"]}
    return found

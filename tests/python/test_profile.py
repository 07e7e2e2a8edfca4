"""arrowpool.profile(): what it refuses, and profiles of other processes, with the shim and without: of Arrow's threads,
of forks, and of processes that end. `arrowpool who` reads them."""

import json
import os
import subprocess
import sys

import arrowpool
import pytest

BUILD = os.environ["ARROWPOOL_BUILD"]
SHIM = os.path.join(BUILD, "shim", "libarrowpool_preload.so")
KILL = "os.kill(os.getpid(), 9)"
STARTS = """import os, sys, arrowpool, pyarrow as pa
arrowpool.profile('profiles', mean='4K')
pool = arrowpool.pool('etl')
"""
LINE = 5  # of what follows STARTS


def execute(tmp_path, code, *, shim, **variables):
    """Runs a program with its own folder; returns what it printed and its exit status."""
    (tmp_path / "program.py").write_text(code)
    environment = {**os.environ, **({"LD_PRELOAD": SHIM} if shim else {}), **variables}
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, env=environment, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout, done.returncode


def who(path, *options):
    """The rows that `arrowpool who` tells, and the processes."""
    done = subprocess.run([os.path.join(BUILD, "cli", "arrowpool"), "who", "--format=json", *options, path], check=True,
                          stdout=subprocess.PIPE)
    answer = json.loads(done.stdout)
    return answer["rows"], answer["processes"]


both = pytest.mark.parametrize("shim", [False, True], ids=["alone", "shim"])


@both
def test_a_killed_process_has_told_the_line_and_the_pool(tmp_path, shim):
    code = STARTS + f"\nkept = [pa.nulls(1_000_000, pa.int64(), memory_pool=pool) for _ in range(4)]\n{KILL}\n"
    assert execute(tmp_path, code, shim=shim) == ("", -9)
    [row], [process] = who(tmp_path / "profiles")
    assert row["who"].endswith(f"program.py:{LINE} <listcomp>" if sys.version_info < (3, 12) else
                               f"program.py:{LINE} <module>")
    assert row["kind"] == "own" and 32_000_000 <= row["bytes"] < 33_100_000 and row["samples"] == 4
    assert process["python"] == "read" and process["mean_bytes"] == 4096 and process["state"] == "gone"
    [row], _ = who(tmp_path / "profiles", "--by=pool")
    assert row["who"] == "c:etl"


@pytest.mark.parametrize("mode", ["jemalloc", "system"])
def test_under_the_shim_tasks_have_the_line_that_gave_them(tmp_path, mode):
    code = ("import io, os, arrowpool, pyarrow as pa, pyarrow.csv\ntext = b'a,b\\n' + b'1,xyz\\n' * 300_000\n"
            "pa.csv.read_csv(io.BytesIO(text))\narrowpool.profile('profiles', mean=4096)\n"
            f"kept = pa.csv.read_csv(io.BytesIO(text))\n{KILL}\n")
    assert execute(tmp_path, code, shim=True, ARROW_POOL=mode) == ("", -9)
    rows, [process] = who(tmp_path / "profiles", "--what=total")
    tasks = [row for row in rows if row["kind"] == "task"]
    assert process["tasks"] is True and process["tasks_told"] > 0
    assert {row["who"].rpartition("/")[2] for row in tasks} == {f"program.py:{LINE} <module>"}
    assert sum(row["bytes"] for row in tasks) > 1_000_000
    assert [row["who"] for row in rows if row["kind"] == "none"] == []


@both
def test_children_of_a_fork_have_profiles_of_their_own(tmp_path, shim):
    code = STARTS + ("kept = pa.nulls(1_000_000, pa.int64(), memory_pool=pool)\nif child := os.fork():\n"
                     "    os.waitpid(child, 0)\n"
                     f"else:\n    more = pa.nulls(2_000_000, pa.int64(), memory_pool=pool)\n{KILL}\n")
    assert execute(tmp_path, code, shim=shim) == ("", -9)
    files = sorted(os.listdir(tmp_path / "profiles"))
    found = {}
    for name in files:
        rows, [process] = who(tmp_path / "profiles" / name)
        lines = [(row["who"].rpartition(":")[2], row["bytes"] // 1_000_000) for row in rows]
        found[process["parent"]] = (process["pid"], lines)
    [(parent, rows)] = [found.pop(None)]
    assert rows == [("4 <module>", 8)]
    assert list(found) == [parent] and found[parent][1] == [("8 <module>", 16)]


@both
@pytest.mark.parametrize("keep, left", [(False, 0), (True, 1)])
def test_the_end_of_the_interpreter_takes_it_away_unless_it_is_kept(tmp_path, shim, keep, left):
    code = STARTS.replace("'4K'", f"'4K', keep={keep}") + ("kept = pa.nulls(1_000_000, pa.int64(), memory_pool=pool)\n"
                                                           "print(len(os.listdir('profiles')))\n")
    assert execute(tmp_path, code, shim=shim) == ("1\n", 0)
    assert len(os.listdir(tmp_path / "profiles")) == left
    if keep:
        _, [process] = who(tmp_path / "profiles")
        assert process["state"] == "ended"


SECOND = """
import arrowpool, os
try:
    arrowpool.profile("second")
except RuntimeError as error:
    print(error, os.path.exists("second"))
"""


@both
def test_a_second_one_is_refused_and_says_where_the_first_is(tmp_path, shim):
    code = "import arrowpool\narrowpool.profile(b'first')\n" + SECOND
    said = f"profile: this process has one already, in '{tmp_path}/first': a second one cannot be begun False\n"
    assert execute(tmp_path, code, shim=shim) == (said, 0)


def test_that_of_the_variable_is_the_first(tmp_path):
    said = f"profile: this process has one already, in '{tmp_path}/by variable': a second one cannot be begun False\n"
    assert execute(tmp_path, SECOND, shim=True, ARROW_POOL_PROFILE="by variable") == (said, 0)


@pytest.mark.parametrize("mean", ["", "x", "0", "50%", "-1", "1\0", 0, -1, 2**63])
def test_a_mean_that_cannot_be_is_refused_before_anything_happens(tmp_path, mean):
    with pytest.raises(ValueError, match=r"^mean: .*: choose "):
        arrowpool.profile(tmp_path / "new", mean=mean)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mean", [None, True, 1.5, b"64K"])
def test_a_mean_of_another_type_is_refused(tmp_path, mean):
    with pytest.raises(TypeError, match=r"^mean: .*: choose an int"):
        arrowpool.profile(tmp_path / "new", mean=mean)


def test_a_directory_that_cannot_be_is_refused_and_a_later_one_taken(tmp_path):
    code = ("import arrowpool, os\nfor name in ('a\\0b', '/dev/null/x', 'x' * 5000):\n"
            "    try:\n        arrowpool.profile(name)\n    except (ValueError, OSError) as error:\n"
            "        print(type(error).__name__)\n"
            "arrowpool.profile('a/b')\nprint(os.listdir('a'))\n")
    assert execute(tmp_path, code, shim=False) == ("ValueError\nNotADirectoryError\nOSError\n['b']\n", 0)

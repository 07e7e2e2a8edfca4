"""arrowpool.install() beyond one program: children, later libarrows, python -m arrowpool, whole environments."""

import os
import re
import subprocess
import sys

import pytest
from installed import BEGIN, COMMAND, dumps, only_ends, run

pytestmark = only_ends


# ---- children ----

CHILDREN = """
import multiprocessing
def work(size):
    kept = pa.allocate_buffer(size)
    return arrowpool.is_installed(), figures().bytes_allocated >= size, figures().backend
if __name__ == "__main__":
    before = pa.allocate_buffer(1000)
    arrowpool.install(stats="s-%p.json", pool="system")
    inherited = pa.allocate_buffer(1 << 20)
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as workers:
        print(workers.map(work, [5000, 6000, 7000]))
        workers.close()
        workers.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_are_served_likewise(tmp_path, method):
    out, error = run(tmp_path, CHILDREN, command=[sys.executable, "program.py", method])
    assert out == f"{[(True, True, 'system')] * 3}\n" and error == ""
    served = [pools for pools in dumps(tmp_path).values() if any(name.startswith("arrow.") for name in pools)]
    assert len(served) >= 2  # of the parent and of each child that worked


def test_the_child_of_a_fork_goes_on_and_ends_by_itself(tmp_path):
    run(tmp_path, """
arrowpool.install(stats="s-%p.json")
kept = pa.allocate_buffer(1 << 20)
child = os.fork()
more = pa.allocate_buffer(1 << 21)
assert figures().bytes_allocated == 3 << 20 and figures().inherited_bytes == (0 if child else 1 << 20)
if child:
    assert os.waitpid(child, 0)[1] == 0
else:
    os._exit(0)
""")
    inherited = [max(one["inherited_bytes"] for one in pools.values()) for pools in dumps(tmp_path).values()]
    assert sorted(inherited) == [0, 1 << 20]


def test_a_child_whose_parent_had_threads_at_work_allocates(tmp_path):
    run(tmp_path, """
arrowpool.install()
ended = threading.Event()
def work():
    while not ended.is_set():
        [pa.allocate_buffer(size) for size in (100, 5000, 300000)]
threads = [threading.Thread(target=work) for _ in range(3)]
[one.start() for one in threads]
children = []
for _ in range(20):
    child = os.fork()
    if not child:
        kept = [pa.allocate_buffer(size) for size in (100, 5000, 300000)]
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 20
ended.set()
[one.join() for one in threads]
""")


# ---- a libarrow that comes later ----

def test_a_libarrow_that_is_loaded_later_is_served_from_the_next_extension_module_on(tmp_path):
    run(tmp_path, """
import ctypes, importlib.util, shutil
arrowpool.install()
own = next(line.split()[-1] for line in open("/proc/self/maps") if "/libarrow.so" in line)
shutil.copy(own, "other.so")
factory = ctypes.CDLL("./other.so")._ZN5arrow19default_memory_poolEv
factory.restype = ctypes.POINTER(ctypes.c_void_p)
functions = factory()[0]
spec = importlib.util.spec_from_file_location("_library", arrowpool._library.__file__)
importlib.util.module_from_spec(spec)
assert factory()[0] != functions
os.unlink("other.so")
""")


# ---- python -m arrowpool, and whole environments ----

SHOWS = "print(__name__, sys.argv[1:], arrowpool.is_installed(), figures() is None)\n"


def test_python_m_arrowpool_runs_scripts_modules_and_code(tmp_path):
    command = [sys.executable, "-m", "arrowpool", "--pool", "system", "--stats=s.json"]
    for rest in (["program.py"], ["-m", "program"], ["-m", "package"]):
        (tmp_path / "package").mkdir(exist_ok=True)
        (tmp_path / "package" / "__main__.py").write_text(BEGIN + SHOWS)
        out, _ = run(tmp_path, SHOWS + "kept = pa.allocate_buffer(1000)\nassert figures().backend == 'system'",
                     command=[*command, *rest, "--stats=x", "y"])
        assert out == "__main__ ['--stats=x', 'y'] True True\n"
        assert len(dumps(tmp_path)) == 1
    out, _ = run(tmp_path, "", command=[*command, "-c", BEGIN + SHOWS, "z"])
    assert out == "__main__ ['z'] True True\n"


def test_python_m_arrowpool_tells_python_s_own_line_of_an_error(tmp_path):
    command = [sys.executable, "-m", "arrowpool", "program.py"]
    _, error = run(tmp_path, "raise KeyError('no')\n", command=command, status=1)
    assert error.rstrip().endswith("KeyError: 'no'") and 'program.py", line 7' in error


def test_python_m_arrowpool_refuses_what_cannot_be(tmp_path):
    for words, problem in (
            (["--pol=jemalloc", "program.py"], "--pol: unknown option"),
            (["--stats-format=xml", "program.py"], "--stats-format: 'xml': choose text, json, jsonl or prometheus"),
            (["--limit"], "--limit: a value is missing"), ([], "no program given"), (["-m"], "-m: a value is missing"),
            (["nowhere.py"], "nowhere.py: No such file or directory"), (["-m", "no.such"], "-m no.such: ")):
        _, error = run(tmp_path, "", command=[sys.executable, "-m", "arrowpool", *words], status=2)
        assert error.startswith(f"arrowpool: {problem}"), error
    out, _ = run(tmp_path, "", command=[sys.executable, "-m", "arrowpool", "--help"])
    run_help = subprocess.run([COMMAND, "run", "--help"], check=True, capture_output=True, text=True).stdout
    assert re.findall(r"^  --(\S+)=VALUE", out, re.M) == re.findall(r"^  --(\S+)=VALUE", run_help, re.M)


def test_a_line_of_pth_serves_programs_that_import_pyarrow_and_no_others(tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import arrowpool_auto\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    text = ("import sys\nassert 'pyarrow' not in sys.modules and 'arrowpool' not in sys.modules\n"
            "import pyarrow as pa\nkept = pa.allocate_buffer(1 << 20)\nprint('arrowpool.auto' in sys.modules)\n")
    variables = {"ARROW_POOL": "jemalloc", "ARROW_POOL_STATS": "s.json", "PYTHONPATH": path}
    out, error = run(tmp_path, text, begin="", **variables)
    assert (out, error) == ("True\n", "")
    figures, = dumps(tmp_path).values()
    assert all(name.startswith("arrow.") for name in figures) and figures
    os.unlink(tmp_path / "s.json")
    out, error = run(tmp_path, "print('no pyarrow here')\n", begin="", **variables)
    assert (out, error, dumps(tmp_path)) == ("no pyarrow here\n", "", {})
    out, error = run(tmp_path, text, begin="", PYTHONPATH=path)
    assert (out, error) == ("False\n", "")

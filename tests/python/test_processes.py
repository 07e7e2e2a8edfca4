"""The package arrowpool across processes and at their ends: each test runs programs of its own."""

import json
import os
import subprocess
import sys

import arrowpool
import pytest

BEGIN = """
import os, sys, gc, multiprocessing
import pyarrow as pa
import arrowpool
MIB = 1 << 20
pool = arrowpool.pool("etl", limit="10MiB")
"""


def run(text, *options, begin=BEGIN, **variables):
    """What a program says; it has to end with status 0."""
    done = subprocess.run([sys.executable, *options, "-c", begin + text], capture_output=True, text=True, timeout=900,
                          check=False, env={**os.environ, **variables})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "os._exit(0)", "del pool; gc.collect()", "pa.set_memory_pool(pool)",
                                 "pool.__enter__()", "import builtins; builtins.kept = array"])
def test_a_process_ends_in_order_with_live_buffers(end):
    assert run(f"array = pa.array(range(10000), memory_pool=pool)\nprint(pool.bytes_allocated(), flush=True)\n{end}"
               ) == "80000\n"


def test_the_child_of_a_fork_has_the_pool_and_its_limit():
    assert run("""
array = pa.array(range(1000), memory_pool=pool)
child = os.fork()
if not child:
    assert arrowpool.pool("etl") is pool and pool.bytes_allocated() == 8000 == pool.stats().inherited_bytes
    assert array.to_pylist() == list(range(1000))
    try:
        pa.allocate_buffer(10 * MIB, pool)
    except pa.ArrowMemoryError:
        more = pa.allocate_buffer(9 * MIB, pool)
        os._exit(7)
    os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), pool.bytes_allocated())
""") == "7 8000\n"


def test_a_fork_while_a_pool_is_being_made_leaves_the_child_able_to_make_one():
    assert run("""
import signal
with arrowpool._pool._lock:  # as if another thread were in the middle of it
    child = os.fork()
    if not child:
        signal.alarm(300)
        arrowpool.pool("of the child")
        os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""") == "7\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_passes_pools_on(method, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(BEGIN + f"""
def work(given, size):
    buffer = pa.allocate_buffer(size, given)
    assert given is arrowpool.pool("etl") and given.limit == 10 * MIB
    return os.getpid(), given.bytes_allocated()
if __name__ == "__main__":
    with multiprocessing.get_context("{method}").Pool(2) as workers:
        results = workers.starmap(work, [(pool, MIB), (pool, 2 * MIB)], chunksize=1)
    assert os.getpid() not in [pid for pid, _ in results]
    print([size >> 20 for _, size in results], pool.bytes_allocated())
""")
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=900,
                          check=False)
    assert (done.stdout, done.returncode) == ("[1, 2] 0\n", 0), done.stderr


def test_a_subinterpreter_is_refused_by_pyarrow():
    interpreters = pytest.importorskip("_xxsubinterpreters", reason="this Python cannot make subinterpreters by name")
    del interpreters
    assert run("""
import _xxsubinterpreters as interpreters
number = interpreters.create()
try:
    interpreters.run_string(number, "import arrowpool")
except interpreters.RunFailedError as error:
    print("ImportError" in str(error), "pyarrow" in str(error))
assert pa.array([1], memory_pool=pool).to_pylist() == [1]
""") == "True True\n"


def test_too_many_pools_are_a_memory_error():
    assert run("""
made = 0
try:
    for number in range(300):
        arrowpool.pool(f"pool {number}")
        made += 1
except MemoryError as error:
    print(str(error) == f"pool 'pool {made}': too many pools live in this process", 200 < made < 256)
assert arrowpool.pool("etl") is pool and pa.array([1], memory_pool=pool).to_pylist() == [1]
""") == "True True\n"


def test_without_pyarrow_the_reason_is_said(tmp_path):
    (tmp_path / "pyarrow.py").write_text("raise ImportError('No module named pyarrow, says the test')")
    done = subprocess.run([sys.executable, "-c", "import arrowpool"], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ['PYTHONPATH']}"})
    assert done.returncode == 1
    assert "ImportError: arrowpool needs pyarrow 10 or newer: No module named pyarrow, says the test" in done.stderr


@pytest.mark.parametrize("change, reason", [
    ("del pa.lib.__pyx_capi__['box_memory_pool']", "it has no function box_memory_pool"),
    ("pa.lib.__file__ = 'libc.so.6'", "its libarrow does not export what is needed"),
    ("pa.lib.__file__ = '/nowhere'", "it is not loaded"),
])
def test_a_pyarrow_that_is_not_as_known_is_refused_with_the_reason(change, reason):
    assert run(change + """
try:
    import arrowpool
except ImportError as error:
    print(error)
""", begin="import sys, pyarrow as pa\n").endswith(f": {reason}\n")


def test_alone_the_library_of_the_package_serves():
    version, file = run("print(*arrowpool._library.versions()[1:], sep='\\n')", LD_PRELOAD="").split()
    assert version == arrowpool.__version__ and os.path.basename(os.path.realpath(file)).startswith("libarrowpool.so")


def test_under_the_shim_there_is_one_instance_which_is_the_shim(tmp_path):
    shim = os.path.realpath(os.path.join(os.environ["ARROWPOOL_BUILD"], "shim", "libarrowpool_preload.so"))
    dump = tmp_path / "dump.json"
    assert run("""
array = pa.array(range(1000), memory_pool=pool)
print(arrowpool._library.versions()[2])
assert [s.bytes_allocated for s in arrowpool.stats() if s.name == "c:etl"] == [8000]
""", LD_PRELOAD=shim, ARROW_POOL_STATS=str(dump)) == shim + "\n"
    pools = [pool for pool in json.loads(dump.read_text())["pools"] if pool["name"] == "c:etl"]
    assert len(pools) == 1 and pools[0]["max_memory"] >= 8000


def test_another_version_that_was_preloaded_is_refused(tmp_path):
    source = tmp_path / "other.c"
    source.write_text('const char *arrowpool_version(void) { return "9.9.9"; }')
    other = tmp_path / "other.so"
    subprocess.run([os.environ.get("ARROWPOOL_CC", "cc"), "-shared", "-fPIC", "-o", other, source], check=True)
    assert "which is 9.9.9 and was loaded before: preload the shim of the same version" in run("""
try:
    import arrowpool
except ImportError as error:
    print(error)
""", begin="", LD_PRELOAD=str(other))

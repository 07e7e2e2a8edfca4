"""arrowpool.install(): pyarrow's own pools, served since a line of the program; options, files and ends."""

import inspect
import json
import os
import re
import signal
import subprocess

import arrowpool
import pytest
from installed import COMMAND, SHIM, dumps, only_ends, run

pytestmark = only_ends


# ---- what is served ----

def test_buffers_from_the_line_on_are_served_and_those_before_stay_pyarrows(tmp_path):
    run(tmp_path, """
before = pa.allocate_buffer(1 << 20, resizable=True)
held = pool.bytes_allocated()
assert not arrowpool.is_installed() and not arrowpool.is_active() and figures() is None
assert arrowpool.install() == "installed" and arrowpool.is_installed() and arrowpool.is_active()
assert pool.bytes_allocated() == held and pa.default_memory_pool().backend_name == pool.backend_name
after = pa.allocate_buffer(1 << 20, resizable=True)
after.resize(1 << 24)
before.resize(1 << 22)  # by its own allocator
one = figures()
assert one.backend == "jemalloc" and one.bytes_allocated == 1 << 24 and one.num_reallocations == 1, one
assert pool.bytes_allocated() == held + (3 << 20) + (1 << 24), pool.bytes_allocated()
del before, after
gc.collect()
assert figures().bytes_allocated == 0 == pool.bytes_allocated()
""")


def test_large_buffers_grow_in_place(tmp_path):
    run(tmp_path, """
arrowpool.install()
buffer = pa.allocate_buffer(1 << 22, resizable=True)
for power in range(23, 28):
    buffer.resize(1 << power)
assert figures().reallocs_in_place >= 1 and figures().bytes_copied < 1 << 26, figures()
""")


def test_system_counts_what_stays_with_the_process_s_own_malloc(tmp_path):
    run(tmp_path, """
arrowpool.install(pool="system")
buffer = pa.allocate_buffer(1000, resizable=True)
buffer.resize(1 << 22)
assert figures().backend == "system" and figures().bytes_allocated == 1 << 22, figures()
""")


def test_pools_of_the_package_and_pyarrows_share_a_limit_and_figures(tmp_path):
    out, error = run(tmp_path, """
etl = arrowpool.pool("etl")
kept = pa.allocate_buffer(3 << 20, etl)
arrowpool.install(limit=8 << 20, log="quiet")
more = pa.allocate_buffer(4 << 20)
for one in (None, etl):
    try:
        pa.allocate_buffer(2 << 20, one)
    except pa.ArrowMemoryError:
        print("refused")
del kept
again = pa.allocate_buffer(2 << 20)
print(sorted(one.name for one in arrowpool.stats() if one.bytes_allocated or one.name == "c:etl") ==
      ["arrow." + pool.backend_name, "c:etl"])
""")
    assert (out, error) == ("refused\nrefused\nTrue\n", "")


def test_threads_that_allocate_meanwhile_lose_no_buffer(tmp_path):
    run(tmp_path, """
ended = threading.Event()
faults = []
def work(seed):
    kept = []
    while not ended.is_set():
        buffer = pa.allocate_buffer(100 + seed, resizable=True)
        buffer.resize(70000 + seed)
        view = memoryview(buffer).cast("B")
        view[0] = view[-1] = seed
        kept.append((buffer, view))
        if len(kept) > 20:
            old, bytes_ = kept.pop(seed % len(kept))
            if bytes_[0] != seed or bytes_[-1] != seed:
                faults.append(seed)
threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
[one.start() for one in threads]
for _ in range(30):
    arrowpool.install()
    pa.allocate_buffer(10000)
    arrowpool.uninstall()
    pa.allocate_buffer(10000)
arrowpool.install()
ended.set()
[one.join() for one in threads]
del threads
gc.collect()
assert not faults, faults
assert pool.bytes_allocated() == 0 == figures().bytes_allocated, (pool.bytes_allocated(), figures())
""")


def test_uninstall_leaves_new_requests_to_pyarrow_and_buffers_where_they_are(tmp_path):
    run(tmp_path, """
arrowpool.install()
ours = pa.allocate_buffer(1 << 20, resizable=True)
memoryview(ours).cast("B")[:] = bytes(range(256)) * 4096
arrowpool.uninstall()
assert not arrowpool.is_installed() and not arrowpool.is_active()
theirs = pa.allocate_buffer(1 << 20, resizable=True)
assert figures().bytes_allocated == 1 << 20 and pool.bytes_allocated() == 2 << 20
ours.resize(1 << 23)
theirs.resize(1 << 21)
assert bytes(memoryview(ours)[:1 << 20]) == bytes(range(256)) * 4096
assert figures().bytes_allocated == 1 << 23, figures()
assert arrowpool.install() == "installed" and arrowpool.is_active()
again = pa.allocate_buffer(1024)
assert figures().bytes_allocated == (1 << 23) + 1024
del ours, theirs, again
assert pool.bytes_allocated() == 0 == figures().bytes_allocated
""")


def test_a_second_call_changes_nothing_and_says_so(tmp_path):
    run(tmp_path, """
assert arrowpool.install(limit="1GiB") == "installed"
with warnings.catch_warnings():
    warnings.simplefilter("error")
    assert arrowpool.install() == "installed before"
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    assert arrowpool.install(limit="2GiB") == "installed before"
assert "not heeded" in str(told[0].message) and told[0].filename.endswith("program.py"), told
try:
    pa.allocate_buffer(3 << 29)
except pa.ArrowMemoryError as error:
    assert "1.0 GiB" in str(error)
else:
    raise AssertionError
""")


def test_under_the_shim_nothing_is_installed_and_that_is_said(tmp_path):
    run(tmp_path, """
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    assert arrowpool.install() == "preloaded" and not told
    assert arrowpool.install(limit="1MiB") == "preloaded"
    arrowpool.uninstall()
assert ["preloaded" in str(one.message) for one in told] == [True, True], told
buffer = pa.allocate_buffer(1 << 22)
assert arrowpool.is_active() and not arrowpool.is_installed() and figures().bytes_allocated == 1 << 22
""", LD_PRELOAD=SHIM, ARROW_POOL="jemalloc")


# ---- options ----

def test_the_keywords_are_the_table_s():
    keywords = set(inspect.signature(arrowpool.install).parameters)
    table = set()
    for line in subprocess.run([COMMAND, "env"], check=True, capture_output=True, text=True).stdout.splitlines():
        found = re.match(r"ARROW_POOL(?:_([A-Z_]+))?[= ]", line)
        if found and found[1] != "HOLDERS":
            table.add((found[1] or "pool").lower())
    assert keywords == table


WRONG = [{"pool": "tcmalloc"}, {"limit": "3m"}, {"limit": 0}, {"limit": -5}, {"limit": True}, {"limit": 1.5},
         {"limit": ""}, {"stats": "%q"}, {"stats": 7}, {"stats_format": "xml"}, {"stats_interval": "10"},
         {"stats_interval": 10}, {"stats_signal": "KILL"}, {"stats_idle": "yes"}, {"stats_idle": 2}, {"live": ""},
         {"live": ["/tmp"]},
         {"live_keep": None, "profile_keep": "no"}, {"profile_mean": "0"}, {"profile_mean": "lots"},
         {"profile_frames": "rust"}, {"name": "a\nb"}, {"name": "x" * 64}, {"decay": "soon"}, {"thp": "maybe"},
         {"hooks": "malloc"}, {"hooks": "libc"}, {"libraries": "lance"},
         {"debug": "on"}, {"log": "loud"}, {"pool": "jemalloc\0"},
         {"live": "x" * 5000}]


def test_what_cannot_be_is_named_with_the_choices_and_nothing_is_installed(tmp_path):
    out, error = run(tmp_path, f"""
for wrong in {WRONG!r}:
    try:
        arrowpool.install(**{{"stats": "stderr", "stats_idle": "1", **wrong}})
    except (TypeError, ValueError) as error:
        print(type(error).__name__, str(error).replace(chr(10), " "))
    else:
        print("accepted", wrong)
    assert not arrowpool.is_installed() and not arrowpool.is_active()
try:
    arrowpool.install(stat="x")
except TypeError as error:
    print(error)
pa.allocate_buffer(1000)
""")
    lines = out.splitlines()
    assert len(lines) == len(WRONG) + 1 and error == ""  # no dump was written
    for wrong, line in zip(WRONG, lines):  # noqa: B905 # the last line is of no option
        name, value = list(wrong.items())[-1]
        assert re.match(rf"(Type|Value)Error {name}: .*(choose |only where)", line), line
        of_no_type = value in (True, 1.5) if name == "limit" else not isinstance(value, str)
        assert line.startswith("TypeError" if of_no_type else "ValueError"), line
    assert "stat" in lines[-1]


def test_paths_sizes_and_flags_may_be_python_s_own(tmp_path):
    run(tmp_path, """
import pathlib
os.mkdir("live")
os.mkdir(b"pro\\xff")
arrowpool.install(live=pathlib.Path("live"), profile=b"pro\\xff", profile_mean=4096, stats=pathlib.Path("s.json"),
                  stats_idle=True, live_keep=False, profile_keep="1", limit=1 << 30)
kept = pa.allocate_buffer(1 << 20)
assert [name.endswith(".live") for name in os.listdir("live")] == [True]
assert [name.endswith(b".profile") for name in os.listdir(b"pro\\xff")] == [True]
""")
    assert not list((tmp_path / "live").iterdir()) and len(os.listdir(os.fsencode(tmp_path) + b"/pro\xff")) == 1
    assert len(dumps(tmp_path)) == 1


def test_what_comes_too_late_is_said_and_nothing_is_installed(tmp_path):
    out, _ = run(tmp_path, """
kept = pa.allocate_buffer(1000, arrowpool.pool("early"))
os.mkdir("profiles")
arrowpool.profile("profiles")
for late in ({"decay": "5s"}, {"thp": "never"}, {"debug": "warn"}, {"profile": "profiles"}):
    try:
        arrowpool.install(**late)
    except ValueError as error:
        print(str(error).partition(":")[0])
    assert not arrowpool.is_installed()
print(arrowpool.install())
""")
    assert out.split() == ["decay", "thp", "debug", "profile", "installed"]


def test_the_environment_is_read_by_auto_alone(tmp_path):
    variables = {"ARROW_POOL": "jemalloc", "ARROW_POOL_STATS": "s.json", "ARROW_POOL_STATS_FORMAT": "xml"}
    text = "{}\nkept = pa.allocate_buffer(1 << 20)\nprint(figures().backend)\n"
    out, error = run(tmp_path, text.format("arrowpool.install(pool='system')"), **variables)
    assert (out, error, dumps(tmp_path)) == ("system\n", "", {})
    out, error = run(tmp_path, text.format("import arrowpool.auto"), **variables)
    assert out == "jemalloc\n" and "ARROW_POOL_STATS_FORMAT=xml: choose" in error and len(dumps(tmp_path)) == 1
    out, _ = run(tmp_path, text.format("import arrowpool.auto"))
    assert out == "system\n"  # as with the shim alone


# ---- files, and ways out ----

@pytest.mark.parametrize("end", ["", "sys.exit(0)", "os._exit(0)", "raise SystemExit", "os.kill(os.getpid(), 9)"])
def test_the_ends_of_a_process_write_the_dump_and_clear_the_live_file(tmp_path, end):
    killed = "kill" in end
    run(tmp_path, f"""
os.mkdir("live")
arrowpool.install(stats="s-%p.json", live="live")
kept = pa.array(range(100000))
{end}
""", status=-signal.SIGKILL if killed else 0)
    left = list((tmp_path / "live").iterdir())
    if killed or "_exit" in end:  # as with the shim
        shown = json.loads(subprocess.check_output([COMMAND, "show", "--format=json", *left]))
        assert shown["process"]["presence"] == "installed" and shown["pools"][0]["bytes_allocated"] == 800000
    else:
        assert not left
    pools = dumps(tmp_path)
    assert len(pools) == (0 if killed else 1)
    if not killed:
        assert max(one["total_bytes_allocated"] for one in next(iter(pools.values())).values()) >= 800000


def test_dumps_come_at_a_signal_and_at_intervals(tmp_path):
    run(tmp_path, """
import signal, time
arrowpool.install(stats="s.json", stats_signal="USR2", stats_interval="50ms")
kept = pa.allocate_buffer(1 << 20)
os.kill(os.getpid(), signal.SIGUSR2)
assert os.path.exists("s.json")
os.unlink("s.json")
while not os.path.exists("s.json"):
    time.sleep(0.01)
""")


def test_reports_say_that_libc_is_not_rerouted(tmp_path):
    out, error = run(tmp_path, f"""
import subprocess
os.mkdir("live")
arrowpool.install(stats="stderr", live="live", profile="live", profile_mean="4K")
kept = pa.allocate_buffer(1 << 20)
for command in (["show"], ["show", "--format=json"], ["who"], ["doctor"]):
    print(subprocess.run([{COMMAND!r}, *command, str(os.getpid())], capture_output=True, text=True).stdout)
print(arrowpool.report())
""")
    assert out.count("libc's functions are not rerouted") == 4 and '"presence":"installed"' in out
    assert "libc's functions are not rerouted" in error


def test_a_profile_knows_who_gave_arrow_s_threads_their_tasks(tmp_path):
    run(tmp_path, """
import pyarrow.csv as csv
os.mkdir("profiles")
arrowpool.install(profile="profiles", profile_mean="64K", profile_keep=True)
open("t.csv", "w").write("a,b\\n" + "1,text\\n" * 400000)
def read():
    return csv.read_csv("t.csv", read_options=csv.ReadOptions(block_size=1 << 18))
kept = read()
""")
    answer = json.loads(subprocess.check_output([COMMAND, "who", "--format=json", "--what=total", "profiles"],
                                                cwd=tmp_path))
    process, = answer["processes"]
    assert process["tasks"] and process["tasks_told"] == process["tasks_given"] > 0
    assert "program.py" in json.dumps(answer["rows"][0])


def test_the_live_file_has_what_pools_held_before_it(tmp_path):
    run(tmp_path, f"""
import json, subprocess, time
os.mkdir("live")
etl = arrowpool.pool("etl")
before = pa.allocate_buffer(1 << 20, etl)
arrowpool.install(live="live")
def etl_is(size):
    shown = subprocess.run([{COMMAND!r}, "show", "--format=json", str(os.getpid())], capture_output=True).stdout
    return {{one["name"]: one["bytes_allocated"] for one in json.loads(shown)["pools"]}}.get("c:etl") == size
kept = pa.allocate_buffer(1000)
assert etl_is(1 << 20)
del before
while not etl_is(0):  # with the next sign of life
    time.sleep(0.1)
more = pa.allocate_buffer(1 << 21, etl)
if os.fork():
    assert os.wait()[1] == 0
else:
    again = pa.allocate_buffer(1000)
    assert etl_is(1 << 21)
    os._exit(0)
""")

"""Eight threads of Python that do at random all that a profile has to survive: growth, reading with errors in Arrow's
tasks, computing, threads that come and go, forks, and libraries that are loaded, throw, and are unloaded. All results
are checked. Everything is freed at the end: Arrow's counters say so, and so has the profile, if there is one.

usage: stress.py SECONDS FOLDER PLUGIN [WHO PROFILES]    PLUGIN: stress_plugin.cc; WHO: the command arrowpool"""

import _ctypes
import ctypes
import gc
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

THREADS = 8
ROWS = 20_000
LATEST = 120  # seconds, within which what is over has to be over
problems = []
broken = weakref.WeakSet()  # files of the kind below that somebody still has
forking = threading.Lock()  # one child at a time, of whom there would be as many as threads
libc = ctypes.CDLL(None)


def make_files(folder):
    table = pa.table({"k": np.arange(ROWS), "x": np.arange(ROWS) / 4, "s": [f"name-{i % 97}" for i in range(ROWS)]})
    for part in ("good", "bad"):
        os.makedirs(f"{folder}/{part}")
        for i in range(4):
            pq.write_table(table, f"{folder}/{part}/{i}.parquet", row_group_size=5_000, compression="snappy")
    pa.csv.write_csv(table, folder + "/good.csv")
    lines = open(folder + "/good.csv", "rb").read().splitlines(keepends=True)  # noqa: SIM115
    lines[ROWS // 2] = b"7,not a number\n"
    with open(folder + "/bad.csv", "wb") as out:
        out.writelines(lines)
    with open(folder + "/bad/2.parquet", "r+b") as out:  # pages that cannot be unpacked, and a sound footer
        out.seek(200)
        out.write(b"\xff" * 5_000)
    return table


def expect_error(function, *kinds):
    try:
        function()
    except kinds:
        return
    raise AssertionError("there was no error")


class Broken:
    """A file whose reader fails, in a thread of Arrow's."""

    closed = False

    def __init__(self, path):
        self.file, self.left = open(path, "rb"), 3  # noqa: SIM115 as long as the reader wants
        broken.add(self)

    def read(self, size=-1):
        self.left -= 1
        if self.left < 0:
            raise KeyError("it is broken")
        return self.file.read(size)

    def close(self):
        self.file.close()


class Steps:
    def __init__(self, folder, plugin, number, table):
        self.folder, self.number, self.table = folder, number, table
        self.random, self.rounds = random.Random(number), 0
        self.plugin = f"{folder}/plugin-{number}.so"  # a file of its own, which nobody else has loaded
        shutil.copy(plugin, self.plugin)

    def csv(self, path):
        return pa.csv.read_csv(path, read_options=pa.csv.ReadOptions(block_size=1 << 15))

    def grow(self):
        sink, piece = pa.BufferOutputStream(), bytes([self.number + 1]) * self.random.randrange(1, 60_000)
        count = self.random.randrange(1, 60)
        for _ in range(count):
            sink.write(piece)
        assert sink.getvalue().to_pybytes() == piece * count

    def resize(self):
        buffer, size = pa.allocate_buffer(1000, resizable=True), 1000
        memoryview(buffer).cast("B")[:] = b"r" * 1000
        for _ in range(12):
            size = self.random.randrange(1000, 4_000_000)
            buffer.resize(size, shrink_to_fit=True)
            assert buffer.slice(0, 1000).to_pybytes() == b"r" * 1000

    def read_csv(self):
        table = self.csv(self.folder + "/good.csv")
        assert table.num_rows == ROWS and pc.sum(table["k"]).as_py() == ROWS * (ROWS - 1) // 2

    def read_bad_csv(self):
        expect_error(lambda: self.csv(self.folder + "/bad.csv"), pa.ArrowInvalid)

    def read_broken_file(self):
        expect_error(lambda: self.csv(pa.PythonFile(Broken(self.folder + "/good.csv"), mode="r")), KeyError)

    def read_dataset(self):
        table = ds.dataset(self.folder + "/good").to_table(columns=["k", "s"], filter=ds.field("x") >= 100)
        assert table.num_rows == 4 * (ROWS - 400) and pc.min(table["k"]).as_py() == 400

    def read_bad_dataset(self):
        dataset = ds.dataset([f"{self.folder}/bad/{i}.parquet" for i in range(4)], format="parquet",
                             schema=self.table.schema)
        expect_error(dataset.to_table, OSError, pa.ArrowInvalid)

    def leave_scan(self):
        """A scan that nobody ends."""
        batches = ds.dataset(self.folder + "/good").to_batches(batch_size=1000)
        assert next(batches).num_rows == 1000

    def compute(self):
        table = self.table.filter(pc.greater(self.table["x"], self.random.randrange(1000)))
        table = table.sort_by([("k", "descending")])
        assert table["k"][0].as_py() == ROWS - 1
        groups = table.group_by("s").aggregate([("k", "count")])
        assert pc.sum(groups["k_count"]).as_py() == table.num_rows
        assert pc.utf8_upper(table["s"])[0].as_py() == table["s"][0].as_py().upper()

    def begin_threads(self):
        wrong = []

        def body():
            try:
                self.grow()
                self.read_csv()
            except BaseException as error:  # a thread's own would only be printed
                wrong.append(error)

        threads = [threading.Thread(target=body) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if wrong:
            raise wrong[0]

    def load_and_throw(self):
        library = ctypes.CDLL(self.plugin)
        depth, size = self.random.randrange(1, 20), self.random.randrange(1, 50_000)
        status = library.stress_plugin_run(depth, ctypes.c_size_t(size))
        handle = library._handle
        del library
        _ctypes.dlclose(handle)
        assert status == 0, status

    def fork(self):
        orderly = self.random.random() < 0.5
        with forking:
            child = os.fork()
            if child == 0:
                self.be_child(orderly)
            deadline, status = time.monotonic() + LATEST, (0, 0)
            while status[0] == 0 and time.monotonic() < deadline:
                status = os.waitpid(child, os.WNOHANG)
                time.sleep(0.001)
        if status[0] == 0:
            os.kill(child, signal.SIGKILL)
        assert status == (child, 7 << 8), (status, orderly)
        for path in glob.glob(f"{PROFILES}/arrowpool-{child}-*") if PROFILES else ():
            if self.random.random() < 0.1:
                who(path)
            os.unlink(path)

    def be_child(self, orderly):
        status = 1
        try:
            self.grow()
            self.resize()
            self.load_and_throw()
            status = 7
        finally:
            if orderly:
                libc.exit(status)  # handlers and destructors, but not Python's
            os._exit(status)


def who(path, *options):
    return json.loads(subprocess.run([WHO, "who", "--at-least=0", "--format=json", *options, path], check=True,
                                     stdout=subprocess.PIPE, env={}).stdout)


def profile():
    """The file, or None while there was no sample."""
    paths = glob.glob(f"{PROFILES}/arrowpool-{os.getpid()}-*.profile") if PROFILES else []
    assert len(paths) <= 1, paths
    return paths[0] if paths else None


def keep_beginning(folder):
    """What lives when pyarrow was loaded, and stays: OpenSSL in libarrow has a table of names (ossl_namemap) by
    aligned_alloc, which it frees in a handler of exit. None of it is in a pool of Arrow's."""
    if not profile():
        return ()
    shutil.copy(profile(), folder + "/beginning")
    pools = {row["pool"] for row in who(profile(), "--by=pool")["rows"]}
    assert pools <= {"libc"}, pools
    return (f"--minus={folder}/beginning",)


def check_end(*options):
    left = who(profile(), *options)
    process = next(one for one in left["processes"] if one["path"] == profile())
    assert process["damaged_entries"] == 0 and process["samples"], process
    assert not left["rows"], [(row["who"], row["native"], row["bytes"]) for row in left["rows"]]


STEPS = ("grow", "resize", "read_csv", "read_bad_csv", "read_dataset", "read_bad_dataset", "leave_scan", "compute",
         "begin_threads", "load_and_throw")


def work(steps, names, deadline):
    """All steps in an order of its own, once at least."""
    while not problems:
        for name in steps.random.sample(names, len(names)):
            try:
                getattr(steps, name)()
            except BaseException as error:
                problems.append(f"{name}: {error!r}")
            if problems:
                return
        steps.rounds += 1
        if time.monotonic() >= deadline:
            return


POOLS = ("default_memory_pool", "system_memory_pool", "mimalloc_memory_pool", "jemalloc_memory_pool")


def allocated():
    total = 0
    for name in POOLS:
        try:
            total += getattr(pa, name)().bytes_allocated()
        except (AttributeError, NotImplementedError):  # a wheel without it
            continue
    return total


def run_threads(all_steps, names, seconds):
    deadline = time.monotonic() + seconds
    threads = [threading.Thread(target=work, args=(one, names, deadline)) for one in all_steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def wait_for(condition):
    deadline = time.monotonic() + LATEST
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def stress(seconds, folder, plugin):
    """A child may hang in CPython's own handlers where threads that are not Python's begin to use it at the moment of
    the fork, so what has Arrow's threads call Python comes first."""
    table = make_files(folder)
    all_steps = [Steps(folder, plugin, i, table) for i in range(THREADS)]
    run_threads(all_steps, (*STEPS, "read_broken_file"), seconds / 4)
    gc.collect()
    wait_for(lambda: not broken)
    run_threads(all_steps, (*STEPS, "fork"), seconds * 3 / 4)
    print(f"# {sum(one.rounds for one in all_steps)} rounds of {len(STEPS) + 1} steps", file=sys.stderr)


def main(seconds, folder, plugin):
    beginning = keep_beginning(folder)
    pa.set_cpu_count(4)
    stress(float(seconds), folder, plugin)
    assert not problems, problems
    gc.collect()
    wait_for(lambda: allocated() == 0)  # Arrow's threads still free what they worked on
    if PROFILES:
        check_end(*beginning)
    print("done")


if __name__ == "__main__":
    WHO, PROFILES = sys.argv[4:6] if len(sys.argv) > 4 else (None, None)
    main(*sys.argv[1:4])

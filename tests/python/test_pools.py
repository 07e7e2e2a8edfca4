"""The package arrowpool in one process: pools, limits, statistics, misuse. Runs with and without the shim."""

import copy
import dataclasses
import gc
import json
import os
import pickle
import threading

import arrowpool
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

MIB = 1 << 20
EMULATED = "ARROWPOOL_EMULATED" in os.environ
numbers = iter(range(1000))


@pytest.fixture
def fresh():
    """Makes pools whose names no test had before: pools live as long as the process."""
    return lambda **options: arrowpool.pool(f"test {next(numbers)}", **options)


def refused(exception, what):
    with pytest.raises(exception) as error:
        what()
    return str(error.value)


@pytest.mark.parametrize("backend", ["jemalloc", "system"])
def test_a_pool_is_a_pyarrow_memory_pool(fresh, backend):
    pool = fresh(backend=backend)
    assert isinstance(pool, pa.MemoryPool)
    assert pool.backend_name == pool.backend == pool.stats().backend == backend
    array = pa.array(range(100_000), memory_pool=pool)
    assert pool.bytes_allocated() == array.nbytes == pool.stats().bytes_allocated
    assert pc.sum(array).as_py() == 4_999_950_000
    del array
    assert pool.bytes_allocated() == 0
    assert pool.max_memory() >= 800_000


def test_every_memory_pool_argument_takes_it(fresh):
    pool = fresh()
    stream = pa.BufferOutputStream(pool)
    stream.write(b"x" * MIB)
    kept = [pa.array(["a", "b"], memory_pool=pool), pa.allocate_buffer(100, pool),
            pc.add(pa.array([1, 2]), 1, memory_pool=pool), pc.negate(pa.array([1]), memory_pool=pool),
            pa.concat_arrays([pa.array([1]), pa.array([2])], memory_pool=pool), stream.getvalue()]
    assert pool.stats().num_allocations >= len(kept)
    assert bytes(kept[-1]) == b"x" * MIB
    assert kept[2].to_pylist() == [2, 3] and kept[4].to_pylist() == [1, 2]


def test_proxy_and_logging_pools_go_on_top(fresh):
    pool = fresh()
    proxy = pa.proxy_memory_pool(pool)
    buffer = pa.allocate_buffer(1024, proxy)
    assert proxy.bytes_allocated() == pool.bytes_allocated() == buffer.size
    assert proxy.backend_name == "jemalloc"
    del buffer  # before the proxy, which pyarrow frees under buffers that live


@pytest.mark.parametrize("backend", ["jemalloc", "system"])
def test_contents_survive_resizes_also_through_zero(fresh, backend):
    pool = fresh(backend=backend)
    buffer = pa.allocate_buffer(1000, pool, resizable=True)
    memoryview(buffer).cast("B")[:4] = b"kept"
    for size in (64, 5000, 3 * MIB, 40 * MIB, 100 * MIB, 1 * MIB, 200):
        buffer.resize(size, shrink_to_fit=True)
        assert bytes(memoryview(buffer)[:4]) == b"kept" and buffer.address % 64 == 0
    buffer.resize(0, shrink_to_fit=True)
    assert pool.bytes_allocated() == 0
    buffer.resize(2 * MIB)
    assert pool.bytes_allocated() == 2 * MIB
    del buffer
    assert pool.bytes_allocated() == 0


@pytest.mark.skipif(EMULATED, reason="emulated: pages do not move")
def test_large_buffers_are_copied_once_at_most_as_they_grow(fresh):
    pool = fresh()
    buffer = pa.allocate_buffer(MIB, pool, resizable=True)
    for size in range(2 * MIB, 300 * MIB, 7 * MIB):
        buffer.resize(size)
    stats = pool.stats()
    assert 0 < stats.bytes_copied <= 4 * MIB and stats.reallocs_copied == 1  # it was packed until it grew so far
    assert stats.reallocs_in_place > stats.reallocs_remapped > 0
    assert stats.num_reallocations == stats.reallocs_in_place + stats.reallocs_remapped + 1 == 43


@pytest.mark.parametrize("limit, size", [(3 * MIB, 3 * MIB), ("3MiB", 3 * MIB), ("512K", 512 << 10), ("2GiB", 2 << 30)])
def test_a_limit_is_bytes_or_a_size_in_words(fresh, limit, size):
    pool = fresh(limit=limit)
    assert pool.limit == pool.stats().limit_bytes == size


def test_a_percentage_is_of_the_memory_that_the_process_may_use(fresh):
    assert fresh(limit="50%").limit == arrowpool.available_memory() // 100 * 50


@pytest.mark.parametrize(("size", "text"), [
    (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (800_000, "781.3 KiB"), (1000 << 20, "1,000.0 MiB"),
    ((1 << 20) - 1, "1.0 MiB"), (1 << 60, "1.0 EiB"), (None, "?")])
def test_sizes_are_rounded_as_the_reports_do(size, text):
    assert arrowpool._stats.format_bytes(size) == text


@pytest.mark.parametrize("backend", ["jemalloc", "system"])
def test_at_the_limit_arrow_raises_its_own_error_with_the_reason(fresh, backend):
    pool = fresh(limit="10MiB", backend=backend)
    buffer = pa.allocate_buffer(6 * MIB, pool, resizable=True)
    memoryview(buffer).cast("B")[:4] = b"kept"
    assert refused(pa.ArrowMemoryError, lambda: pa.allocate_buffer(4 * MIB + 64, pool)) == (
        f"malloc of size 4194368 failed: pool c:{pool.name} has 6.0 MiB of its limit of 10.0 MiB")
    assert refused(pa.ArrowMemoryError, lambda: buffer.resize(11 * MIB)) == (
        f"realloc of 6291456 to 11534336 failed: pool c:{pool.name} has 6.0 MiB of its limit of 10.0 MiB")
    assert buffer.size == 6 * MIB and bytes(memoryview(buffer)[:4]) == b"kept"
    buffer.resize(10 * MIB)
    assert pool.stats().num_failed == 2 and pool.max_memory() == 10 * MIB


def test_a_request_that_nobody_can_meet_is_an_error(fresh):
    pool = fresh()
    assert "failed" in refused(pa.ArrowMemoryError, lambda: pa.allocate_buffer(1 << 50, pool))
    assert pool.bytes_allocated() == 0


@pytest.mark.skipif(EMULATED, reason="emulated: what is resident is the emulator's")
def test_refusals_do_not_leak(fresh):
    pool = fresh(limit=1000)

    def resident():  # exactly, which statm is not
        with open("/proc/self/smaps_rollup") as file:
            return next(int(line.split()[1]) << 10 for line in file if line.startswith("Rss:"))

    def refuse(times):
        for _ in range(times):
            with pytest.raises(pa.ArrowMemoryError):
                pa.allocate_buffer(2000, pool)

    # A leak is in each stretch; what the interpreter takes besides, in some.
    grown = []
    for _ in range(6):
        before = resident()
        refuse(4000)
        grown.append(resident() - before)
    assert min(grown) < 4000 * 16, grown


def test_eight_threads_at_a_limit_never_exceed_it(fresh):
    pool = fresh(limit=40 * MIB)
    refusals, seen, lock = 0, 0, threading.Lock()

    def work(index):
        nonlocal refusals, seen
        kept = []
        for step in range(300):
            try:
                kept.append(pa.allocate_buffer((index * 7919 + step * 104_729) % (4 * MIB) + 1, pool))
            except pa.ArrowMemoryError:
                kept = kept[::2]
                with lock:
                    refusals += 1
            with lock:
                seen = max(seen, pool.bytes_allocated())

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refusals == pool.stats().num_failed > 0
    assert 20 * MIB < seen <= 40 * MIB and pool.max_memory() <= 40 * MIB
    assert pool.bytes_allocated() == 0


def test_there_is_one_pool_of_a_name(fresh):
    pool = fresh(limit=MIB)
    assert arrowpool.pool(pool.name) is pool
    assert arrowpool.pool(pool.name, limit="1MiB", backend="jemalloc") is pool
    assert refused(ValueError, lambda: arrowpool.pool(pool.name, limit=2 * MIB)) == (
        f"pool '{pool.name}' has a limit of 1048576 bytes, not 2097152 bytes: choose the same or none, "
        "or another name, or set its attribute limit")
    assert refused(ValueError, lambda: arrowpool.pool(pool.name, backend="system")) == (
        f"pool '{pool.name}' has the backend 'jemalloc', not 'system': choose the same or none, or another name")
    other = fresh()
    assert "has no limit, not 5 bytes" in refused(ValueError, lambda: arrowpool.pool(other.name, limit=5))


def test_threads_that_ask_for_a_name_get_one_pool():
    found, start = [], threading.Barrier(8)

    def ask():
        start.wait()
        found.append(arrowpool.pool("asked for by threads"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(map(id, found))) == 1


@pytest.mark.parametrize("given, size", [(5 * MIB, 5 * MIB), ("1GiB", 1 << 30), ("1.5MiB", 3 * MIB // 2), (None, None)])
def test_the_limit_can_be_set_as_it_is_given(fresh, given, size):
    for pool in (fresh(limit=MIB), fresh()):
        pool.limit = given
        assert pool.limit == pool.stats().limit_bytes == size
        assert ("limit" in repr(pool)) == (size is not None)
        assert pickle.loads(pickle.dumps(pool)) is copy.copy(pool) is pool


def test_a_limit_that_was_set_is_exact(fresh):
    pool = fresh()
    small = pa.array(range(1000), memory_pool=pool)  # before there is one
    pool.limit = 10 * MIB
    assert "of its limit of 10.0 MiB" in refused(pa.ArrowMemoryError, lambda: pa.allocate_buffer(10 * MIB, pool))
    kept = pa.allocate_buffer(10 * MIB - pool.bytes_allocated(), pool)
    pool.limit = MIB
    assert "has 10.0 MiB of its limit of 1.0 MiB" in refused(pa.ArrowMemoryError, lambda: pa.allocate_buffer(64, pool))
    del kept
    assert pa.allocate_buffer(512 << 10, pool).size == 512 << 10
    assert small.to_pylist() == list(range(1000))
    pool.limit = None
    assert pa.allocate_buffer(20 * MIB, pool).size == 20 * MIB


def test_a_pickle_from_before_its_limit_was_set_is_the_pool(fresh):
    pool = fresh(limit=MIB)
    before = pickle.dumps(pool)
    pool.limit = 2 * MIB
    assert pickle.loads(before) is pool and pool.limit == 2 * MIB
    assert arrowpool.pool(pool.name, limit="2MiB") is pool


def test_a_limit_that_is_none_is_refused_and_changes_nothing(fresh):
    pool = fresh(limit=MIB)

    def set_to(limit):
        pool.limit = limit

    assert "limit: 1.5 is of float" in refused(TypeError, lambda: set_to(1.5))
    assert "limit: 0: choose" in refused(ValueError, lambda: set_to(0))
    assert "limit: 'much'" in refused(ValueError, lambda: set_to("much"))
    assert pool.limit == MIB


@pytest.mark.parametrize("attribute", ["name", "backend", "limits", "max_memory_bytes"])
def test_no_other_attribute_can_be_set(fresh, attribute):
    pool = fresh()
    refused(AttributeError, lambda: setattr(pool, attribute, "x"))
    assert repr(pool).startswith(f"<arrowpool.Pool {pool.name!r}: 0 bytes live")


def test_a_limit_set_while_threads_work_holds(fresh):
    pool, most, ended = fresh(), 4 * MIB, threading.Event()
    wrong = []

    def work():
        while not ended.is_set():
            try:
                kept = [pa.allocate_buffer(300_000, pool) for _ in range(4)]
            except pa.ArrowMemoryError:
                kept = []
            del kept

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    pool.limit = most
    while pool.bytes_allocated() > most:
        pass
    for _ in range(300):
        live = pool.bytes_allocated()
        if live > most:
            wrong.append(live)
    ended.set()
    for one in threads:
        one.join()
    assert not wrong and pool.bytes_allocated() == 0
    assert pa.allocate_buffer(most, pool).size == most


def test_a_copy_and_a_pickle_are_the_pool_itself(fresh):
    pool = fresh(limit=MIB)
    assert copy.copy(pool) is copy.deepcopy(pool) is pickle.loads(pickle.dumps(pool)) is pool


def test_buffers_outlive_the_object():
    name = "outlived"
    array = pa.array(range(1000), memory_pool=arrowpool.pool(name))
    gc.collect()
    assert array.to_pylist() == list(range(1000))
    assert arrowpool.pool(name).bytes_allocated() == array.nbytes


def test_with_makes_it_the_default_pool_and_restores_the_former(fresh):
    outer, inner, former = fresh(), fresh(), pa.default_memory_pool().backend_name
    with outer as entered:
        assert entered is outer
        a = pa.array(range(1000))
        with inner:
            b = pa.array(range(2000))
            pa.set_memory_pool(pa.system_memory_pool())  # in force until the end of the with statement
        c = pa.array(range(3000))
    d = pa.array(range(4000))
    assert outer.bytes_allocated() == a.nbytes + c.nbytes and inner.bytes_allocated() == b.nbytes
    assert pa.default_memory_pool().backend_name == former and len(d) == 4000


def test_with_restores_after_an_exception_and_may_be_entered_twice(fresh):
    pool = fresh()
    with pytest.raises(KeyError), pool, pool:
        raise KeyError
    array = pa.array(range(1000))
    assert pool.bytes_allocated() == 0 and len(array) == 1000


def test_with_statements_that_overlap_leave_the_former_default(fresh):
    first, second = fresh(), fresh()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    a = pa.array(range(1000))
    second.__exit__(None, None, None)
    b = pa.array(range(1000))
    assert second.bytes_allocated() == a.nbytes and first.bytes_allocated() == 0 and len(b) == 1000


def test_set_memory_pool_takes_it(fresh):
    pool, former = fresh(), pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        array = pa.array(range(1000))
        assert pa.total_allocated_bytes() == pool.bytes_allocated() == array.nbytes
    finally:
        pa.set_memory_pool(former)


def test_the_sum_of_named_pools_is_what_pyarrow_holds(fresh):
    pools = [fresh() for _ in range(4)]
    before = pa.total_allocated_bytes()
    kept = [pa.array(range(1000 * (n + 1)), memory_pool=pool) for n, pool in enumerate(pools * 3)]
    assert sum(pool.bytes_allocated() for pool in pools) == sum(array.nbytes for array in kept)
    stats = arrowpool.stats()
    assert sum(stats["c:" + pool.name].bytes_allocated for pool in pools) == sum(array.nbytes for array in kept)
    assert pa.total_allocated_bytes() == before  # of the default pool, which gave nothing


@pytest.mark.parametrize("backend", ["jemalloc", "system"])
def test_fields_are_those_of_a_report(fresh, backend):
    pool = fresh(limit=MIB, backend=backend)
    pa.allocate_buffer(960, pool)
    kept = pa.allocate_buffer(3008, pool)
    reported = next(p for p in json.loads(arrowpool.report("json"))["pools"] if p["name"] == "c:" + pool.name)
    of_an_end = {"bytes_before_end", "histogram_before_end"}  # of an interpreter that ends, which this is not
    assert set(reported) - of_an_end == {field.name for field in dataclasses.fields(arrowpool.PoolStats)}
    assert {reported[name] for name in of_an_end} == {None}
    assert arrowpool.stats()["c:" + pool.name] == pool.stats()
    assert pool.stats().size_histogram == {512: 1, 2048: 1} and pool.stats().live_histogram == {2048: 1}
    assert pool.stats().asdict()["bytes_allocated"] == kept.size


def test_stats_have_unused_pools_and_can_be_asked_by_name(fresh):
    pool = fresh()
    stats = arrowpool.stats()
    assert stats["c:" + pool.name].num_allocations == 0
    assert stats[0] is next(iter(stats))
    assert "'nobody': choose one of" in refused(KeyError, lambda: stats["nobody"])


def test_stats_make_a_data_frame(fresh):
    pool = fresh()
    array = pa.array(range(1000), memory_pool=pool)
    frame = pd.DataFrame([one.asdict() for one in arrowpool.stats()]).set_index("name")
    assert frame.loc["c:" + pool.name, "bytes_allocated"] == array.nbytes


def test_reports_have_three_formats(fresh):
    pool = fresh()
    pa.allocate_buffer(1000, pool)
    assert f"c:{pool.name} " in arrowpool.report()
    assert json.loads(arrowpool.report("json"))["schema"] == "arrowpool/1"
    assert f'pool="c:{pool.name}"' in arrowpool.report("prometheus")
    assert refused(ValueError, lambda: arrowpool.report("xml")) == (
        "format: 'xml': choose 'text', 'json' or 'prometheus'")
    assert "is of int" in refused(TypeError, lambda: arrowpool.report(1))


def test_they_print_well():
    pool = arrowpool.pool("prints <well>", limit="2GiB")
    buffer = pa.allocate_buffer(3 * MIB // 2, pool)
    assert repr(pool) == ("<arrowpool.Pool 'prints <well>': 1.5 MiB live, peak 1.5 MiB, limit 2.0 GiB, jemalloc>")
    assert "<td>prints &lt;well&gt;</td><td>1.5 MiB</td>" in pool._repr_html_()
    assert "<td>bytes_allocated</td><td>1572864</td>" in pool.stats()._repr_html_()
    assert "<td>c:prints &lt;well&gt;</td><td>jemalloc</td><td>1.5 MiB</td>" in arrowpool.stats()._repr_html_()
    assert buffer.size == 3 * MIB // 2


def test_release_unused_gives_idle_pages_back(fresh):
    pool = fresh()
    pa.allocate_buffer(64 * MIB, pool)
    pool.release_unused()
    assert json.loads(arrowpool.report("json"))["process"]["idle_bytes"] == 0


def test_a_pool_of_c_code_keeps_its_name():
    import ctypes

    library = ctypes.CDLL(arrowpool._library.versions()[2])
    made = ctypes.c_void_p()
    assert library.arrowpool_create(b"of C", None, ctypes.byref(made)) == 0
    assert refused(ValueError, lambda: arrowpool.pool("of C")) == (
        "pool name: 'of C' belongs to a pool that other code of this process made")


@pytest.mark.parametrize("name, exception, text", [
    (5, TypeError, "pool name: 5 is of int: choose a str"),
    (b"etl", TypeError, "pool name: b'etl' is of bytes: choose a str"),
    ("", ValueError, "pool name: '': choose 1 to 63 bytes of UTF-8 without control characters"),
    ("ä" * 32, ValueError, "choose 1 to 63 bytes"),
    ("a\0b", ValueError, r"pool name: 'a\x00b': choose"),
    ("\ud800", ValueError, r"pool name: '\ud800': choose"),
])
def test_bad_names_are_refused(name, exception, text):
    assert text in refused(exception, lambda: arrowpool.pool(name))


@pytest.mark.parametrize("limit, exception, text", [
    (0, ValueError, "limit: 0: choose 1 to 9223372036854775807 bytes, or None for no limit"),
    (-1, ValueError, "limit: -1: choose"),
    (1 << 63, ValueError, "limit: 9223372036854775808: choose"),
    (1.5, TypeError, "limit: 1.5 is of float: choose an int of bytes, a str such as"),
    (True, TypeError, "limit: True is of bool: choose"),
    ("2 GiBs", ValueError, "limit: '2 GiBs': choose bytes such as 512M or 8GiB, or a percentage such as 70%"),
    ("512m", ValueError, "limit: '512m': m is a thousandth to Kubernetes and 1024 * 1024 to docker; choose bytes"),
    ("0%", ValueError, "limit: '0%': choose"),
    ("", ValueError, "limit: '': choose"),
    ("1\0", ValueError, r"limit: '1\0': choose"),
])
def test_bad_limits_are_refused(limit, exception, text):
    assert text in refused(exception, lambda: arrowpool.pool("never made", limit=limit))


@pytest.mark.parametrize("backend, exception, text", [
    ("mimalloc", ValueError, "backend: 'mimalloc': choose 'jemalloc' or 'system'"),
    (1, TypeError, "backend: 1 is of int: choose 'jemalloc' or 'system'"),
])
def test_bad_backends_are_refused(backend, exception, text):
    assert text in refused(exception, lambda: arrowpool.pool("never made", backend=backend))


def test_the_class_alone_makes_nothing():
    assert refused(TypeError, arrowpool.Pool) == "Pool cannot be made by its class: use arrowpool.pool(name)"

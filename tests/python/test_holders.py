"""arrowpool.holders(): each way in which Python can hold Arrow's and NumPy's memory, by its name and to the byte."""

import asyncio
import collections
import contextvars
import functools
import gc
import itertools
import json
import mmap
import sys
import threading
import types
import weakref

import arrowpool
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from arrowpool._reach import running_functions

ROWS = 100_000
SIZE = 8 * ROWS  # bytes of a column


def everything():
    found = arrowpool.holders(limit=None, min_bytes=0, time_limit=None)
    assert found.complete
    return found


def holder(name):
    """The one holder of that name."""
    [one] = [one for one in everything() if name in (one.name, *one.names)]
    return one


def column():
    return pa.array(np.arange(ROWS).tolist())  # in memory of Arrow's, and of nobody else


def table():
    return pa.table({"a": column()})


def figures(one):
    return one.bytes_used, one.bytes_pinned, one.bytes_alone, one.num_objects


# ---- variables and containers ----

@pytest.mark.parametrize("container", [dict, collections.OrderedDict, functools.partial(collections.defaultdict, list)])
def test_a_cache_of_slices_pins_whole_columns(kept, container):
    kept.CACHE = container((f"k{i}", table().slice(5 * i, 10)) for i in range(20))
    one = holder("kept.CACHE")
    assert figures(one) == (20 * 80, 20 * SIZE, 20 * SIZE, 20)
    assert one.kind == "variable" and one.types == {"Table": 20}
    assert one.path.startswith("kept.CACHE['k") and one.path.endswith("'] -> Table -> column 'a'")


@pytest.mark.parametrize("container", [list, tuple, collections.deque])
def test_a_sequence_names_the_place(kept, container):
    kept.QUEUE = container([None, table().slice(0, 10)])
    one = holder("kept.QUEUE")
    assert figures(one) == (80, SIZE, SIZE, 1)
    assert one.path == "kept.QUEUE[1] -> Table -> column 'a'"


def test_a_buffer_that_slices_share_counts_once(kept):
    whole = table()
    kept.CACHE = [whole.slice(i, 10) for i in range(0, 100, 10)] + [whole.slice(0, 10)] * 3
    del whole
    assert figures(holder("kept.CACHE"))[:2] == (800, SIZE)


def test_what_two_hold_is_freed_with_neither(kept):
    whole = table()
    kept.FIRST, kept.SECOND = {"a": whole.slice(0, 10)}, {"b": whole.slice(10, 20), "own": table()}
    del whole
    assert figures(holder("kept.FIRST")) == (80, SIZE, 0, 1)
    assert figures(holder("kept.SECOND")) == (160 + SIZE, 2 * SIZE, SIZE, 2)


def test_the_total_is_that_of_all_buffers_once(kept):
    before = everything().bytes_pinned
    whole = table()
    kept.FIRST, kept.SECOND = {"a": whole.slice(0, 10)}, {"b": whole.slice(10, 20)}
    assert everything().bytes_pinned == before + SIZE
    del whole


def test_a_container_has_all_its_names(kept):
    kept.CACHE = kept.ALIAS = {"a": table()}
    one = holder("kept.ALIAS")
    assert {one.name, *one.names} == {"kept.CACHE", "kept.ALIAS"}
    assert one.bytes_alone == SIZE


def test_what_leads_through_a_container_does_not_share_it(kept):
    class Application:
        pass

    kept.CACHE = {"k": table()}
    kept.handlers = [Application()]
    kept.handlers[0].cache, kept.handlers[0].other = kept.CACHE, table()
    assert figures(holder("kept.CACHE")) == (SIZE, SIZE, SIZE, 1)
    assert figures(holder("kept.handlers")) == (2 * SIZE, 2 * SIZE, SIZE, 2)


def test_what_reaches_the_very_same_is_one_holder(kept):
    kept.table = table()
    kept.pages = {"first": [kept.table]}
    kept.index = [kept.pages]
    one = holder("kept.table")
    assert figures(one) == (SIZE, SIZE, SIZE, 1)
    assert one.name == "kept.table" and one.names == ("kept.pages", "kept.index")


def test_tasks_of_an_event_loop_are_one_holder():
    async def fetch():
        batch = table().slice(0, 10)
        await asyncio.sleep(1000)
        return batch

    async def main():
        tasks = [asyncio.ensure_future(fetch()) for _ in range(5)]
        await asyncio.sleep(0)
        found = [one for one in everything() if one.bytes_used == 400]
        for task in tasks:
            task.cancel()
        return found

    [one] = asyncio.run(main())
    assert figures(one) == (400, 5 * SIZE, 5 * SIZE, 5)
    assert one.name.endswith("main(): tasks") and "fetch(): batch -> Table" in one.path


def test_the_chunk_that_pins_most_is_named(kept):
    parts = [pa.table({"small": [1], "large": [1]}), pa.table({"small": [2], "large": column().slice(9, 1)})]
    kept.TABLE = pa.concat_tables(parts)
    del parts
    assert holder("kept.TABLE").path == "kept.TABLE -> Table -> column 'large' -> chunk 1"


@pytest.mark.parametrize("maxsize", [None, 8])
def test_lru_cache(kept, maxsize):
    @functools.lru_cache(maxsize=maxsize)
    def load(number):
        return table().slice(number, 10)

    kept.load = load
    del load
    for number in range(3):
        kept.load(number)
    one = holder("kept.load")
    assert figures(one) == (240, 3 * SIZE, 3 * SIZE, 3)
    assert one.kind == "lru_cache"


def test_attributes_of_objects_are_told_apart(kept):
    class Server:
        def __init__(self):
            self.sessions = {"s": {"result": table().slice(0, 10)}}
            self.cache = {"c": table()}

    kept.server = Server()
    one = holder("kept.server.sessions")
    assert figures(one) == (80, SIZE, SIZE, 1)
    assert one.path == "kept.server.sessions['s']['result'] -> Table -> column 'a'"
    assert figures(holder("kept.server.cache")) == (SIZE, SIZE, SIZE, 1)


def test_a_flight_server_and_its_sessions(kept):
    flight = pytest.importorskip("pyarrow.flight")

    class Server(flight.FlightServerBase):
        def __init__(self):
            super().__init__("grpc://127.0.0.1:0")
            self.sessions = {}

    kept.server = Server()
    try:
        kept.server.sessions[b"s"] = table().slice(0, 10)
        one = holder("kept.server.sessions")
        assert one.path == "kept.server.sessions[b's'] -> Table -> column 'a'"
        assert figures(one) == (80, SIZE, SIZE, 1)
    finally:
        kept.server.shutdown()


def test_class_attributes_and_slots(kept):
    class Job:
        __slots__ = ("result",)
        shared = {"x": table().slice(0, 10)}  # noqa: RUF012 # that is what is tested

    kept.job = Job()
    kept.job.result = table().slice(0, 20)
    one = holder(f"{__name__}.test_class_attributes_and_slots.<locals>.Job.shared")
    assert one.kind == "class" and figures(one) == (80, SIZE, SIZE, 1)
    assert figures(holder("kept.job.result")) == (160, SIZE, SIZE, 1)


def test_named_tuples_and_plain_keys(kept):
    Point = collections.namedtuple("Point", "x y")
    kept.POINTS = {("a", 1): Point(None, table())}
    assert holder("kept.POINTS").path == "kept.POINTS[('a', 1)].y -> Table -> column 'a'"


def test_a_long_chain_of_objects_is_one_holder(kept):
    class Node:
        def __init__(self, following):
            self.following, self.value = following, table().slice(0, 10)

    node = None
    for _ in range(100):
        node = Node(node)
    kept.chain = node
    del node
    assert figures(holder("kept.chain.following")) == (99 * 80, 99 * SIZE, 99 * SIZE, 99)
    assert figures(holder("kept.chain.value")) == (80, SIZE, SIZE, 1)


# ---- functions ----

def test_a_closure(kept):
    def make():
        cache = {"k": table().slice(0, 10)}
        return lambda: cache

    kept.lookup = make()
    one = holder("kept.lookup -> closure cache")
    assert one.kind == "closure" and figures(one) == (80, SIZE, SIZE, 1)
    assert one.path == "kept.lookup -> closure cache['k'] -> Table -> column 'a'"


def test_default_values_and_bound_methods(kept):
    class Job:
        def run(self):
            """Does nothing."""

    def work(values=None):
        return values

    work.__defaults__ = (table().slice(0, 10),)

    job = Job()
    job.result = table().slice(0, 20)
    kept.work, kept.callback = work, functools.partial(print, job.run)
    del work, job
    assert figures(holder("kept.work.__defaults__"))[:2] == (80, SIZE)
    assert figures(holder("kept.callback.args"))[:2] == (160, SIZE)


def test_a_suspended_generator(kept):
    def stream():
        batch = table().slice(0, 10)
        yield 1
        yield batch

    kept.running = stream()
    next(kept.running)
    one = holder("kept.running")
    assert one.kind == "generator" and figures(one) == (80, SIZE, SIZE, 1)
    assert "stream(): batch -> Table" in one.path


def test_a_coroutine_that_waits(kept):
    class Pause:
        def __await__(self):
            yield

    async def fetch():
        batch = table().slice(0, 10)
        await Pause()
        return batch

    kept.task = fetch()
    kept.task.send(None)
    one = holder("kept.task")
    assert one.kind == "coroutine" and figures(one) == (80, SIZE, SIZE, 1)
    assert "fetch(): batch -> Table" in one.path
    kept.task.close()


def test_local_variables_of_functions_that_run():
    batch = table().slice(0, 10)
    [one] = [one for one in everything() if one.name.endswith("(): batch")]
    assert one.kind == "local variable" and figures(one) == (80, SIZE, SIZE, 1)
    assert one.name.startswith("test_holders.py:") and "test_local_variables_of_functions_that_run" in one.name
    assert batch.num_rows == 10


def has_gil():
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def test_local_variables_in_another_thread():
    started, end = threading.Event(), threading.Event()

    def work():
        batch = table().slice(0, 10)
        started.set()
        end.wait()
        return batch

    thread = threading.Thread(target=work, name="loader")
    thread.start()
    started.wait()
    try:
        found = [one for one in everything() if one.name.endswith(" in loader: batch")]
        if has_gil():
            assert [figures(one) for one in found] == [(80, SIZE, SIZE, 1)]
        else:  # its function would run on while it is read
            assert not found
    finally:
        end.set()
        thread.join()


def test_the_traceback_of_an_exception(kept):
    def load():
        batch = table().slice(0, 10)
        raise ValueError(batch.num_rows)

    try:
        load()
    except ValueError as error:
        kept.last_value = error
    one = holder("kept.last_value")
    assert one.kind == "traceback" and figures(one) == (80, SIZE, SIZE, 1)
    assert one.path.startswith("kept.last_value.__traceback__ -> ") and "load(): batch -> Table" in one.path


def test_what_the_interpreter_keeps_of_the_last_exception(kept):
    error = ValueError()
    error.table = table().slice(0, 10)
    sys.last_value = error
    del error
    try:
        assert figures(holder("sys.last_value")) == (80, SIZE, SIZE, 1)
    finally:
        del sys.last_value


def test_thread_locals_of_all_threads(kept):
    kept.LOCAL = threading.local()
    kept.LOCAL.table = table().slice(0, 10)
    started, end = threading.Event(), threading.Event()

    def work():
        kept.LOCAL.other = table().slice(0, 10)
        started.set()
        end.wait()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    try:
        one = holder("kept.LOCAL")
        assert one.kind == "thread local" and figures(one) == (160, 2 * SIZE, 2 * SIZE, 2)
    finally:
        end.set()
        thread.join()


def test_a_context_variable():
    variable = contextvars.ContextVar("request")
    variable.set({"k": table().slice(0, 10)})
    try:
        assert figures(holder("context variable request")) == (80, SIZE, SIZE, 1)
    finally:
        variable.set(None)


def test_weak_references_hold_nothing(kept):
    kept.strong = column().slice(0, 10)
    kept.weak = weakref.ref(kept.strong)
    kept.weak_values = weakref.WeakValueDictionary({"k": kept.strong})
    names = {one.name for one in everything()}
    assert "kept.strong" in names and not names & {"kept.weak", "kept.weak_values", "kept.weak_values.data"}


def test_what_no_variable_reaches_goes_by_its_type():
    class Circle:
        pass

    gc.disable()
    try:
        circle = Circle()
        circle.itself, circle.table = circle, table().slice(0, 10)
        del circle
        one = holder(f"(no variable) {Circle.__qualname__}")
        assert one.kind == "no variable" and figures(one) == (80, SIZE, SIZE, 1)
        assert one.path.endswith(".table -> Table -> column 'a'")
    finally:
        gc.enable()
        gc.collect()


# ---- pandas and NumPy ----

def bare(frame):
    """A frame of which the blocks alone take memory, and what places them: names of columns do, in pandas 3. Its own
    bytes are returned with it."""
    frame.columns = range(frame.shape[1])
    places = [frame._mgr.blknos, frame._mgr.blklocs, *(block.mgr_locs.as_array for block in frame._mgr.blocks)]
    return frame, sum(place.nbytes for place in places)


def test_a_view_of_pandas_without_a_copy(kept):
    kept.frame, own = bare(table().slice(0, 10).to_pandas(split_blocks=True, zero_copy_only=True))
    one = holder("kept.frame")
    assert figures(one)[:3] == (80 + own, SIZE + own, SIZE + own)
    assert one.path == "kept.frame -> DataFrame -> ndarray"


def test_blocks_of_pandas_in_memory_of_arrow(kept):
    kept.frame, own = bare(pa.table({"a": column(), "b": column()}).to_pandas())
    assert figures(holder("kept.frame"))[:3] == (2 * SIZE + own,) * 3


def test_a_frame_of_arrow_types(kept):
    array = pa.chunked_array([column()])
    kept.frame, own = bare(pd.DataFrame({"a": pd.arrays.ArrowExtensionArray(array)}).iloc[5:15])
    del array
    one = holder("kept.frame")
    assert one.path == "kept.frame -> DataFrame -> ChunkedArray"
    assert figures(one)[:3] == (80 + own, SIZE + own, SIZE + own)


def test_a_row_of_a_block_keeps_the_block_alive(kept):
    frame = pd.DataFrame(np.arange(4.0 * ROWS).reshape(ROWS, 4).copy(order="F"), columns=list("abcd"))
    kept.column = pa.Table.from_pandas(frame, preserve_index=False).select(["c"])
    shared = np.shares_memory(kept.column["c"].chunk(0).to_numpy(), frame["c"].to_numpy())
    del frame
    assert shared and figures(holder("kept.column")) == (SIZE, 4 * SIZE, 4 * SIZE, 1)


def test_numpy_views_of_arrow_memory(kept):
    kept.view = column().slice(10, 50).to_numpy()[5:15][::-1]
    assert figures(holder("kept.view")) == (80, SIZE, SIZE, 1)


@pytest.mark.parametrize("wrap", [pa.py_buffer, pa.array, lambda view: pa.array(view).slice(2, 8)])
def test_arrow_memory_that_is_numpys(kept, wrap):
    numbers = np.arange(ROWS)
    kept.wrapped = wrap(numbers[100:110])
    del numbers
    one = holder("kept.wrapped")
    assert one.bytes_used in (64, 80) and one.bytes_pinned == one.bytes_alone == SIZE


def test_numpy_views_know_their_owner(kept):
    numbers = np.arange(ROWS)
    windows = np.lib.stride_tricks.as_strided(numbers, (4, 5), (8, 8))
    kept.views = {"row": numbers.reshape(10, -1)[3, ::2], "windows": windows}
    del windows
    del numbers
    one = holder("kept.views")
    assert one.bytes_pinned == SIZE and one.bytes_used == 8 * ROWS // 20 + 64


def test_arrays_in_a_column_of_objects(kept):
    lists = pa.array([[1, 2, 3]] * 1000)
    kept.frame = pa.table({"l": lists}).to_pandas()
    size = lists.values.nbytes
    del lists
    one = holder("kept.frame")
    assert one.bytes_pinned >= size + 8 * 1000


def test_numpy_in_the_same_memory_as_arrow_counts_once(kept):
    kept.numbers = np.arange(ROWS)
    kept.array = pa.array(kept.numbers)
    kept.both = [kept.numbers[:5], kept.array[:5]]
    assert figures(holder("kept.both")) == (40, SIZE, 0, 2)


@pytest.mark.parametrize("make", [bytes, bytearray, lambda size: mmap.mmap(-1, size)])
def test_memory_of_other_objects(kept, make):
    owner = make(SIZE)
    buffer = pa.py_buffer(owner)
    kept.both = [np.frombuffer(owner, "u1")[8:16], buffer.slice(16, 4), memoryview(buffer)[:1]]
    del buffer
    del owner
    assert holder("kept.both").bytes_pinned == SIZE


def test_mapped_files_are_told(kept, tmp_path):
    path = str(tmp_path / "numbers")
    np.arange(ROWS).tofile(path)
    kept.mapped = np.memmap(path, "int64", "r", offset=8 * 5000)[:10]
    one = holder("kept.mapped")
    assert one.bytes_used == 80 and one.bytes_pinned == one.bytes_mapped and SIZE - 8 * 5000 <= one.bytes_pinned <= SIZE


# ---- kinds of Arrow objects ----

@pytest.mark.parametrize("make", [
    lambda: pa.array([f"text {i}" for i in range(1000)]),
    lambda: pa.array([f"text {i}" for i in range(1000)], pa.large_string()),
    lambda: pa.array([None, b"x"] * 500),
    lambda: pa.array([True, None] * 500),
    lambda: pa.array([1.5, None] * 500, pa.float32()),
    lambda: pa.array([i % 3 for i in range(1000)], pa.decimal128(10)),
    lambda: pa.array([[1, 2], None, [3]] * 300),
    lambda: pa.array([{"x": 1, "y": "a"}] * 1000),
    lambda: pa.chunked_array([[1, 2], [3]]),
    lambda: pa.record_batch([pa.array([1, 2]), pa.array(["a", None])], names=["a", "b"]),
])
def test_what_is_used_is_what_arrow_says(kept, make):
    kept.whole = make()
    assert figures(holder("kept.whole"))[:2] == (kept.whole.nbytes, kept.whole.get_total_buffer_size())
    kept.part, kept.whole = kept.whole.slice(0, len(kept.whole) // 2 // 8 * 8 or 1), None
    one = holder("kept.part")
    assert one.bytes_used == kept.part.nbytes and one.bytes_pinned == kept.part.get_total_buffer_size()


def test_dictionaries_count_once(kept):
    array = pa.array(["a", "b", "c"] * 1000).dictionary_encode()
    kept.parts = [array.slice(0, 80), array.slice(80, 80)]
    used, size = 2 * 80 * 4 + array.dictionary.nbytes, array.indices.nbytes + array.dictionary.get_total_buffer_size()
    del array
    assert figures(holder("kept.parts")) == (used, size, size, 2)


def test_dictionaries_in_structs(kept):
    array = pa.array(["a", "b", "c"] * 1000).dictionary_encode()
    kept.array = pa.StructArray.from_arrays([array], ["d"])
    size = array.indices.nbytes + array.dictionary.get_total_buffer_size()
    del array
    assert holder("kept.array").bytes_pinned == size


def test_scalars_of_lists_keep_the_array_alive(kept):
    kept.scalar = pa.array([[1, 2], [3] * ROWS])[0]
    assert holder("kept.scalar").bytes_pinned >= SIZE and holder("kept.scalar").bytes_used == 16


def test_buffers_and_what_reads_them(kept, tmp_path):
    sink = pa.BufferOutputStream()
    pq.write_table(table(), sink)
    buffer = sink.getvalue()
    size = buffer.size
    kept.buffer, kept.reader = [buffer.slice(0, 8)], [pa.BufferReader(buffer)]
    kept.file = [pq.ParquetFile(pa.BufferReader(buffer))]
    del buffer, sink
    assert figures(holder("kept.buffer"))[:2] == (8, size)
    assert figures(holder("kept.reader"))[:2] == (size, size)
    assert figures(holder("kept.file"))[:2] == (size, size)


def test_what_cannot_be_looked_into_is_said(kept):
    kept.reader = table().to_reader()
    kept.dataset = {"d": pyarrow.dataset.dataset(table())}
    one = holder("kept.reader")
    assert figures(one) == (0, 0, 0, 0) and one.num_unseen == 1 and one.types == {"RecordBatchReader": 1}
    assert holder("kept.dataset").num_unseen == 1


def test_batches_that_only_arrows_code_holds():
    iterator = iter([table().slice(0, 10).to_batches()[0]])
    reader = pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), iterator)
    del iterator
    [one] = [one for one in everything() if one.name == "(no variable) list_iterator"]
    assert figures(one)[:2] == (80, SIZE)
    del reader


def test_polars(kept):
    polars = pytest.importorskip("polars")
    kept.frame = polars.DataFrame({"a": list(range(ROWS)), "b": ["x"] * ROWS})
    one = holder("kept.frame")
    assert one.bytes_used == one.bytes_pinned == kept.frame.estimated_size()
    kept.both = [kept.frame["a"], kept.frame["a"].to_numpy()[:10]]
    assert holder("kept.both").bytes_pinned == SIZE


# ---- what it leaves ----

def test_nothing_is_kept_alive(kept):
    kept.CACHE = {"k": column()}
    kept.frame = pa.table({"a": column()}).to_pandas()
    for _ in range(2):  # instances whose attributes it names have a __dict__ from now on, and Python fills its caches
        arrowpool.holders(min_bytes=0, limit=None)
        gc.collect()
    objects, allocated = len(gc.get_objects()), pa.total_allocated_bytes()
    for _ in range(3):
        arrowpool.holders(min_bytes=0, limit=None)
    assert pa.total_allocated_bytes() == allocated
    gc.collect()
    assert len(gc.get_objects()) == objects
    weak = weakref.ref(kept.CACHE["k"])
    gc.disable()
    try:
        found = arrowpool.holders()
        kept.CACHE.clear()
        assert weak() is None and found
    finally:
        gc.enable()


def test_local_variables_are_not_kept_alive():
    gc.disable()
    try:
        array = column()
        weak = weakref.ref(array)
        for _ in range(3):
            arrowpool.holders()
        del array
        assert weak() is None
    finally:
        gc.enable()


def test_the_result_of_locals_stays_what_it_is():
    array = column()
    names = locals()
    arrowpool.holders()
    assert names["array"] is array


def test_it_says_what_it_had_no_time_for(kept):
    kept.CACHE = {"k": table()}
    found = arrowpool.holders(time_limit=0)
    assert not found.complete and "objects that were not visited" in found.missing
    assert "left out: objects that were not visited" in str(found)


def test_progress_and_how_it_ends_the_search(kept):
    kept.CACHE = {"k": column()}
    calls = []
    arrowpool.holders(progress=lambda visited, found: calls.append((visited, found)))
    assert calls and calls == sorted(calls)

    def stop(visited, found):
        raise KeyboardInterrupt

    gc.disable()
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            arrowpool.holders(progress=stop)
        weak = weakref.ref(kept.CACHE.pop("k"))
        assert weak() is None
        del caught
    finally:
        gc.enable()


def test_a_million_objects(kept):
    kept.many = [[i] for i in range(1_000_000)]
    kept.many[777_777].append(table().slice(0, 10))
    one = holder("kept.many")
    assert one.path == "kept.many[777777][1] -> Table -> column 'a'" and figures(one) == (80, SIZE, SIZE, 1)


def test_other_threads_go_on_meanwhile(kept):
    kept.CACHE, kept.steady, end = {}, {"k": table().slice(0, 10)}, threading.Event()

    def work():
        for number in itertools.count():
            if end.is_set():
                return
            kept.CACHE[number % 100] = pa.array([number] * 100)
            kept.CACHE.pop((number - 50) % 100, None)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            found = everything()
            [one] = [one for one in found if one.name == "kept.steady"]
            assert figures(one) == (80, SIZE, SIZE, 1)
    finally:
        end.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("start", [sys.settrace, sys.setprofile])
def test_functions_that_are_traced_keep_their_variables(start):
    """Before Python 3.13 what f_locals has becomes the variables of a function when it has been traced."""
    lost, end = [], threading.Event()

    def trace(frame, event, arg):
        return trace if sum(number for number in range(3)) and frame.f_lineno % 2 else None

    def add(one, other):
        return sum([one, other])

    def work():
        start(trace)
        try:
            while not end.is_set():
                one, other = 1, 2
                if [add(one, other), one, other] != [3, 1, 2]:
                    lost.append((one, other))
        except (NameError, SystemError) as error:
            lost.append(error)
        finally:
            start(None)

    threads = [threading.Thread(target=work) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    for thread in threads:
        thread.start()
    try:
        for _ in range(1000):
            running_functions()
    finally:
        sys.setswitchinterval(interval)
        end.set()
        for thread in threads:
            thread.join()
    assert not lost


def test_no_code_of_the_programs_runs(kept):
    class Trap:
        def __getattribute__(self, name):
            raise AssertionError(name)

        __eq__ = __hash__ = __repr__ = __len__ = __bool__ = __iter__ = lambda self: 1 // 0

    class Lazy(types.ModuleType):
        def __getattribute__(self, name):
            raise AssertionError(name)

    kept.trap = trap = Trap()
    object.__setattr__(trap, "cache", {"k": table().slice(0, 10)})
    kept.traps = {1: trap, "x": [trap]}
    sys.modules["kept.lazy"] = Lazy("kept.lazy")
    del trap
    try:
        assert figures(holder("kept.trap.cache")) == (80, SIZE, SIZE, 1)
    finally:
        del sys.modules["kept.lazy"]


# ---- how it is shown ----

def test_the_order_and_the_limits(kept):
    kept.slices, kept.whole, kept.small = [table().slice(0, 10)], [table(), pa.array([1] * 60_000)], [pa.array([1])]
    names = [one.name for one in everything() if one.name.startswith("kept.")]
    assert names == ["kept.slices", "kept.whole", "kept.small"]
    assert len(arrowpool.holders(limit=1)) == 1
    assert "kept.small" not in [one.name for one in arrowpool.holders(limit=None, min_bytes=9)]


def test_it_prints_well(kept):
    kept.CACHE = {"<k>": table().slice(0, 10)}
    found = arrowpool.holders(limit=None)
    text, html = str(found), found._repr_html_()
    assert "781.3 KiB    781.3 KiB     80 bytes         1  kept.CACHE\n" in text
    assert "1 Table; kept.CACHE['<k>'] -> Table -> column 'a'" in text
    assert "kept.CACHE[&#x27;&lt;k&gt;&#x27;]" in html and html.count("<table>") == 1
    assert repr(found) == text
    rows = found.to_pandas()
    assert list(rows.columns[:3]) == ["name", "path", "kind"] and len(rows) == len(found)
    assert rows.set_index("name").loc["kept.CACHE", "bytes_pinned"] == SIZE
    values = json.loads(json.dumps(found.to_dict()))
    assert [one["name"] for one in values["holders"]] == [one.name for one in found] and values["complete"] is True
    assert found[0] is found[:1][0] and values["bytes_pinned"] >= values["holders"][0]["bytes_pinned"]


def test_its_own_summary_agrees_with_arrows(kept):
    before = arrowpool.holders(time_limit=None)
    kept.table = table()
    after = arrowpool.holders(time_limit=None)
    assert after.arrow_bytes - before.arrow_bytes >= SIZE and after.bytes_pinned - before.bytes_pinned == SIZE

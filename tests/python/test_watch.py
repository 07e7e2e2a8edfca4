"""Snapshots, their differences and watches: what became of Arrow's memory in a part of a program. Runs with and without
the shim: without it, what pyarrow's own pools had at most is known in part."""

import os
import pathlib
import signal
import subprocess
import sys
import threading

import arrowpool
import pyarrow as pa
import pytest

MIB = 1 << 20
numbers = iter(range(1000))
tells_totals = hasattr(pa.default_memory_pool(), "total_bytes_allocated")  # pyarrow 18 and newer


@pytest.fixture
def fresh():
    return arrowpool.pool(f"watched {next(numbers)}")


def test_the_shim_is_found_and_known_to_be_active_or_not():
    path = pathlib.Path(arrowpool.shim_path())
    assert path.name == "libarrowpool_preload.so" and path.exists()
    preloaded = os.path.basename(os.environ.get("LD_PRELOAD", "")) == path.name
    assert arrowpool.is_active() is preloaded is arrowpool.snapshot().sees_all


@pytest.mark.skipif("ARROWPOOL_EMULATED" in os.environ, reason="emulated: the loader is the emulator's")
def test_a_shim_that_does_not_serve_arrow_is_not_active():
    """LD_PRELOAD alone does not do it: the shim may have been told to leave Arrow's pools alone."""
    for hooks, active in (("libc", False), ("all", True)):
        script = "import arrowpool; print(arrowpool.is_active(), arrowpool.snapshot().sees_all)"
        out = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True,
                             env=os.environ | {"LD_PRELOAD": arrowpool.shim_path(), "ARROW_POOL_HOOKS": hooks}).stdout
        assert out.split() == [str(active)] * 2


def test_snapshots_can_be_subtracted(fresh):
    before = arrowpool.snapshot()
    kept = pa.allocate_buffer(3 * MIB, fresh)
    pa.allocate_buffer(MIB, fresh)
    change = arrowpool.snapshot() - before
    of_pool = change.pools["c:" + fresh.name]
    assert of_pool.bytes_allocated == kept.size == 3 * MIB
    assert of_pool.total_bytes_allocated == 4 * MIB and of_pool.num_allocations == 2
    assert change.seconds > 0 and change.total.bytes_allocated == 3 * MIB
    if tells_totals:
        assert list(change.pools) == ["c:" + fresh.name]
        assert change.total == of_pool
    with pytest.raises(TypeError):
        before - 1
    with pytest.raises(TypeError):
        of_pool - 1


def test_a_difference_has_pools_that_came_and_is_empty_where_nothing_was():
    one, two = arrowpool.snapshot(), arrowpool.snapshot()
    if tells_totals:
        assert (two - one).pools == {}
    assert (two - one).total.bytes_allocated == 0


@pytest.mark.parametrize("size", [128, 50 * 1024, 3 * MIB])
def test_the_peak_of_a_watch_is_its_own_and_exact(fresh, size):
    pa.allocate_buffer(200 * MIB, fresh)  # a higher one, before
    with arrowpool.watch(interval=None) as watched:
        kept = pa.allocate_buffer(64, fresh)
        pa.allocate_buffer(size, fresh)
    pa.allocate_buffer(200 * MIB, fresh)  # and after
    assert watched.rise_bytes == kept.size + size
    assert watched.peak_bytes == watched.before.bytes_allocated + watched.rise_bytes
    assert watched.peak_is_exact is (arrowpool.is_active() or tells_totals)
    assert watched.after.bytes_allocated - watched.before.bytes_allocated == 64


def test_the_peaks_of_two_pools_at_different_times_are_not_added(fresh):
    other = arrowpool.pool(fresh.name + " other")
    with arrowpool.watch(interval=None) as watched:
        pa.allocate_buffer(10 * MIB, fresh)
        pa.allocate_buffer(10 * MIB, other)
    assert watched.rise_bytes == 10 * MIB
    with arrowpool.watch(interval=None) as watched:
        kept = pa.allocate_buffer(10 * MIB, fresh)
        pa.allocate_buffer(10 * MIB, other)
    assert watched.rise_bytes == 2 * kept.size


def test_watches_nest_and_overlap(fresh):
    with arrowpool.watch(interval=None) as outer:
        pa.allocate_buffer(8 * MIB, fresh)
        first, second = arrowpool.watch(interval=None), arrowpool.watch(interval=None)
        first.__enter__()
        pa.allocate_buffer(2 * MIB, fresh)
        second.__enter__()
        pa.allocate_buffer(4 * MIB, fresh)
        first.__exit__(None, None, None)
        pa.allocate_buffer(6 * MIB, fresh)
        second.__exit__(None, None, None)
        assert outer.rise_bytes == 8 * MIB  # it can be asked within
        pa.allocate_buffer(7 * MIB, fresh)
    assert [one.rise_bytes // MIB for one in (first, second, outer)] == [4, 6, 8]


def test_what_other_threads_allocate_is_seen(fresh):
    with arrowpool.watch(interval=None) as watched:
        thread = threading.Thread(target=lambda: pa.allocate_buffer(16 * MIB, fresh))
        thread.start()
        thread.join()
    assert 16 * MIB - (1 << 18) <= watched.rise_bytes <= 16 * MIB + (1 << 18)


def test_the_peak_of_pyarrows_own_pools_is_exact_under_the_shim_and_else_at_least_true():
    def work(size):
        with arrowpool.watch(interval=None) as watched:
            pa.allocate_buffer(size)
        return watched

    highest = pa.default_memory_pool().max_memory()
    first, second = work(highest + 32 * MIB), work(8 * MIB)
    assert first.rise_bytes >= 32 * MIB
    if arrowpool.is_active():
        assert first.rise_bytes == highest + 32 * MIB and second.rise_bytes == 8 * MIB
        assert first.peak_is_exact and second.peak_is_exact
    else:
        assert first.peak_is_exact is tells_totals
        assert not second.peak_is_exact and second.rise_bytes <= 8 * MIB
        assert "peak at least" in repr(second) and "without the shim" in repr(second)


def test_it_tells_how_buffers_grew(fresh):
    with arrowpool.watch(interval=None) as watched:
        buffer = pa.allocate_buffer(MIB, fresh, resizable=True)
        for size in range(2, 40):
            buffer.resize(size * MIB)
    total = watched.change.total
    assert total.reallocs_in_place + total.reallocs_remapped + total.reallocs_copied == 38
    assert watched.change.growth == (f"38 resized: {total.reallocs_in_place} in place, {total.reallocs_remapped} by "
                                     f"moving pages, {total.reallocs_copied} copied")
    assert watched.change.growth in repr(watched) and watched.change.growth in watched._repr_html_()


def test_samples_make_a_chart_and_stay_few(fresh):
    with arrowpool.watch(interval=1e-4) as watched:
        kept = [pa.allocate_buffer(MIB, fresh)]
        while len(watched.samples) < 5:
            pass
        kept.append(pa.allocate_buffer(4 * MIB, fresh))
    times, live = zip(*watched.samples, strict=True)
    assert list(times) == sorted(times)
    assert live[0] == watched.before.bytes_allocated and live[-1] - live[0] == sum(one.size for one in kept)
    assert "<svg " in watched._repr_html_() and "<polyline " in watched._repr_html_()
    sampler = arrowpool._watch._Sampler(1e-6)
    sampler.start()
    while sampler._interval < 8e-6:
        pass
    sampler.stop()
    assert len(sampler.samples) <= 1001 + 1


def test_they_print_in_a_line(fresh):
    with arrowpool.watch() as watched:
        pa.allocate_buffer(3 * MIB // 2, fresh)
        assert "so far" in repr(watched)
    assert repr(watched).startswith("<arrowpool.Watch: peak ") and "(+1.5 MiB)" in repr(watched)
    assert "so far" not in repr(watched)
    for one in (watched, watched.change, watched.after, arrowpool.watch()):
        assert "\n" not in repr(one) and repr(one).endswith(">")
        assert one._repr_html_().startswith("<table>")
    assert ("the shim is not preloaded" in watched._repr_html_()) is not arrowpool.is_active()


def test_misuse_is_told():
    watched = arrowpool.watch(interval=None)
    with pytest.raises(RuntimeError, match="it has not begun"):
        assert watched.peak_bytes
    with watched:
        pass
    with pytest.raises(RuntimeError, match="has begun before"), watched:
        pass
    for interval in (0, -1, True, "1", float("nan")):
        with pytest.raises(ValueError, match="choose seconds above 0"):
            arrowpool.watch(interval=interval)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_watch_goes_on_in_the_child_of_a_fork(fresh):
    with arrowpool.watch() as watched:
        child = os.fork()
        if not child:
            signal.alarm(60)
            pa.allocate_buffer(8 * MIB, fresh)
            os._exit(0 if watched.rise_bytes == 8 * MIB else 1)
        assert os.waitpid(child, 0)[1] == 0
    assert watched.rise_bytes < 8 * MIB


def test_release_unused_gives_back_what_all_pools_keep(fresh):
    pa.allocate_buffer(64 * MIB, fresh)
    pa.allocate_buffer(64 * MIB)
    live = arrowpool.snapshot().bytes_allocated
    arrowpool.release_unused()
    after = arrowpool.snapshot()
    assert after.idle_bytes == 0 and after.bytes_allocated == live

"""What a program is told by Arrow's pools, printed, so that it can be compared with what it is told without the
shim.  Usage: arrow_view.py"""

import os
import re

import pyarrow as pa


def figures(pool):
    """What this version of pyarrow shows."""
    return [getattr(pool, name)() for name in ("bytes_allocated", "max_memory", "total_bytes_allocated",
                                              "num_allocations") if hasattr(pool, name)]


def refused(ask, *arguments, **more):
    try:
        ask(*arguments, **more)
    except (pa.ArrowException, ValueError, OverflowError) as error:
        # A failed resize of ours is told as the failed allocation that it ends in.
        print(type(error).__name__, re.sub(r"realloc of (size|\d+ to)", "malloc of size", str(error)))
    else:
        raise AssertionError(arguments)


def use(pool):
    kept = [pa.allocate_buffer(size, pool, resizable=True) for size in (0, 1, 1000, 100_000, 5_000_000)]
    for size in (0, 300, 3_000_000, 90_000):
        for buffer in kept[1:]:
            buffer.resize(size, shrink_to_fit=True)
    print(pool.backend_name, figures(pool))
    return kept


def show_errors(pool):
    buffer = pa.allocate_buffer(100_000, pool, resizable=True)
    memoryview(buffer).cast("B")[:] = bytes(range(250)) * 400
    before = figures(pool)
    for size in (1 << 62, (1 << 63) - 64, (1 << 63) - 1, -1, -(1 << 63)):
        refused(pa.allocate_buffer, size, pool)
        refused(buffer.resize, size)
        assert buffer.size == 100_000 and bytes(buffer) == bytes(range(250)) * 400
    assert figures(pool) == before, (figures(pool), before)
    buffer.resize(200_000)
    assert bytes(buffer)[:100_000] == bytes(range(250)) * 400
    print("after errors", figures(pool))


def show_wrappers(pool):
    proxy = pa.proxy_memory_pool(pool)
    kept = use(proxy)
    logging = pa.logging_memory_pool(pool)
    kept += use(logging)
    assert proxy.bytes_allocated() < logging.bytes_allocated() == pool.bytes_allocated()
    del kept
    print("wrapped", figures(proxy), figures(logging))


def show_child(pool):
    inherited = pa.allocate_buffer(1_000_000, pool, resizable=True)
    child = os.fork()
    if child == 0:
        own = pa.allocate_buffer(2_000_000, pool)
        inherited.resize(3_000_000)
        print("child", figures(pool))
        del own, inherited
        print("child", figures(pool), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print("parent", figures(pool))


def main():
    for pool in (pa.default_memory_pool(), pa.mimalloc_memory_pool(), pa.jemalloc_memory_pool(),
                 pa.system_memory_pool()):
        kept = use(pool)
        show_errors(pool)
        show_wrappers(pool)
        pool.release_unused()
        print("released", figures(pool), flush=True)
        show_child(pool)
        if hasattr(pool, "print_stats"):
            pool.print_stats()
        del kept
        print("end", figures(pool), flush=True)


main()

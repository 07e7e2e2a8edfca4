"""One process that could hang or crash; its end is the result.
Usage: robustness.py threads|fork|exit|multiprocessing METHOD"""

import atexit
import multiprocessing
import os
import sys
import threading

import pyarrow as pa

SIZES = (0, 1, 1000, 100_000, 3_000_000)
kept = []


def fill(pool):
    buffers = []
    for i, size in enumerate(SIZES):
        buffer = pa.allocate_buffer(size, pool, resizable=True)
        buffer.resize(2 * size + 100)
        memoryview(buffer).cast("B")[:] = bytes([i]) * buffer.size
        buffers.append(buffer)
    return buffers


def check(buffers):
    for i, (size, buffer) in enumerate(zip(SIZES, buffers, strict=True)):
        assert bytes(buffer) == bytes([i]) * (2 * size + 100)
    return True


FACTORIES = (pa.default_memory_pool, pa.mimalloc_memory_pool, pa.jemalloc_memory_pool, pa.system_memory_pool)


def first_touch():
    """Eight threads ask for the pools for the first time, at once."""
    start, done = threading.Barrier(8), []

    def work(number):
        start.wait()
        for i in range(4):
            buffers = fill(FACTORIES[(number + i) % 4]())
            check(buffers)
            kept.append(buffers)
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 8 and all(map(check, kept))


def in_child(_):
    """Buffers from before the fork, if there was one, and new ones."""
    assert all(map(check, kept))
    mine = [fill(ask()) for ask in FACTORIES]
    assert all(map(check, mine))
    kept.clear()
    return check(mine[0])


def fork():
    kept.extend(fill(ask()) for ask in FACTORIES)
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0 if in_child(0) else 1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert all(map(check, kept))


def workers(method):
    kept.extend(fill(ask()) for ask in FACTORIES)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert all(pool.map(in_child, range(6), chunksize=1))
        pool.close()
        pool.join()
    assert all(map(check, kept))


def leave():
    """Buffers that live in globals, in other modules and in what runs at exit."""
    kept.extend(fill(ask()) for ask in FACTORIES)
    sys.buffers = fill(pa.default_memory_pool())
    pa.kept = pa.table({"a": range(10_000)})

    def last():
        late = [fill(ask()) for ask in FACTORIES]
        assert all(map(check, late + kept))
        kept.pop()
        sys.late = late

    atexit.register(last)


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "multiprocessing":
        workers(sys.argv[2])
    else:
        {"threads": first_touch, "fork": fork, "exit": leave}[what]()
    print("done")

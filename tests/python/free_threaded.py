"""Pools in many threads of a Python without a GIL, which has to stay without: prints what differs."""

import sys
import threading

import arrowpool
import pyarrow as pa

assert not sys._is_gil_enabled(), "the package gave it a GIL"
THREADS, TIMES = 8, 300
failures = []
barrier = threading.Barrier(THREADS)


def work(number):
    try:
        barrier.wait()
        for i in range(TIMES):
            pool = arrowpool.pool(f"shared{i % 3}")  # whoever is first makes it
            buffer = pa.allocate_buffer(4096 + number, memory_pool=pool, resizable=True)
            buffer.resize(100_000 + i)
            with pool:
                pa.array([i, number])
            pool.limit = "1GiB"
            assert pool.stats().bytes_allocated >= buffer.size
            del buffer
    except BaseException as error:
        failures.append(repr(error))


threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
pools = [arrowpool.pool(f"shared{i}", limit="1GiB") for i in range(3)]
live = sum(pool.bytes_allocated() for pool in pools)
# Each made a buffer, and in the block at least one more.
made = sum(pool.stats().num_allocations for pool in pools)
print(*failures, f"live {live}", "all made" if made >= THREADS * TIMES else f"{made} made", sep="\n")
assert not sys._is_gil_enabled() and pa.default_memory_pool().backend_name in ("mimalloc", "jemalloc", "system")
sys.exit(bool(failures))

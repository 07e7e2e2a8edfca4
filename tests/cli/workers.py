"""Eight pyarrow workers of a multiprocessing.Pool, and helper processes that use no pool.  Prints as JSON the bytes
and calls that each worker's pool counted itself, at its end.  Usage: workers.py fork|spawn|forkserver DIRECTORY"""

import json
import multiprocessing
import os
import sys

WORKERS = 8


def work(directory, barrier):
    import pyarrow as pa
    pool = pa.default_memory_pool()
    rounds = 4 + os.getpid() % 5
    kept = []
    for _ in range(rounds):
        buffer = pa.allocate_buffer(70_000, memory_pool=pool, resizable=True)
        for size in range(1, 20):
            buffer.resize(size * 70_000)
        kept.append(buffer)
    figures = {"bytes_allocated": pool.bytes_allocated(), "max_memory": pool.max_memory(),
               "total_bytes_allocated": pool.total_bytes_allocated(), "num_allocations": pool.num_allocations()}
    with open(os.path.join(directory, f"{os.getpid()}.figures"), "w") as out:
        json.dump(figures, out)
    barrier.wait()
    os._exit(0)  # what is live stays live: nothing is freed on the way out


def idle(barrier):
    barrier.wait()


def main():
    method, directory = sys.argv[1:]
    context = multiprocessing.get_context(method)
    barrier = context.Barrier(WORKERS + 2)
    processes = [context.Process(target=work, args=(directory, barrier)) for _ in range(WORKERS)]
    processes += [context.Process(target=idle, args=(barrier,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert all(process.exitcode == 0 for process in processes)


if __name__ == "__main__":
    main()

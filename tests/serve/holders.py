"""pyarrow processes that hold buffers, of different sizes, until a file END is there.  Each writes what its own pool
says that it holds to a file that is called like its number; a file READY says that all have.
usage: holders.py COUNT DIRECTORY READY END"""

import multiprocessing
import os
import pathlib
import sys
import time


def hold(number, directory, barrier, end):
    import pyarrow as pa
    pool = pa.default_memory_pool()
    buffer = pa.allocate_buffer(100_000 * (number + 1), memory_pool=pool, resizable=True)
    buffer.resize(300_000 * (number + 1))
    column = pa.array(range(10_000 * (number + 1)), memory_pool=pool)
    pathlib.Path(directory, str(os.getpid())).write_text(f"{pool.bytes_allocated()}\n")
    barrier.wait()
    while not os.path.exists(end):
        time.sleep(0.05)
    assert buffer.size and len(column)


def main():
    count, directory, ready, end = int(sys.argv[1]), *sys.argv[2:]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count + 1)
    processes = [context.Process(target=hold, args=(number, directory, barrier, end)) for number in range(count)]
    for process in processes:
        process.start()
    barrier.wait()
    pathlib.Path(ready).touch()
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()

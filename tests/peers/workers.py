"""pyarrow in multiprocessing workers.  Prints the numbers of the processes that used a pool, one a line, the
parent's first.  Usage: workers.py fork|spawn|forkserver"""

import multiprocessing
import os
import sys


def work(seed):
    import pyarrow as pa
    import pyarrow.compute as pc
    table = pa.table({"a": range(seed, seed + 50_000), "b": [str(i % 10) for i in range(50_000)]})
    total = pc.sum(table.group_by("b").aggregate([("a", "sum")])["a_sum"]).as_py()
    return os.getpid(), total


def main():
    if sys.argv[1] == "fork":
        work(0)  # the parent's pools and threads are there when it forks
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        results = pool.map(work, range(20), chunksize=1)
        pool.close()
        pool.join()  # not killed: each leaves by its own end
    assert [total for _, total in results] == [50_000 * seed + 50_000 * 49_999 // 2 for seed in range(20)]
    if sys.argv[1] != "fork":
        work(0)
    print(os.getpid(), *{pid for pid, _ in results}, sep="\n")


if __name__ == "__main__":
    main()

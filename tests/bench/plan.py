"""What scripts/bench measures of buffers: cases, allocators and pools, and how often each is repeated. Ordinary work
of pyarrow is in plan_work.py.

Names are those of bench_growth, bench_count and arrow_bench.py. A case belongs to a group, which decides the
program that runs it and the tables it appears in.
"""

from dataclasses import dataclass

REPEATS, QUICK_REPEATS = 5, 2
LONG = ((0.45, 3), (0.8, 2))  # seconds and repeats: what takes long is far behind, and all must fit in ten minutes
COLD_REPEATS, COLD_PAUSE = 2, 2  # the pause (s) is what it takes the host to fetch free pages back

ALLOCATORS = {
    "arrowpool": "arrowpool",
    "limit": "limit: pre-sized, huge pages",
    "limit-4k": "limit: pre-sized, 4 KiB pages",
    "system": "posix_memalign + memcpy + free",
    "glibc": "glibc realloc (not aligned to 64)",
    "glibc-hugetlb": "the same, glibc.malloc.hugetlb=1",
    "jemalloc": "jemalloc, as it comes",
    "jemalloc-arrow": "jemalloc, Arrow's settings",
    "jemalloc-arrow-thp": "the same with thp:always",
    "mimalloc": "mimalloc of the distribution",
    "mimalloc-wheel": "mimalloc of the pyarrow wheel",
    "tcmalloc": "tcmalloc",
}
POOLS = {
    "arrowpool": "arrowpool (preloaded)",
    "mimalloc": "pyarrow's mimalloc (its default)",
    "jemalloc": "pyarrow's jemalloc",
    "system": "pyarrow's system pool",
}
STOCK_POOLS = ("mimalloc", "jemalloc", "system")
COUNTERS = {"arrowpool": "arrowpool's counters", "arrow-atomics": "four atomics, as Arrow's pools have"}
PACKAGES = {"jemalloc": "libjemalloc2", "mimalloc": "libmimalloc2.0", "tcmalloc": "libtcmalloc-minimal4"}

COLD_ALLOCATORS = ("arrowpool", "jemalloc-arrow", "mimalloc-wheel")
COLD_CASES = ("doubling", "steps-1m")
CONTEXT = ("limit-4k", "glibc", "jemalloc")  # here for the picture: no goal compares their times
CONTEXT_REPEATS = 1
SMALL = ("arrowpool", "system", "jemalloc", "jemalloc-arrow", "mimalloc", "mimalloc-wheel", "tcmalloc")


@dataclass(frozen=True)
class Case:
    name: str
    group: str  # growth, reuse, trim, churn, many, count, arrow, work
    title: str
    who: tuple
    warm_mib: int = 3072  # touched right before: about half as much again as any process of it holds, or more
    repeats: int = REPEATS  # at most
    long: bool = False  # repeated as said, however long it takes
    context: tuple = CONTEXT  # those of `who` that are repeated less often
    context_repeats: int = CONTEXT_REPEATS
    data: str = ""  # what it reads: arrow, work, or nothing
    settles: bool = False  # one run of it looks at RSS again 2 s later

    @property
    def program(self):
        return {"arrow": "arrow_bench", "work": "work_bench", "count": "bench_count"}.get(self.group, "bench_growth")

    def wants_settling(self, who):
        """A run that no goal is about does not wait, except where all memory is compared."""
        return self.settles and (self.group == "work" or who not in CONTEXT)


GROWTH = ("doubling", "interleaved-doubling", "steps-1m", "interleaved-steps-1m", "steps-64k")
CASES = [
    Case("doubling", "growth", "doubling, 64 KiB to 1 GiB", tuple(ALLOCATORS)),
    Case("interleaved-doubling", "growth", "16 in turn, doubling to 64 MiB each", tuple(ALLOCATORS), 2048),
    Case("steps-1m", "growth", "1 MiB steps to 128 MiB", tuple(ALLOCATORS), 512),
    Case("interleaved-steps-1m", "growth", "16 in turn, 1 MiB steps to 32 MiB each", tuple(ALLOCATORS), 1280),
    Case("steps-64k", "growth", "64 KiB steps to 16 MiB", tuple(ALLOCATORS), 512),
    Case("reuse-64m", "reuse", "30 times 64 MiB", tuple(ALLOCATORS), 512, settles=True),
    Case("reuse-1m", "reuse", "2000 times 1 MiB", tuple(ALLOCATORS), 512),
    Case("trim", "trim", "256 MiB to 64 MiB and back", tuple(ALLOCATORS), 512),
    Case("churn-1", "churn", "1 thread", SMALL, 512),
    Case("churn-2", "churn", "2 threads", SMALL, 512),
    Case("many", "many", "8000 live buffers of 80 KiB", SMALL, 1536, 3),
    Case("count-1", "count", "1 thread", tuple(COUNTERS), 64, 3),
    Case("count-2", "count", "2 threads", tuple(COUNTERS), 64, 3),
    Case("append", "arrow", "append 1 MiB at a time to 1 GiB", tuple(POOLS)),
    Case("append-presized", "arrow", "the same, pre-sized", ("mimalloc",), 2048),
    Case("interleaved", "arrow", "16 streams in turn to 64 MiB each", tuple(POOLS), 2048),
    Case("interleaved-presized", "arrow", "the same, pre-sized", ("mimalloc",), 2048),
    Case("ipc", "arrow", "IPC stream of 512 MiB", tuple(POOLS), 2304),
    Case("ipc-presized", "arrow", "the same, pre-sized", ("mimalloc",), 1536),
    Case("untouched", "arrow", "resize 64 KiB to 701 MiB by half each, unwritten", tuple(POOLS), 1536),
    Case("csv", "arrow", "read_csv of 140 MB", tuple(POOLS), 1536, 3, data="arrow"),
    Case("dataset", "arrow", "Parquet dataset, 10 columns of 5M rows, read 20 times", tuple(POOLS), 3072, 2, True,
         data="arrow", settles=True),
]
BY_NAME = {case.name: case for case in CASES}

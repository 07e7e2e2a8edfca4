"""Named, limited and counted memory pools for pyarrow.

    import arrowpool, pyarrow as pa

    etl = arrowpool.pool("etl", limit="2GiB")       # a pyarrow.MemoryPool
    array = pa.array(values, memory_pool=etl)       # one operation
    with etl:                                       # all of pyarrow, within
        table = pa.table({"a": values})
    etl.stats().max_memory                          # bytes

A pool takes its memory from arrowpool's private jemalloc, which grows large buffers in place. It lives as
long as the process, since pyarrow keeps no reference to the pools that its buffers come from.
"""

from ._pool import Pool, __version__, available_memory, pool, report, stats
from ._stats import PoolStats, StatsList

__all__ = ["Pool", "PoolStats", "StatsList", "__version__", "available_memory", "pool", "report", "stats"]

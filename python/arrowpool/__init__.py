"""Named, limited and counted memory pools for pyarrow, and who holds what memory.

    import arrowpool, pyarrow as pa

    etl = arrowpool.pool("etl", limit="2GiB")       # a pyarrow.MemoryPool
    array = pa.array(values, memory_pool=etl)       # one operation
    with etl:                                       # all of pyarrow, within
        table = pa.table({"a": values})
    etl.stats().max_memory                          # bytes
    arrowpool.holders()                             # which variables keep what memory alive
    arrowpool.profile("/run/pools")                 # which lines allocated it, for `arrowpool who`

A pool takes its memory from arrowpool's private jemalloc, which grows large buffers in place. It lives as
long as the process, since pyarrow keeps no reference to the pools that its buffers come from.
"""

from ._holder_list import Holder, Holders
from ._holders import holders
from ._pool import Pool, __version__, available_memory, pool, report, stats
from ._profile import profile
from ._serve import serve_holders, serve_if_asked
from ._stats import PoolStats, StatsList

__all__ = ["Holder", "Holders", "Pool", "PoolStats", "StatsList", "__version__", "available_memory", "holders", "pool",
           "profile", "report", "serve_holders", "stats"]

serve_if_asked()
del serve_if_asked

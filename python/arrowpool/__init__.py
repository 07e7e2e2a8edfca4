"""Named, limited and counted memory pools for pyarrow, and who holds what memory.

    import arrowpool, pyarrow as pa

    etl = arrowpool.pool("etl", limit="2GiB")       # a pyarrow.MemoryPool
    array = pa.array(values, memory_pool=etl)       # one operation
    with etl:                                       # all of pyarrow, within
        table = pa.table({"a": values})
    etl.stats().max_memory                          # bytes
    arrowpool.install(limit="8GiB")                 # all of pyarrow's memory, from here on
    arrowpool.holders()                             # which variables keep what memory alive
    arrowpool.profile("/run/pools")                 # which lines allocated it, for `arrowpool who`
    with arrowpool.watch() as w: ...                # its peak, and what stays; in notebooks %%arrowpool

A pool takes its memory from arrowpool's private jemalloc, which grows large buffers in place. It lives as
long as the process, since pyarrow keeps no reference to the pools that its buffers come from.
"""

from typing import Any

from ._holder_list import Holder, Holders
from ._holders import holders
from ._install import install, is_installed, uninstall
from ._pool import Pool, __version__, available_memory, pool, report, stats
from ._process import is_active, release_unused, shim_path
from ._profile import profile
from ._serve import serve_holders, serve_if_asked
from ._snapshot import Change, PoolFigures, Snapshot, snapshot
from ._stats import PoolStats, StatsList
from ._watch import Watch, watch

__all__ = ["Change", "Holder", "Holders", "Pool", "PoolFigures", "PoolStats", "Snapshot", "StatsList", "Watch",
           "__version__", "available_memory", "holders", "install", "is_active", "is_installed", "pool", "profile",
           "release_unused", "report", "serve_holders", "shim_path", "snapshot", "stats", "uninstall", "watch"]


def load_ipython_extension(ipython: Any) -> None:
    """Called by %load_ext arrowpool."""
    from ._magics import ArrowpoolMagics

    ipython.register_magics(ArrowpoolMagics)


serve_if_asked()
del serve_if_asked

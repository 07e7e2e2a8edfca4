"""The process as a whole: where the shim is, whether it serves, and what Arrow's pools say by themselves."""

import contextlib
import functools
import os
from typing import Optional

import pyarrow

from . import _library
from ._pool import live_pools, stats

_SHIM = "libarrowpool_preload.so"
_default = pyarrow.default_memory_pool()


def is_arrows(name: str) -> bool:
    """Whether a pool of that name in a report serves Arrow: not so what the aligned functions of libc hand out."""
    return name.startswith(("arrow", "c:"))


def shim_path() -> str:
    """The path of the shim that belongs to this package, for LD_PRELOAD: what `arrowpool run` preloads.

    Raises FileNotFoundError if it is not there.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    library = os.path.dirname(os.path.realpath(_library.versions()[2]))
    for folder in ("lib", "../../shim", library):  # of a wheel, of the build folder, of an installation
        path = os.path.normpath(os.path.join(package, folder, _SHIM))
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"{_SHIM} is not beside the package in {package}")


def _allocations_of_arrow() -> int:
    return sum(one.num_allocations for one in stats() if one.name.startswith("arrow"))


def sees_all() -> bool:
    return _library.presence() != 0 and _default_is_seen()


@functools.cache  # where anything serves, it does not change while the process lives
def _default_is_seen() -> bool:
    before = _allocations_of_arrow()
    pyarrow.allocate_buffer(64, _default)
    return _allocations_of_arrow() > before


def is_active() -> bool:
    """Whether Arrow's pools are served in this process, by a preloaded shim or since install(): a buffer that pyarrow
    allocates by its own pool is then counted. Else only the pools of arrowpool.pool() are served."""
    return sees_all()


@functools.cache
def pools_of_arrow() -> "dict[str, pyarrow.MemoryPool]":
    """The pools that pyarrow has of its own, by their backends."""
    found = {_default.backend_name: _default}
    for function in (pyarrow.mimalloc_memory_pool, pyarrow.jemalloc_memory_pool, pyarrow.system_memory_pool):
        with contextlib.suppress(NotImplementedError):  # libarrow was built without it
            pool = function()
            found.setdefault(pool.backend_name, pool)
    return found


def release_unused() -> None:
    """Give memory that is free but still resident back to the kernel: that of all pools of arrowpool, of pyarrow's own
    pools, and of the C library's malloc. What is live stays."""
    for pool in pools_of_arrow().values():
        pool.release_unused()
    _library.release_all_unused()


def live_bytes() -> int:
    """What is live in the pools that were made here and in pyarrow's own (bytes); quicker to ask than a snapshot."""
    return sum(pool.bytes_allocated() for pool in (*live_pools(), *pools_of_arrow().values()))


def known(value: object) -> Optional[int]:
    """What a method of a pool returns; None if this pyarrow has no such method."""
    return value() if callable(value) else None


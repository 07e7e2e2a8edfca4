"""Pools: the class, the one pool of each name, and the pools that are pyarrow's default."""

import json
import os
import threading
from typing import Any, Optional, Union

try:
    import pyarrow
    import pyarrow.lib
except ImportError as error:
    raise ImportError(f"arrowpool needs pyarrow 10 or newer: {error}") from error

from . import _library
from ._stats import PoolStats, StatsList, format_bytes, html_table

__version__, _running, _file = _library.versions()
if _running != __version__:
    raise ImportError(f"arrowpool {__version__} cannot use {_file}, which is {_running} and was loaded before: "
                      "preload the shim of the same version")


def _prepare() -> None:
    box = getattr(pyarrow.lib, "__pyx_capi__", {}).get("box_memory_pool")
    reason = "it has no function box_memory_pool"
    if box is not None:
        reason = _library.prepare(pyarrow.lib.__file__, box, pyarrow.MemoryPool)
    if reason:
        raise ImportError(f"arrowpool cannot make pools for pyarrow {pyarrow.__version__}: {reason}")


_prepare()
_BACKENDS = ("jemalloc", "system")
_FORMATS = ("text", "json", "prometheus")
_NAME_MAX = 63  # bytes
_INT64_MAX = 2**63 - 1

_pools: dict[str, "Pool"] = {}
_entered: list["Pool"] = []  # with statements, in the order they were entered
_former: Optional[pyarrow.MemoryPool] = None  # pyarrow's default before the first of them
_lock = threading.Lock()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 # state of the process, as pyarrow's default is
    _lock = threading.Lock()  # another thread, which the child does not have, may have held it


os.register_at_fork(after_in_child=_after_fork)


class Pool(pyarrow.MemoryPool):
    """A named pool, made by arrowpool.pool(): a pyarrow.MemoryPool for every memory_pool= of pyarrow.

    In a with statement it is pyarrow's default pool, of the whole process as with pyarrow.set_memory_pool;
    afterwards the former default is back. With statements may nest, and overlap in several threads: the
    default is the pool of the last one entered that has not ended yet.

    Copying and pickling gives the pool of the same name: the one that there is, with the limit that it has, else, in
    another process, one that is made there. Its limit can be set; it has no other attribute that could be.
    """

    __slots__ = ("_backend", "_handle", "_name")
    _name: str
    _backend: str
    _handle: object

    def __init__(self) -> None:
        raise TypeError("Pool cannot be made by its class: use arrowpool.pool(name)")

    @property
    def name(self) -> str:
        """As given to arrowpool.pool()."""
        return self._name

    @property
    def backend(self) -> str:
        """ "jemalloc" or "system"; also what pyarrow's backend_name says."""
        return self._backend

    @property
    def limit(self) -> Optional[int]:
        """Most bytes that may be live in it; None: no limit of its own.

        It can be set at any time, to what arrowpool.pool() takes: an int of bytes, "2GiB", "50%" or None. From then on
        it is exact, also while threads use the pool; what lives beyond it stays, and nothing is added before there is
        room.
        """
        return _library.stats(self._handle)["limit_bytes"]

    @limit.setter
    def limit(self, limit: Union[int, str, None]) -> None:
        _library.set_limit(self._handle, _check_limit(limit) or 0)

    def stats(self) -> PoolStats:
        """Its statistics now."""
        return PoolStats(backend=self.backend, size_basis="requested", **_library.stats(self._handle))

    def release_unused(self) -> None:
        """Give memory that is free but still resident back to the kernel."""
        _library.release_unused(self._handle)

    def __enter__(self) -> "Pool":
        global _former  # noqa: PLW0603 # as above
        with _lock:
            if not _entered:
                _former = pyarrow.default_memory_pool()
            _entered.append(self)
            pyarrow.set_memory_pool(self)
        return self

    def __exit__(self, *exception: object) -> None:
        global _former  # noqa: PLW0603 # as above
        with _lock:
            last = len(_entered) - 1 - _entered[::-1].index(self)
            del _entered[last]
            pyarrow.set_memory_pool(_entered[-1] if _entered else _former)
            if not _entered:
                _former = None

    def __reduce__(self) -> Any:
        return _reopen, (self.name, self.limit, self.backend)

    def __repr__(self) -> str:
        most = self.limit
        limit = f", limit {format_bytes(most)}" if most is not None else ""
        return (f"<arrowpool.Pool {self.name!r}: {format_bytes(self.bytes_allocated())} live, "
                f"peak {format_bytes(self.max_memory())}{limit}, {self.backend}>")

    def _repr_html_(self) -> str:
        return html_table(("pool", "live", "peak", "limit", "backend"),
                          [(self.name, format_bytes(self.bytes_allocated()), format_bytes(self.max_memory()),
                            "none" if self.limit is None else format_bytes(self.limit), self.backend)])


def _reopen(name: str, limit: Optional[int], backend: str) -> Pool:
    known = _pools.get(name)  # its limit may have been set since, here or there
    return pool(name, limit=limit if known is None else None, backend=backend)


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"pool name: {name!r} is of {type(name).__name__}: choose a str")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        size = 0
    if not 1 <= size <= _NAME_MAX or any(character < " " or character == "\x7f" for character in name):
        raise ValueError(f"pool name: {name!r}: choose 1 to {_NAME_MAX} bytes of UTF-8 without control characters")


def _check_limit(limit: Union[int, str, None]) -> Optional[int]:
    if limit is None:
        return None
    if isinstance(limit, str):
        return _library.parse_limit(limit.replace("\0", "\\0"))  # which C would take for its end
    if isinstance(limit, bool) or not hasattr(limit, "__index__"):
        raise TypeError(f"limit: {limit!r} is of {type(limit).__name__}: choose an int of bytes, "
                        "a str such as '2GiB', '512M' or '50%', or None")
    size = limit.__index__()
    if not 1 <= size <= _INT64_MAX:
        raise ValueError(f"limit: {size}: choose 1 to {_INT64_MAX} bytes, or None for no limit")
    return size


def _check_backend(backend: Optional[str]) -> None:
    if backend is not None and not isinstance(backend, str):
        raise TypeError(f"backend: {backend!r} is of {type(backend).__name__}: choose 'jemalloc' or 'system'")
    if backend not in (None, *_BACKENDS):
        raise ValueError(f"backend: {backend!r}: choose 'jemalloc' or 'system'")


def _check_same(known: Pool, limit: Optional[int], backend: Optional[str]) -> None:
    has = known.limit
    if limit is not None and limit != has:
        has_limit = "no limit" if has is None else f"a limit of {has} bytes"
        raise ValueError(f"pool {known.name!r} has {has_limit}, not {limit} bytes: choose the same or none, "
                         "or another name, or set its attribute limit")
    if backend is not None and backend != known.backend:
        raise ValueError(f"pool {known.name!r} has the backend {known.backend!r}, not {backend!r}: choose the same "
                         "or none, or another name")


def pool(name: str, *, limit: Union[int, str, None] = None, backend: Optional[str] = None) -> Pool:
    """The pool of that name: made now, or the one that there is already.

    name: 1 to 63 bytes of UTF-8 without control characters; reported as "c:NAME".
    limit: most bytes that may be live in it, 1 to 2**63 - 1: an int, or a str such as "2GiB" or "512M" (powers
        of 1024) or "50%" (of available_memory()). Beyond it, Arrow raises pyarrow.ArrowMemoryError. None: no
        limit, or that of the pool that there is. The pool's attribute limit can be set later.
    backend: "jemalloc" (the library's private one; large buffers grow in place) or "system" (the process's own
        malloc, counted). None: "jemalloc", or that of the pool that there is.

    A pool lives as long as the process, whether the object is kept or not; up to 254 fit.

    Raises TypeError or ValueError for arguments that cannot be, ValueError if the pool that there is has another
    limit or backend, and MemoryError if there are too many pools.
    """
    _check_name(name)
    most = _check_limit(limit)
    _check_backend(backend)
    with _lock:
        known = _pools.get(name)
        if known is not None:
            _check_same(known, most, backend)
            return known
        made = Pool.__new__(Pool)
        made._name, made._backend = name, backend or "jemalloc"
        made._handle = _library.create(made, name, most or 0, made.backend)
        _pools[name] = made
        return made


def _of_report(figures: dict[str, Any]) -> PoolStats:
    for key in ("size_histogram", "live_histogram"):
        if figures[key] is not None:
            figures[key] = {bucket["from_bytes"]: bucket["count"] for bucket in figures[key]}
    for key in ("bytes_before_end", "histogram_before_end"):  # they are of an interpreter that ends
        del figures[key]
    return PoolStats(**figures)


def stats() -> StatsList:
    """The statistics of all pools of the process: those made here, used or not, and whatever else arrowpool has
    served, in C or under the shim. For a data frame: pandas.DataFrame([s.asdict() for s in arrowpool.stats()])."""
    result = StatsList(_of_report(figures) for figures in json.loads(report("json"))["pools"])
    used = {one.name for one in result}
    result.extend(one.stats() for name, one in list(_pools.items()) if "c:" + name not in used)
    return result


def live_pools() -> list[Pool]:
    return list(_pools.values())


def report(format: str = "text") -> str:
    """A report on the process and all pools that were used, as "text", "json" or "prometheus"
    (docs/use/statistics.md). Raises ValueError for another format."""
    if not isinstance(format, str):
        raise TypeError(f"format: {format!r} is of {type(format).__name__}: choose 'text', 'json' or 'prometheus'")
    if format not in _FORMATS:
        raise ValueError(f"format: {format!r}: choose 'text', 'json' or 'prometheus'")
    return _library.report(_FORMATS.index(format))


def available_memory() -> int:
    """How much memory this process may use (bytes): the least limit of its control groups, or all of the
    machine's. What a percentage in limit= refers to. Reads files."""
    return _library.available_memory()

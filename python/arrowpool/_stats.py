"""The statistics of pools, as objects that print well."""

import dataclasses
import html
from collections.abc import Iterable
from typing import Any, Optional, SupportsIndex, Union


def format_bytes(size: Optional[int]) -> str:
    """A size for people: 1536 is "1.5 KiB"; None, which is not known, is "?"."""
    if size is None:
        return "?"
    units = iter(["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
    tenths, unit = size * 10, "bytes"
    while tenths >= 10240:  # in whole tenths, rounded half up, as the library and the command do
        tenths, unit = (tenths + 512) // 1024, next(units)
    return f"{size} bytes" if unit == "bytes" else f"{tenths // 10:,}.{tenths % 10} {unit}"


def format_seconds(seconds: float) -> str:
    """A time for people: "1.5 s", "20 ms"."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"


def html_table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    cells = ["<tr>" + "".join(f"<th>{html.escape(str(cell))}</th>" for cell in header) + "</tr>"]
    cells += ["<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows]
    return "<table>" + "".join(cells) + "</table>"


@dataclasses.dataclass(frozen=True)
class PoolStats:
    """A pool's statistics at one moment: exact while no thread uses the pool.

    Fields are those of a report (docs/use/statistics.md). Sums begin at the start of the process, or at the fork
    that made it. None where the pool cannot know it.
    """

    name: str
    """What it is reported as: "c:etl" for arrowpool.pool("etl"); "arrow.mimalloc" or "libc" under the shim."""
    backend: str
    """ "jemalloc" or "system"."""
    size_basis: str
    """ "requested": sizes are as asked for; "usable": as the allocator rounded them."""
    bytes_allocated: Optional[int]
    """Live now (bytes)."""
    num_allocations: int
    """Allocations and growing reallocations."""
    num_reallocations: Optional[int]
    """Successful reallocations between two sizes above 0."""
    total_bytes_allocated: int
    """Sum over all allocations; growth adds its difference (bytes)."""
    num_frees: Optional[int]
    """Frees of buffers of a size above 0."""
    num_failed: int
    """Requests refused for lack of memory or by a limit."""
    num_fallbacks: int
    """Requests that jemalloc passed on to the system's allocator."""
    reallocs_in_place: Optional[int]
    """Reallocations in which no byte moved."""
    reallocs_remapped: Optional[int]
    """Reallocations in which pages moved, and no byte was copied."""
    reallocs_copied: Optional[int]
    """Reallocations in which bytes were copied."""
    bytes_grown_in_place: Optional[int]
    """Old bytes that stayed where they were (bytes)."""
    bytes_remapped: Optional[int]
    """Old bytes whose pages moved (bytes)."""
    bytes_copied: Optional[int]
    """Old bytes that were copied (bytes)."""
    max_memory: Optional[int]
    """Peak of bytes_allocated (bytes): exact with one thread or a limit, else within 256 KiB a thread."""
    inherited_bytes: Optional[int]
    """Live at the fork that made this process (bytes)."""
    limit_bytes: Optional[int]
    """The pool's own limit (bytes); None: it has none."""
    size_histogram: Optional[dict[int, int]]
    """Allocations by size: {from bytes: count}; each ends before twice that. Empty ones are left out."""
    live_histogram: Optional[dict[int, int]]
    """Buffers that are live now, by size likewise."""

    def asdict(self) -> dict[str, Any]:
        """The fields as a dict, for json and pandas."""
        return dataclasses.asdict(self)

    def _repr_html_(self) -> str:
        return html_table(("field", "value"), self.asdict().items())


class StatsList(list[PoolStats]):
    """The statistics of several pools: a list that can also be asked by a pool's name, ["c:etl"]."""

    def __getitem__(self, key: Union[str, SupportsIndex, slice]) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        for one in self:
            if one.name == key:
                return one
        raise KeyError(f"{key!r}: choose one of {', '.join(one.name for one in self) or 'none'}")

    def _repr_html_(self) -> str:
        return html_table(
            ("pool", "backend", "live", "peak", "total", "allocations", "reallocations", "in place", "copied"),
            ((one.name, one.backend, format_bytes(one.bytes_allocated), format_bytes(one.max_memory),
              format_bytes(one.total_bytes_allocated), one.num_allocations, one.num_reallocations,
              one.reallocs_in_place, one.reallocs_copied) for one in self))

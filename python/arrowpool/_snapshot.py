"""What all of Arrow's pools have at one moment, and what became of it between two."""

import dataclasses
import json
import time
from collections.abc import Iterable
from typing import Any, Optional

from ._pool import report
from ._process import is_arrows, known, pools_of_arrow, sees_all
from ._stats import format_bytes, format_seconds, html_table

PART = "the shim is not preloaded: seen are the pools of arrowpool.pool(), and the totals of pyarrow's own"


def format_change(size: Optional[int]) -> str:
    """A difference for people: "+1.5 KiB"."""
    return "?" if size is None else ("-" if size < 0 else "+") + format_bytes(abs(size))


@dataclasses.dataclass(frozen=True)
class PoolFigures:
    """What a snapshot has of a pool, or the difference of two. None: the pool cannot know it."""

    bytes_allocated: Optional[int] = None
    """Live (bytes)."""
    total_bytes_allocated: Optional[int] = None
    """Sum over all allocations; growth adds its difference (bytes)."""
    num_allocations: Optional[int] = None
    """Allocations and growing reallocations."""
    reallocs_in_place: Optional[int] = None
    """Reallocations in which no byte moved."""
    reallocs_remapped: Optional[int] = None
    """Reallocations in which pages moved, and no byte was copied."""
    reallocs_copied: Optional[int] = None
    """Reallocations in which bytes were copied."""
    bytes_grown_in_place: Optional[int] = None
    """Old bytes that stayed where they were (bytes)."""
    bytes_remapped: Optional[int] = None
    """Old bytes whose pages moved (bytes)."""
    bytes_copied: Optional[int] = None
    """Old bytes that were copied (bytes)."""

    def __sub__(self, other: "PoolFigures") -> "PoolFigures":
        if not isinstance(other, PoolFigures):
            return NotImplemented
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(other))
        return PoolFigures(*(None if one is None or two is None else one - two for one, two in pairs))

    def __bool__(self) -> bool:
        return any(dataclasses.astuple(self))


_FIELDS = [field.name for field in dataclasses.fields(PoolFigures)]
_OF_ALL = ("bytes_allocated", "total_bytes_allocated", "num_allocations")  # pyarrow 18 and newer tell all three
_NOTHING = PoolFigures(*(0 for _ in _FIELDS))


def _sum(pools: Iterable[PoolFigures]) -> PoolFigures:
    """Of what was resized, what is known; what is live and was allocated only if all pools know it."""
    columns = dict(zip(_FIELDS, zip(*map(dataclasses.astuple, pools))))
    sums = {}
    for name, column in columns.items():
        numbers = [one for one in column if one is not None]
        complete = len(numbers) == len(column) or name not in _OF_ALL
        sums[name] = sum(numbers) if numbers and complete else None
    return PoolFigures(**sums) if sums else _NOTHING


def _figures_of_arrow(pool: Any) -> PoolFigures:
    return PoolFigures(pool.bytes_allocated(), known(getattr(pool, "total_bytes_allocated", None)),
                       known(getattr(pool, "num_allocations", None)))


def _format_growth(of: PoolFigures) -> Optional[str]:
    """How buffers were resized; None if none was, or nobody knows."""
    calls = of.reallocs_in_place, of.reallocs_remapped, of.reallocs_copied
    if not any(calls):
        return None
    return f"{sum(calls)} resized: {calls[0]} in place, {calls[1]} by moving pages, {calls[2]} copied"


@dataclasses.dataclass(frozen=True, repr=False)
class Snapshot:
    """All of Arrow's pools at one moment, by arrowpool.snapshot(). The difference of two is a Change:

        before = arrowpool.snapshot()
        ...
        print(arrowpool.snapshot() - before)
    """

    time: float
    """When: seconds of time.monotonic()."""
    pools: "dict[str, PoolFigures]"
    """By name as in reports, such as "c:etl" and "arrow.mimalloc"; "pyarrow.mimalloc" is what pyarrow itself says of
    its pool where the shim does not serve it."""
    rss_bytes: Optional[int]
    """Resident memory of the process (bytes)."""
    idle_bytes: Optional[int]
    """Freed, and kept by arrowpool for the next buffer until the decay time is over (bytes)."""
    sees_all: bool
    """Whether the shim serves Arrow. If not, `pools` has those of arrowpool.pool() and the totals of pyarrow's own."""

    @property
    def bytes_allocated(self) -> int:
        """Live in all pools (bytes)."""
        return sum(pool.bytes_allocated or 0 for pool in self.pools.values())

    def __sub__(self, before: "Snapshot") -> "Change":
        if not isinstance(before, Snapshot):
            return NotImplemented
        pools = {name: self.pools.get(name, _NOTHING) - before.pools.get(name, _NOTHING)
                 for name in {**before.pools, **self.pools}}
        changed = {name: pool for name, pool in pools.items() if pool or pool.total_bytes_allocated is None}
        return Change(self.time - before.time, changed,
                      _minus(self.rss_bytes, before.rss_bytes), _minus(self.idle_bytes, before.idle_bytes),
                      self.sees_all)

    def __repr__(self) -> str:
        return (f"<arrowpool.Snapshot: {format_bytes(self.bytes_allocated)} live in {_count(self.pools)}, "
                f"{format_bytes(self.idle_bytes)} idle, {format_bytes(self.rss_bytes)} resident{_part(self.sees_all)}>")

    def _repr_html_(self) -> str:
        rows = [*_rows(self.pools, format_bytes), ("idle", format_bytes(self.idle_bytes), "", ""),
                ("resident", format_bytes(self.rss_bytes), "", "")]
        return html_table(("pool", "live", "allocated", "resized"), rows) + note(self.sees_all)


@dataclasses.dataclass(frozen=True, repr=False)
class Change:
    """What became of all of Arrow's pools between two snapshots."""

    seconds: float
    """Between the two."""
    pools: "dict[str, PoolFigures]"
    """The differences, of pools that changed, or may have, by name."""
    rss_bytes: Optional[int]
    """Resident memory of the process (bytes; a difference)."""
    idle_bytes: Optional[int]
    """Freed and kept by arrowpool (bytes; a difference)."""
    sees_all: bool
    """As Snapshot has it."""

    @property
    def total(self) -> PoolFigures:
        """The sum over all pools, of those that know each figure."""
        return _sum(self.pools.values())

    @property
    def growth(self) -> Optional[str]:
        """How buffers were resized, in words; None if none was, or nobody knows. Without the shim, pyarrow's own pools
        are not in it."""
        return _format_growth(self.total)

    def __repr__(self) -> str:
        total = self.total
        growth = f", {self.growth}" if self.growth else ""
        return (f"<arrowpool.Change: {format_change(total.bytes_allocated)} live, "
                f"{format_bytes(total.total_bytes_allocated)} allocated in {_count(self.pools)}{growth}, "
                f"{format_change(self.rss_bytes)} resident in {format_seconds(self.seconds)}{_part(self.sees_all)}>")

    def _repr_html_(self) -> str:
        rows = [*_rows(self.pools, format_change), ("idle", format_change(self.idle_bytes), "", ""),
                ("resident", format_change(self.rss_bytes), "", "")]
        return html_table(("pool", "live", "allocated", "resized"), rows) + note(self.sees_all)


def _minus(one: Optional[int], two: Optional[int]) -> Optional[int]:
    return None if one is None or two is None else one - two


def _count(pools: "dict[str, PoolFigures]") -> str:
    used = sum(map(bool, pools.values()))
    return f"{used} pool{'' if used == 1 else 's'}"


def _part(sees_all: bool) -> str:
    return "" if sees_all else "; without the shim"


def note(sees_all: bool) -> str:
    """What a table has below it where not everything is seen."""
    return "" if sees_all else f"<div><small>{PART}</small></div>"


def _rows(pools: "dict[str, PoolFigures]", form_of_live: Any) -> "list[tuple[str, str, str, str]]":
    return [(name, form_of_live(pool.bytes_allocated), format_bytes(pool.total_bytes_allocated),
             _format_growth(pool) or "") for name, pool in pools.items() if pool]


def snapshot() -> Snapshot:
    """All of Arrow's pools now: what is live and was allocated, and the memory of the process.

    With the shim preloaded (`arrowpool run`) that is all of Arrow's memory, else the pools of arrowpool.pool() and what
    pyarrow says of its own: Snapshot.sees_all.
    """
    now, figures = time.monotonic(), json.loads(report("json"))
    pools = {one["name"]: PoolFigures(*(one[field] for field in _FIELDS))
             for one in figures["pools"] if is_arrows(one["name"])}
    if not sees_all():
        pools.update(("pyarrow." + name, _figures_of_arrow(pool)) for name, pool in pools_of_arrow().items())
    process = figures["process"]
    return Snapshot(now, pools, process["rss_bytes"], process["idle_bytes"], sees_all())

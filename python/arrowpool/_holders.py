"""Who holds Arrow's and NumPy's memory: looks for the variables, containers and functions that reach it."""

import bisect
import gc
import itertools
import os
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Iterable
from typing import Callable, Optional, Union

from . import _check, _paths
from ._holder_list import Holder, Holders
from ._memory import Extent, Memory, Region, Span, count_bytes, mapped_files, merge_regions
from ._reach import OutOfTime, Reach, Root, current_context, find_roots, running_functions, type_name

# Of roots, in the order in which they give names.
_KINDS = ("variable", "class", "local variable", "context variable")
# Of the time, at which a step ends at the latest.
_SHARES = {"walk": 0.7, "rest": 0.82, "measure": 0.9, "other ways": 0.97, "sum": 1.0}
_ALONE = "what some holders keep alive alone (0 bytes there)"
_NAMES_MAX = 8  # further names of a holder
_MERGED_MAX = 64  # groups of which the best name is chosen
_TICKS = 64  # a progress function is called for every so many batches

_lock = threading.Lock()  # one at a time: it would take another's notes for holders


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 # another thread, which the child does not have, may have held it
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class _Group:
    """The containers that are shown as one holder, and what they reach."""

    def __init__(self, root: int, way: tuple[int, ...]) -> None:
        self.root = root
        self.way = way  # ids of objects, from the root to the container
        self.other_ways: list[tuple[int, ...]] = []  # to what reaches the same leaves
        self.containers = {way[-1]}
        self.let_go = self.containers  # and those of what reaches the same leaves
        self.leaves: set[int] = set()
        self.regions: set[Region] = set()
        self.pinned = self.used = self.mapped = 0


class _Search:
    """One call of holders(): keeps alive what it visits until it is closed."""

    def __init__(self, reach: Reach, memory: Memory, time_limit: Optional[float]) -> None:
        self.started = time.monotonic()
        self.reach = reach
        self.memory = memory
        self.time_limit = float("inf") if time_limit is None else time_limit
        self.missing: list[str] = []
        self.extents: dict[int, Extent] = {}  # of leaves, by their ids
        self.unseen: set[int] = set()  # leaves
        self.graph: dict[int, list[int]] = {}
        self.groups: list[_Group] = []
        self.merged: dict[Region, Region] = {}

    def run(self, running: list[tuple[object, Root]], objects: list[object]) -> None:
        """Does the steps that there is time for."""
        reach = self.reach
        visited = self._try("walk", lambda: reach.walk(find_roots(running)), "objects that were not visited")
        if visited:
            for leaf in reach.leaves.values():
                reach.leave_out(self.memory.owners(leaf))
            reach.leave_out(current_context())
            self._try("rest", lambda: reach.walk_rest(objects), "what no variable reaches")
        self._try("measure", self._measure, "objects that were not measured")
        reach.find_ways([*self.extents, *self.unseen])
        self._try("other ways", reach.find_other_ways, "more variables that hold the same")
        self.graph = reach.graph()
        self._find_groups()
        self._try("sum", self._gather, "holders that were not summed up")
        self._merge()
        self._sum()

    def close(self) -> None:
        """Lets go of all objects."""
        self.reach.close()

    def _try(self, step: str, work: Callable[[], object], what: str) -> bool:
        self.reach.deadline = self.started + _SHARES[step] * self.time_limit
        try:
            work()
        except OutOfTime:
            self.missing.append(what)
            return False
        return True

    def _measure(self) -> None:
        for number, (address, leaf) in enumerate(self.reach.leaves.items()):
            if number % 16 == 0:
                self.reach.check()
            extent = self.memory.measure(leaf)
            if extent is None:
                self.unseen.add(address)
            elif extent.regions:
                self.extents[address] = extent

    def objects(self, way: Iterable[int]) -> list[object]:
        """The objects of a way."""
        return [self.reach.member(address) for address in way]

    def _is_leaf(self, address: int) -> bool:
        return address in self.extents or address in self.unseen

    def _find_groups(self) -> None:
        """Goes from the roots to the first containers. What is reached from several keeps all its names."""
        roots = self.reach.roots
        groups: dict[Union[int, str], _Group] = {}  # by the container, or by the name where there is no variable
        starts: list[tuple[int, ...]] = []
        for address in self.graph:
            root = roots.get(address)
            if root is not None and root.kind == "no variable":
                groups.setdefault(root.name, _Group(address, (address,))).containers.add(address)
            elif root is not None:
                starts.append((address,))
        ways = deque(sorted(starts, key=lambda way: _KINDS.index(roots[way[0]].kind)))
        passed: set[int] = set()
        while ways:
            way = ways.popleft()
            for address in self.graph[way[-1]]:
                longer = (*way, address)
                if address in groups:
                    groups[address].other_ways.append(longer)
                elif self._is_leaf(address) or _paths.is_settled(self.objects(longer)):
                    groups[address] = _Group(way[0], longer)
                elif address not in passed:
                    passed.add(address)
                    ways.append(longer)
        self.groups = list(groups.values())

    def _gather(self) -> None:
        """What each group reaches."""
        groups, self.groups = self.groups, []
        for group in groups:
            self.reach.check()
            seen, open_ends = set(group.containers), list(group.containers)
            while open_ends:
                address = open_ends.pop()
                if self._is_leaf(address):
                    group.leaves.add(address)
                fresh = [other for other in self.graph[address] if other not in seen]
                seen.update(fresh)
                open_ends += fresh
            self.groups.append(group)

    def _merge(self) -> None:
        """Makes one group of those that reach the very same leaves: many do that reach a task of an event loop. It is
        called by what is nearest to the leaves, and by a variable if there is one."""
        same: dict[frozenset[int], list[_Group]] = {}
        for group in self.groups:
            same.setdefault(frozenset(group.leaves), []).append(group)
        self.groups = []
        for groups in same.values():
            first = groups[0]
            if len(groups) > 1:
                first = min(groups[:_MERGED_MAX], key=self._rank)
                ways = [way for group in groups if group is not first for way in (group.way, *group.other_ways)]
                first.other_ways += [way for way in ways if self.reach.roots[way[0]].kind != "no variable"]
                first.let_go = set().union(*(group.containers for group in groups))
            self.groups.append(first)

    def _rank(self, group: _Group) -> tuple[bool, int, int]:
        kind = self.reach.roots[group.root].kind
        unnamed = kind == "no variable"
        length = len(self._way_to(group, min(group.leaves))) if group.leaves else len(group.way)
        return unnamed, length, 0 if unnamed else _KINDS.index(kind)

    def _sum(self) -> None:
        self.merged = merge_regions(region for extent in self.extents.values() for region in extent.regions)
        files = mapped_files()
        for group in self.groups:
            extents = [self.extents[leaf] for leaf in group.leaves if leaf in self.extents]
            group.regions = {self.merged[region] for extent in extents for region in extent.regions}
            group.pinned = sum(size for _, size in group.regions)
            group.mapped = sum(region[1] for region in group.regions if _is_mapped(region, files))
            others = {key: size for extent in extents for key, size in extent.others.items()}
            used = count_bytes(span for extent in extents for span in extent.spans) + sum(others.values())
            group.used = min(used, group.pinned)

    def _alone(self, group: _Group) -> int:
        """What would not be reached any more if the group's containers let go of all they have (bytes)."""
        if time.monotonic() > self.started + self.time_limit:
            if _ALONE not in self.missing:
                self.missing.append(_ALONE)
            return 0
        seen = set(group.let_go)
        open_ends = [address for address in self.graph if address in self.reach.roots and address not in seen]
        seen.update(open_ends)
        freed = set(group.regions)
        while open_ends and freed:
            address = open_ends.pop()
            if address in self.extents:
                freed.difference_update(self.merged[region] for region in self.extents[address].regions)
            fresh = [other for other in self.graph[address] if other not in seen]
            seen.update(fresh)
            open_ends += fresh
        return sum(size for _, size in freed)

    # ---- what is shown ----

    def result(self, limit: Optional[int], min_bytes: int) -> Holders:
        """The groups that are shown, with their names."""
        found = [group for group in self.groups if group.leaves]
        shown = [group for group in found if group.pinned >= min_bytes or group.leaves & self.unseen]
        shown.sort(key=lambda group: (group.used - 2 * group.pinned, len(group.way)))
        regions = set(self.merged.values())
        files = mapped_files()
        lib = sys.modules.get("pyarrow.lib")
        return Holders(
            map(self._holder, shown[:limit]), num_holders=len(found), bytes_pinned=sum(size for _, size in regions),
            bytes_mapped=sum(region[1] for region in regions if _is_mapped(region, files)),
            arrow_bytes=lib.total_allocated_bytes() if lib is not None else None, num_visited=self.reach.visited,
            seconds=time.monotonic() - self.started, missing=self.missing)

    def _holder(self, group: _Group) -> Holder:
        name = self._name(group.way)
        way = self._way_to(group, max(group.leaves, key=self._pinned))
        most = self.reach.member(way[-1])
        path = _paths.ending(self._name(way), most) + self.memory.part(most)
        others = itertools.chain(_paths.variables(self.reach.roots[group.root], self.objects(group.way)),
                                 map(self._name, group.other_ways))
        kinds = Counter(type_name(type(self.reach.member(leaf))) for leaf in group.leaves)
        unseen = len(group.leaves & self.unseen)
        names = dict.fromkeys(other for other in itertools.islice(others, 4 * _NAMES_MAX) if other != name)
        return Holder(
            name=name, path=path, kind=_paths.kind_of(self.reach.roots[way[0]], self.objects(way)),
            bytes_used=group.used, bytes_pinned=group.pinned, bytes_alone=self._alone(group), bytes_mapped=group.mapped,
            num_objects=len(group.leaves) - unseen, num_unseen=unseen, types=dict(kinds.most_common()),
            names=tuple(names)[:_NAMES_MAX])

    def _name(self, way: tuple[int, ...]) -> str:
        return _paths.describe(self.reach.roots[way[0]], self.objects(way))

    def _pinned(self, leaf: int) -> int:
        regions = self.extents[leaf].regions if leaf in self.extents else ()
        return sum(size for _, size in {self.merged[region] for region in regions})

    def _way_to(self, group: _Group, leaf: int) -> tuple[int, ...]:
        """The shortest way from a group's root through its container to a leaf."""
        led_by: dict[int, int] = dict.fromkeys(group.containers, 0)
        ways = deque(group.containers)
        while leaf not in led_by:
            address = ways.popleft()
            for other in self.graph[address]:
                if other not in led_by:
                    led_by[other] = address
                    ways.append(other)
        way = [leaf]
        while led_by[way[0]]:
            way.insert(0, led_by[way[0]])
        return (*group.way[:-1], *way) if way[0] == group.way[-1] else tuple(way)


def _is_mapped(region: Region, files: list[Span]) -> bool:
    """Whether a region is in one of the mapped files."""
    place = bisect.bisect(files, (region[0], sys.maxsize)) - 1
    return place >= 0 and region[0] < files[place][1]


def holders(*, limit: Optional[int] = 20, min_bytes: int = 4096, time_limit: Optional[float] = 2.0,
            progress: Optional[Callable[[int, int], object]] = None) -> Holders:
    """Who holds Arrow's and NumPy's memory: the variables and containers that reach it, with what they use of it and
    what they keep alive (docs/use/holders.md).

    limit: most holders that are told, those first that keep most alive; None: all.
    min_bytes: holders that keep less alive are left out (bytes).
    time_limit: seconds that may be spent; what there was no time for is in `missing`. None: no limit.
    progress: called now and then with the numbers of objects visited and found; what it raises ends the search.

    Nothing of what is looked at is kept alive afterwards. Waits for a call in another thread. Raises TypeError or
    ValueError for arguments that cannot be, before anything is looked at.
    """
    _check.number("limit", limit, int, none="all")
    _check.number("min_bytes", min_bytes, int)
    _check.number("time_limit", time_limit, float, none="no limit")
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: {progress!r} is of {type(progress).__name__}: choose a function, or None")
    with _lock:
        running, objects = running_functions(), gc.get_objects()  # before there is anything of ours
        memory = Memory()
        search = _Search(Reach(memory.is_leaf, _ticker(progress)), memory, time_limit)
        try:
            search.run(running, objects)
            return search.result(limit, min_bytes)
        except BaseException as error:
            traceback.clear_frames(error.__traceback__)  # which hold what was being visited
            raise
        finally:
            search.close()
            del running, objects


def _ticker(progress: Optional[Callable[[int, int], object]]) -> Callable[[int, int], None]:
    ticks = itertools.count()

    def tick(visited: int, found: int) -> None:
        if progress is not None and next(ticks) % _TICKS == 0:
            progress(visited, found)

    return tick

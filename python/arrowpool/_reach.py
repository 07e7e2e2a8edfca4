"""Which objects lead to memory that is looked for: a walk along everything the garbage collector can follow.

The walk goes by levels from the roots: the variables of modules, classes, and the local variables of functions that
run. It asks gc.get_referents for a batch of objects at once and remembers only which batch led to an object; who it
was in the batch is asked again for the few objects that lead to memory. So a million objects take about a second.

Nothing of the user's runs: no attribute of an object is read, only what its type's traverse function tells. Modules,
classes and types are roots of their own and not followed from elsewhere, or everything would reach everything.
All objects that were visited are kept alive until the walk is given up, so that their ids stay theirs.
"""

import array
import gc
import itertools
import operator
import sys
import threading
import time
import types
from collections.abc import Iterable, Iterator
from typing import Any, Callable, NamedTuple, Optional

from . import _library

_BATCH = 256  # objects that are asked at once
_SLICE = 1 << 16  # objects between two looks at the clock
_ROOT = -1  # what led to a root, instead of a batch
_HAS_REFERENTS = 1 << 14  # Py_TPFLAGS_HAVE_GC
_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_OPTIMIZED = 1  # CO_OPTIMIZED: the code's local variables are no dict
_OWN = __name__.rpartition(".")[0] + "._"  # how our modules' names begin

module_dict = vars(types.ModuleType)["__dict__"].__get__  # as it is: a lazy module is not loaded by it
type_flags = vars(type)["__flags__"].__get__
type_dict = vars(type)["__dict__"].__get__
type_mro = vars(type)["__mro__"].__get__
type_name = vars(type)["__qualname__"].__get__


class Root(NamedTuple):
    """Where a path starts."""

    kind: str
    """ "variable", "class", "local variable", "context variable" or "no variable"."""
    name: str
    """How the path begins, with what separates it from the next name."""


class OutOfTime(Exception):
    """The walk's deadline has passed."""


def is_heap_type(kind: type) -> bool:
    """Whether it is a class of Python's, or one of those of C that are made like them."""
    return type_flags(kind) & _HEAP_TYPE != 0


def class_name(kind: type) -> str:
    """The class's name with its module's."""
    module = type_dict(kind).get("__module__")
    return f"{module}.{type_name(kind)}" if type(module) is str else type_name(kind)


def frame_name(frame: types.FrameType) -> str:
    """Where a function is: "etl.py:8 load()"."""
    code = frame.f_code
    return f"{code.co_filename.rpartition('/')[2]}:{frame.f_lineno or 0} {getattr(code, 'co_qualname', code.co_name)}()"


def local_variables(frame: types.FrameType) -> dict[str, Any]:
    """The local variables by their names; those of a module or a class body are its namespace itself.

    Before Python 3.13, f_locals is a copy that stays with the frame and would hold what the variables held: it is
    emptied, unless the program has it too.
    """
    found = frame.f_locals
    if not frame.f_code.co_flags & _OPTIMIZED:
        return found
    values = dict(found)
    if sys.version_info < (3, 13):
        _library.clear_unshared(found)
    return values


def _may_be_traced(frame: types.FrameType, innermost: bool) -> bool:
    """Whether a tracing function may be at work on a frame that runs: what it leaves in f_locals before Python 3.13
    becomes the frame's variables, so f_locals must not be emptied then. A function that was just entered is traced
    before its frame shows it, by a function that it seems to call."""
    if frame.f_trace is not None:
        return True
    return not innermost and (frame.f_lasti < 0 or frame.f_code.co_code[frame.f_lasti] in _ENTERED)


def _frames_in(values: Iterable[object]) -> Iterator[int]:
    """The ids of frames among the values and in tuples among them."""
    for value in values:
        if type(value) is types.FrameType:
            yield id(value)
        elif type(value) is tuple:
            yield from (id(one) for one in value if type(one) is types.FrameType)


def _opcodes(*names: str) -> frozenset[int]:
    import opcode

    return frozenset(opcode.opmap[name] for name in names if name in opcode.opmap)


_ENTERED = _opcodes("RESUME", "YIELD_VALUE", "YIELD_FROM", "GEN_START", "RETURN_GENERATOR")


def _module_roots() -> Iterator[tuple[object, Root]]:
    for name, module in list(sys.modules.items()):
        if issubclass(type(module), types.ModuleType) and not str(name).startswith(_OWN):
            yield module_dict(module), Root("variable", f"{name}.")


def _class_roots() -> Iterator[tuple[object, Root]]:
    seen: set[type] = set()
    found: list[type] = [object]
    while found:
        kind = found.pop()
        if kind not in seen:
            seen.add(kind)
            found += type.__subclasses__(kind)
            yield kind, Root("class", "")  # it is named when it is shown


def threads_wait() -> bool:
    """Whether other threads stand still while this one runs Python, or there are none: else their frames change while
    they are read, which Python does not guard against."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)()) or len(sys._current_frames()) == 1


def running_functions() -> list[tuple[object, Root]]:
    """The local variables of all functions that run, in all threads, as objects to start from; without a GIL only those
    of this thread.

    To be asked before gc.get_objects(), whose result would share each f_locals, so that it could not be emptied. Keeps
    no frame: among them is its own, which would keep itself."""
    names = {thread.ident: thread.name for thread in threading.enumerate() if thread is not threading.main_thread()}
    found: list[tuple[object, Root]] = []
    frames = sys._current_frames() if threads_wait() else {threading.get_ident(): sys._getframe()}
    try:
        for ident in list(frames):
            thread = f" in {names[ident]}" if ident in names else ""
            for values, name in _stack(frames.pop(ident)):
                found.append((values, Root("local variable", f"{name}{thread}: ")))
    finally:
        frames.clear()
    return found


def _stack(innermost: types.FrameType) -> list[tuple[dict[str, Any], str]]:
    """The local variables of a thread's functions, with the functions' names, from the innermost on. Before Python 3.13
    without those that may be traced: a function that traces or profiles another one has its frame."""
    found = []
    had: set[int] = set()  # ids of frames that functions further in have
    unknown = False  # what the function before has
    frame: Optional[types.FrameType] = innermost
    while frame is not None:
        careful = sys.version_info < (3, 13)
        traced = careful and _may_be_traced(frame, frame is innermost)
        own = str(frame.f_globals.get("__name__")).startswith(_OWN)
        if not own and not traced and not (careful and (unknown or id(frame) in had)):
            values = local_variables(frame)
            had.update(_frames_in(list(values.values())))
            found.append((values, frame_name(frame)))
        unknown = traced
        frame = frame.f_back
    return found


def is_running(frame: types.FrameType) -> bool:
    """Whether a frame is on the stack of a thread."""
    one: Optional[types.FrameType] = None
    for innermost in list(sys._current_frames().values()):
        one = innermost
        while one is not None and one is not frame:
            one = one.f_back
        if one is frame:
            return True
    return False


def _context_roots() -> Iterator[tuple[object, Root]]:
    contextvars = sys.modules.get("contextvars")
    if contextvars is not None:
        values = {variable.name: value for variable, value in contextvars.copy_context().items()}
        yield values, Root("context variable", "context variable ")


def current_context() -> list[object]:
    """The objects in which the calling thread's context variables have their values."""
    contextvars = sys.modules.get("contextvars")
    found: list[object] = [] if contextvars is None else [contextvars.copy_context()]
    for one in found:  # which grows: a context has a tree, and that has nodes
        found += [other for other in gc.get_referents(one) if type(other).__name__.startswith("hamt")]
    return found


def find_roots(running: Iterable[tuple[object, Root]]) -> Iterator[tuple[object, Root]]:
    """Objects to start from: namespaces, which are dicts, and classes. With what running_functions() has returned."""
    yield from _module_roots()
    yield from _class_roots()
    yield from running
    yield from _context_roots()


def unnamed(one: Any) -> Root:
    """What an object is called that no variable reaches."""
    kind = type(one)
    name = type_name(kind)
    if kind is types.FrameType:
        name = frame_name(one)
    elif kind in (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType):
        name = f"{name} {one.__qualname__}()"
    return Root("no variable", f"(no variable) {name}")


def _is_own_or_root(one: Any) -> bool:
    kind = type(one)
    if kind is types.FrameType:
        return str(one.f_globals.get("__name__")).startswith(_OWN)
    return issubclass(kind, (type, types.ModuleType))


class Reach:
    """The walk, and the objects that it found to lead to what is looked for."""

    def __init__(self, is_leaf: Callable[[type], bool], tick: Callable[[int, int], None]) -> None:
        """is_leaf tells the types that are looked for. tick is called often, with how many objects were visited and
        how many of those were found."""
        self._is_leaf = is_leaf
        self._tick = tick
        self._batches: list[list[object]] = []
        self._led_by: dict[int, int] = {}  # the id of an object: the number of the batch that led to it
        self._again: dict[int, array.array[int]] = {}  # a batch's number: ids it led to that had been visited before
        self._left_out: list[object] = []
        self._known: set[type] = set()
        self._skipped: set[type] = set()  # types whose objects lead nowhere, or are roots
        self._leaf_types: set[type] = set()
        self._members: dict[int, object] = {}  # objects on a way from a root to a leaf
        self._new_members: set[int] = set()  # those to which other ways were not looked for yet
        self.deadline = time.monotonic()
        self.roots: dict[int, Root] = {}
        self.leaves: dict[int, object] = {}

    @property
    def visited(self) -> int:
        """How many objects were visited."""
        return len(self._led_by)

    def walk(self, roots: Iterable[tuple[object, Root]]) -> None:
        """Visits all that can be reached. Raises OutOfTime."""
        level = []
        for root, name in roots:
            if id(root) not in self._led_by:
                self._led_by[id(root)] = _ROOT
                self.roots[id(root)] = name
                level.append(root)
                if self._is_leaf(type(root)):
                    self.leaves[id(root)] = root
        while level:
            following: list[object] = []
            for first in range(0, len(level), _BATCH):
                following += self._follow(level[first:first + _BATCH])
            level = following

    def leave_out(self, objects: Iterable[object]) -> None:
        """Counts objects as visited without looking where they lead."""
        for one in objects:
            self._led_by.setdefault(id(one), _ROOT)
            self._left_out.append(one)  # so that its id stays its own

    def walk_rest(self, objects: list[object]) -> None:
        """Visits those of the objects that no root reaches, first the ones to which none of the others leads. Raises
        OutOfTime."""
        rest: list[object] = []
        for first in range(0, len(objects), _SLICE):
            self.check()
            some = objects[first:first + _SLICE]
            unknown = map(operator.not_, map(self._led_by.__contains__, map(id, some)))
            rest += [one for one in itertools.compress(some, unknown) if not _is_own_or_root(one)]
        inner: set[int] = set()
        for first in range(0, len(rest), _BATCH):
            self.check()
            inner.update(map(id, gc.get_referents(*rest[first:first + _BATCH])))
        self.walk((one, unnamed(one)) for one in rest if id(one) not in inner)
        circles = [one for one in rest if id(one) not in self._led_by]
        circles.sort(key=lambda one: not is_heap_type(type(one)))  # instances tell more than their dicts
        for one in circles:
            self.walk([(one, unnamed(one))])

    def check(self) -> None:
        """Raises OutOfTime when it is time."""
        self._tick(len(self._led_by), len(self.leaves))
        if time.monotonic() > self.deadline:
            raise OutOfTime

    def _classify(self, kinds: set[type]) -> None:
        for kind in kinds:
            self._known.add(kind)
            if self._is_leaf(kind):
                self._leaf_types.add(kind)
            elif not type_flags(kind) & _HAS_REFERENTS or issubclass(kind, (type, types.ModuleType)):
                self._skipped.add(kind)

    def _follow(self, batch: list[object]) -> list[object]:
        """Returns the objects that the batch leads to and that were not visited yet. Raises OutOfTime."""
        number = len(self._batches)
        self._batches.append(batch)
        referents = gc.get_referents(*batch)
        kinds = set(map(type, referents))
        if not kinds <= self._known:
            self._classify(kinds - self._known)
        has_leaves = not kinds.isdisjoint(self._leaf_types)
        following: list[object] = []
        for first in range(0, len(referents), _SLICE):
            self.check()
            following += self._visit(referents[first:first + _SLICE], number, has_leaves)
        return following

    def _visit(self, referents: list[object], number: int, has_leaves: bool) -> list[object]:
        """Notes what a batch of that number led to. Returns what is to be followed."""
        skipped = self._skipped
        found = {id(one): one for one in referents if type(one) not in skipped}
        fresh = set(found).difference(self._led_by)
        if len(fresh) < len(found):
            self._again.setdefault(number, array.array("Q")).extend(set(found).difference(fresh))
        self._led_by.update(dict.fromkeys(fresh, number))
        if has_leaves:
            kinds = self._leaf_types
            leaves = {address: one for address, one in found.items() if type(one) in kinds and address in fresh}
            self.leaves.update(leaves)
            fresh.difference_update(address for address, one in leaves.items() if not self._is_followed(one))
        # In the order in which they were told, which is mostly that in memory: another one costs twice the time.
        return [one for address, one in found.items() if address in fresh]

    @staticmethod
    def _is_followed(leaf: object) -> bool:
        """Whether a leaf's own references lead further: what a class of Python's adds, not what a C type keeps."""
        return is_heap_type(type(leaf))

    def close(self) -> None:
        """Lets go of all objects."""
        for kept in (self._batches, self._again, self._left_out, self._led_by, self._members, self.leaves):
            kept.clear()
        for kinds in (self._known, self._skipped, self._leaf_types):
            kinds.clear()

    # ---- what leads to the leaves ----

    def member(self, address: int) -> object:
        """The object of an id in graph()."""
        return self._members[address]

    def find_ways(self, targets: Iterable[int]) -> None:
        """Looks for one way from a root to each of these leaves: the one that the walk came."""
        self._new_members = self._add_first_ways(self.leaves[address] for address in targets)

    def find_other_ways(self) -> None:
        """Looks for all others. Raises OutOfTime."""
        while self._new_members:
            self._new_members = self._add_first_ways(self._sources(self._new_members))

    def graph(self) -> dict[int, list[int]]:
        """For each object on a way, by its id: those on ways that it leads to. Roots are led to by none."""
        members, roots = self._members, self.roots
        return {address: [other for other in map(id, gc.get_referents(one)) if other in members and other not in roots]
                for address, one in members.items()}

    def _add_first_ways(self, objects: Iterable[object]) -> set[int]:
        """Adds the objects, and what the walk came by to reach them. Returns the ids of those that are new, without
        roots."""
        wanted: dict[int, set[int]] = {}  # the number of a batch: the ids that it led to
        added: set[int] = set()

        def add(one: object) -> None:
            address = id(one)
            if address not in self._members:
                self._members[address] = one
                number = self._led_by[address]
                if number != _ROOT:
                    added.add(address)
                    wanted.setdefault(number, set()).add(address)

        for one in objects:
            add(one)
        for number in range(len(self._batches) - 1, -1, -1):  # what led to a batch's objects is of a former one
            ids = wanted.get(number)
            if ids:
                for one in self._batches[number]:
                    if not ids.isdisjoint(map(id, gc.get_referents(one))):
                        add(one)
        return added

    def _sources(self, targets: set[int]) -> list[object]:
        """The objects that lead to one of the targets and are on no way yet."""
        found: list[object] = []
        for number, addresses in self._again.items():
            if not targets.isdisjoint(addresses):
                self.check()
                found += [one for one in self._batches[number] if id(one) not in self._members
                          and not targets.isdisjoint(map(id, gc.get_referents(one)))]
        return found

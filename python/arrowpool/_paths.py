"""The names of ways through objects: "__main__.CACHE['k'] -> Table".

Works on few ways, those that are shown. It reads attributes only through descriptors of C, so nothing of the user's
runs, and calls repr for strings and numbers only.
"""

import _thread
import collections
import functools
import sys
import types
from collections.abc import Sequence
from typing import Any, Optional

from . import _reach
from ._reach import Root, class_name, frame_name, type_dict, type_mro, type_name

_TEXT_MAX = 40  # characters of a key
_STEPS_MAX = 8  # of attributes from a variable to what is told apart

_CACHE = functools._lru_cache_wrapper
_CONTAINERS = (dict, list, tuple, set, frozenset, collections.deque, _CACHE, _thread._local, BaseException)
_GENERATORS = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_STACK = (types.TracebackType, types.FrameType)
_FORWARDERS = (types.FunctionType, types.MethodType, types.CellType, functools.partial, staticmethod, classmethod,
               property)


def _is_pandas(kind: type) -> bool:
    """Whether it is a frame, a series or an index, whose insides are its own business."""
    return any(type_name(base) in ("NDFrame", "Index") and class_name(base).startswith("pandas.")
               for base in type_mro(kind))


def is_settled(way: Sequence[Any]) -> bool:
    """Whether a way's last object is one that is told apart: a container, or what has no attributes. An instance, a
    function and what they keep their attributes in lead on to their attributes."""
    parent, one = way[-2], way[-1]
    kind = type(one)
    if _is_namespace(parent, one) or (type(parent) is types.FunctionType and one is parent.__closure__):
        return False
    if kind in _FORWARDERS:
        return False
    if issubclass(kind, _CONTAINERS) or not _reach.is_heap_type(kind) or _is_pandas(kind):
        return True
    return len(way) > 2 * _STEPS_MAX or any(type(former) is kind for former in way[:-1])


def describe(root: Root, way: Sequence[Any]) -> str:
    """What a way is called, that starts at a root."""
    first = way[0]
    place = 0
    if root.kind == "class":
        text = class_name(first)
    elif root.kind == "no variable":
        text = root.name
    elif len(way) > 1:
        text, place = root.name + (_key_of(first, way[1]) or "?"), 1
    else:
        text = root.name
    while place + 1 < len(way):
        if _is_pandas(type(way[place])):
            text += f" -> {type_name(type(way[place]))}"
            break
        step, count = _step(way[place:place + 3])
        text += step
        place += count
    return text


def variables(root: Root, way: Sequence[Any]) -> list[str]:
    """All names in the root's namespace of what a way of one step leads to."""
    if len(way) != 2 or type(way[0]) is not dict:
        return []
    return [f"{root.name}{key}" for key, value in list(way[0].items()) if value is way[1]]


def ending(text: str, last: object) -> str:
    """A way's name with the type of its last object."""
    name = f" -> {type_name(type(last))}"
    return text if text.endswith(name) else text + name


def kind_of(root: Root, way: Sequence[Any]) -> str:
    """What holds it, in a word or two."""
    for one in way[1:]:
        kind = type(one)
        if kind is types.TracebackType:
            return "traceback"
        if kind in _GENERATORS:
            return "generator" if kind is types.GeneratorType else "coroutine"
        if kind is types.CellType:
            return "closure"
        if kind is _CACHE:
            return "lru_cache"
        if kind is _thread._local:
            return "thread local"
    return root.kind


# ---- one step ----

def _step(way: Sequence[Any]) -> tuple[str, int]:
    """The name of the way from its first object to the second, or to the third if the second only keeps attributes;
    and how many steps that is."""
    parent, one = way[0], way[1]
    if len(way) > 2:
        text = _long_step(parent, one, way[2])
        if text is not None:
            return text, 2
    if type(parent) is types.CellType or (type(parent) is types.TracebackType and type(one) in _STACK):
        return "", 1  # what is told of it is told before or after
    if type(parent) in _GENERATORS:
        return _generator_step(parent, one), 1
    if type(parent) is types.FrameType:
        return f" -> {frame_name(parent)}{_local(parent, one)}", 1
    return _container_step(parent, one) or _attribute_step(parent, one) or f" -> {type_name(type(one))}", 1


def _long_step(parent: Any, one: Any, after: object) -> Optional[str]:
    if _is_namespace(parent, one):
        return f".{_key_of(one, after) or '?'}"
    if type(parent) is types.FunctionType and one is parent.__closure__:
        return f" -> closure {parent.__code__.co_freevars[_index(one, after)]}"
    if type(parent) in _GENERATORS and type(one) is types.FrameType:
        return _generator_step(parent, after)
    return None


def _container_step(parent: Any, one: object) -> Optional[str]:
    kind = type(parent)
    if issubclass(kind, dict):
        for key, value in list(dict.items(parent)):
            if value is one:
                return f"[{_text(key)}]"
            if key is one:
                return " -> key"
    elif issubclass(kind, (list, tuple, collections.deque)):
        place = _index(parent, one)
        fields = type_dict(kind).get("_fields")
        if issubclass(kind, tuple) and type(fields) is tuple and 0 <= place < len(fields):
            return f".{fields[place]}"
        return f"[{place}]" if place >= 0 else None
    return " -> cached result" if kind is _CACHE else None


def _attribute_step(parent: Any, one: object) -> Optional[str]:
    kind = type(parent)
    special = _SPECIAL_ATTRIBUTES.get(BaseException if issubclass(kind, BaseException) else kind)
    for name, get in special or ():
        if get(parent) is one:
            return f".{name}"
    for base in type_mro(kind):
        for name, descriptor in list(type_dict(base).items()):
            if type(descriptor) is types.MemberDescriptorType and name != "__dict__":
                try:
                    if descriptor.__get__(parent) is one:
                        return f".{name}"
                except AttributeError:
                    continue
    key = _key_of(_attributes(parent), one)
    return f".{key}" if key else None


_SPECIAL_ATTRIBUTES = {
    kind: [(name, vars(kind)[name].__get__) for name in names] for kind, names in (
        (BaseException, ("__traceback__", "__cause__", "__context__")),
        (types.FunctionType, ("__defaults__", "__kwdefaults__")))}


def _generator_step(generator: Any, one: object) -> str:
    """From a generator or a coroutine to a local variable."""
    prefix = {types.GeneratorType: "gi", types.CoroutineType: "cr", types.AsyncGeneratorType: "ag"}[type(generator)]
    return f" -> {generator.__qualname__}(){_local(getattr(generator, prefix + '_frame'), one)}"


def _local(frame: Optional[types.FrameType], one: object) -> str:
    name = None
    if frame is not None and _reach.threads_wait() and (sys.version_info >= (3, 13) or not _reach.is_running(frame)):
        name = _key_of(_reach.local_variables(frame), one)
    return f": {name}" if name else f" -> {type_name(type(one))}"


def _attributes(one: Any) -> Optional[dict[str, Any]]:
    """An instance's __dict__, where it is that of Python and no property."""
    for base in type_mro(type(one)):
        descriptor = type_dict(base).get("__dict__")
        if descriptor is not None:
            if type(descriptor) not in (types.GetSetDescriptorType, types.MemberDescriptorType):
                return None
            found = descriptor.__get__(one)
            return found if type(found) is dict else None
    return None


def _is_namespace(parent: Any, one: object) -> bool:
    """Whether it is the dict in which an instance, a function or a class keeps its attributes."""
    return type(one) is dict and (issubclass(type(parent), type) or _attributes(parent) is one)


def _key_of(namespace: Any, one: object) -> Optional[str]:
    """The name of a variable in a namespace."""
    if not issubclass(type(namespace), dict):
        return None
    return next((str(key) for key, value in list(dict.items(namespace)) if value is one and type(key) is str), None)


def _index(sequence: Any, one: object) -> int:
    """Where it is in a list, a tuple or a deque; -1: nowhere."""
    base: Any = next(base for base in (list, tuple, collections.deque) if issubclass(type(sequence), base))
    try:
        return next((place for place, other in enumerate(base.__iter__(sequence)) if other is one), -1)
    except RuntimeError:  # another thread changed it meanwhile
        return -1


def _text(key: object) -> str:
    """A key as it is written, if it is a plain one."""
    if type(key) is tuple and len(key) < 5:
        text = f"({', '.join(map(_text, key))})"
    elif type(key) in (str, bytes, int, float, bool, type(None)):
        text = repr(key if type(key) not in (str, bytes) else key[:_TEXT_MAX])
    else:
        return f"<{type_name(type(key))}>"
    return text if len(text) <= _TEXT_MAX else text[:_TEXT_MAX - 3] + "..."

"""Serves pyarrow's own pools from a line of Python on, where the shim cannot be preloaded.

The work is done in C (arrowpool_install). Here arguments become its words, and Python's own ways into and out of a
process are followed: extension modules that bring another libarrow, children of multiprocessing, os._exit.
"""

import functools
import importlib.machinery
import os
import sys
import warnings
from typing import Any, Optional, Union

from . import _library

_OK, _INVALID, _EXISTS = 0, 2, 3
_INSTALLED, _PRELOADED = 1, 2
_FLAGS = ("stats_idle", "live_keep", "profile_keep")
_SIZES = ("limit", "profile_mean")
_PATHS = ("stats", "live", "profile")

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Flag = Union[bool, int, str]
Size = Union[int, str]

_in_force: Optional[bytes] = None  # what children of multiprocessing are to have, too; None: the environment
_followed = False


def _word(name: str, value: object) -> bytes:
    """An argument's value as the variable would have it; bytes, since a path need not be text."""
    if name in _FLAGS and value in (False, True):
        value = str(int(value))  # type: ignore[call-overload]
    elif name in _SIZES and not isinstance(value, (str, bytes, bool)) and hasattr(value, "__index__"):
        value = str(value.__index__())
    elif name in _PATHS and isinstance(value, (bytes, os.PathLike)):
        value = os.fsdecode(value)
    if not isinstance(value, str):
        choices = next(values for option, values, _help, _preset in _library.options() if option == name)
        raise TypeError(f"{name}: {value!r} is of {type(value).__name__}: choose {choices}")
    return os.fsencode(value.replace("\0", "\\0"))  # which C would take for its end


def _block(options: dict[str, Any]) -> bytes:
    return b"".join(name.encode() + b"=" + _word(name, value) + b"\0" for name, value in options.items()) + b"\0"


def install(*, pool: Optional[str] = None, name: Optional[str] = None,  # noqa: PLR0913 # they are the options
            stats: Optional[Path] = None,
            stats_format: Optional[str] = None, stats_interval: Optional[str] = None,
            stats_signal: Optional[str] = None, stats_idle: Optional[Flag] = None, live: Optional[Path] = None,
            live_keep: Optional[Flag] = None, profile: Optional[Path] = None, profile_mean: Optional[Size] = None,
            profile_frames: Optional[str] = None, profile_keep: Optional[Flag] = None, limit: Optional[Size] = None,
            decay: Optional[str] = None, thp: Optional[str] = None, hooks: Optional[str] = None,
            libraries: Optional[str] = None, debug: Optional[str] = None, log: Optional[str] = None) -> str:
    """Serve all of pyarrow's memory from here on, as `arrowpool run` does, without anything preloaded.

    pool: "jemalloc", which is the default here (arrowpool's private one; large buffers grow in place), or "system"
        (pyarrow's buffers stay with the process's own malloc, and are counted).
    stats: where the statistics go at exit: "stderr" or a path. stats_format, stats_interval, stats_signal and
        stats_idle say how, how often besides, and when.
    live: a directory for a file of counters that `arrowpool top` and `show` read meanwhile, also after the process was
        killed.
    profile: a directory for a profile, which `arrowpool who` reads: which lines hold the memory.
    limit: most memory over all pools: an int of bytes, or a str such as "8GiB" or "70%".
    libraries: takes a preloaded shim, and is refused here.
    name, live_keep, profile_mean, profile_frames, profile_keep, decay, thp, hooks, debug, log: as the options of
        `arrowpool run`, and the variables ARROW_POOL_..., of the same names. None: the default; the environment is not
        read (import arrowpool.auto does that).

    Pools of every libarrow in the process are served, of those that extension modules bring later too. Buffers that
    are there already stay where they are. What the aligned functions of libc hand out is neither served nor counted:
    that takes a preloaded shim. Children of fork and of multiprocessing are served likewise, whatever their start
    method; other programs that the process starts are not.

    Returns "installed"; "installed before", if that was so, and nothing changes; or "preloaded", if the shim serves
    already. In the latter cases options that are given are not heeded, which a RuntimeWarning tells.

    Raises TypeError or ValueError for options that cannot be, before anything is changed, and RuntimeError where
    pyarrow's pools are unknown to arrowpool.
    """
    given = {option: value for option, value in locals().items() if value is not None}
    return _install(_block(given), bool(given))


def install_from_environment() -> str:
    """What `import arrowpool.auto` does: as install(), with what the variables ARROW_POOL_... say and nothing else."""
    return _install(None, False)


def _install(block: Optional[bytes], given: bool) -> str:
    global _in_force  # noqa: PLW0603 # state of the process
    status, message = _library.install(block)
    if status == _OK:
        if not _followed:
            _in_force = block
            _follow()
        return "installed"
    if status == _EXISTS:
        if given:
            warnings.warn(f"{message}; the options that are given here are not heeded", RuntimeWarning, stacklevel=3)
        return "preloaded" if _library.presence() == _PRELOADED else "installed before"
    raise (ValueError if status == _INVALID else RuntimeError)(message)


def uninstall() -> None:
    """Leave new requests to pyarrow's own allocators again. Buffers that came from arrowpool stay valid, and are
    resized and freed there; the files of statistics and profiles go on. install() takes over again, with the options
    of the first time.

    Under the shim nothing happens, which a RuntimeWarning tells.
    """
    if not _library.uninstall():
        warnings.warn("the shim is preloaded, and goes on", RuntimeWarning, stacklevel=2)


def is_installed() -> bool:
    """Whether install() serves: it was called, and uninstall() was not."""
    return _library.presence() == _INSTALLED


# ---- following the process ----

def _follow() -> None:
    global _followed  # noqa: PLW0603 # state of the process
    _followed = True
    _follow_extensions()
    _follow_exits()
    _follow_children()


def _follow_extensions() -> None:
    """Looks for a libarrow that an extension module has brought, before its first buffer."""
    loader: Any = importlib.machinery.ExtensionFileLoader
    create = loader.create_module

    @functools.wraps(create)
    def create_module(self: Any, spec: Any) -> Any:
        module = create(self, spec)
        if is_installed():
            _library.install(b"\0")
        return module

    loader.create_module = create_module


def _follow_exits() -> None:
    """os._exit ends a process without anything else that could be told: so do children of multiprocessing."""
    leave = os._exit

    @functools.wraps(leave)
    def _exit(status: int) -> Any:
        _library.finish()
        leave(status)

    os._exit = _exit  # type: ignore[assignment]


_AGAIN = """
import sys
kept, sys.path[:] = sys.path[:], path
try:
    from arrowpool import _install
    _install.install_again(block)
except ImportError:
    pass
finally:
    sys.path[:] = kept
"""


class _ForChild:
    """Goes with what multiprocessing tells a fresh interpreter, which installs when it reads this: before the main
    module is imported there, and before sys.path is the parent's."""

    def __init__(self, block: Optional[bytes]) -> None:
        self._block = block

    def __reduce__(self) -> Any:
        return exec, (_AGAIN, {"path": list(sys.path), "block": self._block})


def install_again(block: Optional[bytes]) -> None:
    """In a child of multiprocessing: as in its parent, as far as that can be had."""
    try:
        _install(block, False)
    except RuntimeError as error:
        warnings.warn(f"arrowpool is not installed in this child: {error}", RuntimeWarning, stacklevel=2)


def _follow_children() -> None:
    try:
        from multiprocessing import spawn
    except ImportError:  # a Python without it
        return
    prepare = spawn.get_preparation_data

    @functools.wraps(prepare)
    def get_preparation_data(name: str) -> dict[str, Any]:
        data = prepare(name)
        if is_installed():
            data["arrowpool"] = _ForChild(_in_force)
        return data

    spawn.get_preparation_data = get_preparation_data


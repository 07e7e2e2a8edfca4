"""Judges arguments of the package's functions: what is refused is named, with what can be chosen instead."""

import errno
import os
from typing import Any, Optional, Union


def directory(name: Any) -> str:
    """The absolute path of a directory that an argument names. It need not be there."""
    try:
        text = os.fsdecode(name)
    except TypeError:
        raise TypeError(f"directory: {name!r} is of {type(name).__name__}: choose a str, bytes or a path") from None
    if not text or "\0" in text:
        raise ValueError(f"directory: {text!r}: choose a path, of one character or more and none of them NUL")
    return os.path.abspath(text)


def make_directory(path: str) -> None:
    """Makes a directory with those above it, unless it is there; raises OSError if nothing can be written in it."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def number(name: str, value: Any, kind: Union[type[int], type[float]], *, none: Optional[str] = None) -> None:
    """Refuses what is no number from 0 on. `none` says what None would mean, where that can be chosen."""
    if value is None and none:
        return
    choices = ("an int from 0 on" if kind is int else "seconds from 0 on") + (f", or None for {none}" if none else "")
    if isinstance(value, bool) or not isinstance(value, (int, kind)):
        raise TypeError(f"{name}: {value!r} is of {type(value).__name__}: choose {choices}")
    if not value >= 0:
        raise ValueError(f"{name}: {value!r}: choose {choices}")

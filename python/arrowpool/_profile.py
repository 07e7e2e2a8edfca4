"""Begins a profile of the process: which lines of Python hold Arrow's memory, for `arrowpool who`."""

import os
from typing import Union

from . import _check, _library

_INT64_MAX = 2**63 - 1


def _check_mean(mean: Union[int, str]) -> int:
    if isinstance(mean, str):
        return _library.parse_mean(mean.replace("\0", "\\0"))  # which C would take for its end
    if isinstance(mean, bool) or not hasattr(mean, "__index__"):
        raise TypeError(f"mean: {mean!r} is of {type(mean).__name__}: choose an int of bytes, or a str such as '512K'")
    size = mean.__index__()
    if not 1 <= size <= _INT64_MAX:
        raise ValueError(f"mean: {size}: choose 1 to {_INT64_MAX} bytes")
    return size


def _check_first() -> None:
    former = _library.profile_directory()
    if former is not None:
        raise RuntimeError(f"profile: this process has one already, in {former!r}: a second one cannot be begun")


def profile(directory: Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"], *,
            mean: Union[int, str] = "512K", keep: bool = False) -> None:
    """Keep from now on a profile in that directory, which `arrowpool who` reads at any time, also after the process was
    killed: a sample of the live buffers of all pools, each with its lines of Python and native functions.

    directory: where the file will be, arrowpool-PID-START-N.profile, from the first sample on; a directory that is
        missing is made.
    mean: how many allocated bytes lie between two samples, on average: an int, or a str such as "64K" or "512KiB"
        (powers of 1024).
    keep: whether the file stays after an orderly end of the process too.

    Without the shim it is of the pools that arrowpool.pool() made, and of whatever else the library serves. Under the
    shim (`arrowpool run`) it is of all of Arrow's memory, and tells who gave Arrow's threads their tasks. What was
    allocated before is not in it. Children of a fork keep profiles of their own.

    Raises TypeError or ValueError for arguments that cannot be, RuntimeError if the process has a profile already,
    begun here or by ARROW_POOL_PROFILE, and OSError if nothing can be written in the directory.
    """
    size = _check_mean(mean)
    path = _check.directory(directory)
    _check_first()
    _check.make_directory(path)
    if not _library.start_profile(path, size, bool(keep)):
        _check_first()  # another thread was faster
        raise MemoryError(f"profile: none can be begun in {path!r}")

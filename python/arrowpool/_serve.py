"""Answers who holds memory to a command outside of the process: a thread, and a socket in a directory.

Only processes of the same user, and root's, are answered. docs/use/holders.md has the protocol.
"""

import atexit
import contextlib
import errno
import json
import os
import signal
import socket
import stat
import struct
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any, Optional, Union

from . import _check
from ._holders import holders

PROTOCOL = 1
_REQUEST_MAX = 4096  # bytes
_TIME_LIMIT_MAX = 60.0  # seconds
_PATIENCE = 5.0  # seconds that a client may take to ask, and to listen
_PAUSE = 0.1  # seconds until it is tried again where there was no descriptor for a client
_CREDENTIALS = struct.Struct("iII")  # struct ucred: process, user, group

_lock = threading.Lock()
_server: Optional["_Server"] = None


def _after_fork() -> None:
    """The child has neither the thread nor a name of its own: it gets both."""
    global _lock, _server  # noqa: PLW0603 # state of the process, as its sockets are
    _lock = threading.Lock()
    former, _server = _server, None
    if former is not None:
        former.listener.close()
        with contextlib.suppress(OSError, RuntimeError):  # a child without an answer is no reason to end it
            serve_holders(former.directory)


os.register_at_fork(after_in_child=_after_fork)


class _Server:
    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.name = f"holders-{os.getpid()}.sock"
        self.listener = _listen(directory, self.name)
        self.thread = threading.Thread(target=self._serve, name="arrowpool-holders", daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        # Signals are the program's: no handler of it waits for this thread.
        faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ECONNABORTED):
                    return  # it was closed
                time.sleep(_PAUSE)
                continue
            with client, contextlib.suppress(OSError):
                client.settimeout(_PATIENCE)
                if _may_ask(client):
                    client.sendall(_answer(_receive(client)))

    def stop(self) -> None:
        _remove(self.directory, self.name)
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self.thread.join(_PATIENCE)
        self.listener.close()


@contextlib.contextmanager
def _opened(directory: str) -> Iterator[str]:
    """A short path to a directory: that of a socket has at most 107 bytes."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _listen(directory: str, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        with _opened(directory) as short:
            if _is_served(f"{short}/{name}"):
                raise OSError(errno.EADDRINUSE, "another process answers here", os.path.join(directory, name))
            _remove(directory, name)  # of a process that had the number before
            listener.bind(f"{short}/{name}")
            os.chmod(f"{short}/{name}", 0o600)  # nobody can connect before it listens
        listener.listen(4)
    except BaseException:
        listener.close()
        raise
    return listener


def _is_served(path: str) -> bool:
    """Whether a process listens at a socket: one of another PID namespace may have our number."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe:
        probe.settimeout(_PATIENCE)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _remove(directory: str, name: str) -> None:
    with contextlib.suppress(OSError), _opened(directory) as short:
        found = os.lstat(f"{short}/{name}")
        if stat.S_ISSOCK(found.st_mode) and found.st_uid == os.geteuid():
            os.unlink(f"{short}/{name}")


def _may_ask(client: socket.socket) -> bool:
    """Whether the other end is of the same user, or root's."""
    _, user, _ = _CREDENTIALS.unpack(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return user in (os.geteuid(), 0)


def _receive(client: socket.socket) -> bytes:
    """A line without its end, or as much as there was of it."""
    data = b""
    while b"\n" not in data and len(data) < _REQUEST_MAX:
        more = client.recv(_REQUEST_MAX)
        if not more:
            break
        data += more
    return data.partition(b"\n")[0]


def _number(request: dict[str, Any], name: str, default: Union[int, float], most: Union[int, float]) -> Any:
    value = request.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, type(default))):
        raise ValueError(f"{name}: {value!r}: choose a number")
    if not 0 <= value <= most:
        raise ValueError(f"{name}: {value!r}: choose 0 to {most}")
    return value


def _answer(line: bytes) -> bytes:
    """The answer to a request, as a line."""
    answer: dict[str, Any] = {"protocol": PROTOCOL, "pid": os.getpid()}
    try:
        request = json.loads(line)
        if not isinstance(request, dict) or request.get("protocol") != PROTOCOL:
            raise ValueError(f"choose an object with \"protocol\": {PROTOCOL}")
        found = holders(limit=_number(request, "limit", 20, 100_000),
                        min_bytes=_number(request, "min_bytes", 4096, 2**63 - 1),
                        time_limit=_number(request, "time_limit", 2.0, _TIME_LIMIT_MAX))
        answer.update(found.to_dict())
    except ValueError as error:
        answer["error"] = f"request: {error}"
    except Exception as error:  # the asker is told, and the thread goes on
        answer["error"] = f"{type(error).__name__}: {error}"
    return json.dumps(answer).encode() + b"\n"


def serve_holders(directory: Union[str, "os.PathLike[str]", None]) -> Optional[str]:
    """Lets `arrowpool who --holders PID` ask this process what holders() answers, by a socket in that directory,
    holders-PID.sock, which is the user's own; a directory that is missing is made. Children of a fork do the same.

    Returns the socket's path. Called again, the socket is that of the new directory; None ends it. Raises OSError if
    there can be no socket.
    """
    global _server  # noqa: PLW0603 # as above
    path = None if directory is None else _check.directory(directory)
    with _lock:
        if path is not None:
            _check.make_directory(path)  # the former socket stays if there can be no other
        former, _server = _server, None
        if former is not None:
            former.stop()
        if path is None:
            return None
        _server = _Server(path)
        return os.path.join(path, _server.name)


def serve_if_asked() -> None:
    """Serves if ARROW_POOL_HOLDERS names a directory. Whether that can be is no reason not to be imported."""
    directory = os.environ.get("ARROW_POOL_HOLDERS")
    if directory:
        try:
            serve_holders(directory)
        except OSError as error:
            warnings.warn(f"ARROW_POOL_HOLDERS: {error}", RuntimeWarning, stacklevel=2)


@atexit.register
def _at_exit() -> None:
    if _server is not None:
        _remove(_server.directory, _server.name)

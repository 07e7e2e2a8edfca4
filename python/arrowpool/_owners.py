"""Who owns memory that C++ objects hand on: the NumPy array behind an Arrow buffer, the Arrow array behind a capsule.

pyarrow has no function for either. Where its C++ objects keep the owner is found out with objects of which the owner
is known, and read later only from objects of the same C++ class, told by their virtual table. What cannot be found
out is not guessed: the owner is None then.
"""

import ctypes
import importlib.util
import os
import struct
import sys
from typing import Any, Optional

_WORD = ctypes.sizeof(ctypes.c_void_p)
_WORDS_MAX = 32  # of a C++ buffer that are looked at
_DATA, _SIZE = 2, 3  # words of arrow::Buffer, after its virtual table and flags


def _array_imports_nothing() -> bool:
    """Whether pyarrow.array is without side effects: the first time it is given a NumPy array it imports pandas. Until
    it was, no Arrow array wraps a NumPy array."""
    return "pandas" in sys.modules or importlib.util.find_spec("pandas") is None


def _words(address: int, count: int, memory: int) -> tuple[int, ...]:
    """Reads words of this process as far as they can be read, from /proc/self/mem: any address may be tried."""
    try:
        data = os.pread(memory, count * _WORD, address)
    except (OSError, OverflowError):
        return ()
    return struct.unpack(f"{len(data) // _WORD}P", data[:len(data) // _WORD * _WORD])


def _find_cpp(buffer: Any, memory: int) -> Optional[tuple[int, tuple[int, ...]]]:
    """Where a pyarrow.Buffer has its pointer to the C++ buffer (bytes), and the words found there."""
    for place, address in enumerate(_words(id(buffer), type(buffer).__basicsize__ // _WORD, memory)):
        if place >= 2 and address and address % _WORD == 0:
            words = _words(address, _WORDS_MAX, memory)
            if words[_DATA:_SIZE + 1] == (buffer.address, buffer.size):
                return place * _WORD, words
    return None


class Owners:
    """Finds owners. Holds none."""

    def __init__(self, ndarray: Optional[type], lib: Any) -> None:
        """lib is pyarrow.lib, or None if it is not loaded."""
        self._places: dict[int, int] = {}  # a C++ class's virtual table: where its objects have the owner (bytes)
        self._pointer = 0  # where a pyarrow.Buffer has its pointer (bytes)
        self._wrap: dict[bytes, Any] = {}
        if lib is not None:
            self._wrap = {b"arrow::Array": _c_function(lib, "pyarrow_wrap_array"),
                          b"arrow::Buffer": _c_function(lib, "pyarrow_wrap_buffer")}
            try:
                memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return
            try:
                self._find_places(ndarray, lib, memory)
            finally:
                os.close(memory)

    def _find_places(self, ndarray: Optional[type], lib: Any, memory: int) -> None:
        exporter = bytearray(4096)
        samples: list[tuple[Any, Any]] = [(exporter, lib.py_buffer(exporter))]
        samples.append((exporter, lib.foreign_buffer(samples[0][1].address, 4096, exporter)))
        if ndarray is not None and _array_imports_nothing():
            numbers: Any = ndarray(512, "int64")
            samples.append((numbers, lib.array(numbers).buffers()[1]))
        for owner, buffer in samples:
            found = _find_cpp(buffer, memory)
            if found is None or self._pointer not in (0, found[0]):
                continue
            self._pointer, words = found
            places = [place for place in range(_SIZE + 1, len(words)) if words[place] == id(owner)]
            if places:
                self._places[words[0]] = places[0] * _WORD

    def of_buffer(self, buffer: Any) -> Any:
        """The object of Python's whose memory a buffer without a parent wraps, or None."""
        if not self._places:
            return None
        cpp = ctypes.c_void_p.from_address(id(buffer) + self._pointer).value or 0
        place = self._places.get(ctypes.c_void_p.from_address(cpp).value or 0) if cpp else None
        if place is None or not ctypes.c_void_p.from_address(cpp + place).value:
            return None
        return ctypes.py_object.from_address(cpp + place).value

    def of_capsule(self, one: Any) -> Any:
        """The pyarrow.Array or Buffer in a capsule that pyarrow makes the base of a NumPy array; another object is
        returned as it is."""
        if type(one).__name__ != "PyCapsule":
            return one
        name = _capsule_name(one)
        wrap = self._wrap.get(name or b"")
        return wrap(_capsule_pointer(one, name)) if wrap is not None else None


# Prototypes of our own: those of ctypes.pythonapi are shared with the whole program.
_capsule_name: Any = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
_capsule_pointer: Any = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi))


def _c_function(lib: Any, name: str) -> Any:
    """A function of pyarrow's C API that makes an object of a pointer to a std::shared_ptr; None if there is none."""
    capsule = getattr(lib, "__pyx_capi__", {}).get(name)
    if capsule is None:
        return None
    address = _capsule_pointer(capsule, _capsule_name(capsule))
    return ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(address)

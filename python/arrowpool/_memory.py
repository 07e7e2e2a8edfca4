"""The memory behind Arrow's, NumPy's and Polars' objects: what an object uses, and which buffers it keeps alive.

Buffers are followed to the memory that is freed as a whole: a slice to its parent, a NumPy view to its base, a buffer
that wraps NumPy's memory to the array that owns it (_owners.py). Regions of memory are told apart by their addresses,
so what several objects share is known to be the same.

Nothing here imports the libraries or lets go of the interpreter's lock but Array.nbytes, for nested types only.
"""

import gc
import sys
import types
from collections.abc import Iterable
from typing import Any, Optional

from ._owners import Owners

Region = tuple[int, int]
"""Memory that is freed as a whole: its address and its size (bytes). Where the address is not known (Polars) there is
the number of an object instead, below zero."""
Span = tuple[int, int]
"""Bytes that are used: from one address up to another."""

_OWNERS_MAX = 16  # objects that keep the memory of an array: a memoryview, its buffer, and so on
_OBJECTS_MAX = 1 << 20  # elements of an array of objects that are looked at

# What holds memory that cannot be looked into.
_UNSEEN = {
    "pyarrow.lib": ("RecordBatchReader", "_RecordBatchFileReader", "BufferOutputStream", "Tensor", "SparseCOOTensor",
                    "SparseCSRMatrix", "SparseCSCMatrix", "SparseCSFTensor"),
    "pyarrow._dataset": ("InMemoryDataset", "Scanner"),
    "pyarrow._acero": ("Declaration",),
    "polars": ("LazyFrame",),
}
_SEEN = {
    "numpy": ("ndarray",),
    "pyarrow.lib": ("Buffer", "Array", "ChunkedArray", "Table", "RecordBatch", "Scalar"),
    "polars": ("DataFrame", "Series"),
}
_METHODS = {"ndarray": "_add_ndarray", "Buffer": "_add_buffer", "Array": "_add_array", "ChunkedArray": "_add_chunked",
            "Table": "_add_table", "RecordBatch": "_add_batch", "Scalar": "_add_scalar", "DataFrame": "_add_polars",
            "Series": "_add_polars"}
_POLARS_NUMBERS = ("Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float32", "Float64")


def _find_classes(names: dict[str, tuple[str, ...]]) -> dict[str, type]:
    """The classes of libraries that are loaded, by their names."""
    found = {}
    for module, classes in names.items():
        namespace = getattr(sys.modules.get(module), "__dict__", {})
        found.update({name: namespace[name] for name in classes if isinstance(namespace.get(name), type)})
    return found


def merge_regions(regions: Iterable[Region]) -> dict[Region, Region]:
    """For each region the one that it is a part of: regions that overlap are one piece of memory."""
    merged: dict[Region, Region] = {}
    parts: list[Region] = []
    start = stop = 0

    def close() -> None:
        merged.update(dict.fromkeys(parts, (start, stop - start)))
        parts.clear()

    for place, size in sorted(set(regions)):
        if place >= stop or place < 0:
            close()
            start = stop = place
        stop = max(stop, place + size)
        parts.append((place, size))
    close()
    return merged


def count_bytes(spans: Iterable[Span]) -> int:
    """How many bytes there are in one or several of the spans."""
    total = end = 0
    for start, stop in sorted(spans):
        total += max(0, stop - max(start, end))
        end = max(end, stop)
    return total


def mapped_files() -> list[Span]:
    """Where files are mapped in this process: memory that the kernel can take at any time. In the order of the
    addresses."""
    found = []
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            for line in maps:
                addresses, *_, path = line.split(" ", 5)
                if path.lstrip().startswith("/") and not path.lstrip().startswith(("/memfd:", "/dev/", "/SYSV")):
                    start, _, stop = addresses.partition("-")
                    found.append((int(start, 16), int(stop, 16)))
    except OSError:
        pass
    return found


class Extent:
    """What an object takes of memory."""

    __slots__ = ("others", "regions", "spans")

    def __init__(self) -> None:
        self.regions: set[Region] = set()
        """What it keeps alive."""
        self.spans: list[Span] = []
        """What its own values take."""
        self.others: dict[Any, int] = {}
        """What further values take (bytes), each with something that tells it from others."""


class Memory:
    """Measures objects. Holds what it measured only as numbers, but for the time of a call."""

    def __init__(self) -> None:
        seen = _find_classes(_SEEN)
        self.seen = tuple(seen.values())
        self.unseen = tuple(_find_classes(_UNSEEN).values())
        self._numpy: Any = seen.get("ndarray")
        self._lib: Any = sys.modules.get("pyarrow.lib") if "Table" in seen else None
        self._owners = Owners(self._numpy, self._lib)
        self._base: Any = vars(self._numpy)["base"].__get__ if self._numpy else None
        self._regions: dict[Region, Optional[list[Region]]] = {}  # of roots of Arrow's buffers, by address and size
        self._measures = [(seen[name], method) for name, method in _METHODS.items() if name in seen]
        self._chosen: dict[type, Optional[str]] = {}

    def is_leaf(self, kind: type) -> bool:
        """Whether a type's objects are what is looked for."""
        return issubclass(kind, self.seen) or issubclass(kind, self.unseen)

    def owners(self, array: object) -> list[object]:
        """What keeps the memory of an array of NumPy's, which the garbage collector cannot know."""
        if not issubclass(type(array), self._numpy or ()):
            return []
        base = self._base(array)
        while issubclass(type(base), self._numpy):
            base = self._base(base)
        found = [] if base is None else [base]
        for owner in found:  # which grows
            if len(found) < _OWNERS_MAX and not self.is_leaf(type(owner)):
                found += [other for other in gc.get_referents(owner) if gc.is_tracked(other)
                          and not issubclass(type(other), (type, types.ModuleType))]
        return found

    def measure(self, one: object) -> Optional[Extent]:
        """What an object takes; None if that cannot be told."""
        extent = Extent()
        try:
            return extent if self._add(one, extent) else None
        except Exception:  # whatever is wrong with one object, the others are told
            return None

    def _add(self, one: object, extent: Extent) -> bool:
        kind = type(one)
        if kind not in self._chosen:
            self._chosen[kind] = next((method for base, method in self._measures if issubclass(kind, base)), None)
        method = self._chosen[kind]
        if method is None or issubclass(kind, self.unseen):
            return False
        getattr(self, method)(one, extent)
        return True

    # ---- Arrow ----

    def _add_region_of(self, buffer: Any, extent: Extent) -> None:
        if not buffer.is_cpu or buffer.size == 0:
            return
        root, parent = buffer, buffer.parent
        while parent is not None:
            root, parent = parent, parent.parent
        region = (root.address, root.size)
        if region not in self._regions:
            self._regions[region] = self._owner_regions(root)
        extent.regions.update(self._regions[region] or [region])

    def _owner_regions(self, root: Any) -> Optional[list[Region]]:
        """The regions of what owns a buffer's memory, if that is an object of Python's."""
        owner = self._owners.of_buffer(root)
        found = Extent()
        if owner is None or not self._add_memory_of(owner, found):
            return None
        start, stop = root.address, root.address + root.size
        if not any(place <= start <= stop <= place + size for place, size in found.regions):
            found.regions.add((root.address, root.size))  # the owner keeps other memory alive besides
        return list(found.regions)

    def _add_buffer(self, buffer: Any, extent: Extent) -> None:
        self._add_region_of(buffer, extent)
        if buffer.is_cpu and buffer.size:
            extent.spans.append((buffer.address, buffer.address + buffer.size))

    def _add_array(self, array: Any, extent: Extent) -> None:
        while isinstance(array, self._lib.ExtensionArray):
            array = array.storage
        array = array.slice(0)  # what pyarrow caches in an array goes with this one
        buffers = array.buffers()
        for buffer in buffers:
            if buffer is not None:
                self._add_region_of(buffer, extent)
        if isinstance(array, self._lib.DictionaryArray):
            self._add_array(array.dictionary, extent)
        if array.type.num_fields:
            self._add_nested(array, buffers, extent)
        elif len(array):
            self._add_flat(array, buffers, extent)

    def _add_nested(self, array: Any, buffers: list[Any], extent: Extent) -> None:
        self._add_whole(array, buffers, extent)
        if "dictionary<" in str(array.type):  # whose buffers are not among the array's
            for child in _children(array, self._lib):
                inner = Extent()
                self._add_array(child, inner)
                extent.regions |= inner.regions

    @staticmethod
    def _add_whole(array: Any, buffers: list[Any], extent: Extent) -> None:
        """The values of an array of which only pyarrow knows where they are."""
        key = (len(array), array.offset, *(buffer.address for buffer in buffers if buffer is not None))
        try:
            extent.others[key] = array.nbytes
        except Exception:  # there are types for which Arrow does not tell
            extent.others[key] = sum(buffer.size for buffer in buffers if buffer is not None)

    def _add_flat(self, array: Any, buffers: list[Any], extent: Extent) -> None:
        """The values of an array of numbers or of texts."""
        kind, first, end = array.type, array.offset, array.offset + len(array)
        offset_bytes = {self._lib.Type_STRING: 4, self._lib.Type_BINARY: 4, self._lib.Type_LARGE_STRING: 8,
                        self._lib.Type_LARGE_BINARY: 8}.get(kind.id)
        try:
            width = offset_bytes or kind.bit_width
        except ValueError:  # a view of texts, or null
            self._add_whole(array, buffers, extent)
            return
        if buffers[0] is not None:
            extent.spans.append(_bits(buffers[0], first, end))
        if buffers[1] is None:
            return
        if offset_bytes is None:
            extent.spans.append(_bits(buffers[1], first * width, end * width))
            return
        extent.spans.append((buffers[1].address + first * width, buffers[1].address + end * width))  # as nbytes has it
        if buffers[2] is not None:
            offsets = memoryview(buffers[1])
            start, stop = (int.from_bytes(offsets[place * width:(place + 1) * width], sys.byteorder)
                           for place in (first, end))
            extent.spans.append((buffers[2].address + start, buffers[2].address + stop))

    def _add_chunked(self, chunked: Any, extent: Extent) -> None:
        for chunk in chunked.chunks:
            self._add_array(chunk, extent)

    def _add_table(self, table: Any, extent: Extent) -> None:
        for column in table.columns:
            self._add_chunked(column, extent)

    def _add_batch(self, batch: Any, extent: Extent) -> None:
        for column in batch.columns:
            self._add_array(column, extent)

    def _add_scalar(self, scalar: Any, extent: Extent) -> None:
        lib = self._lib
        if not scalar.is_valid:
            return
        if isinstance(scalar, lib.BinaryScalar):
            self._add_buffer(scalar.as_buffer(), extent)
        elif isinstance(scalar, lib.ListScalar):
            self._add_array(scalar.values, extent)
        elif isinstance(scalar, lib.DictionaryScalar):
            self._add_array(scalar.dictionary, extent)
        elif isinstance(scalar, lib.StructScalar):
            for place in range(len(scalar)):
                self._add_scalar(scalar[place], extent)
        elif isinstance(scalar, (lib.ExtensionScalar, lib.UnionScalar)):
            self._add_scalar(scalar.value, extent)

    def part(self, one: Any) -> str:
        """Where in a table the largest region is that it keeps alive: " -> column 'a' -> chunk 3"."""
        lib = self._lib
        if lib is None:
            return ""
        text = ""
        if issubclass(type(one), (lib.Table, lib.RecordBatch)) and one.num_columns:
            place = self._largest(one.columns)
            text, one = f" -> column {one.schema.names[place]!r}", one.column(place)
        if issubclass(type(one), lib.ChunkedArray) and one.num_chunks > 1:
            text += f" -> chunk {self._largest(one.chunks)}"
        return text

    def _largest(self, parts: list[Any]) -> int:
        extents = [self.measure(part) or Extent() for part in parts]
        sizes = [max((size for _, size in extent.regions), default=0) for extent in extents]
        return sizes.index(max(sizes))

    # ---- NumPy ----

    def _add_ndarray(self, array: Any, extent: Extent) -> None:
        if array.dtype.kind == "O":
            self._add_elements(array, extent)
        if array.nbytes == 0:
            return
        span = _bounds(array)
        if span[1] - span[0] == array.nbytes:
            extent.spans.append(span)
        else:  # with gaps, or the same element many times
            extent.others[span] = min(array.nbytes, span[1] - span[0])
        owner, base = array, self._base(array)
        while issubclass(type(base), self._numpy):
            owner, base = base, self._base(base)
        if type(base).__name__ == "DummyArray":  # of numpy.lib.stride_tricks
            base = base.base
        base = self._owners.of_capsule(base)
        if base is None or not self._add_memory_of(base, extent):
            start, stop = _bounds(owner)
            extent.regions.add((start, stop - start))

    def _add_elements(self, array: Any, extent: Extent) -> None:
        """What the elements of an array of objects keep alive: pandas has lists as such."""
        if array.size <= _OBJECTS_MAX:
            elements = array.ravel().tolist()
            if any(self.is_leaf(kind) for kind in set(map(type, elements))):
                for element in elements:
                    if element is not array:
                        self._add(element, extent)

    def _add_memory_of(self, owner: Any, extent: Extent) -> bool:
        """Adds the regions of an object whose memory another one uses. Returns whether they are known."""
        while type(owner) is memoryview:
            owner = owner.obj
        found = Extent()
        if type(owner) in (bytes, bytearray) or type(owner).__module__ in ("array", "mmap"):
            # What has lent its memory already cannot be resized or closed anyway while it lends it once more.
            wrapped = sys.modules["numpy"].frombuffer(owner, "u1") if self._numpy else self._lib.py_buffer(owner)
            start = _bounds(wrapped)[0] if self._numpy else wrapped.address
            found.regions.add((start, wrapped.nbytes if self._numpy else wrapped.size))
        else:
            self._add(owner, found)
        extent.regions |= found.regions
        return bool(found.regions)

    # ---- Polars: as much as it tells ----

    def _add_polars(self, frame: Any, extent: Extent) -> None:
        series = frame.get_columns() if hasattr(frame, "get_columns") else [frame]
        for place, one in enumerate(series):
            size = one.estimated_size()
            span = _polars_span(one)
            if span is not None:
                extent.spans.append(span)
                extent.regions.add((span[0], span[1] - span[0]))
                size -= span[1] - span[0]
            if size > 0:
                extent.others[id(frame), place] = size
                extent.regions.add((-(id(frame) << 20) - place, size))


def _children(array: Any, lib: Any) -> list[Any]:
    if isinstance(array, (lib.StructArray, lib.UnionArray)):
        return [array.field(place) for place in range(array.type.num_fields)]
    return [array.values] if hasattr(array, "values") else []


def _bits(buffer: Any, first: int, end: int) -> Span:
    """The bytes that have these bits of a buffer."""
    return buffer.address + first // 8, buffer.address + (end + 7) // 8


def _bounds(array: Any) -> Span:
    """From the first byte of an array of NumPy's to the last."""
    start = array.__array_interface__["data"][0]
    stop = start + array.itemsize
    for count, stride in zip(array.shape, array.strides):
        if stride < 0:
            start += (count - 1) * stride
        else:
            stop += (count - 1) * stride
    return start, stop


def _polars_span(series: Any) -> Optional[Span]:
    """Where the numbers of a series are, if they are in one piece and NumPy can see them there."""
    if str(series.dtype) not in _POLARS_NUMBERS or series.n_chunks() != 1 or len(series) == 0:
        return None
    try:
        return _bounds(series.to_numpy(allow_copy=False))
    except Exception:  # it has nulls, or this version of Polars has no such argument
        return None

"""What a result comes to: figures that are the same whichever pool served it, in whichever order its rows came.

They are taken from the result as it lies in memory and allocate next to nothing, so that the process's memory can be
looked at afterwards. Floating point is summed in another order each time: compare it with a tolerance.
"""

import dataclasses
import datetime
import numbers

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TWO_TO_64 = 1 << 64


@dataclasses.dataclass
class Digest:
    rows: int = 0  # over all arrays, those within others included
    nulls: int = 0
    integers: int = 0  # the sum of all integers, dates and truth values, modulo 2^64
    floats: float = 0.0  # the sum of all floating point
    bytes: int = 0  # the sum of the bytes of strings and buffers
    size: int = 0  # and how many these are

    def add(self, result):
        if isinstance(result, pa.Array):
            self.add_array(result)
        elif isinstance(result, pa.ChunkedArray):
            self.add_all(result.chunks)
        elif isinstance(result, pa.Table | pa.RecordBatch):
            self.add_all(result.columns)
        elif isinstance(result, pa.Buffer):
            self.add_bytes(np.frombuffer(result, np.uint8))
        elif isinstance(result, list | tuple):
            self.add_all(result)
        elif isinstance(result, numbers.Integral):
            self.add_integer(result)
        elif isinstance(result, numbers.Real):
            self.floats += float(result)
        elif hasattr(result, "columns"):  # a DataFrame of pandas
            self.add_all(result[name] for name in result.columns)
        else:
            self.add_series(result)

    def add_all(self, results):
        for result in results:
            self.add(result)

    def add_integer(self, value):
        self.integers = (self.integers + int(value)) % TWO_TO_64

    def add_bytes(self, octets):
        self.bytes += int(octets.sum(dtype=np.uint64))
        self.size += len(octets)

    def add_array(self, array):
        kind = array.type
        self.rows += len(array)
        self.nulls += array.null_count
        if pa.types.is_integer(kind):
            self.add_integer(pc.sum(array).as_py() or 0)
        elif pa.types.is_date32(kind):
            self.add_integer(pc.sum(array.view(pa.int32())).as_py() or 0)
        elif pa.types.is_boolean(kind):
            self.add_integer(array.true_count)
        elif pa.types.is_floating(kind):
            self.floats += pc.sum(array).as_py() or 0.0
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            self.add_strings(array)
        elif pa.types.is_list(kind):
            self.add(array.flatten())
        elif pa.types.is_struct(kind):
            self.add_all(array.flatten())
        elif pa.types.is_dictionary(kind):
            self.add_all([array.indices, array.dictionary])
        else:
            raise TypeError(f"no digest of {kind}")

    def add_strings(self, array):
        _, offsets, data = array.buffers()
        if len(array) and data:
            width = np.int64 if pa.types.is_large_string(array.type) else np.int32
            offsets = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]
            self.add_bytes(np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]])

    def add_series(self, series):
        """A column of pandas: Arrow's as such, numpy's by its sum, dates by their numbers."""
        if hasattr(series.array, "__arrow_array__") and series.dtype.kind not in "iufb":
            self.add(series.array.__arrow_array__())
            return
        values = series.to_numpy()
        self.rows += len(values)
        if values.dtype.kind in "iub":
            self.add_integer(values.sum())
        elif values.dtype.kind == "f":
            self.floats += float(values.sum())
        else:
            self.add_integer(sum(value.toordinal() for value in values if isinstance(value, datetime.date)))


def digest(result):
    """As a dict that JSON takes."""
    found = Digest()
    found.add(result)
    return dataclasses.asdict(found)

"""What a workload is given: where the data is, how much of it there is, and what has to be undone in the end."""

import contextlib
import os
import tempfile

import pyarrow as pa
import pyarrow.ipc

MEMORY_FOLDER = "/dev/shm"  # files in memory, where there are: a disk would be measured otherwise


class Inputs(contextlib.ExitStack):
    def __init__(self, folder, scale=1.0):
        super().__init__()
        self.folder, self.scale = folder, scale

    def path(self, name):
        return os.path.join(self.folder, name)

    def count(self, full):
        """How many of something there are in data of this scale."""
        return max(100, int(full * self.scale))

    def events(self):
        """The events, mapped from the file: no pool has served them."""
        return pa.ipc.open_file(pa.memory_map(self.path("events.arrow"))).read_all()

    def parquet(self, name):
        import pyarrow.parquet

        return pyarrow.parquet.read_table(self.path(name + ".parquet"))

    def output(self):
        """The path of a file to be written."""
        folder = MEMORY_FOLDER if os.path.isdir(MEMORY_FOLDER) else None
        return os.path.join(self.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=folder)), "output")

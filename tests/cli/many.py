"""Make many dumps, each of another process, with figures that say which.  Usage: many.py DIRECTORY COUNT"""

import json
import pathlib
import sys

FIELDS = ("bytes_allocated", "num_allocations", "num_reallocations", "total_bytes_allocated", "num_failed",
          "num_fallbacks", "reallocs_in_place", "reallocs_remapped", "reallocs_copied", "bytes_grown_in_place",
          "bytes_remapped", "bytes_copied", "max_memory", "inherited_bytes")
HISTOGRAM = [{"from_bytes": 1 << bucket, "count": 10} for bucket in range(6, 20)]


def dump(number):
    pools = [{"name": name, "backend": "jemalloc", "size_basis": "requested", **dict.fromkeys(FIELDS, number * 1000),
              "num_frees": number, "size_histogram": HISTOGRAM, "live_histogram": []}
             for name in ("arrow.mimalloc", "libc")]
    process = {"pid": 1000 + number % 30000, "program": "python3", "host": f"host{number % 50}",
               "start_time": 1.7e9 + number // 30000, "time": 1.7e9 + 100, "rss_bytes": 1, "peak_rss_bytes": 2,
               "idle_bytes": 3, "jemalloc_active_bytes": None, "jemalloc_resident_bytes": None,
               "jemalloc_metadata_bytes": None}
    return {"schema": "arrowpool/1", "version": "0.1.0", "process": process, "pools": pools}


def main():
    directory, count = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    for number in range(count):
        part = directory / str(number // 1000)
        if number % 1000 == 0:
            part.mkdir(parents=True)
        (part / f"{number}.json").write_text(json.dumps(dump(number), separators=(",", ":")))


if __name__ == "__main__":
    main()

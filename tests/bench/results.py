"""The figures of a run: what was measured, and the questions that tables and goals ask of it.

A cell is one case with one allocator; its runs are the JSON objects its processes printed, in order. Warm and
cold cells are kept apart. A question about something that was not measured is answered with None.
"""

import math
import statistics

TIME = {"growth": "total_ms", "reuse": "total_ms", "trim": "total_ms", "churn": "ns_per_pair", "many": "us_per_buffer",
        "count": "ns_per_pair", "arrow": "seconds", "work": "wall_min"}
SAME = 1e-9  # floating point that was summed in another order


class Results:
    def __init__(self, cells=()):
        self.cells = {tuple(cell["key"]): cell["runs"] for cell in cells}

    def add(self, case, who, temperature, run):
        self.cells.setdefault((case, who, temperature), []).append(run)

    def as_json(self):
        return [{"key": key, "runs": runs} for key, runs in self.cells.items()]

    def values(self, case, who, field, temperature="warm"):
        runs = self.cells.get((case, who, temperature), [])
        return [run[field] for run in runs if field in run]

    def has(self, case, who, temperature="warm"):
        return bool(self.cells.get((case, who, temperature)))

    def seconds(self, case, who):
        """What a run takes, as far as it says so."""
        milliseconds = self.least(case, who, "total_ms")
        return milliseconds / 1000 if milliseconds is not None else self.least(case, who, "seconds") or 0.0

    def _of(self, function, *question, **options):
        values = self.values(*question, **options)
        return function(values) if values else None

    def least(self, *question, **options):
        return self._of(min, *question, **options)

    def most(self, *question, **options):
        return self._of(max, *question, **options)

    def median(self, *question, **options):
        return self._of(statistics.median, *question, **options)

    def spread(self, *question, **options):
        """(maximum - minimum) / minimum."""
        return self._of(lambda values: max(values) / min(values) - 1 if min(values) > 0 else 0.0, *question, **options)


def ratio(above, below):
    return above / below if above is not None and below else None


def differences(expected, found):
    """Where two digests of a workload's results are not those of one result."""
    def same(a, b):
        return math.isclose(a, b, rel_tol=SAME) if isinstance(a, float) and isinstance(b, float) else a == b

    return [f"{name} {found.get(name)} instead of {value}" for name, value in expected.items()
            if not same(value, found.get(name))]

"""The table of workloads: each module of this package adds its own with the decorator."""

from collections.abc import Callable
from dataclasses import dataclass

WORKLOADS = {}


@dataclass(frozen=True)
class Workload:
    prepare: Callable  # is given the Inputs, and returns the function to be measured
    iterations: int  # in one process


def workload(iterations=3):
    """Adds the decorated function by its name. What it does itself is preparation, and is not measured: reading the
    inputs, above all, and importing."""

    def add(prepare):
        WORKLOADS[prepare.__name__] = Workload(prepare, iterations)
        return prepare

    return add

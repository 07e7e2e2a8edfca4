"""arrowpool.holders(): how much it does for each of many objects, which does not depend on the machine."""

import collections
import gc
import sys

import arrowpool
import pyarrow as pa
import pytest

OBJECTS = 200_000


class Counts:
    """While it is in force: how many functions of Python were called, and how many objects gc.get_referents was asked
    about, in how many calls."""

    def __init__(self):
        self.python_calls = self.asked = self.asks = 0
        self._real = gc.get_referents

    def _ask(self, *objects):
        self.asks += 1
        self.asked += len(objects)
        return self._real(*objects)

    def _note(self, frame, event, argument):
        self.python_calls += event == "call" and frame.f_code is not self._ask.__code__

    def __enter__(self):
        gc.get_referents = self._ask
        sys.setprofile(self._note)
        return self

    def __exit__(self, *unused):
        sys.setprofile(None)
        gc.get_referents = self._real


def cells():
    return [[number] for number in range(OBJECTS)], lambda many, one: many[77_777].append(one)


def records():
    Record = collections.namedtuple("Record", "number, cell")
    many = [Record(number, []) for number in range(OBJECTS)]
    return many, lambda many, one: many[77_777].cell.append(one)


def instances():
    class Node:
        def __init__(self, number):
            self.number = number

    many = {number: Node(str(number)) for number in range(OBJECTS)}
    return many, lambda many, one: setattr(many[77_777], "one", one)


def search():
    with Counts() as counts:
        found = arrowpool.holders(limit=None, min_bytes=0, time_limit=None)
    return counts, found


@pytest.mark.parametrize("kind", [cells, records, instances])
def test_an_object_more_is_asked_once_and_in_a_batch(kept, kind):
    """Besides the walk, objects are asked again that are near to memory."""
    kept.many, put = kind()
    put(kept.many, pa.table({"a": range(100_000)}).slice(0, 10))
    counts, found = search()
    visited = found.num_visited
    assert [one for one in found if one.name == "kept.many" and one.bytes_pinned == 800_000]
    del kept.many, found
    before, without = search()
    more = visited - without.num_visited
    assert more > 0.99 * OBJECTS
    assert counts.asked - before.asked < 1.05 * more
    assert counts.asks - before.asks < more / 100
    assert counts.python_calls - before.python_calls < more / 20

"""Watches Arrow's memory while a part of a program runs: its peak, and what became of the pools."""

import os
import threading
import time
from typing import Optional

from . import _library
from ._chart import svg
from ._process import known, live_bytes, pools_of_arrow, sees_all
from ._snapshot import Change, Snapshot, format_change, note, snapshot
from ._stats import format_bytes, format_seconds, html_table

_MOST_SAMPLES = 1000

# The library has one watch for the peak, which is taken whenever one begins or ends here, for all that run.
_running: "list[Watch]" = []
_lock = threading.Lock()


def _after_fork() -> None:
    global _lock  # noqa: PLW0603 # another thread, which the child does not have, may have held it
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


def _take_peak(going_on: bool) -> None:
    """Has all that run know the peak so far. The caller holds the lock."""
    peak = _library.take_peak(going_on)
    for one in _running:
        one._own_peak = max(one._own_peak, peak or 0)


class _Sampler(threading.Thread):
    """Asks now and then what is live."""

    def __init__(self, interval: float) -> None:
        super().__init__(name="arrowpool watch", daemon=True)
        self._interval, self._begun, self._end = interval, time.monotonic(), threading.Event()
        self.samples = [(0.0, live_bytes())]

    def _sample(self) -> None:
        self.samples.append((time.monotonic() - self._begun, live_bytes()))

    def run(self) -> None:
        while not self._end.wait(self._interval):
            self._sample()
            if len(self.samples) > _MOST_SAMPLES:
                highest = max(self.samples, key=lambda sample: sample[1])
                self.samples = sorted({*self.samples[::2], highest})
                self._interval *= 2

    def stop(self) -> None:
        self._end.set()
        self.join()
        self._sample()


class _PeaksOfArrow:
    """The peaks of pyarrow's own pools, where only they themselves can be asked: each knows that of its whole life."""

    def __init__(self) -> None:
        self._begin = self._ask()

    @staticmethod
    def _ask() -> "dict[str, tuple[Optional[int], int, int]]":
        return {name: (known(getattr(pool, "num_allocations", None)), pool.bytes_allocated(), pool.max_memory() or 0)
                for name, pool in pools_of_arrow().items()}

    def peak(self, own_peak: int, own_changed: bool) -> "tuple[int, bool]":
        """The least that the peak over all pools was (bytes), and whether it was that. own_peak is of the pools that
        arrowpool serves."""
        now = self._ask()
        changed = [name for name, was in self._begin.items() if now[name] != was or was[0] is None]
        rest = sum(live for name, (_, live, _) in now.items() if name not in changed)
        risen = [now[name][2] for name in changed if now[name][2] > self._begin[name][2]]
        if not changed:
            return own_peak + rest, True
        if len(changed) == len(risen) == 1 and not own_changed:
            return own_peak + risen[0] + rest, True
        highest = max(risen, default=0)
        return (max(own_peak, highest) if own_changed else own_peak + highest) + rest, False


class Watch:
    """What Arrow's memory did within a with statement, by arrowpool.watch(). Its figures can be asked within, too."""

    before: Snapshot
    """When it began."""
    after: Optional[Snapshot] = None
    """When it ended; None: it has not."""

    def __init__(self, interval: Optional[float]) -> None:
        self._interval = interval
        self._own_peak = 0
        self._sampler: Optional[_Sampler] = None
        self._least, self._is_exact = 0, True

    def __enter__(self) -> "Watch":
        if hasattr(self, "before"):
            raise RuntimeError("watch: this one has begun before: call arrowpool.watch() anew")
        self.before = snapshot()
        self._arrow = None if sees_all() else _PeaksOfArrow()
        with _lock:
            _take_peak(True)
            _running.append(self)
        if self._interval is not None:
            self._sampler = _Sampler(self._interval)
            self._sampler.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._sampler:
            self._sampler.stop()
        with _lock:
            _take_peak(len(_running) > 1)
            _running.remove(self)
        self.after = snapshot()
        self._find_peak(self.after)

    def _find_peak(self, now: Snapshot) -> None:
        self._least = self._own_peak
        if self._arrow:
            change = now - self.before
            changed = any(not name.startswith("pyarrow.") for name in change.pools)
            self._least, self._is_exact = self._arrow.peak(self._own_peak, changed)
        sampled = [live for _, live in self.samples]
        self._least = max(self._least, self.before.bytes_allocated, now.bytes_allocated, *sampled)

    def _up_to_date(self) -> Snapshot:
        if self.after is not None:
            return self.after
        if not hasattr(self, "before"):
            raise RuntimeError("watch: it has not begun: use it in a with statement")
        with _lock:
            _take_peak(True)
        now = snapshot()
        self._find_peak(now)
        return now

    @property
    def change(self) -> Change:
        """What became of the pools: from the beginning to the end, or to now."""
        return self._up_to_date() - self.before

    @property
    def peak_bytes(self) -> int:
        """Most that was live at one time, over all pools (bytes); what lived before it began is included."""
        self._up_to_date()
        return self._least

    @property
    def rise_bytes(self) -> int:
        """How much that is above what was live when it began (bytes)."""
        return self.peak_bytes - self.before.bytes_allocated

    @property
    def peak_is_exact(self) -> bool:
        """Whether the peak is that of all pools, to 256 KiB for each thread that allocates. If not (without the shim),
        it was at least so high: pyarrow's own pools only tell the peak of their whole life."""
        self._up_to_date()
        return self._is_exact

    @property
    def samples(self) -> "list[tuple[float, int]]":
        """(seconds since the beginning, live bytes) every `interval` seconds; fewer where it takes long."""
        return list(self._sampler.samples) if self._sampler else []

    def _format_peak(self) -> str:
        least = "" if self.peak_is_exact else "at least "
        return f"{least}{format_bytes(self.peak_bytes)} ({format_change(self.rise_bytes)})"

    def __repr__(self) -> str:
        if not hasattr(self, "before"):
            return "<arrowpool.Watch: not begun>"
        now, change = self._up_to_date(), self.change
        growth = f", {change.growth}" if change.growth else ""
        part = "" if now.sees_all else "; without the shim"
        return (f"<arrowpool.Watch: peak {self._format_peak()}, "
                f"{format_bytes(change.total.total_bytes_allocated)} allocated{growth}, "
                f"{format_bytes(now.bytes_allocated)} live and {format_bytes(now.idle_bytes)} idle "
                f"{'after' if self.after else 'so far, after'} {format_seconds(change.seconds)}{part}>")

    def _repr_html_(self) -> str:
        if not hasattr(self, "before"):
            return html_table(("watch",), [("not begun",)])
        now, change = self._up_to_date(), self.change
        total = change.total
        kept = sum(one or 0 for one in (total.bytes_grown_in_place, total.bytes_remapped))
        none = "no buffer was resized" if now.sees_all else "not known of pyarrow's own pools"
        rows = [("peak", self._format_peak()), ("allocated", format_bytes(total.total_bytes_allocated)),
                ("growth", f"{change.growth}; {format_bytes(kept)} were not copied" if change.growth else none),
                ("live after", f"{format_bytes(now.bytes_allocated)} ({format_change(total.bytes_allocated)})"),
                ("idle after", format_bytes(now.idle_bytes)),
                ("resident after", f"{format_bytes(now.rss_bytes)} ({format_change(change.rss_bytes)})"),
                ("time", format_seconds(change.seconds))]
        chart = svg(self.samples, self.peak_bytes) if len(self.samples) > 2 else ""
        return html_table(("arrowpool", ""), rows) + chart + note(now.sees_all)


def watch(*, interval: Optional[float] = 0.01) -> Watch:
    """Watches Arrow's memory within a with statement:

        with arrowpool.watch() as w:
            table = pq.read_table("data.parquet")
        print(w)                # peak, allocated, growth in place, live and idle afterwards
        w.peak_bytes, w.rise_bytes, w.change.total.bytes_copied

    interval: seconds between two samples of what is live, which a thread takes for the chart; the peak needs
        them only without the shim. None: no samples, and no thread.

    With the shim preloaded (`arrowpool run`) it sees all of Arrow's memory. Without it, the pools of arrowpool.pool()
    and what pyarrow says of its own: Watch.peak_is_exact tells whether the peak may have been higher. Other threads'
    memory is included. Watches may nest and overlap.
    """
    if interval is not None and (isinstance(interval, (bool, str)) or not interval > 0):
        raise ValueError(f"interval: {interval!r}: choose seconds above 0, or None for no samples")
    return Watch(interval)

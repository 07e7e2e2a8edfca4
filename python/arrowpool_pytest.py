"""Arrow's memory in tests: the plugin of pytest that the wheel brings, with `--arrowpool` and the marker arrow_limit.

Beside the package, which is imported, and pyarrow with it, where a test asks for it only.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

_FIGURES = "arrowpool"
_EXAMPLE = '@pytest.mark.arrow_limit("64MiB")'


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("arrowpool", "Arrow's memory (arrowpool)")
    group.addoption("--arrowpool", action="store_true", help="tell the peak of Arrow's memory of each test")
    group.addoption("--arrowpool-most", metavar="N", type=int, default=10,
                    help="with --arrowpool: so many tests are told, those with the highest peaks; 0: all (default: 10)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "arrow_limit(bytes): fail the test if Arrow's memory rises by more than that "
                                       'during it: an int, or a str such as "64MiB"')
    if config.option.arrowpool_most < 0:
        raise pytest.UsageError("--arrowpool-most: choose 0 or more")
    if config.option.arrowpool:
        try:
            import arrowpool  # noqa: F401 # whether it can be
        except ImportError as error:
            raise pytest.UsageError(f"--arrowpool: {error}") from error


def pytest_report_header(config: pytest.Config) -> str | None:
    if not config.option.arrowpool:
        return None
    import arrowpool
    from arrowpool._snapshot import PART

    seen = "all of Arrow's memory is seen" if arrowpool.is_active() else f"{PART} (arrowpool run -- pytest: all)"
    return f"arrowpool {arrowpool.__version__}: {seen}"


def _limit_of(item: pytest.Item) -> int | None:
    """The limit in bytes; None if the test has none."""
    mark = item.get_closest_marker("arrow_limit")
    if mark is None:
        return None
    if len(mark.args) != 1 or mark.kwargs or mark.args[0] is None:
        raise ValueError(f"arrow_limit: it has one argument: {_EXAMPLE}")
    from arrowpool._pool import _check_limit

    try:
        return _check_limit(mark.args[0])
    except (TypeError, ValueError) as error:
        raise type(error)(f"arrow_{error}") from None


def _complaint(watched: Any, limit: int) -> str | None:
    from arrowpool._stats import format_bytes

    if watched.rise_bytes <= limit:
        return None
    least = "" if watched.peak_is_exact else "at least "
    pools = ", ".join(f"{name} {format_bytes(pool.total_bytes_allocated)}"
                      for name, pool in watched.change.pools.items() if pool.num_allocations != 0)
    return (f"arrow_limit: Arrow's memory rose by {least}{format_bytes(watched.rise_bytes)}, "
            f"and {format_bytes(limit)} are allowed. Allocated: {pools}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    limit = _limit_of(item)
    if limit is None and not item.config.option.arrowpool:
        yield
        return
    import arrowpool

    with arrowpool.watch(interval=None if arrowpool.is_active() else 0.002) as watched:
        outcome = yield
    total = watched.change.total
    item.user_properties.append((_FIGURES, {
        "peak_bytes": watched.rise_bytes, "peak_is_exact": watched.peak_is_exact, "limit_bytes": limit,
        "allocated_bytes": total.total_bytes_allocated, "kept_bytes": total.bytes_allocated}))
    complaint = None if limit is None or outcome.excinfo else _complaint(watched, limit)
    if complaint:
        outcome.force_exception(pytest.fail.Exception(complaint, pytrace=False))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found
               if getattr(report, "when", None) == "call"]
    figures = [(figures, report.nodeid) for report in reports for name, figures in report.user_properties
               if name == _FIGURES]
    if not figures:
        return
    from arrowpool._snapshot import format_change
    from arrowpool._stats import format_bytes

    if config.option.arrowpool:
        terminalreporter.section("Arrow's memory, by test")
        terminalreporter.line("        peak    allocated         kept  test")
        figures.sort(key=lambda one: -one[0]["peak_bytes"])
        for one, test in figures[:config.option.arrowpool_most or None]:
            peak = ("" if one["peak_is_exact"] else ">=") + format_bytes(one["peak_bytes"])
            terminalreporter.line(f"{peak:>12} {format_bytes(one['allocated_bytes']):>12} "
                                  f"{format_change(one['kept_bytes']):>12}  {test}")
        left = len(figures) - (config.option.arrowpool_most or len(figures))
        if left > 0:
            terminalreporter.line(f"{left} more had lower peaks; --arrowpool-most=0 tells all")
    unsure = [test for one, test in figures if _may_be_over(one)]
    if unsure:
        terminalreporter.line(f"arrowpool: without the shim it cannot be seen whether these kept to their arrow_limit; "
                              f"arrowpool run -- pytest sees all: {', '.join(unsure)}")


def _may_be_over(one: dict[str, Any]) -> bool:
    """Whether a test that was not found to be over its limit allocated enough to have been."""
    limit, allocated = one["limit_bytes"], one["allocated_bytes"]
    return (limit is not None and not one["peak_is_exact"] and one["peak_bytes"] <= limit
            and (allocated is None or allocated > limit))

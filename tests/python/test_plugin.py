"""The plugin of pytest: limits of tests, and the report of their peaks. Runs with and without the shim."""

import importlib.metadata
import os
import re
import sys

import arrowpool
import pyarrow as pa
import pytest

pytest_plugins = ["pytester"]
entered = any(point.value == "arrowpool_pytest" for found in importlib.metadata.distributions()
              for point in found.entry_points if point.group == "pytest11")  # in a wheel; else it is asked for
tells_totals = hasattr(pa.default_memory_pool(), "total_bytes_allocated")

HEAD = """
import arrowpool, pyarrow as pa, pytest
pool = arrowpool.pool("plugin")
kept = []
def allocate(size, pool=pool):
    pa.allocate_buffer(size, pool)
"""


@pytest.fixture
def run(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))  # the folder is another

    def run_with(tests, *options):
        pytester.makepyfile(HEAD + tests)
        given = () if entered else ("-p", "arrowpool_pytest")
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *given, *options)
    return run_with


def test_a_test_over_its_limit_fails_and_says_why(run):
    result = run("""
@pytest.mark.arrow_limit("1MiB")
def test_over(): allocate((1 << 20) + 64)
@pytest.mark.arrow_limit("1MiB")
def test_at_the_limit(): allocate(1 << 20)
@pytest.mark.arrow_limit(1 << 20)
def test_one_after_the_other(): allocate(1 << 20), allocate(1 << 20)
""")
    result.assert_outcomes(passed=2, failed=1)
    why = "arrow_limit: Arrow's memory rose by *1.0 MiB, and 1.0 MiB are allowed. Allocated: *c:plugin 1.0 MiB*"
    result.stdout.fnmatch_lines([why])
    result.stdout.no_fnmatch_line("*arrowpool_pytest.py*")  # no traceback of ours


def test_what_lived_before_and_what_fixtures_make_is_not_the_tests(run):
    run("""
@pytest.fixture
def table(): kept.append(pa.allocate_buffer(8 << 20, pool))
@pytest.mark.arrow_limit("1MiB")
def test_with_fixture(table): allocate(1000)
""").assert_outcomes(passed=1)


def test_a_class_and_a_module_may_have_the_limit(run):
    run("""
pytestmark = pytest.mark.arrow_limit("1MiB")
def test_over(): allocate(2 << 20)
@pytest.mark.arrow_limit("4MiB")
class TestMore:
    def test_under(self): allocate(2 << 20)
""").assert_outcomes(passed=1, failed=1)


def test_a_failure_of_the_tests_own_stays(run):
    result = run("""
@pytest.mark.arrow_limit("1MiB")
def test_fails():
    allocate(2 << 20)
    assert "its own" == "failure"
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*'its own' == 'failure'*"])
    result.stdout.no_fnmatch_line("arrow_limit: *")


def test_xfail_and_skip_are_as_always(run):
    run("""
@pytest.mark.xfail(strict=True)
@pytest.mark.arrow_limit("1MiB")
def test_over(): allocate(2 << 20)
@pytest.mark.arrow_limit("1MiB")
def test_skipped(): pytest.skip("for a reason")
""").assert_outcomes(xfailed=1, skipped=1)


@pytest.mark.parametrize(("limit", "text"), [
    ('"12 parsecs"', "ValueError: arrow_limit: '12 parsecs': choose bytes such as"),
    ("0", "ValueError: arrow_limit: 0: choose 1 to"),
    ("1.5", "TypeError: arrow_limit: 1.5 is of float: choose"),
    ("", 'ValueError: arrow_limit: it has one argument: @pytest.mark.arrow_limit("64MiB")'),
    ("1, 2", "ValueError: arrow_limit: it has one argument: "),
    ("bytes=1", "ValueError: arrow_limit: it has one argument: "),
])
def test_a_limit_that_cannot_be_is_told(run, limit, text):
    result = run(f"@pytest.mark.arrow_limit({limit})\ndef test(): pass")
    result.assert_outcomes(failed=1)
    assert text in result.stdout.str()


def test_the_peaks_are_told_highest_first(run):
    tests = """
def test_small(): allocate(1 << 20)
def test_large(): allocate(3 << 20)
def test_keeps(): kept.append(pa.allocate_buffer(2 << 20, pool))
"""
    result = run(tests, "--arrowpool")
    result.assert_outcomes(passed=3)
    least = "" if tells_totals or arrowpool.is_active() else r"(?:>=)?"
    table = [line for line in result.outlines if "::test_" in line]
    expected = (("large", 3, "0 bytes"), ("keeps", 2, "2.0 MiB"), ("small", 1, "0 bytes"))
    for line, (name, size, kept) in zip(table, expected, strict=True):
        total = rf"{size}\.0 MiB" if tells_totals or arrowpool.is_active() else r"\?"
        assert re.fullmatch(rf" *{least}{size}\.0 MiB +{total} +\+{kept}  \S*::test_{name}", line), line
    result.stdout.fnmatch_lines(["arrowpool *: all of Arrow's memory is seen" if arrowpool.is_active() else
                                 "arrowpool *: the shim is not preloaded: *"])
    fewer = run(tests, "--arrowpool", "--arrowpool-most=1")
    assert [line.split("::")[1] for line in fewer.outlines if "::test_" in line] == ["test_large"]
    fewer.stdout.fnmatch_lines(["2 more had lower peaks; --arrowpool-most=0 tells all"])


def test_nothing_is_said_or_imported_unless_asked(pytester, run):
    result = run("")
    result.stdout.no_fnmatch_line("*rrowpool*:*")
    pytester.makeconftest("")
    path = pytester.makepyfile(test_alone="import sys\ndef test(): assert 'pyarrow' not in sys.modules")
    given = () if entered else ("-p", "arrowpool_pytest")
    pytester.runpytest_subprocess(path, *given).assert_outcomes(passed=1)


@pytest.mark.skipif(not tells_totals, reason="this pyarrow does not tell how much its pools allocated")
def test_without_the_shim_it_is_told_where_a_limit_may_have_been_passed(run):
    result = run("""
@pytest.mark.arrow_limit("64MiB")
def test_over(): allocate(65 << 20, None)
@pytest.mark.arrow_limit("64MiB")
def test_perhaps():
    for i in range(5): allocate(15 << 20, None)
@pytest.mark.arrow_limit("64MiB")
def test_never(): allocate(15 << 20, None)
""")
    result.assert_outcomes(passed=2, failed=1)
    told = [line for line in result.outlines if line.startswith("arrowpool: without the shim")]
    assert len(told) == (0 if arrowpool.is_active() else 1)
    for line in told:
        assert "::test_perhaps" in line and "::test_over" not in line and "::test_never" not in line


def test_wrong_options_are_told(run):
    result = run("def test(): pass", "--arrowpool-most=-1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--arrowpool-most: choose 0 or more"])

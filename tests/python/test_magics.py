"""The magic of notebooks, %arrowpool and %%arrowpool, in IPython's own shell."""

import re

import arrowpool
import pytest

pytest.importorskip("IPython", reason="IPython is not installed")
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

MIB = 1 << 20


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance()
    made.run_cell("%load_ext arrowpool\nimport arrowpool\npool = arrowpool.pool('magics')")
    yield made
    InteractiveShell.clear_instance()


def run(shell, cell):
    """What became of a cell, and what it displayed: the watch."""
    with capture_output() as captured:
        result = shell.run_cell(cell, store_history=True)
    shown = [output.data for output in captured.outputs]
    return result, shown, captured


def test_a_cell_is_told_of_and_its_value_stays(shell):
    result, shown, captured = run(shell, f"%%arrowpool figures\nimport pyarrow as pa\n"
                                         f"kept = pa.allocate_buffer({MIB}, pool)\nprint('said')\nkept.size")
    assert result.success and result.result == MIB and "said" in captured.stdout
    figures = shell.user_ns["figures"]
    assert isinstance(figures, arrowpool.Watch) and figures.rise_bytes == MIB
    assert shown[0]["text/plain"] == repr(figures) and "peak" in shown[0]["text/html"]
    assert shell.user_ns["kept"].size == MIB  # its variables are the notebook's


@pytest.mark.parametrize(("cell", "value"), [
    ("%%arrowpool\nx = 1\ny = 2", None), ("%arrowpool 1 + 1", 2), ("%arrowpool x = 3", None),
    ("%%arrowpool\nfor i in range(3):\n    pass\ni", 2), ("%%arrowpool\n%timeit -n1 -r1 pass\n7", 7)])
def test_statements_expressions_and_other_magics_run(shell, cell, value):
    result, shown, _ = run(shell, cell)
    assert result.success and result.result == value
    assert "<arrowpool.Watch: peak" in shown[0]["text/plain"]


def test_alone_it_tells_what_is_live(shell):
    result, _, _ = run(shell, "%arrowpool")
    assert isinstance(result.result, arrowpool.Snapshot)


def test_a_cell_that_fails_is_told_of_and_fails(shell):
    result, shown, captured = run(shell, "%%arrowpool figures\ndef fail():\n    return 1 / 0\nfail()")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert "figures" in shell.user_ns and len(shown) == 1
    told = re.sub("\x1b[^m]*m", "", captured.stdout)
    assert "----> 4 fail()" in told  # the line, by its number in the notebook
    assert told.count("ZeroDivisionError: division by zero") == 1


@pytest.mark.parametrize("line", ["a b", "1", "--help", "a.b"])
def test_what_is_no_name_is_refused_before_the_cell_runs(shell, line):
    result, _, captured = run(shell, f"%%arrowpool {line}\nran = True")
    assert not result.success and "ran" not in shell.user_ns
    assert f"%%arrowpool {line}: choose the name of a variable for the figures, or nothing" in captured.stderr


def test_what_is_no_python_is_an_error_of_the_cell(shell):
    result, shown, _ = run(shell, "%%arrowpool\nx = = 1")
    assert isinstance(result.error_in_exec, SyntaxError) and not shown

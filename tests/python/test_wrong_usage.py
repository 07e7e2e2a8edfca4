"""What is called wrongly says what was wrong: the argument, its value, and what can be chosen; and does nothing."""

import os

import arrowpool
import pytest

CHOICES = {
    "limit": r"choose an int from 0 on, or None for all$",
    "min_bytes": r"choose an int from 0 on$",
    "time_limit": r"choose seconds from 0 on, or None for no limit$",
    "progress": r"choose a function, or None$",
    "directory": r"choose a .*path",
}


@pytest.mark.parametrize("limit", ["12 parsecs", "", "512m", "150%", "GiB", "-1", -1, 0, 2**63])
def test_a_limit_that_cannot_be_makes_no_pool(limit):
    with pytest.raises(ValueError, match=r"^limit: .*[:;] choose ") as refused:
        arrowpool.pool("wrong limit", limit=limit)
    assert repr(limit) in str(refused.value)
    assert "wrong limit" not in [one.name for one in arrowpool.stats()]


@pytest.mark.parametrize("limit", [1.5, True, b"1G", []])
def test_a_limit_of_another_type_makes_no_pool(limit):
    with pytest.raises(TypeError, match=r"^limit: .*[:;] choose ") as refused:
        arrowpool.pool("wrong limit", limit=limit)
    assert repr(limit) in str(refused.value)
    assert "wrong limit" not in [one.name for one in arrowpool.stats()]


@pytest.mark.parametrize(("name", "value", "error"), [
    ("limit", -1, ValueError), ("limit", "20", TypeError), ("limit", 2.0, TypeError), ("limit", True, TypeError),
    ("min_bytes", -1, ValueError), ("min_bytes", "4K", TypeError), ("min_bytes", None, TypeError),
    ("time_limit", -0.1, ValueError), ("time_limit", float("nan"), ValueError), ("time_limit", "2s", TypeError),
    ("progress", 5, TypeError), ("progress", "print", TypeError)])
def test_holders_names_the_argument_that_cannot_be(name, value, error):
    with pytest.raises(error, match=rf"^{name}: .*{CHOICES[name]}") as refused:
        arrowpool.holders(**{name: value})
    assert repr(value) in str(refused.value)


@pytest.mark.parametrize("begin", [arrowpool.profile, arrowpool.serve_holders])
@pytest.mark.parametrize(("directory", "error"), [
    ("", ValueError), ("a\0b", ValueError), (5, TypeError), ([], TypeError)])
def test_what_names_no_directory_is_refused(tmp_path, monkeypatch, begin, directory, error):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=rf"^directory: .*{CHOICES['directory']}") as refused:
        begin(directory)
    assert repr(directory) in str(refused.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("begin", [arrowpool.profile, arrowpool.serve_holders])
def test_a_file_is_no_directory_and_nor_is_what_lies_below_it(tmp_path, begin):
    (tmp_path / "file").touch()
    for name in ("file", "file/below"):
        with pytest.raises(NotADirectoryError) as refused:
            begin(tmp_path / name)
        assert refused.value.filename == str(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("begin", [arrowpool.profile, arrowpool.serve_holders])
def test_a_directory_that_may_not_be_written_is_named(tmp_path, begin):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(PermissionError) as refused:
        begin(tmp_path / "closed")
    assert refused.value.filename == str(tmp_path / "closed")


def test_a_socket_stays_if_the_next_directory_cannot_be(tmp_path):
    path = arrowpool.serve_holders(tmp_path)
    try:
        for wrong in (5, "", tmp_path / os.path.basename(path) / "below"):
            with pytest.raises((TypeError, ValueError, OSError)):
                arrowpool.serve_holders(wrong)
            assert os.path.exists(path)
    finally:
        assert arrowpool.serve_holders(None) is None
    assert not os.path.exists(path)

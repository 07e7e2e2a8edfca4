"""arrowpool.serve_holders(): the socket, who may ask, what it answers, and processes that fork or end. And that neither
it nor holders() imports a library."""

import json
import multiprocessing
import os
import socket
import stat
import subprocess
import sys
import tempfile

import arrowpool
import pyarrow as pa
import pytest

ASK = """
import os, socket, sys
os.setuid(int(sys.argv[2]))
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
client.sendall(b'{"protocol": 1, "limit": 5}' + bytes([10]))
sys.stdout.buffer.write(b"".join(iter(lambda: client.recv(4096), b"")))
"""
CACHE = {}


def ask(path, request):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(request if isinstance(request, bytes) else json.dumps(request).encode() + b"\n")
        client.shutdown(socket.SHUT_WR)
        return json.loads(b"".join(iter(lambda: client.recv(65536), b"")))


@pytest.fixture
def path(tmp_path):
    yield arrowpool.serve_holders(tmp_path / "served")
    arrowpool.serve_holders(None)
    CACHE.clear()


def test_a_process_answers_who_holds_its_memory(path):
    CACHE["k"] = pa.array(range(100_000)).slice(0, 10)
    answer = ask(path, {"protocol": 1, "limit": 100_000, "min_bytes": 0, "time_limit": 60})
    [one] = [one for one in answer["holders"] if one["name"] == f"{__name__}.CACHE"]
    assert (one["bytes_used"], one["bytes_pinned"], one["types"]) == (80, 800_000, {"Int64Array": 1})
    assert answer["protocol"] == 1 and answer["pid"] == os.getpid() and answer["complete"] is True


def test_the_socket_is_the_users_own(path):
    assert os.path.basename(path) == f"holders-{os.getpid()}.sock"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o700


@pytest.mark.parametrize("request_, problem", [
    (b"\n", "request: "), (b"[]\n", "protocol"), (b'{"protocol": 2}\n', "protocol"), (b"\xff\n", "request: "),
    ({"protocol": 1, "limit": -1}, "choose 0 to 100000"), ({"protocol": 1, "limit": "x"}, "choose a number"),
    ({"protocol": 1, "limit": 1.5}, "choose a number"), ({"protocol": 1, "time_limit": 1e9}, "choose 0 to 60"),
    ({"protocol": 1, "time_limit": True}, "choose a number"), (b"[" * 4096, "")])
def test_what_is_no_request_is_refused_and_the_next_one_answered(path, request_, problem):
    assert problem in ask(path, request_)["error"]
    assert "holders" in ask(path, {"protocol": 1})


def test_a_client_that_goes_away_hinders_nobody(path):
    for _ in range(10):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
    assert "holders" in ask(path, {"protocol": 1})


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
def test_other_users_get_no_answer():
    with tempfile.TemporaryDirectory() as directory:
        path = arrowpool.serve_holders(directory)
        os.chmod(directory, 0o711)
        os.chmod(path, 0o666)  # as if the mode were not there to keep them out
        answers = {user: subprocess.run([sys.executable, "-I", "-c", ASK, path, str(user)], stdout=subprocess.PIPE,
                                        check=False).stdout for user in (65534, 0)}
        arrowpool.serve_holders(None)
    assert answers[65534] == b"" and "holders" in json.loads(answers[0])


def test_it_moves_and_it_ends(path, tmp_path):
    moved = arrowpool.serve_holders(tmp_path / ("long " * 50) / ("name " * 50))
    assert not os.path.exists(path) and os.path.exists(moved)
    assert arrowpool.serve_holders(None) is None
    assert not os.path.exists(moved)


def test_a_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not(tmp_path):
    name = str(tmp_path / f"holders-{os.getpid()}.sock")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(name)
        other.listen(1)
        with pytest.raises(OSError, match="another process answers here"):
            arrowpool.serve_holders(tmp_path)
    assert arrowpool.serve_holders(tmp_path) == name
    assert "holders" in ask(name, {"protocol": 1})
    arrowpool.serve_holders(None)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_of_a_fork_answers_for_itself(path):
    context = multiprocessing.get_context("fork")
    done = context.Event()
    child = context.Process(target=done.wait)
    child.start()
    try:
        other = path.replace(str(os.getpid()), str(child.pid))
        for _ in range(1000):
            if os.path.exists(other):
                break
            child.join(0.02)
        assert ask(other, {"protocol": 1})["pid"] == child.pid and ask(path, {"protocol": 1})["pid"] == os.getpid()
    finally:
        done.set()
        child.join()


def run(code, **variables):
    return subprocess.run([sys.executable, "-c", code], env={**os.environ, **variables}, check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout.strip()


def test_the_environment_starts_it_and_the_end_removes_it(tmp_path):
    count = f"import arrowpool, os, threading; print(threading.active_count(), *os.listdir(r'{tmp_path}'))"
    assert run(count) == "1"
    assert run(count, ARROW_POOL_HOLDERS=str(tmp_path)).startswith("2 holders-")
    assert os.listdir(tmp_path) == []


def test_a_directory_that_cannot_be_is_a_warning():
    assert "ARROW_POOL_HOLDERS: [Errno" in run("import arrowpool", ARROW_POOL_HOLDERS="/dev/null/x")


def test_no_library_is_imported():
    code = ("import arrowpool, sys, pyarrow as pa; kept = [pa.py_buffer(bytes(8000))];"
            "found = arrowpool.holders(min_bytes=0, limit=None, time_limit=None);"
            "print(*sorted(set(sys.modules) & {'pandas', 'polars', 'pyarrow.dataset'}),"
            "*[(one.name, one.bytes_pinned) for one in found if one.name == '__main__.kept'])")
    assert run(code) == "('__main__.kept', 8000)"

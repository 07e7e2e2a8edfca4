"""`arrowpool who --holders PID`: what it prints of a process that answers, and the one line where none does, or where
what answers is something else."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading

import arrowpool
import pyarrow as pa
import pytest

COMMAND = os.path.join(os.environ["ARROWPOOL_BUILD"], "cli", "arrowpool")
PID = str(os.getpid())
CACHE = {}


def ask(*arguments, pid=PID, status=0, **variables):
    """Returns what it printed and what it said on stderr."""
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_POOL_HOLDERS"}
    done = subprocess.run([COMMAND, "who", *arguments, pid], env={**environment, **variables}, check=False,
                          capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def served(tmp_path):
    CACHE["k"] = pa.array(range(100_000)).slice(0, 1000)
    arrowpool.serve_holders(tmp_path)
    yield str(tmp_path)
    arrowpool.serve_holders(None)
    CACHE.clear()


def test_it_prints_what_the_package_prints(served):
    lines = ask(f"--holders={served}")[0].splitlines()
    printed = str(arrowpool.holders()).splitlines()
    assert lines[0].startswith(f"pid {PID}: ") and " holders keep " in lines[0] and lines[1] == printed[1]
    at = lines.index(next(line for line in lines if line.endswith(f"{__name__}.CACHE")))
    there = printed.index(next(line for line in printed if line.endswith(f"{__name__}.CACHE")))
    assert lines[at:at + 2] == printed[there:there + 2] and "1 Int64Array; " in lines[at + 1]


def test_as_json_it_is_the_answer(served):
    answer = json.loads(ask(f"--holders={served}", "--format=json")[0])
    [one] = [one for one in answer["holders"] if one["name"] == f"{__name__}.CACHE"]
    assert (answer["pid"], one["bytes_pinned"], one["bytes_used"]) == (os.getpid(), 800_000, 8000)


def test_the_environment_says_where_ours_and_the_process_s(served):
    assert "CACHE" in ask("--holders", ARROW_POOL_HOLDERS=served)[0]
    code = "import arrowpool, sys; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "ARROW_POOL_HOLDERS": served},
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert ask("--holders", pid=str(other.pid))[0].startswith(f"pid {other.pid}: ")
        other.stdin.close()


def test_a_directory_of_a_long_name(served, tmp_path):
    directory = tmp_path / ("long " * 50) / ("name " * 50)
    arrowpool.serve_holders(directory)
    assert "CACHE" in ask(f"--holders={directory}")[0]


def test_one_line_says_why_there_is_no_answer(tmp_path):
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as other:
        printed = ask("--holders", pid=str(other.pid), status=1)
        other.stdin.close()
    assert printed == ("", f"arrowpool: who: --holders: {other.pid}: has not loaded the Python package arrowpool\n")
    assert ask("--holders", pid=str(other.pid), status=1)[1].endswith(": no such process\n")
    assert "start it with ARROW_POOL_HOLDERS=DIR" in ask("--holders", status=1)[1]
    _, said = ask(f"--holders={tmp_path}", status=1)
    assert f"does not answer in {tmp_path}: " in said and said.count("\n") == 1


@contextlib.contextmanager
def somebody(directory, answer):
    """A server that is not the package's, and answers one client."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(directory, f"holders-{PID}.sock"))
        listener.listen(1)

        def serve():
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                client.recv(4096)
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize("answer, problem", [
    (b"", "refuses to answer"), (b"\n", "no answer of protocol 1"), (b"[]\n", "no answer of protocol 1"),
    (b'{"protocol": 2, "holders": []}', "no answer of protocol 1"), (b'{"protocol": 1, "holders": {}}', "no answer of"),
    (b'{"protocol": 1', "no answer of protocol 1"), (b"\xff\x00" * 1000, "no answer of protocol 1"),
    (b'{"protocol": 1, "pid": 1, "error": "MemoryError: \\u001b[31m"}', "says: MemoryError: ?[31m")])
def test_what_is_no_answer_is_said(tmp_path, answer, problem):
    with somebody(tmp_path, answer):
        printed, said = ask(f"--holders={tmp_path}", status=1)
    assert printed == "" and problem in said and said.count("\n") == 1


def test_an_answer_of_wrong_types_is_printed_as_far_as_it_goes(tmp_path):
    holder = {"name": "a\x1b[0m\nb", "path": 7, "types": {"\x1b": "x"}, "names": [None, 1], "num_objects": 2,
              "bytes_pinned": -1, "bytes_alone": "x"}
    with somebody(tmp_path, json.dumps({"protocol": 1, "holders": [holder, 5, None], "missing": [3]}).encode()):
        printed, _ = ask(f"--holders={tmp_path}")
    assert "a?[0m?b" in printed and "\x1b" not in printed and "left out: ?" in printed


@pytest.mark.parametrize("arguments", [("--by=pool",), ("--what=peak",), ("-o", "x"), ("--minus=x",),
                                       ("--format=html",), ("1",)])
def test_what_does_not_go_together_is_refused(arguments):
    assert "who: --holders: " in ask("--holders", *arguments, status=2)[1]

"""Give arrowpool every bad input of a table, and count those that get what they are due: one clear line on stderr,
the right status, nothing besides and nothing started.

usage: bad_inputs.py CLI SHIM PROBE [--json FILE]    PROBE: probe_exit; works in a folder that is empty at first

bad_inputs.txt has the command lines and the values of variables; files are those of damage.py, each with three
commands. A value is tried in three places: in the environment of a program under the shim, which must run on; in that
of `arrowpool run` and as its option, which must start nothing. Prints what was answered otherwise, and last how many
were tried and how many answered."""

import argparse
import contextlib
import json
import os
import pathlib
import pwd
import shlex
import shutil
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
USED = 5  # the status of probe_exit


def rows():
    """(section, input, what is due) of each line of the table."""
    section = None
    for number, line in enumerate((HERE / "bad_inputs.txt").read_text().splitlines(), 1):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line and not line.startswith("#"):
            given, arrow, due = line.partition(" => ")
            assert arrow and section, (number, line)
            yield section, given.strip(), due


class Inputs:
    def __init__(self, cli, shim, probe):
        self.cli, self.shim, self.probe = cli, shim, probe
        self.clean = {name: value for name, value in os.environ.items()
                      if not name.startswith("ARROW_") and name != "LD_PRELOAD"} | {
                          "LC_ALL": "C", "PATH": os.path.abspath("bin")}
        self.names = {}  # what stands for {name} in the table
        self.stranger = {}  # who asks for a process of another user: arguments of subprocess.run
        self.tried = dict.fromkeys(("command line", "variable", "file"), 0)
        self.answered = dict(self.tried)

    def give(self, kind, words, due, environment=(), user=None):
        """`due`: the status, and the one line; with ... at its end how it begins. Findings go to stdout."""
        status, line = due
        try:
            done = subprocess.run(words, env=self.clean | dict(environment), capture_output=True, timeout=600,
                                  stdin=subprocess.DEVNULL, check=False, **user or {})
        except subprocess.TimeoutExpired:
            return self.count(kind, [f"{words}: hangs"])
        said, other = done.stderr.decode(errors="replace"), done.stdout.decode(errors="replace")
        if line.startswith("problem: "):
            said, other = other, said
        else:
            line = "arrowpool: " + line
        problems = []
        if not (said.startswith(line[:-3]) if line.endswith("...") else said == line + "\n"):
            problems.append(f"said {said!r}, due {line!r}")
        if not said.endswith("\n") or not said[:-1].isprintable():
            problems.append(f"not one clear line: {said!r}")
        if done.returncode != status:
            problems.append(f"status {done.returncode}, due {status}")
        if other:
            problems.append(f"said besides {other!r}")
        if os.path.exists("started"):
            problems.append("started the command")
            os.unlink("started")
        return self.count(kind, [f"{dict(environment)} {words}: {problem}" for problem in problems])

    def count(self, kind, problems):
        self.tried[kind] += 1
        self.answered[kind] += not problems
        print(*problems, sep="\n", end="\n" if problems else "")

    def command_line(self, given, status, due):
        if "{foreign}" in given and "foreign" not in self.names:
            print(f"bad_inputs: left out, as no process of another user can be had here: {given}", file=sys.stderr)
            return
        user = self.stranger if "{foreign}" in given else None
        for name, value in self.names.items():
            given, due = given.replace(f"{{{name}}}", str(value)), due.replace(f"{{{name}}}", str(value))
        self.give("command line", [self.cli, *shlex.split(given)], (status, due), user=user)

    def variable(self, given, due):
        """`due`: the choices, and what is used instead."""
        name, value = given.split("=", 1)
        choices, fallback = due.rsplit("; using ", 1)
        assert fallback
        self.give("variable", [self.probe], (USED, f"{given}: {due}"), {"LD_PRELOAD": self.shim, name: value})
        run = [self.cli, "run"]
        self.give("variable", [*run, "--", "touch", "started"], (2, f"{given}: {choices}"), {name: value})
        flag = "--" + (name.removeprefix("ARROW_POOL_").lower().replace("_", "-") if name != "ARROW_POOL" else "pool")
        self.give("variable", [*run, f"{flag}={value}", "--", "touch", "started"], (2, f"{flag}={value}: {choices}"))

    def unknown(self, given, due):
        name, value = given.split("=", 1)
        self.give("variable", [self.probe], (USED, due), {"LD_PRELOAD": self.shim, name: value})

    def file(self, path):
        due = path.name.split(".")[0].replace("_", " ")
        for words in (["show"], ["report"], ["plot", "-o", "picture.png"]):
            self.give("file", [self.cli, *words, str(path)], (1, f"{words[0]}: {path}: {due}"))


def make_files(inputs):
    """What the command lines of the table name, and damaged/ with a file for each kind of damage."""
    environment = inputs.clean | {"LD_PRELOAD": inputs.shim, "ARROW_POOL": "jemalloc", "ARROW_POOL_STATS": "good.json",
                                  "ARROW_POOL_LIVE": os.path.abspath("live"), "ARROW_POOL_LIVE_KEEP": "1",
                                  "ARROW_POOL_PROFILE": os.path.abspath("profile"), "ARROW_POOL_PROFILE_KEEP": "1"}
    subprocess.run([inputs.probe], env=environment, check=False)
    for kind in ("live", "profile"):
        [file] = pathlib.Path(kind).iterdir()
        file.rename(f"good.{kind}")
        file.parent.rmdir()
    dump = json.loads(pathlib.Path("good.json").read_text())
    with open("good.jsonl", "w") as out:
        for step in range(3):
            dump["process"]["time"] += step
            out.write(json.dumps(dump) + "\n")
    for folder in ("damaged", "hollow", "directory.png", "directory.json"):
        os.mkdir(folder)
    os.mkfifo("pipe")
    os.symlink("loop", "loop")
    os.symlink("missing", "dangling")
    pathlib.Path("empty").touch()
    pathlib.Path("plain").write_text("text\n")
    pathlib.Path("no-interpreter").write_text("#!/missing/interpreter\n")
    pathlib.Path("cut").write_bytes(pathlib.Path(inputs.probe).read_bytes()[:100])
    for name in ("script", "bin/arrowpool-probe", "program-here"):
        pathlib.Path(name).write_text("#!/bin/sh\n")
    pathlib.Path("script.py").write_text("print()\n")
    for name in ("no-interpreter", "cut", "bin/arrowpool-probe", "program-here"):
        os.chmod(name, 0o755)
    with open("huge.json", "w") as out:
        out.truncate(1 << 40)
    subprocess.run([sys.executable, HERE / "damage.py", "good.json", "good.live", "damaged"], check=True)


def make_path():
    """bin/, with what commands of the table need: what else a machine has must not be the nearest to anything."""
    os.mkdir("bin")
    for name in ("touch", "true", "gnuplot"):
        if shutil.which(name):
            os.symlink(shutil.which(name), f"bin/{name}")


def make_foreign(inputs, ends):
    """A process of another user, and who may not look into it. There may be none: root can make one, and to others the
    first process is root's."""
    pid, stranger = 1, {}
    if os.geteuid() == 0:
        stranger = {"user": 65533, "group": 65533, "extra_groups": ()}
        sleeper = subprocess.Popen(["/bin/sleep", "1000"], user=65534, group=65534, extra_groups=())
        ends.callback(sleeper.wait)
        ends.callback(sleeper.kill)
        pid = sleeper.pid
    owner = os.stat(f"/proc/{pid}").st_uid
    with contextlib.suppress(OSError):  # it may not reach the command
        subprocess.run([inputs.cli, "--version"], check=True, stdout=subprocess.DEVNULL, **stranger)
        with contextlib.suppress(KeyError):
            owner = pwd.getpwuid(owner).pw_name
        if owner != os.geteuid():
            inputs.names |= {"foreign": pid, "owner": owner}
            inputs.stranger = stranger


def make_processes(inputs, ends):
    """Processes of each kind, and a port that is taken, until `ends` is closed."""
    dead, zombie = subprocess.Popen(["/bin/true"]), subprocess.Popen(["/bin/true"])
    dead.wait()
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    ends.callback(zombie.wait)
    fileless = subprocess.Popen(["/bin/sleep", "1000"])
    ends.callback(fileless.wait)
    ends.callback(fileless.kill)
    listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
    inputs.names |= {"dead": dead.pid, "zombie": zombie.pid, "fileless": fileless.pid}
    inputs.names["taken"] = listener.getsockname()[1]
    make_foreign(inputs, ends)


def try_table(inputs):
    for section, given, due in rows():
        if section == "variables":
            inputs.variable(given, due)
        elif section == "unknown variables":
            inputs.unknown(given, due)
        else:
            inputs.command_line(given, 1 if section == "findings" else int(section.removeprefix("status ")), due)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("cli")
    options.add_argument("shim")
    options.add_argument("probe")
    options.add_argument("--json", type=pathlib.Path)
    chosen = options.parse_args()
    inputs = Inputs(chosen.cli, chosen.shim, chosen.probe)
    make_path()
    make_files(inputs)
    with contextlib.ExitStack() as ends:
        make_processes(inputs, ends)
        try_table(inputs)
    for path in sorted(pathlib.Path("damaged").iterdir()):
        inputs.file(path)
    tried, answered = sum(inputs.tried.values()), sum(inputs.answered.values())
    kinds = ", ".join(f"{inputs.answered[kind]} of {count} by {kind}" for kind, count in inputs.tried.items())
    print(f"bad_inputs: {tried} tried, {answered} answered ({kinds})")
    if chosen.json:
        chosen.json.write_text(json.dumps({"tried": tried, "answered": answered, "by_kind": inputs.tried}) + "\n")
    return 0 if tried == answered else 1


if __name__ == "__main__":
    sys.exit(main())

"""Runs the commands that the README and the pages of docs/use show, as a user would who copies them: each line of an
indented block that begins with `arrowpool` or sets variables of ours.

    commands.py FOLDER COMMAND SHIM FILE.md...

Commands run in FOLDER, with programs of the names that the pages use, and with the directories of the pages in it. What
stands for something of the reader's own (a process's number, files of an earlier run) is what a process has that runs
meanwhile, and one that was killed. A command that ends with another status than 0, or says something of a wrong use, is
printed with what it said. The last line is how many were run.
"""

import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import time

PROGRAM = """import sys, time
import pyarrow as pa
try:
    import arrowpool
except ImportError:
    pass
held = [pa.array(range(300_000))]
if "stay" in sys.argv:
    print("ready", flush=True)
    for _ in range(6000): # what attaches to it sees it allocate
        held = [*held[-8:], pa.array(range(300_000))]
        time.sleep(0.1)
"""
PROGRAMS = ["etl.py", "service.py", "workers.py", "growing.py", "previews.py", "night.py", "app.py", "program.py"]
FOLDERS = ["/run/pools", "/run/arrowpool", "/var/tmp/pools", "/var/tmp", "/var/lib/prometheus/node-exporter"]
# These stand for themselves in a synopsis, or need what no test may touch (a terminal's loop, other people's programs).
SKIPPED = re.compile(r"\[|heaptrack|memray|dask|-m build|valgrind|PYSPARK|spark-submit|gdb|COMMAND|NAME\b|sudo|\.\.\.")


def is_whole(command):
    try:
        shlex.split(command, comments=True)
    except ValueError:  # a quotation goes on in the next line
        return False
    return not command.endswith("\\")


def commands_in(page):
    """Each with its number of line; one of several lines in one piece."""
    fenced, command, first = False, "", 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if line.startswith("```"):
            fenced = not fenced
        if fenced or not line.startswith("    "):
            command = ""
            continue
        first = first if command else number
        command += line[4:]
        if not is_whole(command):
            command = command.removesuffix("\\") + ("" if command.endswith("\\") else "\n")
            continue
        if re.match(r"((ARROW_POOL\w*|LD_PRELOAD)=\S* )*(arrowpool|python3?) ", command) and \
                re.search("arrowpool|ARROW_POOL", command):
            yield first, command.strip()
        command = ""


class Place:
    """Where commands run."""

    def __init__(self, folder, command, shim):
        self.folder, self.command, self.shim = pathlib.Path(folder), command, shim
        for name in PROGRAMS:
            (self.folder / name).write_text(PROGRAM)
        for name in [*FOLDERS, "pools", "night", "more", "DIRECTORY", "dumps"]:
            (self.folder / name.lstrip("/")).mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / "package").mkdir()
        for name in ("__init__.py", "module.py"):
            (self.folder / "package" / name).touch()
        (self.folder / "program").write_text("#!/bin/sh\nexec true\n")
        (self.folder / "program").chmod(0o755)
        bin_ = self.folder / "bin"
        bin_.mkdir()
        (bin_ / "arrowpool").symlink_to(command)
        (bin_ / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        (bin_ / "python").symlink_to("python3")
        (bin_ / "python3").chmod(0o755)
        self.environment = os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}"}
        self.processes = [self.started() for _ in range(2)]
        self.processes[1].kill()
        self.processes[1].wait()
        self.files()

    def started(self, served=True):
        pools = self.folder / "run/pools"
        options = [f"--live={pools}", f"--profile={pools}", "--profile-mean=16K"]
        run = [self.command, "run", *options, "--"] if served else []
        process = subprocess.Popen([*run, sys.executable, "service.py", "stay"], cwd=self.folder,
                                   stdout=subprocess.PIPE, env=self.environment | {"ARROW_POOL_HOLDERS": str(pools)})
        assert process.stdout.readline() == b"ready\n"
        return process

    def files(self):
        """What pages call a.json, run.jsonl, before.profile and so on."""
        def run(*options):
            subprocess.run([self.command, "run", *options, "--", sys.executable, "etl.py"], cwd=self.folder, check=True,
                           env=self.environment)
        run("--stats=a.json")
        run("--stats=run.jsonl", "--stats-interval=20ms")
        run(f"--stats={self.folder}/var/tmp/%e.%p.json")
        pools = self.folder / "run/pools"
        name = f"arrowpool-{self.processes[1].pid}-*"
        profile, live = (next(pools.glob(f"{name}.{kind}")) for kind in ("profile", "live"))
        for target in ("before.profile", "arrowpool-4711-123-0.profile"):
            (self.folder / target).write_bytes(profile.read_bytes())
        for name in ("night", "pools", "DIRECTORY"):
            (self.folder / name / live.name).write_bytes(live.read_bytes())
            (self.folder / name / profile.name).write_bytes(profile.read_bytes())

    def placed(self, command):
        """The command with the reader's own things in it."""
        running, killed = (process.pid for process in self.processes[:2])
        if re.search("arrowpool attach ", command):
            running = self.processes[-1].pid
            command = re.sub("--for=60s", "--for=1s", command)
        command = command.split("   #")[0].split(" # ")[0]
        command = re.sub(r"arrowpool-(4711|21570)-\*", f"arrowpool-{killed}-*", command)
        command = re.sub(r"\b(4711|21570|21571|PID)\b(?!-123)", str(running), command)
        command = re.sub(r"/[\w./-]*libarrowpool_preload\.so", self.shim, command)
        command = re.sub(r"=9750\b", "=0", command)
        for folder in sorted(FOLDERS, key=len, reverse=True):
            command = re.sub(rf"(?<![\w.]){folder}\b", str(self.folder) + folder, command)
        return command

    def prepare(self, command):
        """Each attach has a process that is not served yet."""
        if re.search("arrowpool attach ", command):
            self.processes.append(self.started(served=False))

    def run(self, command):
        """Returns what was wrong, or None."""
        stays = re.search(r"arrowpool (serve|record|top)\b", command) and "--once" not in command
        process = subprocess.Popen(["bash", "-c", command], cwd=self.folder, env=self.environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        if stays:
            time.sleep(1)
            os.killpg(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=120)
        status = 0 if stays and process.returncode in (0, -signal.SIGTERM, 143) else process.returncode
        wrong = re.search(r"unknown|not an option|Usage|choose", err)
        return f"status {status}\n{out}{err}" if status or wrong else None

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


def main():
    place = Place(*sys.argv[1:4])
    count = failed = 0
    try:
        for page in map(pathlib.Path, sys.argv[4:]):
            for number, command in commands_in(page):
                if SKIPPED.search(command):
                    continue
                count += 1
                place.prepare(command)
                placed = place.placed(command)
                wrong = place.run(placed)
                if wrong:
                    failed += 1
                    print(f"{page.name}:{number}: {command}\nas {placed}\n{wrong}")
    finally:
        place.end()
    print(f"{count} commands")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())

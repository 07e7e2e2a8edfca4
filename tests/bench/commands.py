"""How the measured programs are started: with which words, and in which environment."""

import functools
import json
import os
import re
import subprocess

import plan_work

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("ARROWPOOL_BUILD", os.path.join(ROOT, "build")))
PYTHON = os.environ.get("ARROWPOOL_PYTHON", os.path.join(ROOT, ".venv/bin/python"))
AGAINST = "against"  # the peer that is arrowpool of another build


def program(build, name):
    return os.path.join(build, "tests/bench", name)


def shim(build):
    return os.path.join(build, "shim/libarrowpool_preload.so")


def script(name):
    return [PYTHON, os.path.join(HERE, name + ".py")]


def clean_environment():
    """Without what would configure an allocator behind our back."""
    foreign = re.compile(r"ARROW_|LD_PRELOAD$|MALLOC_|MIMALLOC_|TCMALLOC_|GLIBC_TUNABLES$")
    return {name: value for name, value in os.environ.items() if not foreign.match(name)}


@functools.cache
def cannot_preload(library):
    """What the loader says of a library that it does not find."""
    done = subprocess.run(["/bin/true"], env=clean_environment() | {"LD_PRELOAD": library}, stderr=subprocess.PIPE,
                          text=True, check=False)
    return f"{library} cannot be preloaded" if "cannot be preloaded" in done.stderr else ""


class Commands:
    def __init__(self, scale, folder, scratch, against=""):
        """FOLDER: where data is kept for other runs; SCRATCH: where it is not. AGAINST: the folder of another build."""
        self.scale, self.folder, self.scratch, self.against = scale, folder, scratch, against
        self.facts = json.loads(self.output(*script("arrow_bench"), "facts"))

    @staticmethod
    def output(*command):
        return subprocess.run(command, env=clean_environment(), check=True, capture_output=True, text=True).stdout

    @staticmethod
    def warm(mib):
        subprocess.run([program(BUILD, "bench_warm"), str(mib)], check=True)

    def data(self, kind):
        return os.path.join(self.folder, f"data-{self.scale:g}") if kind == "work" else self.scratch

    def generate(self, kind):
        """Make the data; that of ordinary work is made once for each scale."""
        self.output(*script(f"{kind}_bench"), "generate", self.data(kind), *([str(self.scale)] * (kind == "work")))

    def build(self, who):
        return self.against if who == AGAINST else BUILD

    def lacks(self, case, who):
        """Why this cannot be measured; else nothing."""
        peer = plan_work.PEERS.get(who)
        compiled = case.program in ("bench_growth", "bench_count")
        if compiled and not os.path.exists(program(self.build(who), case.program)):
            return f"{self.build(who)} has no {case.program}"
        if case.group != "work" or peer is None:
            return ""
        if peer.pool and peer.pool not in self.facts["backends"]:
            return f"this pyarrow has no {peer.pool} pool"
        return cannot_preload(peer.library) if peer.library else ""

    def environment(self, who):
        """For a pyarrow that is served by this peer."""
        peer = plan_work.PEERS["arrowpool" if who == AGAINST else who]
        if peer.mode:
            return {"LD_PRELOAD": shim(self.build(who)), "ARROW_POOL": peer.mode}
        return {"ARROW_DEFAULT_MEMORY_POOL": peer.pool} | ({"LD_PRELOAD": peer.library} if peer.library else {})

    def of(self, case, who, settle):
        """The command, and what it needs in its environment."""
        settling = ["settle"] if settle else []
        if case.group == "work":
            return [*script("work_bench"), case.name, self.data("work"), str(self.scale), *settling], \
                self.environment(who)
        if case.group == "arrow":
            data = [self.data("arrow")] if case.data else []
            return [*script("arrow_bench"), case.name, *data, *settling], self.environment(who)
        ours = who in ("arrowpool", AGAINST)
        if case.group == "count":
            what = "shards" if ours else "atomics"
            return [program(self.build(who), "bench_count"), what, case.name.split("-")[1]], {}
        return [program(self.build(who), "bench_growth"), "arrowpool" if ours else who, case.name, *settling], \
            {"BENCH_LIBARROW": self.facts["libarrow"] or ""}

"""What `arrowpool serve` costs: the throughput of pyarrow workers with and without it and 200 clients, how long a
scrape takes, and what a page and a reading come to with up to 2,000 processes.  Puts two tables into a document, or
prints them.

usage: serve_bench.py [--repeats N] [--most N] [--json FILE] [--docs FILE]
                                       (environment: ARROWPOOL_BUILD, ARROWPOOL_PYTHON)
       serve_bench.py work SECONDS     one worker: buffers in the pyarrow of the Python that runs it"""

import argparse
import asyncio
import contextlib
import ctypes
import json
import mmap
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import document

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ARROWPOOL_BUILD", SOURCE / "build"))
PYTHON = os.environ.get("ARROWPOOL_PYTHON", str(SOURCE / ".venv/bin/python"))
WORKERS, CLIENTS, SECONDS = 2, 200, 3
COUNTS = (1, 10, 100, 500, 1000, 2000)


def work(seconds):
    """Buffers that grow and go; prints how many steps there were, and the processor time that they took."""
    import pyarrow as pa

    pool = pa.default_memory_pool()
    steps, end = 0, time.perf_counter() + seconds
    kept = [None] * 16
    start = time.process_time()
    while time.perf_counter() < end:
        buffer = pa.allocate_buffer(4096, memory_pool=pool, resizable=True)
        for size in (8192, 65536, 262144, 300000):
            buffer.resize(size)
        kept[steps % 16] = buffer
        steps += 1
    print(json.dumps({"steps": steps, "cpu": time.process_time() - start}))


def shimmed(live):
    return {**os.environ, "LD_PRELOAD": str(BUILD / "shim/libarrowpool_preload.so"), "ARROW_POOL": "jemalloc",
            "ARROW_POOL_LIVE": str(live)}


@contextlib.contextmanager
def serving(live, *options):
    """The number of the server's process, and the port where it listens."""
    command = [BUILD / "cli/arrowpool", "serve", f"--live={live}", "--listen=0", "--most=10000", *options]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = server.stderr.readline()
        yield server.pid, int(re.search(r":(\d+)/metrics", line).group(1))
    finally:
        server.terminate()
        assert server.wait() == 0


# ---- clients ----

async def scrape(port):
    """How long it took, and the page."""
    start = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    answer = await reader.read()
    writer.close()
    head, _, page = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200") and int(re.search(rb"Content-Length: (\d+)", head).group(1)) == len(page)
    return time.perf_counter() - start, page


async def clients(port, end, pause):
    """CLIENTS at once until `end`; `pause`: seconds between the scrapes of each."""
    async def one(number):
        await asyncio.sleep(pause * number / CLIENTS)
        while time.perf_counter() < end:
            seconds, _ = await scrape(port)
            taken.append(seconds)
            await asyncio.sleep(pause)

    taken = []
    await asyncio.gather(*(one(number) for number in range(CLIENTS)))
    return taken


# ---- throughput of workers ----

MODES = {"nothing": None, "serve, no client": 0, "serve, 200 clients, a scrape a second each": 1.0,
         "serve, 200 clients, without a pause": 0.0}


def churn(mode, pause):
    with tempfile.TemporaryDirectory() as live, contextlib.ExitStack() as stack:
        port = stack.enter_context(serving(live))[1] if mode != "nothing" else None
        command = [PYTHON, __file__, "work", str(SECONDS)]
        workers = [subprocess.Popen(command, env=shimmed(live), stdout=subprocess.PIPE, text=True)
                   for _ in range(WORKERS)]
        while len(list(pathlib.Path(live).glob("*.live"))) < WORKERS:
            time.sleep(0.01)
        taken = asyncio.run(clients(port, time.perf_counter() + SECONDS, pause)) if "clients" in mode else []
        results = [json.loads(worker.communicate()[0]) for worker in workers]
    return {"steps per second": sum(result["steps"] for result in results) / SECONDS,
            "steps per CPU second": sum(r["steps"] for r in results) / sum(r["cpu"] for r in results), "taken": taken}


def spread(values):
    return f"{statistics.median(values):,.0f} ({min(values):,.0f} to {max(values):,.0f})"


def churn_table(results):
    lines = [("| what watches | steps a second | steps a second of processor time | scrapes a second | p50, ms "
              "| p99, ms |"), "|---|---|---|---|---|---|"]
    for mode, runs in results.items():
        taken = sorted(seconds for run in runs for seconds in run["taken"])
        scrapes = (f"{len(taken) / SECONDS / len(runs):,.0f} | {taken[len(taken) // 2] * 1e3:.1f} | "
                   f"{taken[len(taken) * 99 // 100] * 1e3:.1f}" if taken else "| |")
        lines.append(f"| {mode} | {spread([run['steps per second'] for run in runs])} | "
                     f"{spread([run['steps per CPU second'] for run in runs])} | {scrapes} |")
    return "\n".join(lines)


# ---- many processes ----

def cached(path):
    """Bytes of the file in the page cache."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
        resident = (ctypes.c_ubyte * pages)()
        with mmap.mmap(file.fileno(), size) as mapped:
            address = ctypes.c_char.from_buffer(mapped)
            assert libc.mincore(ctypes.c_void_p(ctypes.addressof(address)), ctypes.c_size_t(size), resident) == 0
            del address
    return sum(byte & 1 for byte in resident) * mmap.PAGESIZE


def start_probes(count, live):
    """C programs with buffers in two pools, which wait."""
    command, both = [BUILD / "tests/cli/probe_pools"], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    started = [subprocess.Popen(command, env=shimmed(live), **both) for _ in range(count)]
    for probe in started:
        probe.stdin.write(b"allocate a 100000\nresize a 200000\nallocate b 5000\n")
        probe.stdin.flush()
    for probe in started:
        assert [probe.stdout.readline() for _ in range(3)] == [b"ok\n"] * 3
    return started


def status(pid, key):
    return int(re.search(rf"{key}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) << 10


def processor_time(pid):
    """Seconds of the thread that reads."""
    return int(pathlib.Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def sample(page, name):
    return float(re.search(rb"^" + name.encode() + rb" (\S+)$", page, re.M).group(1))


def measure(live, count, *options):
    """With the processes that run now."""
    with serving(live, *options) as (pid, port):
        last, readings, before = None, [], None
        while len(readings) < 6:
            page = asyncio.run(scrape(port))[1]
            number = sample(page, "arrowpool_serve_readings_total")
            if number != last:
                readings.append(sample(page, "arrowpool_serve_reading_seconds"))
                before = before or (number, processor_time(pid))
                last = number
            time.sleep(0.1)
        cpu = (processor_time(pid) - before[1]) / (last - before[0])
        assert page.count(b"arrowpool_start_time_seconds{") == (0 if options else count)
        taken = [asyncio.run(scrape(port))[0] for _ in range(20)]
        return {"page": len(page), "scrape": taken, "reading": readings, "cpu": cpu, "server": status(pid, "VmRSS")}


def scale(most):
    results, probes = {}, []
    with tempfile.TemporaryDirectory() as live:
        try:
            for count in [count for count in COUNTS if count <= most]:
                probes += start_probes(count - len(probes), live)
                files = list(pathlib.Path(live).glob("*.live"))
                assert len(files) == count
                results[count] = measure(live, count) | {
                    "grouped": measure(live, count, "--by=program,pool"),
                    "disk": sum(file.stat().st_blocks * 512 for file in files) / count,
                    "cache": sum(cached(file) for file in files) / count}
        finally:
            for probe in probes:
                probe.stdin.close()
            for probe in probes:
                probe.wait()
    return results


def scale_table(results):
    lines = [("| processes | page, KiB | a scrape, ms | a reading, ms | processor time for it and its page, ms "
              "| the server's memory, MiB | page with --by=program,pool, KiB | a live file on disk, KiB "
              "| in the page cache, KiB |"), "|---|---|---|---|---|---|---|---|---|"]
    for count, r in results.items():
        lines.append(f"| {count:,} | {r['page'] / 1024:,.0f} | {statistics.median(r['scrape']) * 1e3:.1f} | "
                     f"{statistics.median(r['reading']) * 1e3:.1f} | {r['cpu'] * 1e3:.1f} | "
                     f"{r['server'] / (1 << 20):.1f} | {r['grouped']['page'] / 1024:.1f} | "
                     f"{r['disk'] / 1024:.0f} | {r['cache'] / 1024:.0f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--most", type=int, default=2000, help="processes, of which so many are started")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--docs", type=pathlib.Path, help="the document to put the tables in")
    options = parser.parse_args()
    churned = {mode: [] for mode in MODES}
    for _ in range(options.repeats):  # interleaved: all share what the machine does besides
        for mode, pause in MODES.items():
            churned[mode].append(churn(mode, pause))
    scaled = scale(options.most)
    tables = {"serve-churn": churn_table(churned), "serve-scale": scale_table(scaled)}
    if options.json:
        options.json.write_text(json.dumps({"churn": churned, "scale": scaled}) + "\n")
    for name, text in tables.items():
        if options.docs:
            options.docs.write_text(document.replace(options.docs.read_text(), name, text))
        print(text, end="\n\n")


if __name__ == "__main__":
    work(float(sys.argv[2])) if sys.argv[1:2] == ["work"] else main()

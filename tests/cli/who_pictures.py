"""Profiles for pictures, made by profiles.py, and readers of what becomes of them.
Usage: who_pictures.py make KIND FILE.profile | pprof FILE | html FILE | dom FILE
make writes the profile of a kind, and prints what it amounts to as JSON; the others print what they read. They fail
where a format is broken."""

import gzip
import html.parser
import json
import math
import os
import pathlib
import re
import subprocess
import sys

import profiles
from profiles import MIB, OWN, TASK

START, SECONDS = 1_790_000_000_000, 300  # milliseconds, and how long it took


class Made:
    """A profile, with what it amounts to."""

    def __init__(self, host="pluto"):
        self.profile = p = profiles.Profile()
        p.pid, p.host, p.state = 4242, host, profiles.ENDED
        p.start_time, p.end_time, p.peak_time = START, START + 1000 * SECONDS, START + 240_000
        p.peak_bytes, p.peak_version = 1, 2
        self.sums = dict.fromkeys(("alloc_space", "inuse_space", "inuse_objects", "peak_space"), 0)

    def add(self, *lines, sizes, age=10, total=1, peak=0, thread=0, **stack):
        """Buffers of these sizes live, and `total` times as many were ever allocated. For the lines see profiles.py."""
        p = self.profile
        weights = [1 / -math.expm1(-size / p.mean) for size in sizes]
        live = sum(size * weight for size, weight in zip(sizes, weights, strict=True))
        number = p.stack(*lines, total=(round(total * live), total * sum(weights), total * len(sizes)), **stack)
        for size in sizes:
            p.record(number, size, exposure=size / p.mean, thread=thread, since=SECONDS - age)
        if peak:
            p.lived(number, peak, len(sizes))
        for name, amount in {"alloc_space": round(total * live), "inuse_space": live, "inuse_objects": sum(weights),
                             "peak_space": peak}.items():
            self.sums[name] += amount


# ---- what is made ----

def few():
    """A few lines: a module's, a lambda's that gives tasks, a library's, and native frames."""
    made = Made()
    p = made.profile
    p.program, p.command = "etl.py", ["python3", "etl.py", "--day", "2026-11-28"]
    p.module("/usr/lib/libnothing.so.3", 0x7F1000001000, 0x7F1000003000, 0x7F1000000000, bytes(range(20)))
    p.frame("/srv/jobs/etl.py", "load", 8, first=5)
    main, worker = p.thread(4242, "etl.py"), p.thread(4243, "jemalloc_bg")
    module = "/srv/jobs/etl.py:31 <module>"
    made.add("/srv/jobs/etl.py:8 load", module, native=[0x7F1000001010], thread=main, sizes=[64 * MIB], age=290,
             peak=64 * MIB)
    made.add("/srv/jobs/etl.py:13 <lambda>.<locals>.inner", "/srv/jobs/etl.py:12 <lambda>", module, kind=TASK,
             native=[0x7F1000002020, 0x7F1000001010], thread=worker, sizes=[3 * MIB] * 9, age=70, total=2,
             peak=20 * MIB)
    made.add("/opt/venv/lib/python3.11/site-packages/pyarrow/parquet/core.py:1800 read_table",
             "/srv/jobs/etl.py:20 small.<locals>.<listcomp>", module, sizes=[100_000] * 20, pool="libc")
    made.add(native=[0x7F1000002020], sizes=[700_000] * 3)
    return made


def many():
    """More than 5,000 lines of Python, in stacks of up to 40."""
    made = Made()
    p = made.profile
    p.program, p.command = "server.py", ["python3", "-m", "server"]
    p.module("/usr/lib/libnothing.so.3", 0x7F1000001000, 0x7F1000003000, 0x7F1000000000)
    state = 1
    for number in range(1000):
        path = []
        for depth in range(8 + number % 33):
            state = (state * 1103515245 + 12345) % 2**31
            leaf = state % (2 + 3 * depth) + (number if depth > 6 else 0)
            path.append(f"/srv/jobs/package/module_{depth}.py:{10 + leaf} "
                        f"package.module_{depth}.Class{leaf}.method_with_a_name_{leaf}")
        made.add(*path[::-1], kind=OWN if number % 3 else TASK, native=[0x7F1000001010 + 16 * (number % 40)],
                 sizes=[100_000 + 5_000 * (state % 400)] * (1 + number % 4), peak=MIB)
    assert len(p.frames) > 5000, len(p.frames)
    return made


def odd():
    """Names that would break out of a page, that are very long, and of other scripts."""
    made = Made(host="h</h1>")
    p = made.profile
    script = "</script><script>document.title='hacked'</script>"
    p.program, p.command = "</title><b>&amp;", ["python3", script]
    names = [script, "<!--<script>", "<img src=x onerror=alert(1)>", "\"quoted\" 'twice' `three` \\u003c &lt; &amp;",
             "a.very." + "long." * 120 + "name", "Größe_berechnen", "読み込む_日本語の名前", "данные.загрузить",
             "تحميل_البيانات", "🐍_загрузка", "operator<", "x" * 3000]
    for number, name in enumerate(names):
        made.add(f"/srv/Aufträge {number}/</style>{name[:60]}.py:{number + 1} {name}",
                 "/srv/jobs/<b>main</b>.py:5 <module>", sizes=[(1 + number % 5) * MIB] * 2, pool="</title>")
    return made


def named():
    """A stack that ends in our library, which is of the allocation itself."""
    made = Made()
    p = made.profile
    listed = subprocess.run(["nm", "-D", os.environ["LIBRARY"]], check=True, capture_output=True, text=True).stdout
    value = next(int(line.split()[0], 16) for line in listed.splitlines() if " T arrowpool_allocate@" in line)
    p.module(os.environ["LIBRARY"], 0x7F2000000000, 0x7F2001000000, 0x7F2000000000)
    p.module("/usr/lib/libnothing.so.3", 0x7F1000001000, 0x7F1000003000, 0x7F1000000000)
    made.add("/srv/jobs/etl.py:8 load", native=[0x7F2000000000 + value + 4, 0x7F1000001010], sizes=[MIB])
    return made


def make(kind, path):
    made = {"few": few, "many": many, "odd": odd, "named": named}[kind]()
    made.profile.samples = len(made.profile.records)
    made.profile.write(path)
    return made.sums


# ---- what is read ----

def varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def fields(data):
    """[(field, value)] of a message of Protocol Buffers: numbers and bytes."""
    at, found = 0, []
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            assert at + value <= len(data)
            value, at = data[at:at + value], at + value
        else:
            assert tag & 7 == 0, tag
        found.append((tag >> 3, value))
    return found


def numbers(packed):
    at, found = 0, []
    while at < len(packed):
        number, at = varint(packed, at)
        found.append(number - 2**64 if number >= 2**63 else number)
    return found


def read_pprof(path):
    """What is in it, with the references followed."""
    top = fields(gzip.decompress(pathlib.Path(path).read_bytes()))
    of = {number: [value for field, value in top if field == number] for number in range(1, 16)}
    strings = [text.decode() for text in of[6]]
    assert strings[0] == "" and len(set(strings)) == len(strings)
    types = [tuple(strings[value] for _, value in fields(kind)) for kind in of[1]]
    functions = {entry[1]: entry for entry in (dict(fields(data)) for data in of[5])}
    mappings = {entry[1]: entry for entry in (dict(fields(data)) for data in of[3])}
    locations = {}
    for entry in (dict(fields(data)) for data in of[4]):
        line = dict(fields(entry[4]))
        function, mapping = functions[line[1]], mappings.get(entry.get(2, 0), {})
        assert 2 not in entry or entry[2] in mappings
        if 3 in entry and mapping:
            assert mapping[2] <= entry[3] < mapping[3]
        locations[entry[1]] = {"name": strings[function[2]], "file": strings[function.get(4, 0)],
                               "line": line.get(2, 0), "start_line": function.get(5, 0),
                               "build_id": strings[mapping.get(6, 0)], "mapping": strings[mapping.get(5, 0)]}
    samples = []
    for data in of[2]:
        sample = dict(fields(data))
        labels = [dict(fields(value)) for field, value in fields(data) if field == 3]
        samples.append({"stack": [locations[number] for number in numbers(sample[1])], "values": numbers(sample[2]),
                        "labels": {strings[label[1]]: strings[label[2]] if 2 in label else label.get(3, 0)
                                   for label in labels}})
        assert len(samples[-1]["values"]) == len(types)
    return {"types": types, "default": strings[of[14][0]], "period": of[12][0], "samples": samples,
            "drop": strings[of[7][0]] if of[7] else "",
            "comments": [strings[number] for part in of[13] for number in numbers(part)],
            "sums": {types[i][0]: sum(sample["values"][i] for sample in samples) for i in range(len(types))}}


class Page(html.parser.HTMLParser):
    """Elements and their texts, as a browser would see them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], {}, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.open.append(dict(attributes).get("id", tag))

    def handle_endtag(self, tag):
        if tag in ("title", "script", "style", "h1"):
            self.open.append("")

    def handle_data(self, data):
        name = self.open[-1] if self.open else ""
        self.texts[name] = self.texts.get(name, "") + data


FORBIDDEN = {"src", "href", "action", "style", "onerror", "onclick", "onload"}


def read_html(path):
    page = Page(pathlib.Path(path).read_text(encoding="utf-8"))
    tags = [tag for tag, _ in page.elements]
    for tag, attributes in page.elements:
        assert not FORBIDDEN & set(attributes), (tag, attributes)
    return {"title": page.texts["title"], "scripts": tags.count("script"),
            "unexpected": [tag for tag in ("img", "b", "link") if tag in tags],
            "profile": json.loads(page.texts["profile"])}


def read_dom(path):
    """What a browser made of it: title, frames and rows."""
    text = pathlib.Path(path).read_text(encoding="utf-8")
    page = Page(text)
    labels = [attributes["aria-label"] for _, attributes in page.elements if attributes.get("role") == "treeitem"]
    return {"title": page.texts["title"], "frames": labels, "rows": len(re.findall(r'<td class="who">', text)),
            "heading": page.texts["graph-heading"]}


VERBS = {"make": make, "pprof": read_pprof, "html": read_html, "dom": read_dom}

if __name__ == "__main__":
    print(json.dumps(VERBS[sys.argv[1]](*sys.argv[2:])))

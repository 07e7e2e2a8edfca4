"""A page in Prometheus's text format: fetch it, or read it from stdin (-), and check that each family is there once,
with its HELP and TYPE before all of its samples, and each series once.  Prints it, or the value of a Python expression
on it: value("NAME", label="text") is the sum of the samples with these labels, count(...) their number.

usage: page.py URL|- [EXPRESSION]"""

import re
import sys
import urllib.request

SAMPLE = re.compile(r'(\w+)(\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Page:
    def __init__(self, text):
        self.samples = {}
        families, current = {}, None
        assert text.endswith("\n"), text[-100:]
        for line in text.splitlines():
            if line.startswith("#"):
                _, word, name, rest = line.split(" ", 3)
                if word == "HELP":
                    assert name not in families and rest, line
                    families[name] = current = name
                else:
                    assert word == "TYPE" and name == current and rest in ("gauge", "counter"), line
                continue
            match = SAMPLE.fullmatch(line)
            assert match, line
            name, labels, value = match.groups()
            assert name == current, f"{line} among those of {current}"
            key = name, tuple(sorted(LABEL.findall(labels or "")))
            assert key not in self.samples, f"twice: {line}"
            self.samples[key] = float(value)

    def select(self, name, labels):
        return [value for (its, own), value in self.samples.items() if its == name and set(labels.items()) <= set(own)]

    def value(self, name, **labels):
        found = self.select(name, labels)
        return int(sum(found)) if found else None

    def count(self, name, **labels):
        return len(self.select(name, labels))


def fetch(url, timeout=30):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=timeout) as answer:
        return answer.read().decode()


def main():
    text = sys.stdin.read() if sys.argv[1] == "-" else fetch(sys.argv[1])
    page = Page(text)
    if len(sys.argv) > 2:
        print(eval(sys.argv[2], {"value": page.value, "count": page.count, "samples": page.samples}))
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()

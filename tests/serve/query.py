"""Ask a Prometheus server.

usage: query.py URL EXPRESSION          prints the values of the result, sorted, in one line
       query.py URL --dashboard FILE    asks each expression of a Grafana dashboard, with its variables at All: prints
                                        how many there are, and those that have no answer"""

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request


def ask(url, expression):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    query = urllib.parse.urlencode({"query": expression})
    try:
        with opener.open(f"{url}/api/v1/query?{query}", timeout=30) as answer:
            return json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{expression}: {error.read().decode()}")


def expressions(path):
    with open(path) as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "1m")
            yield re.sub(r"\$(job|instance|program)\b", ".*", text)


def main():
    url = sys.argv[1]
    if sys.argv[2] == "--dashboard":
        found = list(expressions(sys.argv[3]))
        empty = [expression for expression in found if not ask(url, expression)]
        assert not any("$" in expression for expression in found)
        print(len(found), *empty, sep="\n")
    else:
        print(*sorted(float(one["value"][1]) for one in ask(url, sys.argv[2])))


if __name__ == "__main__":
    main()

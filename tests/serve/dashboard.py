"""Check a Grafana dashboard as far as its JSON model says what has to be there: ids, places that do not overlap, data
sources and variables that are defined, metrics that the documents name.  usage: dashboard.py DASHBOARD DOCUMENT..."""

import itertools
import json
import pathlib
import re
import sys

KNOWN = {"timeseries", "stat"}


def names(documents):
    """What the documents say, with their short forms: ..._copied_total."""
    text = " ".join(pathlib.Path(path).read_text() for path in documents)
    return set(re.findall(r"\barrowpool_\w+", text)) | set(re.findall(r"\.\.\.(_\w+)", text))


def check_panel(panel, variables, documented):
    assert panel["type"] in KNOWN and panel["title"] and isinstance(panel["description"], str), panel["id"]
    assert (panel["datasource"]["type"], panel["datasource"]["uid"]) == ("prometheus", "${datasource}")
    assert "unit" in panel["fieldConfig"]["defaults"] and panel["fieldConfig"]["overrides"] == []
    place = panel["gridPos"]
    assert place["x"] >= 0 and place["x"] + place["w"] <= 24 and place["w"] > 0 and place["h"] > 0
    assert [target["refId"] for target in panel["targets"]] == list("ABCDEFGH"[:len(panel["targets"])])
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        for variable in re.findall(r"\$\{?(\w+)", target["expr"]):
            assert variable in variables | {"__rate_interval"}, variable
        for metric in re.findall(r"\barrowpool_\w+", target["expr"]):
            assert metric in documented or any(metric.endswith(name) for name in documented), metric


def main():
    dashboard = json.loads(pathlib.Path(sys.argv[1]).read_text())
    panels = dashboard["panels"]
    assert dashboard["uid"] and dashboard["title"] and dashboard["schemaVersion"] >= 36
    assert dashboard.get("id") is None  # Grafana gives it one
    assert len({panel["id"] for panel in panels}) == len(panels)
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    for variable in variables.values():
        if variable["type"] == "query":
            assert re.match(r"label_values\(arrowpool_\w+.*, " + variable["name"] + r"\)$", variable["definition"])
            assert variable["query"]["query"] == variable["definition"]
    documented = names(sys.argv[2:])
    for panel in panels:
        check_panel(panel, set(variables), documented)
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        apart = (one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
                 or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"])
        assert apart, (one, other)


if __name__ == "__main__":
    main()

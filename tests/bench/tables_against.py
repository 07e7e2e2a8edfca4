"""The table of --against: this build's figures over those of the other build, for all that both were measured in."""

import statistics

from commands import AGAINST
from results import TIME, ratio
from tables import number, table, titled

# What is compared, by heading: how runs are summed up, and the field, where a case has it. TIME: the case's own.
COLUMNS = {
    "time, minimum": ("least", TIME),
    "time, median": ("median", TIME),
    "CPU, minimum": ("least", "cpu_min"),
    "page faults": ("median", "faults"),
    "peak RSS": ("median", "peak_mib"),
    "RSS 2 s later": ("median", "rss_live_mib"),
    "RSS 2 s after free": ("median", "rss_freed_mib"),
    "RSS 2 s after the loop": ("median", "rss_later_mib"),
}


def ratios(r, case):
    def compared(statistic, field):
        ask = getattr(r, statistic)
        if field is TIME:
            field = "wall_mean" if (case.group, statistic) == ("work", "median") else TIME[case.group]
        return ratio(ask(case.name, "arrowpool", field), ask(case.name, AGAINST, field))

    return [compared(*column) for column in COLUMNS.values()]


def mean(values):
    values = [value for value in values if value]
    return statistics.geometric_mean(values) if values else None


def everything(r, cases):
    rows = [(case.name, ratios(r, case)) for case in cases if r.has(case.name, AGAINST)]
    if len(rows) > 1:
        rows.append(("**geometric mean**", [mean(column) for column in zip(*(row for _, row in rows), strict=True)]))
    return "\n".join(titled(
        "This build, × the other build", "Less than 1: this build takes less. Both took turns in one run.",
        table(["", *COLUMNS], ([name, *map(number, row)] for name, row in rows))))

"""Ordinary work compared: the figures of arrowpool over those of stock pyarrow, and over those of the best peer.

A measure is asked of each workload and peer. Times have two: the minimum over all iterations of all rounds, and the
median over rounds of an iteration's mean. Memory is that of the whole process.
"""

import statistics

import plan_work
from results import ratio

MEASURES = {
    "wall": ("least", "wall_min"),
    "wall, median": ("median", "wall_mean"),
    "CPU": ("least", "cpu_min"),
    "CPU, median": ("median", "cpu_mean"),
    "faults": ("median", "faults"),
    "peak": ("median", "peak_mib"),
    "live": ("median", "rss_live_mib"),
    "freed": ("median", "rss_freed_mib"),
}
CASES = tuple(plan_work.TITLES)


def value(r, case, who, measure):
    statistic, field = MEASURES[measure]
    return getattr(r, statistic)(case, who, field)


def over_stock(r, case, measure):
    return ratio(value(r, case, "arrowpool", measure), value(r, case, plan_work.STOCK, measure))


def best(r, case, measure):
    """The least figure of anybody else's, and whose it is; (None, "") if nobody else was measured."""
    found = [(value(r, case, who, measure), who) for who in plan_work.OTHERS]
    return min((pair for pair in found if pair[0] is not None), default=(None, ""))


def over_best(r, case, measure):
    return ratio(value(r, case, "arrowpool", measure), best(r, case, measure)[0])


def measured(r, *peers):
    """The workloads for which there are figures of all of these."""
    return [case for case in CASES if all(r.has(case, who) for who in peers)]


def total(r, who, measure, cases):
    values = [value(r, case, who, measure) for case in cases]
    return None if None in values or not values else sum(values)


def total_over_stock(r, measure):
    cases = measured(r, "arrowpool", plan_work.STOCK)
    return ratio(total(r, "arrowpool", measure, cases), total(r, plan_work.STOCK, measure, cases))


def total_over_best(r, measure):
    """Over the least sum of anybody's who did all that we did, and whose it is."""
    cases = measured(r, "arrowpool")
    sums = [(total(r, who, measure, cases), who) for who in plan_work.OTHERS]
    least, who = min((pair for pair in sums if pair[0] is not None), default=(None, ""))
    return ratio(total(r, "arrowpool", measure, cases), least), who


def mean_over_stock(r, measure):
    """The mean of the workloads' ratios, as memory is compared: a sum would be that of the largest."""
    ratios = [found for case in CASES if (found := over_stock(r, case, measure)) is not None]
    return statistics.mean(ratios) if ratios else None

"""The goals, each with the figure that decides it. Ratios are of minima within one warm run; where a goal
covers several cases or peers, the one furthest from it decides and is named.
"""

from dataclasses import dataclass

from plan import GROWTH, STOCK_POOLS
from results import ratio

NO_SLOWER = 1.02  # two per cent are noise here
AT_MOST, AT_LEAST = "≤", "≥"


@dataclass
class Goal:
    text: str
    relation: str
    wanted: float
    measured: float = None
    where: str = ""
    unit: str = ""

    @property
    def met(self):
        if self.measured is None:
            return None
        return self.measured <= self.wanted if self.relation == AT_MOST else self.measured >= self.wanted


def worst(goal, candidates):
    """Let the candidate (value, where) decide that is furthest from the goal; all must have been measured."""
    candidates = list(candidates)
    if candidates and all(value is not None for value, _ in candidates):
        pick = max if goal.relation == AT_MOST else min
        goal.measured, goal.where = pick(candidates)
    return goal


def growth_goals(r):
    def times(case, who):
        return r.least(case, who, "total_ms")

    def against(case, who):
        return ratio(times(case, who), times(case, "arrowpool"))

    for case, wanted in zip(GROWTH, (1.15, 1.15, 1.15, 1.5, 1.5), strict=True):
        yield Goal(f"{case}: time, × limit", AT_MOST, wanted, ratio(times(case, "arrowpool"), times(case, "limit")))
    faster = {"doubling": (7, 7, 2.5), "interleaved-doubling": (7, 7, 1.4), "steps-1m": (100, 25, 10)}
    for case, factors in faster.items():
        for who, wanted in zip(("system", "jemalloc-arrow", "mimalloc-wheel"), factors, strict=True):
            yield Goal(f"{case}: {who}'s time, × ours", AT_LEAST, wanted, against(case, who))
    for who in ("glibc-hugetlb", "jemalloc-arrow-thp"):
        cases = (*GROWTH, "reuse-64m", "reuse-1m", "trim")
        yield worst(Goal(f"ahead of {who} in every case: its time, × ours", AT_LEAST, 1),
                    ((against(case, who), case) for case in cases))
    for case in ("doubling", "steps-1m"):
        yield Goal(f"{case}: time in reallocate alone, system's × ours", AT_LEAST, 1000,
                   ratio(r.least(case, "system", "re_ms"), r.least(case, "arrowpool", "re_ms")))

    def excess(case):
        live, peak = r.most(case, "arrowpool", "live_mib"), r.most(case, "arrowpool", "peak_mib")
        return None if live is None else peak - 1.06 * live

    yield worst(Goal("growth: peak RSS beyond 1.06 × live bytes", AT_MOST, 16, unit="MiB"),
                ((excess(case), case) for case in GROWTH))


def reuse_goals(r):
    yield Goal("reuse-64m: tcmalloc's time, × ours", AT_LEAST, 1,
               ratio(r.least("reuse-64m", "tcmalloc", "total_ms"), r.least("reuse-64m", "arrowpool", "total_ms")))
    later, base = r.most("reuse-64m", "arrowpool", "rss_later_mib"), r.least("reuse-64m", "arrowpool", "base_mib")
    yield Goal("reuse-64m: RSS above the start, 2 s later", AT_MOST, 16, None if later is None else later - base,
               unit="MiB")


def small_goals(r):
    for case in ("churn-1", "churn-2"):
        yield Goal(f"{case}: mimalloc's time, × ours", AT_LEAST, 1,
                   ratio(r.least(case, "mimalloc", "ns_per_pair"), r.least(case, "arrowpool", "ns_per_pair")))
    counts = [r.least(case, "arrowpool", "ns_per_pair") for case in ("count-1", "count-2")]
    yield worst(Goal("counting an allocation and a free", AT_MOST, 5, unit="ns"),
                zip(counts, ("count-1", "count-2"), strict=True))
    yield Goal("counting: 2 threads, × 1 thread", AT_MOST, NO_SLOWER, ratio(counts[1], counts[0]))
    yield Goal("many: page tables", AT_MOST, 4, r.most("many", "arrowpool", "pte_mib"), unit="MiB")
    yield Goal("many: RSS, × jemalloc", AT_MOST, 1.03,
               ratio(r.median("many", "arrowpool", "rss_mib"), r.median("many", "jemalloc", "rss_mib")))


def arrow_goals(r):
    def seconds(case, who):
        return r.least(case, who, "seconds")

    def others(case, who):
        return [(ratio(seconds(case, pool), seconds(case, "arrowpool")), pool) for pool in who]

    def peaks(case):
        return ratio(r.median(case, "arrowpool", "peak_mib"), r.median(case, "mimalloc", "peak_mib"))

    for case, wanted in (("append", 2), ("interleaved", 1.3), ("ipc", 1.6)):
        yield worst(Goal(f"pyarrow {case}: best stock pool's time, × ours", AT_LEAST, wanted),
                    others(case, STOCK_POOLS))
        yield Goal(f"pyarrow {case}: peak RSS, × mimalloc", AT_MOST, 0.8, peaks(case))
        yield worst(Goal(f"pyarrow {case}: jemalloc and system pool's time, × ours", AT_LEAST, 5),
                    others(case, ("jemalloc", "system")))
        yield Goal(f"pyarrow {case}: time, × pre-sized", AT_MOST, 1.2,
                   ratio(seconds(case, "arrowpool"), seconds(f"{case}-presized", "mimalloc")))
    yield worst(Goal("pyarrow untouched: best stock pool's time, × ours", AT_LEAST, 150),
                others("untouched", STOCK_POOLS))
    fastest = [seconds("dataset", pool) for pool in STOCK_POOLS]
    fastest = None if None in fastest else min(fastest)
    yield Goal("pyarrow dataset: time, × fastest stock pool", AT_MOST, NO_SLOWER,
               ratio(seconds("dataset", "arrowpool"), fastest))
    yield Goal("pyarrow dataset: peak RSS, × mimalloc", AT_MOST, 0.75, peaks("dataset"))
    yield Goal("pyarrow dataset: RSS 2 s later", AT_MOST, 160, r.most("dataset", "arrowpool", "rss_later_mib"),
               unit="MiB")


def goals(results):
    return [*growth_goals(results), *reuse_goals(results), *small_goals(results), *arrow_goals(results)]

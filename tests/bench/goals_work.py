"""The goals of ordinary work, as ratios to stock pyarrow or to the best peer. Each needs all workloads."""

import compare_work as compare
import plan_work
from goals import AT_MOST, NO_SLOWER, Goal, worst


def each(r, text, wanted, measure, cases):
    """Every workload: the worst decides, and it is said how many do not reach it."""
    found = [(compare.over_stock(r, case, measure), case) for case in cases]
    goal = worst(Goal(text, AT_MOST, wanted), found)
    if goal.met is False:
        missing = sum(value > wanted for value, _ in found)
        goal.where += f"; {missing} of {len(found)} miss it"
    return goal


def goals(r):
    complete = compare.measured(r, "arrowpool", plan_work.STOCK) == list(compare.CASES)
    yield each(r, "work: wall, × stock, in every workload", NO_SLOWER, "wall", compare.CASES)
    yield each(r, "work: wall of read_csv, × stock, in each file", 0.95, "wall", plan_work.READ_CSV)
    # The best is not known before pyarrow's own pools have all been measured.
    all_pools = complete and all(compare.measured(r, pool) == list(compare.CASES)
                                 for pool in ("mimalloc", "jemalloc", "system"))
    least, who = compare.total_over_best(r, "wall") if all_pools else (None, "")
    yield Goal("work: sum of wall, × the best peer's", AT_MOST, 0.95, least, who)
    yield each(r, "work: peak RSS, × stock, in every workload", 1.0, "peak", compare.CASES)
    for text, wanted, measure in (("peak RSS", 0.85, "peak"), ("RSS 2 s later, the result alive", 0.6, "live"),
                                  ("RSS 2 s after the result was freed", 0.35, "freed")):
        yield Goal(f"work: {text}, × stock, mean", AT_MOST, wanted,
                   compare.mean_over_stock(r, measure) if complete else None)

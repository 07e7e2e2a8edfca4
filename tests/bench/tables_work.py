"""Markdown tables of ordinary work: first ours over stock pyarrow and over the best peer, then everybody's figures."""

import compare_work as compare
import plan_work
import tables
from goals import NO_SLOWER
from results import ratio
from tables import number, table, titled

RATIOS = ("faults", "peak", "live", "freed")
MILLISECONDS = 1000


def bold(value):
    """What is lost stands out."""
    return f"**{number(value)}**" if value is not None and value > NO_SLOWER else number(value)


def pair(ask, measure):
    """Minimum and median."""
    least, median = ask(measure), ask(measure + ", median")
    return "" if least is None else f"{bold(least)}, {bold(median)}"


def title(case):
    return f"`{case}`: {plan_work.TITLES[case]}"


def compared(r):
    cases = [case for case in compare.CASES if r.has(case, "arrowpool")]

    def row(case):
        stock = compare.value(r, case, plan_work.STOCK, "wall")
        return [title(case), number(stock * MILLISECONDS) if stock else "",
                *(pair(lambda measure, ask=ask: ask(r, case, measure), time)
                  for time in ("wall", "CPU") for ask in (compare.over_stock, compare.over_best)),
                *(bold(compare.over_stock(r, case, measure)) for measure in RATIOS)]

    stock = compare.total(r, plan_work.STOCK, "wall", compare.measured(r, "arrowpool", plan_work.STOCK))
    last = [f"**all {len(cases)}**: sum of times and faults, mean of memory",
            number(stock * MILLISECONDS) if stock else "",
            *(pair(ask, time) for time in ("wall", "CPU")
              for ask in (lambda measure: compare.total_over_stock(r, measure),
                          lambda measure: compare.total_over_best(r, measure)[0])),
            bold(compare.total_over_stock(r, "faults")),
            *(bold(compare.mean_over_stock(r, measure)) for measure in RATIOS[1:])]
    return table(["", "stock, wall (ms)", "wall, × stock", "wall, × best peer", "CPU, × stock", "CPU, × best peer",
                  "page faults, × stock", "peak RSS, × stock", "RSS 2 s later, × stock", "RSS 2 s after free, × stock"],
                 [*map(row, cases), last] if cases else [])


def by_peer(r, cell):
    peers = [who for who in plan_work.PEERS if any(r.has(case, who) for case in compare.CASES)]
    names = {who: plan_work.PEERS[who].title for who in peers}
    return table(["", *(tables.label(who, names) for who in peers)],
                 ([title(case), *(cell(case, who) for who in peers)] for case in compare.CASES))


def times(r, measure):
    def cell(case, who):
        value = compare.value(r, case, who, measure)
        times_ours = ratio(value, compare.value(r, case, "arrowpool", measure))
        if value is None:
            return ""
        return number(value * MILLISECONDS) + (f" ({number(times_ours)})" if times_ours and who != "arrowpool" else "")

    return by_peer(r, cell)


def memory(r):
    def cell(case, who):
        values = [compare.value(r, case, who, measure) for measure in ("peak", "live", "freed")]
        return ", ".join(number(value) for value in values if value is not None)

    return by_peer(r, cell)


def faults(r):
    return by_peer(r, lambda case, who: number(compare.value(r, case, who, "faults")))


def everything(r, facts, found):
    return "\n".join([
        *titled("Against stock pyarrow and the best peer",
                "Ratios: less than 1 is a gain, and more than 1.02, in bold, a loss. Of times the first is that of the "
                "minima and the second that of the medians; the best peer is, for each figure, the best of all but "
                "ours.", compared(r)),
        *tables.goals(found),
        *titled("Wall time of an iteration, by peer (ms)", "Minima, with the ratio to ours in brackets.",
                times(r, "wall")),
        *titled("CPU time of an iteration, by peer (ms)", "The same.", times(r, "CPU")),
        *titled("Memory of the process, by peer (MiB)", "Peak RSS; RSS 2 s after the last iteration, its result alive; "
                "RSS 2 s after the result was freed.", memory(r)),
        *titled("Page faults in an iteration, by peer", "", faults(r)),
        *tables.machine(facts),
    ])

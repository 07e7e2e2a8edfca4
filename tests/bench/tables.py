"""Markdown tables of a run's figures. Times are minima, with the ratio to arrowpool's minimum in brackets."""

import plan
from results import TIME, ratio


def number(value):
    """Three digits are what repeats."""
    if value is None:
        return ""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 else \
        f"{value:.2g}"


def table(header, rows):
    """Rows without any figure are left out; so is a table without rows."""
    rows = [row for row in rows if any(row[1:])]
    if not rows:
        return []
    return ["| " + " | ".join(header) + " |", "|---" + "|---:" * (len(header) - 1) + "|",
            *("| " + " | ".join(row) + " |" for row in rows), ""]


def titled(title, text, lines):
    return [f"### {title}", "", *([text, ""] if text else []), *lines] if lines else []


def label(who, names=plan.ALLOCATORS):
    return f"**{names[who]}**" if who == "arrowpool" else names[who]


def timed(r, case, who, factor=1, temperature="warm"):
    field = TIME[plan.BY_NAME[case].group]
    value = r.least(case, who, field, temperature=temperature)
    if value is None:
        return ""
    times = ratio(value, r.least(case, "arrowpool", field, temperature=temperature))
    return number(value * factor) + (f" ({number(times)})" if times is not None and who != "arrowpool" else "")


def growth(r):
    cases = [plan.BY_NAME[name] for name in plan.GROWTH]
    header = ["", *(case.title for case in cases)]

    def rows(cell):
        return table(header, ([label(who), *(cell(case.name, who) for case in cases)] for who in plan.ALLOCATORS))

    def middle(case, who):
        if not r.has(case, who):
            return ""
        runs = len(r.values(case, who, "total_ms"))
        return f"{number(r.median(case, who, 'total_ms'))} +{100 * r.spread(case, who, 'total_ms'):.0f} % of {runs}"

    def calls(case, who):
        if not r.has(case, who) or who.startswith("limit"):
            return ""
        inside = r.least(case, who, "re_ms")
        ours = r.least(case, "arrowpool", "re_ms")
        times = f" ({number(ratio(inside, ours))})" if ours and who != "arrowpool" else ""
        return f"{number(r.least(case, who, 'ns_per_call') / 1000)}{times}, {r.median(case, who, 'same_percent'):.0f} %"

    return [
        *titled("Growth: time (ms)", "Everything from the first allocation to the last byte written.",
                rows(lambda case, who: timed(r, case, who))),
        *titled("Growth: resizing alone (µs a call)", "The time spent inside reallocate in the same runs, with the "
                "ratio to ours, and how many calls kept the buffer's address.", rows(calls)),
        *titled("Growth: peak RSS (MiB)", "Above what the process had before it started; largest of all runs.",
                rows(lambda case, who: number(r.most(case, who, "peak_over_base_mib")))),
        *titled("Growth: median time (ms), spread, runs", "The spread is the slowest run over the fastest.",
                rows(middle)),
    ]


def cold(r):
    cases = [plan.BY_NAME[name] for name in plan.COLD_CASES]
    return titled("Growth on a cold machine (ms)",
                  f"The same after a pause instead of a warm-up; the faster of {plan.COLD_REPEATS} runs. Getting a "
                  "page from the host costs more than all else here, and varies: this table says what users of such "
                  "machines meet, not which allocator is better.",
                  table(["", *(case.title for case in cases)],
                        ([label(who), *(timed(r, case.name, who, temperature="cold") for case in cases)]
                         for who in plan.COLD_ALLOCATORS)))


def reuse(r):
    sections = []
    for case, unit, factor in (("reuse-64m", "ms a cycle", 1 / 30), ("reuse-1m", "µs a cycle", 1 / 2)):
        sections += titled(
            f"Take, write, give back: {plan.BY_NAME[case].title}", "RSS (MiB) is above the start of the process's "
            "work: at the end of the loop, 2 s later, and after one more small call." if case == "reuse-64m" else "",
            table(["", unit, "peak RSS", "at the end", "2 s later", "after a call"],
                  ([label(who), timed(r, case, who, factor), number(r.most(case, who, "peak_over_base_mib")),
                    *(above_base(r, case, who, field) for field in ("rss_end_mib", "rss_later_mib", "rss_called_mib"))]
                   for who in plan.ALLOCATORS)))
    return sections + titled(
        "Trim and grow again: " + plan.BY_NAME["trim"].title, "",
        table(["", "in all (ms)", "shrink (µs)", "grow (µs)", "RSS when small (MiB)"],
              ([label(who), timed(r, "trim", who),
                *(number(r.least("trim", who, field)) for field in ("shrink_us", "regrow_us", "rss_trimmed_mib"))]
               for who in plan.ALLOCATORS)))


def above_base(r, case, who, field):
    value = r.median(case, who, field)
    return "" if value is None else number(max(0, value - r.median(case, who, "base_mib")))


def small(r):
    return [
        *titled("Small buffers: 64 bytes to 32 KiB, 2048 live in each thread (ns for an allocation and a free)", "",
                table(["", "1 thread", "2 threads"],
                      ([label(who), timed(r, "churn-1", who), timed(r, "churn-2", who)] for who in plan.SMALL))),
        *titled(plan.BY_NAME["many"].title, "",
                table(["", "µs a buffer", "page tables (MiB)", "RSS (MiB)", "RSS, × live bytes"],
                      ([label(who), timed(r, "many", who), number(r.median("many", who, "pte_mib")),
                        number(r.median("many", who, "rss_mib")),
                        number(ratio(r.median("many", who, "rss_mib"), r.median("many", who, "live_mib")))]
                       for who in plan.SMALL))),
        *titled("Counting an allocation and a free (ns)", "A loop that counts, less the same loop that does not.",
                table(["", "1 thread", "2 threads"],
                      ([label(who, plan.COUNTERS), timed(r, "count-1", who), timed(r, "count-2", who)]
                       for who in plan.COUNTERS))),
    ]


def arrow(r):
    cases = [case for case in plan.CASES if case.group == "arrow"]

    def cell(case, pool):
        text = timed(r, case.name, pool)
        return text and f"{text}, {number(r.median(case.name, pool, 'peak_mib'))} MiB"

    lines = titled("pyarrow: seconds, and peak RSS of the process",
                   "Stock pyarrow; the shim under its default pool against its own three.",
                   table(["", *(label(pool, plan.POOLS) for pool in plan.POOLS)],
                         ([case.title, *(cell(case, pool) for pool in plan.POOLS)] for case in cases)))
    fields = {"rss_end_mib": "at the end", "rss_later_mib": "2 s later", "rss_called_mib": "after a call"}
    return lines + titled("pyarrow: RSS after the dataset was read 20 times (MiB)", "", table(
        ["", *fields.values()], ([name, *(number(r.median("dataset", pool, field)) for field in fields)]
                                 for pool, name in plan.POOLS.items())))


def goals(found):
    def row(goal):
        measured = "" if goal.measured is None else f"{number(goal.measured)} {goal.unit}".strip()
        verdict = {None: "not measured", True: "met", False: "**missed**"}[goal.met]
        wanted = f"{goal.relation} {goal.wanted:g} {goal.unit}".strip()
        return [goal.text, wanted, measured + (f" ({goal.where})" if goal.where else ""), verdict]

    return titled("Goals", "", table(["goal", "wanted", "measured", ""], map(row, found)))


def machine(facts):
    return titled("The machine", "", [*(f"* {name}: {value}" for name, value in facts.items()), ""])


def everything(r, facts, found):
    return "\n".join([*machine(facts), *goals(found), *growth(r), *reuse(r), *small(r), *arrow(r), *cold(r)])

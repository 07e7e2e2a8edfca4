"""The two parts of a run, which are measured and written down by themselves: buffers that grow and small ones, and
ordinary work of pyarrow."""

from collections.abc import Callable
from dataclasses import dataclass

import goals
import goals_work
import plan
import plan_work
import tables
import tables_work
from commands import AGAINST


@dataclass(frozen=True)
class Part:
    name: str
    cases: tuple
    goals: Callable
    tables: Callable
    marker: str  # of the document: where its tables go
    missed_marker: str  # and the goals that it missed
    quick: tuple = ()  # who is measured by --quick; none: all

    def who(self, case, quick, against):
        """Who takes turns in this case; another build comes right after ours."""
        chosen = [name for name in case.who if not (quick and self.quick) or name in self.quick]
        if against and "arrowpool" in chosen:
            chosen.insert(chosen.index("arrowpool") + 1, AGAINST)
        return chosen

    def left_out(self, skipped):
        """As a line on the machine: which of this part could not be had, by (program, who)."""
        programs = {case.program for case in self.cases}
        reasons = dict.fromkeys(reason for (program, _), reason in skipped.items() if program in programs)
        return {"left out": "; ".join(reasons)} if reasons else {}


PARTS = {part.name: part for part in (
    Part("buffers", tuple(plan.CASES), goals.goals, tables.everything, "results", "missed"),
    Part("work", tuple(plan_work.CASES), goals_work.goals, tables_work.everything, "work", "work missed",
         plan_work.QUICK),
)}

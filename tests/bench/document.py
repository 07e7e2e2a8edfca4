"""Puts generated text between the markers of a document, <!-- NAME --> and <!-- /NAME -->, and keeps what people
wrote: everything outside, and the comments under missed goals."""

import re


def replace(text, name, content):
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begin not in text or end not in text:
        raise SystemExit(f"the document lacks the markers {begin} and {end}")
    head, rest = text.split(begin, 1)
    tail = rest.split(end, 1)[1]
    return f"{head}{begin}\n{content.strip()}\n{end}{tail}"


def between(text, name):
    found = re.search(f"<!-- {name} -->(.*?)<!-- /{name} -->", text, re.DOTALL)
    return found.group(1) if found else ""


def comments(text, name):
    """The lines under each goal of the section, by the goal's text."""
    kept, goal = {}, None
    for line in between(text, name).splitlines():
        item = re.match(r"\* \*\*(.+?)\*\*", line)
        if item:
            goal = item.group(1)
            kept[goal] = []
        elif goal and line.strip():
            kept[goal].append(line)
    return kept


def missed(text, name, goals, number):
    """The section NAME on missed goals: the figures anew, the comments as they were."""
    kept, lines = comments(text, name), []
    for goal in goals:
        if goal.met is False:
            where = f" in {goal.where}" if goal.where else ""
            lines.append(f"* **{goal.text}**: wanted {goal.relation} {goal.wanted:g}, measured "
                         f"{number(goal.measured)}{where}.")
            lines += kept.get(goal.text, [])
    return "\n".join(lines) or "None."

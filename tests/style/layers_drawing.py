"""Draws the folders of layers.txt as SVG: a row for each layer, and an arrow for each include that no longer way along
the arrows explains. Rows are ordered and moved by the barycenters of what they are connected to (Sugiyama). Nothing is
left to chance: the same includes make the same drawing."""

import itertools
from xml.sax.saxutils import escape

WIDTH, HEIGHT, GAP, ROW, MARGIN = 172, 40, 18, 72, 10
STEP = ROW - HEIGHT
HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 WIDTH HEIGHT">
  <title>The folders of the sources, and which includes which</title>
  <style>
    rect { fill: #f3f4f6; stroke: #6b7280 }
    .arrow { fill: none; stroke: #6b7280 }
    .head { fill: #6b7280 }
    text { font: 11px sans-serif; text-anchor: middle; fill: #374151 }
    .name { font: bold 13px sans-serif; fill: #111827 }
    @media (prefers-color-scheme: dark) {
      rect { fill: #1f2937; stroke: #9ca3af }
      .arrow { stroke: #9ca3af }
      .head { fill: #9ca3af }
      text { fill: #d1d5db }
      .name { fill: #f9fafb }
    }
  </style>
  <marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
    <path class="head" d="M0 1 8 4 0 7z"/>
  </marker>
"""


def without_detours(edges):
    """Those that no longer way leads along as well."""
    def reached(left):
        found = set()
        while left:
            found.add(at := left.pop())
            left += [b for a, b in edges if a == at and b not in found]
        return found
    return sorted((a, b) for a, b in edges if b not in reached([c for d, c in edges if d == a and c != b]))


def arrange(rows, edges):
    """Where each folder's middle is, from the left; and the way of each arrow, with a point in each row it crosses."""
    row_of = {folder: number for number, row in enumerate(rows) for folder in row}
    rows, near, ways = [list(row) for row in rows], {}, []
    for edge in edges:
        points = [(*edge, row) for row in range(row_of[edge[0]] + 1, row_of[edge[1]])]
        for point in points:
            rows[point[2]].append(point)
        ways.append([edge[0], *points, edge[1]])
        for one, other in itertools.pairwise(ways[-1]):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    at = {item: number * WIDTH for row in rows for number, item in enumerate(row)}
    for sweep in range(80):
        for row in rows if sweep % 2 else reversed(rows):
            wanted = {item: sum(at[other] for other in near[item]) / len(near[item]) for item in row}
            if sweep < 40:
                row.sort(key=wanted.get)
            at |= spread(row, wanted)
    return at, ways


def spread(row, wanted):
    """The places nearest to those wanted that leave room: neighbours that would overlap move together, as a block."""
    blocks = []  # the items, each with its distance from the block's first, and the sum of what they want of that one
    for item in row:
        blocks.append([{item: 0}, wanted[item]])
        while len(blocks) > 1:
            (before, their_sum), (items, its_sum) = blocks[-2:]
            last = list(before)[-1]
            apart = before[last] + (half(last) + half(next(iter(items)))) + GAP
            if its_sum / len(items) >= their_sum / len(before) + apart:
                break
            blocks[-2:] = [[before | {one: far + apart for one, far in items.items()},
                            their_sum + its_sum - apart * len(items)]]
    return {item: total / len(items) + far for items, total in blocks for item, far in items.items()}


def half(item):
    return WIDTH / 2 if isinstance(item, str) else 0


def draw(rows, edges):
    """`rows` are {folder: what it is}, from the top."""
    at, ways = arrange(rows, without_detours(edges))
    left = min(at[folder] for row in rows for folder in row) - WIDTH / 2 - MARGIN
    at = {item: round(x - left) for item, x in at.items()}
    top = {folder: MARGIN + number * ROW for number, row in enumerate(rows) for folder in row}
    width = max(at[folder] for folder in top) + WIDTH // 2 + MARGIN
    lines = [HEAD.replace("WIDTH", str(width)).replace("HEIGHT", str(len(rows) * ROW - STEP + 2 * MARGIN))]
    for way in ways:
        y = top[way[0]] + HEIGHT
        path = f"M{at[way[0]]} {y}"
        for one, other in itertools.pairwise(way):
            path += f"C{at[one]} {y + STEP // 2} {at[other]} {y + STEP // 2} {at[other]} {y + STEP}"
            path += f"v{HEIGHT}" if other != way[-1] else ""
            y += ROW
        lines.append(f'  <path class="arrow" marker-end="url(#head)" d="{path}"/>\n')
    for folder, what in [item for row in rows for item in row.items()]:
        x, y = at[folder], top[folder]
        lines.append(f'  <rect x="{x - WIDTH // 2}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>\n'
                     f'  <text class="name" x="{x}" y="{y + 17}">{folder}</text>\n'
                     f'  <text x="{x}" y="{y + 32}">{escape(what)}</text>\n')
    return "".join([*lines, "</svg>\n"])

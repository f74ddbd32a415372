"""Where the boxes and lines of a directed graph lie in a picture, from left to right. Pure and repeatable.

What hangs together is laid out on its own, one part below the other, the largest first; boxes without a line follow in
rows. Within a part, `html_layers` says which box lies in which layer and in which order. Heights are least squares:
each box is drawn to the mean of its neighbours, as near as the order and the room between boxes let it, which the
pool-adjacent-violators algorithm finds exactly (Barlow, Bartholomew, Bremner and Brunk, "Statistical inference under
order restrictions", 1972).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lifecycle.changes.html_layers import Edge, in_layers, neighbours

BOX_WIDTH = 216
BOX_HEIGHT = 44
"""All lengths are pixels of the picture at its natural size."""
_GAP_ACROSS = 64
_GAP_BELOW = 14
_BEND_HEIGHT = 4
_MARGIN = 12
_BETWEEN_PARTS = 28
_LONGEST_ROW = 4
_ROUNDS = 14
_STRAIGHTNESS = 6
"""How much more a bend pulls at a bend than a box at a box, so that long lines are straight."""

Point = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A picture's measures."""

    width: int
    height: int
    corners: tuple[Point, ...]
    """By vertex: the upper left corner of its box."""
    lines: dict[Edge, tuple[Point, ...]]
    """By edge: an even number of points; every second stretch crosses a layer and is level, those between may climb."""


def lay_out(count: int, edges: Iterable[Edge]) -> Layout:
    """Lay out vertices 0 to `count` - 1."""
    wanted = sorted({edge for edge in edges if edge[0] != edge[1]})
    parts, alone = _parts(count, wanted)
    corners: dict[int, Point] = {}
    lines: dict[Edge, tuple[Point, ...]] = {}
    top, width = _MARGIN, 2 * _MARGIN
    for part in parts:
        name = {vertex: number for number, vertex in enumerate(part)}
        inner = [(name[start], name[end]) for start, end in wanted if start in name]
        places, ways, height = _lay_out_part(len(part), inner)
        for vertex in part:
            left, above = places[name[vertex]]
            corners[vertex] = (left + _MARGIN, above + top)
            width = max(width, left + BOX_WIDTH + 2 * _MARGIN)
        for (start, end), points in ways.items():
            lines[part[start], part[end]] = tuple((x + _MARGIN, y + top) for x, y in points)
        top += height + _BETWEEN_PARTS
    across = max(_LONGEST_ROW, width // (BOX_WIDTH + _GAP_BELOW)) if parts else _LONGEST_ROW
    for number, vertex in enumerate(alone):
        row, column = divmod(number, across)
        left = _MARGIN + column * (BOX_WIDTH + _GAP_BELOW)
        corners[vertex] = (left, top + row * (BOX_HEIGHT + _GAP_BELOW))
        width = max(width, left + BOX_WIDTH + _MARGIN)
    height = max((y + BOX_HEIGHT for _, y in corners.values()), default=_MARGIN) + _MARGIN
    return Layout(width=width, height=height, corners=tuple(corners[each] for each in range(count)), lines=lines)


def _parts(count: int, edges: Sequence[Edge]) -> tuple[list[list[int]], list[int]]:
    """Return what hangs together, the largest first, and the vertices without an edge."""
    before, after = neighbours(count, edges)
    seen: set[int] = set()
    parts = []
    for root in range(count):
        if root in seen:
            continue
        seen.add(root)
        part, at = [root], 0
        while at < len(part):
            for near in (*before[part[at]], *after[part[at]]):
                if near not in seen:
                    seen.add(near)
                    part.append(near)
            at += 1
        parts.append(sorted(part))
    parts.sort(key=lambda part: (-len(part), part))
    return [part for part in parts if len(part) > 1], [part[0] for part in parts if len(part) == 1]


def _lay_out_part(count: int, edges: Sequence[Edge]) -> tuple[dict[int, Point], dict[Edge, tuple[Point, ...]], int]:
    """Return corners, lines and the height of a part, whose corner is (0, 0)."""
    layers = in_layers(count, edges)
    pairs = sorted({(min(pair), max(pair)) for chain in layers.chains.values() for pair in pairwise(chain)})
    middle = _middles(count, layers.rows, pairs)
    layer_of = {vertex: layer for layer, row in enumerate(layers.rows) for vertex in row}
    lowest = min(middle[vertex] - _height(vertex, count) / 2 for vertex in middle)
    level = {vertex: round(middle[vertex] - lowest) for vertex in middle}
    left_of = {vertex: layer_of[vertex] * (BOX_WIDTH + _GAP_ACROSS) for vertex in middle}
    corners = {vertex: (left_of[vertex], level[vertex] - BOX_HEIGHT // 2) for vertex in range(count)}
    lines = {}
    for edge, chain in layers.chains.items():
        step = 1 if layer_of[chain[0]] < layer_of[chain[-1]] else -1
        points: list[Point] = []
        for vertex in chain:
            ends = ((left_of[vertex], level[vertex]), (left_of[vertex] + BOX_WIDTH, level[vertex]))
            points.extend(ends[::step])
        lines[edge] = tuple(points[1:-1])
    height = max(level[vertex] + _height(vertex, count) // 2 for vertex in middle)
    return corners, lines, height


def _middles(count: int, rows: Sequence[Sequence[int]], pairs: Sequence[Edge]) -> dict[int, float]:
    """Return the height of each vertex's and bend's middle."""
    pulls: dict[int, list[tuple[int, float]]] = {vertex: [] for row in rows for vertex in row}
    for one, other in pairs:
        bends = (one >= count) + (other >= count)
        pull = float(_STRAIGHTNESS if bends == 2 else 1 + bends)
        pulls[one].append((other, pull))
        pulls[other].append((one, pull))
    middle: dict[int, float] = {}
    for row in rows:
        middle.update(zip(row, _offsets(row, count), strict=True))
    for turn in range(_ROUNDS):
        for row in rows if turn % 2 == 0 else reversed(rows):
            wishes, weights = [], []
            for vertex in row:
                weight = sum(pull for _, pull in pulls[vertex])
                wishes.append(sum(middle[near] * pull for near, pull in pulls[vertex]) / weight)
                weights.append(weight)
            middle.update(zip(row, spread(wishes, weights, _offsets(row, count)), strict=True))
    return middle


def spread(wishes: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """Return the places nearest to `wishes` (least weighted squares) that are as far apart as `offsets` at least."""
    blocks: list[tuple[float, float, int]] = []
    for wish, weight, offset in zip(wishes, weights, offsets, strict=True):
        mean, total, size = wish - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            earlier, earlier_total, earlier_size = blocks.pop()
            mean = (earlier * earlier_total + mean * total) / (earlier_total + total)
            total, size = total + earlier_total, size + earlier_size
        blocks.append((mean, total, size))
    means = [mean for mean, _, size in blocks for _ in range(size)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _offsets(row: Sequence[int], count: int) -> list[float]:
    offsets, at = [], 0.0
    for number, vertex in enumerate(row):
        if number:
            at += (_height(row[number - 1], count) + _height(vertex, count)) / 2 + _GAP_BELOW
        offsets.append(at)
    return offsets


def _height(vertex: int, count: int) -> int:
    return BOX_HEIGHT if vertex < count else _BEND_HEIGHT

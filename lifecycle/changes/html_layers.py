"""The layers of a directed graph, and the order in each layer that lets few edges cross. Pure and repeatable.

The first three steps of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system
structures" (IEEE Transactions on Systems, Man, and Cybernetics 11, 1981): edges that close a cycle are turned round,
each vertex lies right of all it comes from, edges that span several layers get a bend in each, and layers are sorted by
barycentres.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[int, int]

_SWEEPS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """A graph of vertices 0, 1, 2, ... in layers, with vertices of its own where long edges bend."""

    rows: tuple[tuple[int, ...], ...]
    """By layer: vertices and bends from top to bottom."""
    chains: dict[Edge, tuple[int, ...]]
    """By edge: its start, its bends and its end, each in another layer, left to right or right to left."""


def in_layers(count: int, edges: Sequence[Edge]) -> Layers:
    """Put vertices 0 to `count` - 1 into layers; an edge from a vertex to itself counts for nothing."""
    wanted = sorted({edge for edge in edges if edge[0] != edge[1]})
    forward = {edge: edge for edge in wanted}
    forward |= {edge: (edge[1], edge[0]) for edge in _closing_cycles(count, wanted)}
    drawn = sorted(set(forward.values()))
    layer_of = _layer_of(count, drawn)
    chain_of: dict[Edge, tuple[int, ...]] = {}
    bend = count
    for start, end in drawn:
        between = range(layer_of[start] + 1, layer_of[end])
        chain_of[start, end] = (start, *range(bend, bend + len(between)), end)
        layer_of.extend(between)
        bend += len(between)
    pairs = [pair for chain in chain_of.values() for pair in pairwise(chain)]
    tried = [_with_few_crossings(_in_rows(order, layer_of), pairs) for order in _orders(bend, pairs)]
    rows, _ = min(tried, key=lambda each: each[1])
    chains = {edge: chain_of[way] if way == edge else tuple(reversed(chain_of[way])) for edge, way in forward.items()}
    return Layers(rows=tuple(tuple(row) for row in rows), chains=chains)


def neighbours(count: int, edges: Sequence[Edge]) -> tuple[list[list[int]], list[list[int]]]:
    """Return for each vertex those it comes from, and those that come from it."""
    before: list[list[int]] = [[] for _ in range(count)]
    after: list[list[int]] = [[] for _ in range(count)]
    for start, end in edges:
        after[start].append(end)
        before[end].append(start)
    return before, after


def crossings(rows: Sequence[Sequence[int]], pairs: Sequence[Edge]) -> int:
    """Return how many of the edges cross, each between neighbouring layers; those that share an end do not."""
    place = {vertex: (layer, position) for layer, row in enumerate(rows) for position, vertex in enumerate(row)}
    by_layer: list[list[Edge]] = [[] for _ in rows]
    for start, end in pairs:
        by_layer[place[start][0]].append((place[start][1], place[end][1]))
    total = 0
    for between in by_layer:
        seen: list[int] = []
        for _, end in sorted(between):
            total += len(seen) - bisect_right(seen, end)
            insort(seen, end)
    return total


def _closing_cycles(count: int, edges: Sequence[Edge]) -> list[Edge]:
    """Return the edges that lead back to a vertex on the way that a depth-first walk has come."""
    _, after = neighbours(count, edges)
    state = [0] * count
    closing = []
    for root in range(count):
        if state[root]:
            continue
        state[root] = 1
        way = [(root, iter(after[root]))]
        while way:
            vertex, left = way[-1]
            following = next(left, None)
            if following is None:
                state[vertex] = 2
                way.pop()
            elif state[following] == 1:
                closing.append((vertex, following))
            elif state[following] == 0:
                state[following] = 1
                way.append((following, iter(after[following])))
    return closing


def _layer_of(count: int, edges: Sequence[Edge]) -> list[int]:
    """Return each vertex's layer: as far left as can be, or beside what it leads to where that is most of its edges."""
    before, after = neighbours(count, edges)
    waiting = [len(each) for each in before]
    order = [vertex for vertex in range(count) if not waiting[vertex]]
    layer = [0] * count
    for vertex in order:
        for following in after[vertex]:
            layer[following] = max(layer[following], layer[vertex] + 1)
            waiting[following] -= 1
            if not waiting[following]:
                order.append(following)
    for vertex in reversed(order):
        if len(after[vertex]) > len(before[vertex]):
            layer[vertex] = min(layer[following] for following in after[vertex]) - 1
    first = min(layer, default=0)
    return [each - first for each in layer]


def _orders(count: int, edges: Sequence[Edge]) -> Iterator[list[int]]:
    """Yield all vertices in orders in which families are together: the sorting ends near to where it begins.

    The first goes down from where nothing leads to, which is best for trees; the other goes both ways, from the vertex
    with the fewest edges, which is best for what hangs together by what several need.
    """
    before, after = neighbours(count, edges)
    yield _depth_first([vertex for vertex in range(count) if not before[vertex]], after)
    both = [down + up for down, up in zip(after, before, strict=True)]
    yield _depth_first(sorted(range(count), key=lambda vertex: len(both[vertex])), both)


def _depth_first(roots: Sequence[int], following: Sequence[Sequence[int]]) -> list[int]:
    found: dict[int, None] = {}
    stack = list(reversed(roots))
    while stack:
        vertex = stack.pop()
        if vertex not in found:
            found[vertex] = None
            stack.extend(reversed(following[vertex]))
    return list(found)


def _in_rows(order: Sequence[int], layer_of: Sequence[int]) -> list[list[int]]:
    rows: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for vertex in order:
        rows[layer_of[vertex]].append(vertex)
    return rows


def _with_few_crossings(rows: list[list[int]], pairs: Sequence[Edge]) -> tuple[list[list[int]], int]:
    """Sort layers by their neighbours' mean places, to the right and back; return the best and its crossings."""
    size = sum(len(row) for row in rows)
    before, after = neighbours(size, pairs)
    current = rows
    best, fewest = current, crossings(current, pairs)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        rightwards = sweep % 2 == 0
        near = before if rightwards else after
        layers = range(1, len(rows)) if rightwards else range(len(rows) - 2, -1, -1)
        current = [list(row) for row in current]
        for layer in layers:
            beside = {vertex: place for place, vertex in enumerate(current[layer - 1 if rightwards else layer + 1])}
            wish = {
                vertex: sum(beside[each] for each in near[vertex]) / len(near[vertex]) if near[vertex] else float(place)
                for place, vertex in enumerate(current[layer])
            }
            current[layer].sort(key=wish.__getitem__)
        now = crossings(current, pairs)
        if now < fewest:
            best, fewest = current, now
    exchanged = _with_exchanges([list(row) for row in best], before, after)
    return exchanged, crossings(exchanged, pairs)


def _with_exchanges(
    rows: list[list[int]], before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Exchange neighbours in a layer as long as fewer edges cross for it.

    The "transpose" step of Gansner, Koutsofios, North and Vo, "A technique for drawing directed graphs" (IEEE
    Transactions on Software Engineering 19, 1993).
    """
    place = {vertex: at for row in rows for at, vertex in enumerate(row)}

    def crossed(upper: int, lower: int) -> int:
        return sum(
            place[one] > place[other] for near in (before, after) for one in near[upper] for other in near[lower]
        )

    for _ in range(_SWEEPS):
        improved = False
        for row in rows:
            for at in range(len(row) - 1):
                upper, lower = row[at], row[at + 1]
                if crossed(upper, lower) > crossed(lower, upper):
                    row[at], row[at + 1] = lower, upper
                    place[lower], place[upper] = at, at + 1
                    improved = True
        if not improved:
            break
    return rows

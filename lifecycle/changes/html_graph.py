"""Which resources and edges a picture of a stack shows: what changes with its surroundings, or everything. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from lifecycle.changes.report import GraphNode

STACK_TYPE = "pulumi:pulumi:Stack"
"""Everything hangs below it, so that it says nothing in a picture."""
MOST_NEIGHBOURS = 5
"""How many unchanged resources are shown that one changed resource needs, and as many that need it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some of a graph's nodes, by their places in it."""

    shown: tuple[int, ...]
    edges: tuple[tuple[int, int, Literal["parent", "needs"]], ...]
    """From what is needed, or the parent, to what needs it, or the child; without what a longer way says too."""
    left_out: dict[int, int]
    """How many direct neighbours of a shown node are not shown; without zeros."""


def whole(nodes: Sequence[GraphNode]) -> Part:
    """Return everything but the stack."""
    return _part(nodes, {place for place, node in enumerate(nodes) if node.type != STACK_TYPE})


def surroundings(nodes: Sequence[GraphNode]) -> Part:
    """Return what changes, all parents of it, and the nearest that it needs or that need it."""
    place = {node.urn: at for at, node in enumerate(nodes)}
    drawn = {at for at, node in enumerate(nodes) if node.type != STACK_TYPE}
    changed = [at for at in sorted(drawn) if nodes[at].operation != "same"]
    shown = set(changed)
    for at in changed:
        while (at := place.get(nodes[at].parent, -1)) in drawn and at not in shown:
            shown.add(at)
    needs, needed_by = _relations(nodes, drawn)
    for at in changed:
        for near in (needs[at], needed_by[at]):
            room = MOST_NEIGHBOURS - len(near & shown)
            shown.update(sorted(near - shown)[: max(room, 0)])
    return _part(nodes, shown)


def _part(nodes: Sequence[GraphNode], shown: set[int]) -> Part:
    place = {node.urn: at for at, node in enumerate(nodes)}
    drawn = {at for at, node in enumerate(nodes) if node.type != STACK_TYPE}
    needs, needed_by = _relations(nodes, drawn)
    edges: set[tuple[int, int, Literal["parent", "needs"]]] = set()
    for at in shown:
        parent = place.get(nodes[at].parent, -1)
        if parent in shown and parent != at:
            edges.add((parent, at, "parent"))
        edges.update((need, at, "needs") for need in needs[at] & shown if need != parent)
    kept = without_detours({(start, end) for start, end, _ in edges})
    left_out = {at: len((needs[at] | needed_by[at]) - shown) for at in sorted(shown)}
    return Part(
        shown=tuple(sorted(shown)),
        edges=tuple(sorted(edge for edge in edges if edge[:2] in kept)),
        left_out={at: count for at, count in left_out.items() if count and nodes[at].operation != "same"},
    )


def _relations(nodes: Sequence[GraphNode], drawn: set[int]) -> tuple[list[set[int]], list[set[int]]]:
    place = {node.urn: at for at, node in enumerate(nodes)}
    needs = [{place[urn] for urn in node.depends_on if urn in place} & drawn - {at} for at, node in enumerate(nodes)]
    needed_by: list[set[int]] = [set() for _ in nodes]
    for at in drawn:
        for need in needs[at]:
            needed_by[need].add(at)
    return needs, needed_by


def without_detours(edges: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the edges whose ends no longer way joins (the transitive reduction); all of them if there is a cycle."""
    given = set(edges)
    after: dict[int, set[int]] = {}
    waiting: dict[int, int] = {}
    for start, end in given:
        after.setdefault(start, set()).add(end)
        after.setdefault(end, set())
        waiting.setdefault(start, 0)
        waiting[end] = waiting.get(end, 0) + 1
    order = [vertex for vertex in sorted(after) if not waiting[vertex]]
    for vertex in order:
        for following in sorted(after[vertex]):
            waiting[following] -= 1
            if not waiting[following]:
                order.append(following)
    if len(order) < len(after):
        return given
    bit = {vertex: 1 << number for number, vertex in enumerate(order)}
    reached: dict[int, int] = {}
    kept = set()
    for vertex in reversed(order):
        seen = 0
        # The nearest in the order first: whatever one of them reaches, a longer way has reached.
        for following in sorted(after[vertex], key=bit.__getitem__):
            if not seen & bit[following]:
                kept.add((vertex, following))
                seen |= reached[following]
        reached[vertex] = seen | bit[vertex]
    return kept

"""A stack's graph as what an SVG is written from: boxes with their words, and the paths between them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lifecycle.changes.html_graph import Part
from lifecycle.changes.html_layout import Point, lay_out
from lifecycle.changes.html_words import middle_left_out, short_type, told
from lifecycle.changes.report import GraphNode, Operation

_LONGEST_NAME = 25
_LONGEST_TYPE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A resource in the picture."""

    place: int
    """In the stack's graph."""
    x: int
    y: int
    name: str
    type: str
    label: str
    """What a screen reader says: what is to be seen, and more."""
    operation: Operation
    resource: str
    """The page's identifier of what is said of it; empty where nothing changes."""
    left_out: int
    """How many of its neighbours are not in the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An edge in the picture."""

    start: int
    end: int
    kind: Literal["parent", "needs"]
    path: str
    """As the `d` of an SVG path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A picture."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    """Column by column, each from top to bottom, as a keyboard goes through them."""
    lines: tuple[Line, ...]


def draw(nodes: Sequence[GraphNode], part: Part, resources: Mapping[str, str]) -> Drawing:
    """Draw a part of a graph; `resources` are the page's identifiers of changed resources by URN."""
    number = {place: at for at, place in enumerate(part.shown)}
    layout = lay_out(len(part.shown), ((number[start], number[end]) for start, end, _ in part.edges))
    boxes = []
    for place in part.shown:
        node = nodes[place]
        name = middle_left_out(node.name, _LONGEST_NAME)
        kind = middle_left_out(short_type(node.type), _LONGEST_TYPE)
        full = "" if name == node.name else f", in full {node.name}"
        x, y = layout.corners[number[place]]
        boxes.append(
            Box(
                place=place,
                x=x,
                y=y,
                name=name,
                type=kind,
                label=f"{name} {kind} {told(node.operation)}{full}",
                operation=node.operation,
                resource=resources.get(node.urn, ""),
                left_out=part.left_out.get(place, 0),
            )
        )
    lines = [
        Line(start=start, end=end, kind=kind, path=_path(layout.lines[number[start], number[end]]))
        for start, end, kind in part.edges
    ]
    boxes.sort(key=lambda box: (box.x, box.y))
    return Drawing(width=layout.width, height=layout.height, boxes=tuple(boxes), lines=tuple(lines))


def _path(points: Sequence[Point]) -> str:
    """Level lines through layers, and between them curves that leave and arrive level."""
    (x, y), path = points[0], [f"M{points[0][0]} {points[0][1]}"]
    for at in range(1, len(points)):
        next_x, next_y = points[at]
        if next_y == y:
            path.append(f"H{next_x}")
        else:
            half = (x + next_x) // 2
            path.append(f"C{half} {y} {half} {next_y} {next_x} {next_y}")
        x, y = next_x, next_y
    return "".join(path)

"""A report on a change as what its page says, section by section: identifiers, counts, sentences and amounts. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lifecycle.changes.html_drawing import Drawing, draw
from lifecycle.changes.html_graph import STACK_TYPE, surroundings, whole
from lifecycle.changes.html_values import Property, shown
from lifecycle.changes.html_words import counted, difference, direction, dollars, short_type, told, visible
from lifecycle.changes.report import (
    ChangeReport,
    CostChange,
    GraphNode,
    Operation,
    ResourceChange,
    RuleChange,
    StackChange,
    VerdictChange,
)

OPERATIONS: Final[tuple[Operation, ...]] = ("create", "update", "replace", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Something in US dollars, before and after."""

    title: str
    before: str
    after: str
    difference: str
    """Empty where one side is not known."""
    direction: str
    """`more`, `less`, `equal`, or empty where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A resource that changes."""

    id: str
    """The page's identifier; made of numbers only, whatever the resource is called."""
    change: ResourceChange
    properties: tuple[Property, ...]
    cost: Amount | None
    """A month's; None where its price is not known, or zero on both sides."""
    is_in_graph: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a policy says."""

    verdict: VerdictChange
    resource: str
    """The page's identifier of the resource; empty where it does not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack's section."""

    id: str
    change: StackChange
    counts: dict[Operation, int]
    resources: tuple[Resource, ...]
    amounts: tuple[Amount, ...]
    by_resource: tuple[Resource, ...]
    """Those whose price differs, the largest difference first."""
    verdicts: dict[str, tuple[Verdict, ...]]
    """By status: new, fixed, remaining."""
    surroundings: Drawing | None
    """None where no resource changes, or where it would be the whole."""
    whole: Drawing | None
    """None where there is no resource at all."""
    graph_json: str

    @property
    def month(self) -> Amount | None:
        """What it costs a month."""
        return self.amounts[0] if self.amounts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The whole page."""

    report: ChangeReport
    stacks: tuple[Stack, ...]
    """Those with something to tell."""
    untouched: tuple[StackChange, ...]
    dangers: tuple[tuple[Stack, Resource], ...]
    weaker: tuple[tuple[Stack, RuleChange], ...]
    """Rules that let pass what they would have stopped or told of."""
    headline: str


def view(report: ChangeReport) -> Page:
    """Return what the page says of a report."""
    stacks = tuple(
        _stack(number, change) for number, change in enumerate(each for each in report.stacks if each.is_touched)
    )
    return Page(
        report=report,
        stacks=stacks,
        untouched=tuple(change for change in report.stacks if not change.is_touched),
        dangers=tuple((stack, one) for stack in stacks for one in stack.resources if one.change.is_dangerous),
        weaker=tuple((stack, rule) for stack in stacks for rule in stack.change.rules if rule.is_weaker),
        headline=_headline(report, stacks),
    )


def _headline(report: ChangeReport, stacks: Sequence[Stack]) -> str:
    if not stacks:
        return f"Nothing changes in {counted(len(report.stacks), 'stack')}."
    total = Counter(one.change.operation for stack in stacks for one in stack.resources)
    parts = [f"{total[operation]:,} {told(operation)}" for operation in OPERATIONS if total[operation]]
    verb = "changes" if len(stacks) == 1 else "change"
    resources = ", ".join(parts) if parts else "no resource changes"
    new = sum(len(stack.verdicts["new"]) for stack in stacks)
    verdicts = f"; {counted(new, 'new policy verdict')}" if new else ""
    return f"{len(stacks)} of {counted(len(report.stacks), 'stack')} {verb}: {resources}{verdicts}."


def _stack(number: int, change: StackChange) -> Stack:
    prefix = f"s{number + 1}"
    ids = {one.urn: f"{prefix}-r{at + 1}" for at, one in enumerate(change.resources)}
    in_graph = {node.urn for node in change.graph if node.type != STACK_TYPE}
    resources = tuple(_resource(ids[one.urn], one, one.urn in in_graph) for one in change.resources)
    counts = Counter(one.operation for one in change.resources)
    everything, near = whole(change.graph), surroundings(change.graph)
    return Stack(
        id=prefix,
        change=change,
        counts={operation: counts[operation] for operation in OPERATIONS},
        resources=resources,
        amounts=_amounts(change.cost) if change.cost else (),
        by_resource=tuple(sorted((one for one in resources if _differs(one)), key=_cost_difference, reverse=True)),
        verdicts={
            status: tuple(
                Verdict(verdict=one, resource=ids.get(one.urn, "")) for one in change.verdicts if one.status == status
            )
            for status in ("new", "fixed", "remaining")
        },
        surroundings=draw(change.graph, near, ids) if near.shown and near.shown != everything.shown else None,
        whole=draw(change.graph, everything, ids) if everything.shown else None,
        graph_json=_graph_json(change.graph, ids),
    )


def _resource(identifier: str, change: ResourceChange, is_in_graph: bool) -> Resource:
    before, after = change.usd_per_month_before, change.usd_per_month_after
    nothing = change.operation == "create", change.operation == "delete"
    cost = _amount("A month", 0.0 if nothing[0] else before, 0.0 if nothing[1] else after)
    return Resource(
        id=identifier,
        change=change,
        properties=tuple(shown(each) for each in change.properties),
        cost=cost if (before or after) and cost.difference else None,
        is_in_graph=is_in_graph,
    )


def _differs(resource: Resource) -> bool:
    return resource.cost is not None and resource.cost.direction != "equal"


def _cost_difference(resource: Resource) -> float:
    return abs((resource.change.usd_per_month_after or 0.0) - (resource.change.usd_per_month_before or 0.0))


def _amounts(cost: CostChange) -> tuple[Amount, ...]:
    return (
        _amount("A month", cost.before_usd_per_month, cost.after_usd_per_month),
        _amount("An hour, idle", cost.before_idle_usd_per_hour, cost.after_idle_usd_per_hour, 3),
        _amount("An hour, all pools full", cost.before_full_usd_per_hour, cost.after_full_usd_per_hour, 3),
    )


def _amount(title: str, before: float | None, after: float | None, places: int = 2) -> Amount:
    known = before is not None and after is not None
    return Amount(
        title=title,
        before="unknown" if before is None else dollars(before, places),
        after="unknown" if after is None else dollars(after, places),
        difference=difference(before or 0.0, after or 0.0, places) if known else "",
        direction=direction(before or 0.0, after or 0.0, places) if known else "",
    )


def _graph_json(nodes: Sequence[GraphNode], ids: dict[str, str]) -> str:
    """Return what the script tells of a chosen resource; by place: name, type, operation, parent, needs, identifier."""
    place = {node.urn: at for at, node in enumerate(nodes)}
    return as_script(
        [
            visible(node.name),
            visible(short_type(node.type)),
            told(node.operation),
            place.get(node.parent, -1),
            sorted({place[urn] for urn in node.depends_on if urn in place}),
            ids.get(node.urn, ""),
        ]
        for node in nodes
    )


def as_script(values: Iterable[Any]) -> str:
    """Return JSON that may stand in an HTML script element: no `<`, so that no text in it ends the element."""
    text = json.dumps(list(values), ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

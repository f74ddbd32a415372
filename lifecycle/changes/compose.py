"""Puts together what changes in one stack, from the plans and judgements of both revisions. Pure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.urn import STACK_TYPE
from lifecycle.changes import costs, resources, verdicts
from lifecycle.changes.plan import Plan
from lifecycle.changes.report import ResourceChange, StackChange
from lifecycle.changes.resources import Compared
from lifecycle.changes.verdicts import Judgement

if TYPE_CHECKING:
    from planning.prices.book import PriceBook

_OPERATIONS = ("replace", "delete", "create", "update")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A stack at one revision."""

    plan: Plan
    judgement: Judgement


ABSENT = Side(plan=Plan(resources={}, document={"config": {}, "steps": []}), judgement=Judgement())
"""The stack where it has no file."""


def stack_change(
    stack: str, base: Side | None, head: Side | None, book: "PriceBook", notes: tuple[str, ...] = ()
) -> StackChange:
    """What changes in a stack; None: it is not there at that revision.

    Where the base cannot be previewed, all that policies say of the head counts as new: nothing shows that it is not.
    """
    before, after = base or ABSENT, head or ABSENT
    problems = (before.plan.problem, after.plan.problem)
    comparable = not any(problems)
    compared = resources.compare(before.plan, after.plan) if comparable else {}
    was, now = costs.price(before.plan, book), costs.price(after.plan, book)
    notes = (*notes, *_notes(compared, was, now))
    changed = [_resource(each, was, now) for each in compared.values() if each.operation != "same"]
    judged = base is not None and head is not None and bool(before.judgement.rules) and bool(after.judgement.rules)
    return StackChange(
        stack=stack,
        base_problem=problems[0],
        head_problem=problems[1],
        is_new=base is None,
        is_gone=head is None,
        resources=tuple(sorted(changed, key=_rank)),
        same=sum(each.operation == "same" for each in compared.values()),
        cost=costs.cost_change(was, now),
        verdicts=() if after.plan.problem else verdicts.verdict_changes(before.judgement, after.judgement),
        graph=resources.graph(compared),
        rules=verdicts.rule_changes(before.judgement, after.judgement) if judged and comparable else (),
        notes=notes,
    )


def _notes(compared: dict[str, Compared], was: costs.Priced, now: costs.Priced) -> list[str]:
    found = [
        f"Whether a change of {type_} replaces the resource is known to its provider only."
        for type_ in resources.unknown_types(compared.values())
    ]
    for when, priced in (("base", was), ("head", now)):
        if priced.problem:
            found.append(f"The {when} has no cost: {priced.problem}")
    return found


def _resource(each: Compared, was: costs.Priced, now: costs.Priced) -> ResourceChange:
    resource = each.resource
    return ResourceChange(
        urn=resource.urn,
        type=resource.type,
        name=resource.name,
        operation=each.operation,
        stateful=bool(each.loss),
        protected=each.protected,
        properties=tuple(each.changes.values()),
        usd_per_month_before=was.by_resource.get(resource.urn, 0.0),
        usd_per_month_after=now.by_resource.get(resource.urn, 0.0),
        custom=resource.custom,
        loss=each.loss,
    )


def _rank(each: ResourceChange) -> tuple[bool, bool, int, str, str]:
    """The most dangerous first; components, which are nothing by themselves, and the stack at the end."""
    place = _OPERATIONS.index(each.operation) if each.operation in _OPERATIONS else len(_OPERATIONS)
    ours = not each.custom or each.type == STACK_TYPE
    return (not each.is_dangerous, ours, place, each.type, each.urn)

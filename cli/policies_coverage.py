"""Which types of resource have which rules: computed, and as table, Markdown and JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cli.policies_plans import Planned
from cli.policies_rules import TOPICS, Listing
from engine.display_text import counted
from policies.rules import EVERY_TYPE, Rule

_WIDEST_RULES = 90
"""In characters: where a cell of the table that lists rules begins a new line."""


@dataclass(frozen=True)
class Coverage:
    """Types of resource, and the rules that judge or look at each by name."""

    plans: Sequence[Planned]
    types: Mapping[str, Sequence[Rule]]
    listing: Listing

    def with_rules(self, *topics: str) -> list[str]:
        """The types for which a rule of one of these topics is enabled in one of the stacks."""
        return [
            type_
            for type_, rules in self.types.items()
            if any(rule.topic in topics and self._enabled(rule) for rule in rules)
        ]

    def without_rules(self) -> list[str]:
        """The types for which no rule is enabled in any of the stacks."""
        covered = self.with_rules(*TOPICS)
        return [type_ for type_ in self.types if type_ not in covered]

    @property
    def for_every_type(self) -> list[Rule]:
        """The rules that judge resources of every type; they are counted apart."""
        return [rule for rule in self.listing.rules if EVERY_TYPE in rule.types]

    def resources(self, types: Sequence[str]) -> int:
        """How many resources of these types there are in all stacks."""
        return sum(plan.types.get(type_, 0) for plan in self.plans for type_ in types)

    def off(self, rule: Rule) -> list[str]:
        """The stacks that have the rule disabled."""
        return [stack for stack, level in self.listing.levels(rule).items() if level == "disabled"]

    def summary(self) -> list[str]:
        """What there is to say of all types together."""
        types, secure = list(self.types), self.with_rules("security")
        only_cost = [type_ for type_ in self.with_rules("cost") if type_ not in secure]
        every = [rule.id for rule in self.for_every_type]
        lines = [
            f"Rules of {what}: for {len(covered)} of {counted(len(types), 'type')}, "
            f"{self.resources(covered)} of {counted(self.resources(types), 'resource')}."
            for what, covered in (("security", secure), ("cost", self.with_rules("cost")))
        ]
        for title, listed in (
            ("For every type, and not counted", every),
            ("Types with rules of cost only", only_cost),
            ("Types without a rule", self.without_rules()),
        ):
            lines += [f"{title}: {', '.join(listed)}."] if listed else []
        lines += [
            f"{counted(plan.unseen, 'resource')} of {plan.stack} stay as they are and are not in its document."
            for plan in self.plans
            if plan.unseen
        ]
        return lines

    def _enabled(self, rule: Rule) -> bool:
        return len(self.off(rule)) < len(self.listing.levels(rule))


def coverage(plans: Sequence[Planned], listing: Listing) -> Coverage:
    """The coverage of all types that are in the plans."""
    types = sorted({type_ for plan in plans for type_ in plan.types})
    return Coverage(plans, {type_: [rule for rule in listing.rules if type_ in rule.types] for type_ in types}, listing)


def coverage_document(found: Coverage) -> dict[str, Any]:
    """The coverage as JSON says it."""
    return {
        "stacks": [plan.stack for plan in found.plans],
        "types": [
            {
                "type": type_,
                "resources": {plan.stack: plan.types.get(type_, 0) for plan in found.plans},
                "rules": [{"id": rule.id, "topic": rule.topic, "levels": found.listing.levels(rule)} for rule in rules],
            }
            for type_, rules in found.types.items()
        ],
        "forEveryType": [rule.id for rule in found.for_every_type],
        "withRules": {topic: found.with_rules(topic) for topic in TOPICS},
        "withoutRules": found.without_rules(),
        "notInDocument": {plan.stack: plan.unseen for plan in found.plans},
    }


def coverage_markdown(found: Coverage) -> str:
    """The coverage as a page."""
    from cli.policies_markdown import code, table, text

    rows = [
        (code(type_), *_counts(found, type_), ", ".join(_rules(found, rules)) or "none")
        for type_, rules in found.types.items()
    ]
    heads = ("type", *(plan.stack for plan in found.plans), *TOPICS, "rules")
    lines = ["# Types of resource and their rules", "", *table(heads, rows)]
    lines += [f"- {text(line)}" for line in found.summary()]
    return "\n".join(lines) + "\n"


def print_coverage(found: Coverage) -> None:
    """The coverage as a table."""
    from rich import box
    from rich.table import Table

    from cli.policies_table import console
    from cli.tables import print_whole, say

    out = console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("type", no_wrap=True)
    for column in (*(plan.stack for plan in found.plans), *TOPICS):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("rules", no_wrap=True)
    for type_, rules in found.types.items():
        table.add_row(type_, *_counts(found, type_), _folded(_rules(found, rules)) or "-")
    print_whole(out, table)
    for line in found.summary():
        say(out, line)


def _counts(found: Coverage, type_: str) -> list[str]:
    """How many resources of the type each stack has, and how many rules each topic has for it."""
    resources = [plan.types.get(type_, 0) for plan in found.plans]
    rules = [sum(rule.topic == topic for rule in found.types[type_]) for topic in TOPICS]
    return list(map(str, [*resources, *rules]))


def _rules(found: Coverage, rules: Sequence[Rule]) -> list[str]:
    """The rules' ids, each with the stacks in which it is disabled."""
    return [f"{rule.id} (not in {', '.join(off)})" if (off := found.off(rule)) else rule.id for rule in rules]


def _folded(rules: Sequence[str]) -> str:
    lines = [""]
    for rule in rules:
        if lines[-1] and len(lines[-1]) + len(rule) + 2 > _WIDEST_RULES:
            lines.append("")
        lines[-1] += f", {rule}" if lines[-1] else rule
    return ",\n".join(lines)

"""How `yard policies` looks in a terminal: the table of rules, and one rule in full."""

import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.policies_rules import Listing, value_text
from cli.tables import print_whole, say
from engine.display_summary import short_type
from engine.display_text import counted
from policies.rules import EVERY_TYPE, Rule

_KINDS = {
    "resource": "each resource by itself",
    "related": "each resource with the rest of the stack",
    "stack": "the stack as a whole",
}
_WIDTH = 100


def print_rules(listing: Listing) -> None:
    """A table: one line a rule, under a line for each subject."""
    out = console()
    stacks = list(listing.settings)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("rule", "severity", *(stacks or ["level"]), "kind", "types"):
        table.add_column(column, no_wrap=True)
    table.add_column("what holds", no_wrap=not out.is_terminal)
    for (topic, subject), rules in listing.groups().items():
        table.add_section()
        table.add_row(Text(subject if subject.startswith(topic) else f"{topic}: {subject}", style="bold"))
        for rule in rules:
            row = (f"  {rule.id}", rule.severity, *listing.levels(rule).values(), rule.kind, _types(rule), rule.title)
            table.add_row(*map(Text, row))
    # In a terminal, the sentences may take several lines; elsewhere each rule is one line.
    if out.is_terminal:
        out.print(table)
    else:
        print_whole(out, table)
    say(out, counted(len(listing.rules), "rule"))


def print_rule(rule: Rule, listing: Listing, shown: Mapping[str, Any]) -> None:
    """One rule in full; `shown` are its examples."""
    out = console()
    say(out, f"{rule.id}: {rule.title}\n")
    levels = [level if stack == "level" else f"{stack}: {level}" for stack, level in listing.levels(rule).items()]
    _field(out, "severity", rule.severity)
    _field(out, "level", ", ".join(levels))
    _field(out, "judges", _KINDS[rule.kind])
    _field(out, "types", "every type" if EVERY_TYPE in rule.types else ", ".join(rule.types) or "none by name")
    _field(out, "frameworks", ", ".join(rule.frameworks) or "none")
    _field(out, "otherwise", rule.wrong)
    _field(out, "to mend it", rule.mend)
    for name, parameter in rule.parameters.items():
        values = [
            f"{value_text(settings[rule.id].parameters[name])} in {stack}"
            for stack, settings in listing.settings.items()
        ]
        told = "; ".join([f"by default {value_text(parameter.default)}", *values])
        _field(out, "parameter", f"{name}: {parameter.description} ({told})")
    for stack, settings in listing.settings.items():
        for each in settings[rule.id].exemptions:
            text = f"{each.resource} in {stack} until {each.expires.isoformat()}: {each.reason}"
            _field(out, "exempt", text)
    if shown:
        _example(out, "It lets pass:", shown["passing"])
        _example(out, "It objects to:", shown["failing"])
        for objection in shown["says"]:
            say(out, f"\n  {objection}")


def console() -> Console:
    """The console that everything is printed on."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def _types(rule: Rule) -> str:
    if EVERY_TYPE in rule.types:
        return "every type"
    first = short_type(rule.types[0]) if rule.types else "-"
    return first if len(rule.types) <= 1 else f"{first} and {len(rule.types) - 1} more"


def _field(out: Console, name: str, text: str) -> None:
    say(
        out,
        textwrap.fill(
            text,
            _WIDTH,
            initial_indent=f"{name:<12}",
            subsequent_indent=" " * 12,
            break_long_words=False,
            break_on_hyphens=False,
        ),
    )


def _example(out: Console, title: str, resources: Sequence[Mapping[str, Any]]) -> None:
    import yaml

    say(out, f"\n{title}")
    text = (
        yaml.safe_dump(list(resources), sort_keys=False, allow_unicode=True, width=_WIDTH) if resources else "nothing"
    )
    say(out, textwrap.indent(text.rstrip(), "  "))

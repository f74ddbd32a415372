"""The rules of the policy pack, and which types they cover, as Markdown that can be committed. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence

from cli.policies_rules import Listing, value_text
from engine.display_text import counted
from policies.rules import EVERY_TYPE, Rule

_CODE = re.compile(r"(`[^`]*`)")
# What CommonMark could take for markup: https://spec.commonmark.org/0.31.2/#backslash-escapes
_MARKUP = re.compile(r"([\\*<\[\]|#~]|(?<!\w)_|_(?!\w))")


def rules_markdown(listing: Listing, command: str) -> str:
    """A page: a table of all rules, then each in full. `command` is what writes it."""
    stacks = list(listing.settings)
    lines = ["# Policy rules", "", f"{counted(len(listing.rules), 'rule')}, as `{command}` lists them.", ""]
    lines += table(
        ("rule", "severity", *(stacks or ["level"]), "what holds"),
        (
            (f"[{rule.id}](#{rule.id})", rule.severity, *listing.levels(rule).values(), text(rule.title))
            for rules in listing.groups().values()
            for rule in rules
        ),
    )
    for (topic, subject), rules in listing.groups().items():
        lines += [f"## {(subject if subject.startswith(topic) else f'{topic}: {subject}').capitalize()}", ""]
        for rule in rules:
            lines += [*_rule(rule, listing), ""]
    return "\n".join(lines).rstrip() + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table and the blank line after it; cells are Markdown already."""
    return [_row(heads), _row(["---"] * len(heads)), *map(_row, rows), ""]


def text(plain: str) -> str:
    """Plain text, in which code may stand between backticks, as Markdown on one line."""
    parts = _CODE.split(" ".join(plain.split()))
    return "".join(part if part.startswith("`") else _MARKUP.sub(r"\\\1", part) for part in parts)


def code(plain: str) -> str:
    """Plain text as code."""
    return f"`{plain}`"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(rule: Rule, listing: Listing) -> Iterator[str]:
    levels = [level if stack == "level" else f"{level} in {stack}" for stack, level in listing.levels(rule).items()]
    types = "resources of every type" if EVERY_TYPE in rule.types else ", ".join(map(code, rule.types)) or "the stack"
    yield from (f"### {rule.id}", "", f"**{text(rule.title)}**", "")
    yield f"{text(rule.wrong)} To mend it: {text(rule.mend)}"
    yield ""
    yield f"- Severity: {rule.severity}. Level: {', '.join(levels)}."
    yield f"- Judges{' the stack by' if rule.kind == 'stack' and rule.types else ''}: {types}."
    if rule.frameworks:
        yield f"- Asked for by: {'; '.join(map(text, rule.frameworks))}."
    for name, parameter in rule.parameters.items():
        values = [
            f"{code(value_text(settings[rule.id].parameters[name]))} in {stack}"
            for stack, settings in listing.settings.items()
        ]
        told = "; ".join([f"by default {code(value_text(parameter.default))}", *values])
        yield f"- Parameter {code(name)}: {text(parameter.description)} ({told})"
    for stack, settings in listing.settings.items():
        for each in settings[rule.id].exemptions:
            what = f"{code(each.resource)} in {stack}"
            yield f"- Exempt: {what} until {each.expires.isoformat()}: {text(each.reason)}"

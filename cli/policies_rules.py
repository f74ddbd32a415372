"""The rules of the policy pack as they are listed: chosen, grouped by subject, with what stacks set. Pure."""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cli.errors import CommandError
from cli.exit_status import ExitStatus
from policies.configuration import Setting
from policies.rules import EVERY_TYPE, Rule

SEVERITIES = ("critical", "high", "medium", "low")
TOPICS = ("security", "cost")
_CLOSEST = 3


@dataclass(frozen=True)
class Listing:
    """Rules, and what each of some stacks sets each to: by the stack's name, then by the rule's id."""

    rules: Sequence[Rule]
    settings: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)

    def levels(self, rule: Rule) -> dict[str, str]:
        """The rule's level by stack; under `level` alone, that of the pack, where no stack is asked for."""
        return {stack: settings[rule.id].level for stack, settings in self.settings.items()} or {"level": rule.level}

    def groups(self) -> dict[tuple[str, str], list[Rule]]:
        """The rules by topic and area: security before cost, and else in the order of the catalogue."""
        found: dict[tuple[str, str], list[Rule]] = {}
        for rule in sorted(self.rules, key=lambda rule: _place(rule.topic, TOPICS)):
            found.setdefault((rule.topic, area(rule)), []).append(rule)
        return found


def area(rule: Rule) -> str:
    """The subject under which a rule is kept: its file in the pack, such as `aws network`."""
    return str(rule.check.__module__).removeprefix("policies.").replace(".", " ").replace("_", " ")


def choose(
    rules: Iterable[Rule],
    *,
    severities: Sequence[str] = (),
    topics: Sequence[str] = (),
    types: Sequence[str] = (),
    frameworks: Sequence[str] = (),
) -> list[Rule]:
    """The rules that fit: in each respect that is given, one of the values. Raises CommandError for what is no value.

    A type and a framework may be given in part, in capitals or not. A rule for every type fits each of them.
    """
    _refuse_unknown("--severity", severities, SEVERITIES)
    _refuse_unknown("--topic", topics, TOPICS)
    return [
        rule
        for rule in rules
        if (not severities or rule.severity in severities)
        and (not topics or rule.topic in topics)
        and (not types or EVERY_TYPE in rule.types or _any_in(types, rule.types))
        and (not frameworks or _any_in(frameworks, rule.frameworks))
    ]


def find(rules: Sequence[Rule], identifier: str) -> Rule:
    """The rule of that id. Raises CommandError, with the closest ids, where there is none."""
    by_id = {rule.id: rule for rule in rules}
    if identifier in by_id:
        return by_id[identifier]
    close = difflib.get_close_matches(identifier, by_id, n=_CLOSEST)
    close = close or [each for each in by_id if identifier and identifier in each][:_CLOSEST]
    hint = f"did you mean {' or '.join(close)}?" if close else "`yard policies` lists them"
    raise CommandError(f"there is no rule {identifier!r}; {hint}", ExitStatus.CONFIGURATION)


def document(rule: Rule, listing: Listing) -> dict[str, Any]:
    """All that is known of a rule, as JSON says it."""
    described: dict[str, Any] = {
        "id": rule.id,
        "title": rule.title,
        "topic": rule.topic,
        "area": area(rule),
        "severity": rule.severity,
        "level": rule.level,
        "kind": rule.kind,
        "types": list(rule.types),
        "frameworks": list(rule.frameworks),
        "wrong": rule.wrong,
        "mend": rule.mend,
        "parameters": {name: parameter.schema() for name, parameter in rule.parameters.items()},
    }
    if listing.settings:
        described["stacks"] = {stack: _setting(settings[rule.id]) for stack, settings in listing.settings.items()}
    return described


def value_text(value: Any) -> str:
    """A parameter's value as it is written in a configuration file; a whole number without its fraction."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _setting(setting: Setting) -> dict[str, Any]:
    return {
        "level": setting.level,
        "parameters": dict(setting.parameters),
        "exemptions": [{**asdict(each), "expires": each.expires.isoformat()} for each in setting.exemptions],
    }


def _refuse_unknown(option: str, given: Sequence[str], valid: Sequence[str]) -> None:
    for value in given:
        if value not in valid:
            raise CommandError(
                f"{option} is {value!r}; valid are {', '.join(valid)}",
                ExitStatus.CONFIGURATION,
            )


def _any_in(parts: Sequence[str], texts: Sequence[str]) -> bool:
    return any(part.lower() in text.lower() for part in parts for text in texts)


def _place(value: str, order: Sequence[str]) -> int:
    return order.index(value) if value in order else len(order)

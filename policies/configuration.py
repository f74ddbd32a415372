"""The policy configuration of a stack: levels, parameters and exemptions of rules. Pure but for reading the file.

It is the JSON that ``pulumi --policy-pack-config`` takes: the id of a rule, to a level or to an object with
`enforcementLevel`, the rule's own parameters and `exemptions`; the name `all` sets the level of every rule::

    {
      "aws-cluster-private-endpoint": "advisory",
      "cost-hourly-ceiling": {"enforcementLevel": "mandatory", "maximum_usd": 40},
      "aws-bucket-logging": {
        "exemptions": [{"resource": "dev-access-logs", "reason": "It holds the logs.", "expires": "2027-06-30"}]
      }
    }
"""

import datetime
import difflib
import fnmatch
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from policies.rules import Parameter, Rule

FOLDER = Path(__file__).resolve().parent / "stacks"
LEVELS = ("advisory", "mandatory", "disabled")
EVERY_RULE = "all"
STACK = "stack"
"""In an exemption, in place of a resource: what a rule says of the stack as a whole."""
_OWN_KEYS = ("enforcementLevel", "exemptions")
_EXEMPTION_KEYS = ("resource", "reason", "expires")

EXEMPTIONS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "description": "What the rule does not stop: a resource by name, pattern or URN, why, and until which day.",
    "default": [],
    "items": {
        "type": "object",
        "properties": {key: {"type": "string"} for key in _EXEMPTION_KEYS},
        "required": list(_EXEMPTION_KEYS),
        "additionalProperties": False,
    },
}


class ConfigurationError(Exception):
    """The policy configuration is wrong; the text has one line for each mistake."""


@dataclass(frozen=True)
class Exemption:
    """What a rule does not stop."""

    resource: str
    """The resource's name or URN, in which * and ? are wildcards and all else is itself, or `stack`."""
    reason: str
    expires: datetime.date
    """The last day on which it holds."""

    def covers(self, name: str, urn: str) -> bool:
        """Whether it holds for a resource; `name` and `urn` are empty for the stack as a whole."""
        if not name:
            return self.resource == STACK
        pattern = self.resource.replace("[", "[[]")
        return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(urn, pattern)


@dataclass(frozen=True)
class Setting:
    """What a rule is set to."""

    level: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    exemptions: Sequence[Exemption] = ()


def stack_file(stack: str) -> Path:
    """Where the configuration of a stack is kept."""
    return FOLDER / f"{stack.rpartition('/')[2]}.json"


def read(path: Path) -> dict[str, Any]:
    """The content of a configuration file; empty where there is none. Raises ConfigurationError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8") or "{}", object_pairs_hook=_unique)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"policy configuration {path.name}: it cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"policy configuration {path.name}: expected an object, rule to level or object")
    return content


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, in which Python would let the last of two like names win."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} is given twice")
        found[name] = value
    return found


def settings(
    content: Mapping[str, Any], rules: Sequence[Rule], today: datetime.date, *, source: str = "policy configuration"
) -> dict[str, Setting]:
    """What each rule is set to, by its id. Raises ConfigurationError, with every mistake at once."""
    by_id = {rule.id: rule for rule in rules}
    mistakes = [f"{source}: {mistake}" for mistake in _mistakes(content, by_id, today)]
    if mistakes:
        raise ConfigurationError("\n".join(mistakes))
    everyone = _level(content.get(EVERY_RULE, {}))
    return {rule.id: _setting(content.get(rule.id, {}), rule, everyone) for rule in rules}


def _level(value: Any) -> str | None:
    return value.get("enforcementLevel") if isinstance(value, Mapping) else value


def _setting(value: Any, rule: Rule, everyone: str | None) -> Setting:
    content = value if isinstance(value, Mapping) else {}
    return Setting(
        level=_level(value) or everyone or rule.level,
        parameters=rule.defaults() | {name: each for name, each in content.items() if name not in _OWN_KEYS},
        exemptions=tuple(
            Exemption(each["resource"], each["reason"], datetime.date.fromisoformat(each["expires"]))
            for each in content.get("exemptions", ())
        ),
    )


def _mistakes(content: Mapping[str, Any], rules: Mapping[str, Rule], today: datetime.date) -> Iterator[str]:
    for name, value in content.items():
        rule = rules.get(name)
        if rule is None and name != EVERY_RULE:
            close = difflib.get_close_matches(name, rules, n=1)
            hint = f"did you mean {close[0]!r}?" if close else "`yard policies` lists them"
            yield f"{name!r} is not a rule of this pack; {hint}"
        elif not isinstance(value, str | Mapping):
            yield f"{name}: {value!r} is not valid; expected a level ({', '.join(LEVELS)}) or an object"
        elif (level := _level(value)) is not None and level not in LEVELS:
            yield f"{name}: {level!r} is not a level; valid are {', '.join(LEVELS)}"
        elif isinstance(value, Mapping):
            yield from _wrong_keys(name, value, rule, today)


def _wrong_keys(name: str, value: Mapping[str, Any], rule: Rule | None, today: datetime.date) -> Iterator[str]:
    parameters = rule.parameters if rule else {}
    valid = (*parameters, *_OWN_KEYS) if rule else _OWN_KEYS[:1]
    for key in value:
        if key not in valid:
            yield f"{name}: it has no parameter {key!r}; valid: {', '.join(valid)}"
        elif key == "exemptions":
            yield from (f"{name}.exemptions: {each}" for each in _wrong_exemptions(value[key], today))
        elif key in parameters and (wrong := _wrong_value(value[key], parameters[key])):
            yield f"{name}.{key}: {value[key]!r} is not valid; {wrong}"


def _wrong_value(value: Any, parameter: Parameter) -> str:
    default = parameter.default
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "expected true or false"
    if isinstance(default, str):
        return "" if isinstance(value, str) else "expected a text"
    if isinstance(default, int | float):
        least = parameter.minimum or 0
        right = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= sys.float_info.max
        return "" if right else f"expected a number of {least:g} or more"
    right = isinstance(value, list) and all(isinstance(each, str) for each in value)
    return "" if right else "expected a list of texts"


def _wrong_exemptions(value: Any, today: datetime.date) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{value!r} is not valid; expected a list of objects with {', '.join(_EXEMPTION_KEYS)}"
        return
    for exemption in value:
        if not isinstance(exemption, Mapping) or set(exemption) != set(_EXEMPTION_KEYS):
            yield f"{exemption!r} is not valid; expected an object with {', '.join(_EXEMPTION_KEYS)}"
            continue
        of = f"of {exemption['resource']!r}"
        for key in _EXEMPTION_KEYS:
            if not isinstance(exemption[key], str) or not exemption[key].strip():
                yield f"{of}: {key} is {exemption[key]!r}; expected a text"
        try:
            expires = datetime.date.fromisoformat(str(exemption["expires"]))
        except ValueError:
            yield f"{of}: expires is {exemption['expires']!r}; expected a day such as {today.isoformat()}"
            continue
        if expires < today:
            yield f"{of}: it expired on {expires.isoformat()}; mend what it exempts, or say anew why not and until when"

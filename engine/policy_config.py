"""The configuration of a policy pack: levels and parameters of its policies, from its defaults and the user's file.

The file is the JSON that `pulumi --policy-pack-config` takes: policy name to an enforcement level, or to an object with
`enforcementLevel` and the policy's own properties; the name `all` sets the level of every policy. What the user writes
wins over the pack's initial configuration, which wins over each policy's defaults. A name that the pack does not have
is refused: a misspelt exemption must not pass as one.
"""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import EngineError

LEVELS = ("advisory", "mandatory", "remediate", "disabled")
_ALL = "all"
_PLAIN_KEYWORDS = frozenset(
    {"additionalProperties", "default", "description", "items", "minimum", "properties", "required", "type"}
)


class PolicyConfigError(EngineError):
    """The policy configuration is wrong; the text has one line for each mistake."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a pack says of one of its policies. `kind`: resource, stack, or empty where the pack does not say."""

    name: str
    level: str
    kind: str = ""
    severity: str = ""
    description: str = ""
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The JSON schema of each of its properties."""
    required: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class PolicySetting:
    """The level (None: as it was) and the properties that a policy is given."""

    level: str | None
    properties: Mapping[str, Any] = field(default_factory=dict)


def load(path: Path) -> dict[str, Any]:
    """The content of a policy configuration file; an empty file is an empty configuration. Raises PolicyConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyConfigError(f"policy configuration {path}: {getattr(error, 'strerror', None) or error}") from None
    try:
        content = _parsed(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise PolicyConfigError(f"policy configuration {path}: not JSON: {error}") from None
    if not isinstance(content, dict):
        raise PolicyConfigError(f"policy configuration {path}: expected an object, policy name to level or object")
    return content


def _parsed(text: str) -> Any:
    """The JSON, in the strict sense: Python reads NaN too, numbers without end, and the last of two like names."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} is given twice")
        return dict(pairs)

    def number(digits: str) -> float:
        if not math.isfinite(float(digits)):
            raise ValueError(f"{digits[:20]} is no number that a policy could use")
        return int(digits) if digits.lstrip("-").isdecimal() else float(digits)

    return json.loads(text, object_pairs_hook=unique, parse_int=number, parse_float=number, parse_constant=number)


def parse(content: Mapping[str, Any]) -> dict[str, PolicySetting]:
    """The settings that the file's content spells out. Raises PolicyConfigError naming every wrong entry."""
    settings: dict[str, PolicySetting] = {}
    mistakes: list[str] = []
    for name, value in content.items():
        properties = dict(value) if isinstance(value, dict) else {}
        level = properties.pop("enforcementLevel", None) if isinstance(value, dict) else value
        if not isinstance(value, (str, dict)):
            mistakes.append(f"{name}: {value!r} is not valid; expected a level or an object")
        elif level is not None and level not in LEVELS:
            mistakes.append(f"{name}: {level!r} is not an enforcement level; valid are {', '.join(LEVELS)}")
        elif name == "environments":
            mistakes.append("environments: Pulumi ESC environments are not supported here")
        else:
            settings[name] = PolicySetting(level, properties)
    _refuse(mistakes)
    return settings


def reconcile(
    policies: Sequence[Policy], initial: Mapping[str, PolicySetting], given: Mapping[str, PolicySetting]
) -> dict[str, PolicySetting]:
    """The setting of each policy: defaults, then the pack's `initial` ones, then the `given` ones.

    Raises PolicyConfigError for names that the pack does not have and for properties that its schemas refuse.
    """
    settings = {policy.name: _defaults(policy) for policy in policies}
    mistakes = [
        f"{name}: the policy pack has no such policy; {_hint(name, settings)}"
        for name in given
        if name != _ALL and name not in settings
    ]
    for layer in (initial, given):
        settings = {name: _overlay(name, setting, layer) for name, setting in settings.items()}
    for policy in policies:
        mistakes += _schema_violations(policy, settings[policy.name].properties)
    _refuse(mistakes)
    return settings


def _hint(name: str, valid: Mapping[str, PolicySetting]) -> str:
    close = difflib.get_close_matches(name, valid, n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"it has {len(valid)} others"


def _defaults(policy: Policy) -> PolicySetting:
    defaults = {name: schema["default"] for name, schema in policy.properties.items() if "default" in schema}
    return PolicySetting(policy.level, defaults)


def _overlay(name: str, setting: PolicySetting, layer: Mapping[str, PolicySetting]) -> PolicySetting:
    everyone, own = layer.get(_ALL, PolicySetting(None)), layer.get(name, PolicySetting(None))
    return PolicySetting(own.level or everyone.level or setting.level, {**setting.properties, **own.properties})


def _schema_violations(policy: Policy, properties: Mapping[str, Any]) -> list[str]:
    schema = {"type": "object", "properties": dict(policy.properties), "required": list(policy.required)}
    if _plainly_valid(dict(properties), schema):
        return []
    from jsonschema import Draft7Validator

    found = Draft7Validator(schema).iter_errors(dict(properties))
    return [f"{'.'.join(map(str, [policy.name, *error.absolute_path]))}: {error.message}" for error in found]


def _plainly_valid(value: Any, schema: Any) -> bool:
    """Whether the value is valid for certain; False also where only jsonschema, which is slow to import, can tell."""
    if not isinstance(schema, Mapping) or not schema.keys() <= _PLAIN_KEYWORDS:
        return False
    kind = schema.get("type")
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str)
    if kind == "number":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and value >= schema.get("minimum", value)
    if kind == "array":
        return isinstance(value, list) and all(_plainly_valid(each, schema.get("items", {})) for each in value)
    if kind != "object" or not isinstance(value, dict):
        return False
    known = schema.get("properties", {})
    return (
        all(name in value for name in schema.get("required", ()))
        and (schema.get("additionalProperties", True) is True or value.keys() <= known.keys())
        and all(_plainly_valid(each, known[name]) for name, each in value.items() if name in known)
    )


def _refuse(mistakes: Sequence[str]) -> None:
    if mistakes:
        raise PolicyConfigError("\n".join(f"policy configuration: {mistake}" for mistake in mistakes))

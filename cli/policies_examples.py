"""What a rule lets pass and what it objects to, from the cases that lie beside it, for people to read. Pure."""

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Any

from policies.cases import Cases, Subject
from policies.judging import judge
from policies.resources import Resource, Stack
from policies.rules import Rule
from policies.values import Unknown


def examples(rule: Rule) -> dict[str, Any]:
    """`passing` and `failing`, each the resources of one stack, and what the rule `says` of the latter.

    Empty where the rule has no cases.
    """
    cases = next((each for each in _cases_near(rule) if each.rule is rule), None)
    if cases is None or not cases.failing:
        return {}
    # A stack without resources keeps every rule, and shows nothing.
    passing = next((each for each in cases.passing if _resources(each)), None)
    failing = next((each for each, _ in cases.failing if _resources(each)), cases.failing[0][0])
    stack = Stack(_resources(failing), name="dev")
    return {
        "passing": [_described(each) for each in _resources(passing)] if passing is not None else [],
        "failing": [_described(each) for each in stack.resources],
        "says": [found.objection for found in judge(rule, stack) if found.decided],
    }


def _cases_near(rule: Rule) -> Iterator[Cases]:
    """The cases of the rule's own file first, then of the other files in its folder."""
    module = str(rule.check.__module__)
    folder = importlib.import_module(module.rpartition(".")[0])
    names = [
        each.name for each in pkgutil.iter_modules(getattr(folder, "__path__", ())) if each.name.endswith("_cases")
    ]
    own = f"{module.rpartition('.')[2]}_cases"
    for name in sorted(names, key=lambda name: name != own):
        yield from importlib.import_module(f"{folder.__name__}.{name}").CASES


def _resources(subject: Subject) -> list[Resource]:
    return [subject] if isinstance(subject, Resource) else list(subject)


def _described(resource: Resource) -> dict[str, Any]:
    made_of = {
        key: ", ".join(urn.rpartition("::")[2] for urn in urns)
        for key, urns in resource.property_dependencies.items()
        if urns
    }
    return {
        "type": resource.type,
        "name": resource.name,
        **({"protect": True} if resource.protected else {}),
        **({"additionalSecretOutputs": list(resource.secret_outputs)} if resource.secret_outputs else {}),
        "properties": {
            key: f"(an output of {made_of[key]})" if isinstance(value, Unknown) and key in made_of else _plain(value)
            for key, value in resource.properties.items()
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    # A secret's text is its mask.
    return str(value) if isinstance(value, str | Unknown) else value

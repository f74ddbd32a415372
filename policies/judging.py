"""Judges by one rule: what it objects to, what it cannot decide yet, and that it failed itself. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.resources import Resource, Stack
from policies.rules import EVERY_TYPE, Rule
from policies.values import MASK, Undecided


@dataclass(frozen=True)
class Finding:
    """What a rule says of a resource, or (None) of the stack as a whole."""

    rule: Rule
    resource: Resource | None
    objection: str = ""
    """What is wrong; empty where the rule is undecided."""
    unknown: str = ""
    """Of an undecided rule: the path of the value that it needs."""

    @property
    def decided(self) -> bool:
        """Whether it is an objection."""
        return bool(self.objection)


class RuleFailed(Exception):
    """A rule raised; the text names the rule, the resource and what happened."""


def judge_resource(rule: Rule, resource: Resource, parameters: Mapping[str, Any] | None = None) -> list[Finding]:
    """What a rule of single resources says of one. Raises RuleFailed."""
    if not rule.judges(resource.type):
        return []
    return _judged(rule, resource, (resource,), parameters)


def judge_stack(rule: Rule, stack: Stack, parameters: Mapping[str, Any] | None = None) -> list[Finding]:
    """What a rule of the stack, or of its resources in the stack, says. Raises RuleFailed."""
    if rule.kind == "stack":
        return _judged(rule, None, (stack,), parameters)
    subjects = stack.resources if EVERY_TYPE in rule.types else stack.of(*rule.types)
    return [finding for subject in subjects for finding in _judged(rule, subject, (subject, stack), parameters)]


def judge(rule: Rule, stack: Stack, parameters: Mapping[str, Any] | None = None) -> list[Finding]:
    """What a rule of any kind says of a stack. Raises RuleFailed."""
    if rule.kind != "resource":
        return judge_stack(rule, stack, parameters)
    return [finding for resource in stack.resources for finding in judge_resource(rule, resource, parameters)]


def _judged(
    rule: Rule,
    resource: Resource | None,
    judged: tuple[Resource | Stack, ...],
    parameters: Mapping[str, Any] | None,
) -> list[Finding]:
    for each in judged:
        each.undecided.clear()
    findings: list[Finding] = []
    try:
        for found in rule.check(*judged, **(rule.defaults() if parameters is None else parameters)):
            if rule.kind == "stack":
                findings.append(Finding(rule, found.resource, _without_secrets(found.message, judged)))
            else:
                findings.append(Finding(rule, resource, _without_secrets(found, judged)))
    except Undecided as error:
        judged[0].undecided.append(error.path)
    except Exception as error:
        subject = f" on {resource.urn or resource.name}" if resource else ""
        problem = _without_secrets(f"{type(error).__name__}: {error}", judged)
        raise RuleFailed(f"rule {rule.id} failed{subject}: {problem}") from error
    unknown = dict.fromkeys(path for each in judged for path in each.undecided)
    return findings + [Finding(rule, resource, unknown=path or "a value") for path in unknown]


def _without_secrets(text: str, judged: tuple[Resource | Stack, ...]) -> str:
    for each in judged:
        for secret in each.secrets:
            text = text.replace(secret, MASK)
    return text

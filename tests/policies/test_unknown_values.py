"""No rule passes in silence over a value that a preview cannot know, and none objects because of one.

Every case of every rule is judged again and again, each time with something unknown in it: a value of its own, a
property that has nothing to do with the rule, an element more in a list, another resource of which nothing is known.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from policies.cases import Cases, Subject, as_stack
from policies.judging import Finding, judge
from policies.resources import Resource
from policies.rules import Rule
from policies.values import Unknown
from tests.policies.tables import CASES, each_subject

NEIGHBOUR = "neighbourOfWhichNothingIsKnown"


def resources_of(subject: Subject) -> list[Resource]:
    return [subject] if isinstance(subject, Resource) else list(subject)


def with_one_value_unknown(subject: Subject) -> Iterator[tuple[str, list[Resource]]]:
    """Each value of each resource in turn, at every depth."""
    resources = resources_of(subject)
    for index, resource in enumerate(resources):
        for path in paths(resource.properties):
            properties = copy.deepcopy(dict(resource.properties))
            container: Any = properties
            for key in path[:-1]:
                container = container[key]
            container[path[-1]] = Unknown("hidden")
            changed = [*resources]
            changed[index] = replace(resource, properties=properties, undecided=[])
            yield f"{resource.type} {resource.name} {'.'.join(map(str, path))}", changed


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, Mapping):
        for key, element in value.items():
            yield (*prefix, key)
            yield from paths(element, (*prefix, key))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield (*prefix, index)
            yield from paths(element, (*prefix, index))


def with_unknown_neighbours(value: Any) -> Any:
    """The value, where every mapping has one more property that is unknown."""
    if isinstance(value, Mapping):
        return {**{key: with_unknown_neighbours(each) for key, each in value.items()}, NEIGHBOUR: Unknown(NEIGHBOUR)}
    if isinstance(value, list):
        return [with_unknown_neighbours(each) for each in value]
    return value


def objections(findings: list[Finding]) -> list[str]:
    return [finding.objection for finding in findings if finding.decided]


@pytest.mark.parametrize("cases", CASES, ids=lambda cases: cases.rule.id)
def test_what_fails_fails_whatever_else_is_unknown(cases: Cases) -> None:
    """Counts, per rule: every failing case fails with known and with unknown neighbours."""
    rule = cases.rule
    known = unknown = 0
    for subject in each_subject(cases, "failing"):
        resources = resources_of(subject)
        known += bool(objections(judge(rule, as_stack(subject))))
        changed = [
            replace(resource, properties=with_unknown_neighbours(resource.properties), undecided=[])
            for resource in resources
        ]
        unknown += bool(objections(judge(rule, as_stack(changed))))
    assert (known, unknown) == (len(cases.failing), len(cases.failing))


@pytest.mark.parametrize("cases", CASES, ids=lambda cases: cases.rule.id)
def test_no_unknown_value_hides_what_fails(cases: Cases) -> None:
    rule: Rule = cases.rule
    for subject in each_subject(cases, "failing"):
        for place, changed in with_one_value_unknown(subject):
            assert judge(rule, as_stack(changed)), f"{rule.id} passes in silence where {place} is unknown"


@pytest.mark.parametrize("cases", CASES, ids=lambda cases: cases.rule.id)
def test_no_unknown_value_makes_fail_what_passes(cases: Cases) -> None:
    rule: Rule = cases.rule
    for subject in each_subject(cases, "passing"):
        for place, changed in with_one_value_unknown(subject):
            found = objections(judge(rule, as_stack(changed)))
            assert found == [], f"{rule.id} objects where {place} is unknown: {found}"

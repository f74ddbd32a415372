"""Every rule guards something: taken out of a sound stack, it makes exactly that rule fail."""

import datetime
import functools
import importlib
import pkgutil

import pytest

from policies import configuration
from policies.catalogue import RULES
from policies.judging import judge
from policies.resources import Stack
from policies.rules import Rule
from tests.policies import mutations
from tests.policies.mutations import cost_google
from tests.policies.mutations.change import Mutation
from tests.policies.planned import planned

MUTATIONS: dict[str, Mutation] = {
    rule.id: mutation
    for module in pkgutil.iter_modules(mutations.__path__)
    if module.name != "change"
    for rule, mutation in importlib.import_module(f"tests.policies.mutations.{module.name}").MUTATIONS.items()
}

ON_GOOGLE: dict[str, Mutation] = {rule.id: mutation for rule, mutation in cost_google.ON_GOOGLE.items()}
"""Other ones of rules that judge more than one cloud."""

WRITTEN_ON = datetime.date(2026, 11, 26)
"""An exemption that ends later fails a deployment, and no test."""

pytestmark = pytest.mark.xdist_group("planned stacks")


def violated(stack: Stack, configured_as: str) -> set[str]:
    """Ids of the rules that a stack violates, at whatever level, with the parameters of its configuration."""
    content = configuration.read(configuration.stack_file(configured_as))
    if "cost-stack-expires" in content:
        # A stack expires some hours from now, which is any number of days from the day of the test.
        content = {**content, "cost-stack-expires": {**content["cost-stack-expires"], "most_days": 0}}
    settings = configuration.settings(content, RULES, WRITTEN_ON)
    found = set()
    for rule in RULES:
        if settings[rule.id].level == "disabled":
            continue
        for finding in judge(rule, stack, settings[rule.id].parameters):
            name, urn = (finding.resource.name, finding.resource.urn) if finding.resource else ("", "")
            if finding.decided and not any(each.covers(name, urn) for each in settings[rule.id].exemptions):
                found.add(rule.id)
    return found


@functools.cache
def violated_by_plan(name: str) -> set[str]:
    return violated(planned(name), name)


def test_every_rule_has_a_mutation() -> None:
    assert {rule.id for rule in RULES} - set(MUTATIONS) == set()


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.id in MUTATIONS], ids=lambda rule: rule.id)
def test_taking_out_what_protects_makes_exactly_that_rule_fail(rule: Rule) -> None:
    mutation = MUTATIONS[rule.id]
    assert broken_by(mutation) == {rule.id, *mutation.also}


@pytest.mark.parametrize("rule", ON_GOOGLE)
def test_it_does_so_on_google_cloud_as_well(rule: str) -> None:
    assert broken_by(ON_GOOGLE[rule]) == {rule, *ON_GOOGLE[rule].also}


def broken_by(mutation: Mutation) -> set[str]:
    """The rules that a stack violates once it is changed, and did not before."""
    sound = planned(mutation.stack)
    changed = Stack(mutation.change(list(sound.resources)), sound.name)
    return violated(changed, mutation.stack) - violated_by_plan(mutation.stack)

"""Every rule by the table of cases beside it: what it lets pass, and what it objects to with which words."""

from collections import Counter

import pytest

from policies.cases import Cases, as_stack
from policies.catalogue import RULES
from policies.judging import judge
from tests.policies.tables import CASES


def test_every_rule_has_cases_that_pass_and_cases_that_fail() -> None:
    assert Counter(cases.rule.id for cases in CASES) == Counter(rule.id for rule in RULES)
    assert [cases.rule.id for cases in CASES if not cases.passing or not cases.failing] == []


@pytest.mark.parametrize("cases", CASES, ids=lambda cases: cases.rule.id)
def test_cases(cases: Cases) -> None:
    for subject in cases.passing:
        assert judge(cases.rule, as_stack(subject)) == [], subject
    for subject, said in cases.failing:
        objections = [finding.objection for finding in judge(cases.rule, as_stack(subject)) if finding.decided]
        assert any(said in objection for objection in objections), (subject, objections)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_a_reader_wants_to_know(rule: object) -> None:
    from policies.rules import Rule

    assert isinstance(rule, Rule)
    assert rule.severity in ("low", "medium", "high", "critical")
    assert rule.level in ("mandatory", "advisory")
    assert rule.topic in ("security", "cost")
    assert rule.types
    assert rule.frameworks or rule.topic == "cost"
    for sentence in (rule.title, rule.wrong, rule.mend):
        assert sentence.endswith("."), sentence
    assert rule.mend[0].islower() or not rule.mend[0].isalpha(), "it follows 'To mend it: '"
    assert rule.check.__doc__

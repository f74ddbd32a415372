"""The policy pack in its own process, asked by the embedded engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.analyzer_messages import analyze_request, analyzer_resource
from engine.analyzers import PolicyPack, PolicyPackError
from engine.resource_state import ResourceState
from engine.values import UNKNOWN, Properties
from policies import cost, security
from policies.rules import LOCAL_BUCKET, LOCAL_IDENTITY, LOCAL_JOB
from tests.engine.policy_packs import ROOT, start_pack, write_pack

RULES = {rule.id: rule for rule in (*security.RULES, *cost.RULES)}


@pytest.fixture(scope="module")
def pack() -> Iterator[PolicyPack]:
    with start_pack(ROOT / "policies") as started:
        yield started


def found(pack: PolicyPack, resource_type: str, properties: Properties) -> list[tuple[str, str, str, str]]:
    state = ResourceState(f"urn:pulumi:dev::yard::{resource_type}::it", resource_type, True)
    violations = pack.analyze(analyze_request(state, properties))
    return [(violation.policy, violation.level, violation.severity, violation.message) for violation in violations]


def test_the_pack_serves_every_rule_with_its_level_and_severity(pack: PolicyPack) -> None:
    assert (pack.name, pack.version) == ("trainyard", "0.1.0")
    assert {policy.name: (policy.level, policy.severity, policy.kind) for policy in pack.policies} == {
        rule.id: (rule.level, rule.severity, "stack" if rule.check_stack else "resource") for rule in RULES.values()
    } | {"every-rule-is-decided": ("advisory", "low", "stack")}


def test_a_violation_says_what_is_wrong_and_how_to_mend_it(pack: PolicyPack) -> None:
    rule = RULES["storage-customer-managed-key"]
    assert found(pack, LOCAL_BUCKET, {"bucket": "models"}) == [
        (rule.id, "mandatory", "high", f"{rule.title}\nThe bucket has no KMS key. {rule.wrong} To mend it: {rule.mend}")
    ]
    assert found(pack, "aws:s3/bucket:Bucket", {"bucket": "models"}) == []


def test_what_a_preview_cannot_know_is_not_decided(pack: PolicyPack) -> None:
    assert found(pack, LOCAL_IDENTITY, {"policy": UNKNOWN}) == []
    policy = {"Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": [UNKNOWN]}]}
    assert sorted((name, level) for name, level, _, _ in found(pack, LOCAL_IDENTITY, {"policy": policy})) == [
        ("identity-no-privilege-escalation", "mandatory"),
        ("identity-no-wildcard-action", "mandatory"),
    ]
    [told] = pack.analyze_stack([])
    assert (told.policy, told.level, told.urn) == ("every-rule-is-decided", "advisory", "")
    assert told.message.endswith(
        "the update decides identity-no-privilege-escalation, identity-no-wildcard-action, "
        "identity-no-wildcard-resource, once it knows what they look at"
    )
    assert pack.analyze_stack([]) == [], "what was told is told once"


def test_what_is_undecided_stops_no_preview_where_all_policies_are_mandatory() -> None:
    with start_pack(ROOT / "policies", policy_config={"all": "mandatory"}) as pack:
        assert found(pack, LOCAL_BUCKET, {"key_arn": UNKNOWN}) == []
        [told] = pack.analyze_stack([])
    assert (told.policy, told.level) == ("every-rule-is-decided", "advisory")


def test_a_rule_that_fails_stops_the_deployment_by_name(pack: PolicyPack) -> None:
    urn = f"urn:pulumi:dev::yard::{LOCAL_JOB}::it"
    with pytest.raises(PolicyPackError) as raised:
        found(pack, LOCAL_JOB, {"deadline_seconds": "soon"})
    assert str(raised.value).startswith(
        f"policy pack trainyard: failed while analyzing {urn}: rule job-has-deadline failed on {urn}: TypeError: "
    )


FAILING_ADVISORY_RULE = f"""
import runpy
import sys

sys.path.insert(0, {str(ROOT)!r})

from policies import cost
from policies.rules import stack_rule


@stack_rule(id="broken", title="T.", severity="low", level="advisory", frameworks=("F",), wrong="W.", mend="M.")
def broken(resources):
    raise KeyError("tags")


cost.RULES = (broken,)
runpy.run_module("policies", run_name="__main__")
"""


@pytest.mark.parametrize("level", ["advisory", "mandatory"])
def test_an_advisory_rule_that_fails_is_told_at_its_level(tmp_path: Path, level: str) -> None:
    directory = write_pack(tmp_path / "pack", FAILING_ADVISORY_RULE)
    with start_pack(directory, policy_config={"broken": level}) as pack:
        [violation] = pack.analyze_stack([])
    assert (violation.policy, violation.level, violation.urn) == ("broken", level, "")
    assert violation.message == "T.\nrule broken failed: KeyError: 'tags'"


def test_stack_rules_name_the_resource_or_the_stack(pack: PolicyPack) -> None:
    state = ResourceState(f"urn:pulumi:dev::yard::{LOCAL_IDENTITY}::it", LOCAL_IDENTITY, True)
    outputs = {"endpoint": UNKNOWN, "environment": [UNKNOWN, {"a": UNKNOWN}], "own_secret_access_key": UNKNOWN}
    cloud_type = "aws:s3/bucket:Bucket"
    bucket = ResourceState(f"urn:pulumi:dev::yard::{cloud_type}::it", cloud_type, True)
    tagged = analyzer_resource(bucket, {"tags": {"owner": "unassigned", "cost_centre": UNKNOWN}})
    violations = pack.analyze_stack([tagged, analyzer_resource(state, outputs)])
    assert [(violation.policy, violation.level, violation.urn) for violation in violations] == [
        ("secrets-are-marked", "mandatory", state.urn),
        ("stack-has-owner", "advisory", ""),
    ]
    marked = state.changed(additional_secret_outputs=["own_secret_access_key"])
    assert pack.analyze_stack([analyzer_resource(marked, outputs)]) == []


def test_a_parameter_can_be_configured() -> None:
    settings = {"job-has-deadline": {"enforcementLevel": "advisory", "maximum_hours": 1}}
    with start_pack(ROOT / "policies", policy_config=settings) as pack:
        [(policy, level, _, message)] = found(pack, LOCAL_JOB, {"deadline_seconds": 7200})
    assert (policy, level) == ("job-has-deadline", "advisory")
    assert "The job's deadline of 2 hours is beyond 1 hours." in message

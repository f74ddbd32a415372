"""The policy pack in its own process, asked by the embedded engine."""

from collections.abc import Iterator

import pytest

from engine.analyzer_messages import analyze_request, analyzer_resource
from engine.analyzers import PolicyPack, PolicyPackError
from engine.resource_state import ResourceState
from engine.values import UNKNOWN, Properties
from policies import cost, security
from policies.rules import LOCAL_BUCKET, LOCAL_IDENTITY, LOCAL_JOB
from tests.engine.policy_packs import ROOT, start_pack

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
    }


def test_a_violation_says_what_is_wrong_and_how_to_mend_it(pack: PolicyPack) -> None:
    rule = RULES["storage-customer-managed-key"]
    assert found(pack, LOCAL_BUCKET, {"bucket": "models"}) == [
        (rule.id, "mandatory", "high", f"{rule.title}\nThe bucket has no KMS key. {rule.wrong} To mend it: {rule.mend}")
    ]
    assert found(pack, "aws:s3/bucket:Bucket", {"bucket": "models"}) == []


def test_what_a_preview_cannot_know_is_not_decided(pack: PolicyPack) -> None:
    policies = {policy: level for policy, level, _, _ in found(pack, LOCAL_IDENTITY, {"policy": UNKNOWN})}
    assert policies == {
        "identity-no-wildcard-action": "advisory",
        "identity-no-wildcard-resource": "advisory",
        "identity-no-privilege-escalation": "advisory",
    }
    policy = {"Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": [UNKNOWN]}]}
    assert sorted((name, level) for name, level, _, _ in found(pack, LOCAL_IDENTITY, {"policy": policy})) == [
        ("identity-no-privilege-escalation", "mandatory"),
        ("identity-no-wildcard-action", "mandatory"),
        ("identity-no-wildcard-resource", "advisory"),
    ]


def test_a_rule_that_fails_stops_the_deployment_by_name(pack: PolicyPack) -> None:
    urn = f"urn:pulumi:dev::yard::{LOCAL_JOB}::it"
    with pytest.raises(PolicyPackError) as raised:
        found(pack, LOCAL_JOB, {"deadline_seconds": "soon"})
    assert str(raised.value).startswith(
        f"policy pack trainyard: failed while analyzing {urn}: rule job-has-deadline failed on {urn}: TypeError: "
    )


def test_stack_rules_name_the_resource_or_the_stack(pack: PolicyPack) -> None:
    state = ResourceState(f"urn:pulumi:dev::yard::{LOCAL_IDENTITY}::it", LOCAL_IDENTITY, True)
    outputs = {"own_secret_access_key": UNKNOWN, "tags": {"owner": "unassigned", "cost_centre": "42"}}
    violations = pack.analyze_stack([analyzer_resource(state, outputs)])
    assert [(violation.policy, violation.level, violation.urn) for violation in violations] == [
        ("secrets-are-marked", "mandatory", state.urn),
        ("stack-has-owner", "advisory", ""),
    ]
    marked = state.changed(additional_secret_outputs=["own_secret_access_key"])
    assert pack.analyze_stack([analyzer_resource(marked, {"own_secret_access_key": UNKNOWN})]) == []


def test_a_parameter_can_be_configured() -> None:
    settings = {"job-has-deadline": {"enforcementLevel": "advisory", "maximum_hours": 1}}
    with start_pack(ROOT / "policies", policy_config=settings) as pack:
        [(policy, level, _, message)] = found(pack, LOCAL_JOB, {"deadline_seconds": 7200})
    assert (policy, level) == ("job-has-deadline", "advisory")
    assert "The job's deadline of 2 hours is beyond 1 hours." in message

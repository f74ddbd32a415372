"""The policy pack in its own process, asked by the embedded engine."""

from collections.abc import Iterator

import pytest

from engine.analyzer_messages import analyze_request, analyzer_resource
from engine.analyzers import PolicyPack
from engine.events import PolicyViolation
from engine.resource_state import ResourceState
from engine.values import UNKNOWN, Properties, Secret
from policies.catalogue import RULES
from policies.local.processes import processes_on_loopback
from policies.local.storage import bucket_customer_managed_key
from policies.local.types import BUCKET, CLOUD
from policies.rules import Rule
from tests.engine.policy_packs import ROOT, start_pack

KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/3f9a"
KEY_RULE = bucket_customer_managed_key
EXEMPTION = {"resource": "mod*", "reason": "It is empty.", "expires": "2999-12-31"}

pytestmark = pytest.mark.xdist_group("policy pack")


@pytest.fixture(scope="module")
def pack() -> Iterator[PolicyPack]:
    with start_pack(ROOT / "policies", stack="elsewhere") as started:
        yield started


def state(type_: str, properties: Properties, name: str = "models") -> ResourceState:
    return ResourceState(f"urn:pulumi:dev::yard::{type_}::{name}", type_, True, inputs=properties, outputs=properties)


def analyzed(pack: PolicyPack, *states: ResourceState) -> list[PolicyViolation]:
    """What the pack says of each resource, and then of the stack."""
    found = [violation for each in states for violation in pack.analyze(analyze_request(each, each.inputs))]
    return [*found, *pack.analyze_stack([analyzer_resource(each, each.outputs) for each in states])]


def of_rule(rule: Rule, violations: list[PolicyViolation]) -> list[PolicyViolation]:
    """Without what rules for every type say of an unknown value."""
    return [each for each in violations if each.policy == rule.id]


def said(violations: list[PolicyViolation]) -> list[tuple[str, str, str]]:
    return [(each.policy, each.level, each.message.splitlines()[-1]) for each in violations]


def test_the_pack_serves_every_rule_with_its_level_and_severity(pack: PolicyPack) -> None:
    assert pack.name == "trainyard"
    assert {policy.name: (policy.level, policy.severity, policy.kind) for policy in pack.policies} == {
        rule.id: (rule.level, rule.severity, "resource" if rule.kind == "resource" else "stack") for rule in RULES
    }


def test_a_violation_says_what_is_wrong_and_how_to_mend_it(pack: PolicyPack) -> None:
    [violation] = analyzed(pack, state(BUCKET, {"bucket": "models"}))
    assert (violation.policy, violation.level, violation.severity) == (KEY_RULE.id, "mandatory", "high")
    assert violation.message == (
        f"{KEY_RULE.title}\nThe bucket has no KMS key. {KEY_RULE.wrong} To mend it: {KEY_RULE.mend}"
    )


def test_rules_of_the_stack_name_the_resource(pack: PolicyPack) -> None:
    cloud = state(CLOUD, {"endpoint": "http://0.0.0.0:5000"}, "cloud")
    [violation] = analyzed(pack, cloud)
    assert (violation.policy, violation.level, violation.urn) == (processes_on_loopback.id, "mandatory", cloud.urn)


def test_what_a_preview_cannot_know_is_told_once_for_each_rule(pack: PolicyPack) -> None:
    buckets = [state(BUCKET, {"key_arn": UNKNOWN}, f"bucket-{number}") for number in range(5)]
    cloud = state(CLOUD, {"endpoint": UNKNOWN}, "cloud")
    found = analyzed(pack, *buckets, cloud)
    assert said(of_rule(KEY_RULE, found)) == [
        (
            KEY_RULE.id,
            "advisory",
            "It cannot be decided before the update knows key_arn of bucket-0, key_arn of bucket-1, key_arn of "
            "bucket-2 and 2 more; `up` enforces it.",
        )
    ]
    assert said(of_rule(processes_on_loopback, found)) == [
        (
            processes_on_loopback.id,
            "advisory",
            "It cannot be decided before the update knows endpoint of cloud; `up` enforces it.",
        )
    ]
    assert pack.analyze_stack([]) == [], "what was told is told once"


def test_what_is_undecided_stops_no_preview_where_all_rules_are_mandatory() -> None:
    with start_pack(ROOT / "policies", stack="elsewhere", policy_config={"all": "mandatory"}) as pack:
        [told] = of_rule(KEY_RULE, analyzed(pack, state(BUCKET, {"key_arn": UNKNOWN})))
    assert (told.policy, told.level) == (KEY_RULE.id, "advisory")


def test_an_update_that_cannot_decide_stops_before_the_resource_unless_it_is_exempt() -> None:
    buckets = [state(BUCKET, {"key_arn": UNKNOWN}, name) for name in ("data", "models")]
    settings = {KEY_RULE.id: {"exemptions": [EXEMPTION]}}
    with start_pack(ROOT / "policies", stack="elsewhere", dry_run=False, policy_config=settings) as pack:
        [told], [exempt] = ([*of_rule(KEY_RULE, pack.analyze(analyze_request(each, each.inputs)))] for each in buckets)
    assert (told.level, told.urn) == ("mandatory", buckets[0].urn)
    assert "It cannot be decided: key_arn is not known." in told.message
    assert (exempt.level, exempt.urn) == ("advisory", buckets[1].urn)


def test_what_is_undecided_is_told_where_no_rule_of_the_stack_is_enabled() -> None:
    settings = {"all": "disabled", KEY_RULE.id: "mandatory"}
    with start_pack(ROOT / "policies", stack="elsewhere", policy_config=settings) as pack:
        [told] = analyzed(pack, state(BUCKET, {"key_arn": UNKNOWN}))
    assert (told.policy, told.level) == (KEY_RULE.id, "advisory")


def test_an_exemption_is_told_with_its_reason_and_stops_nothing() -> None:
    settings = {KEY_RULE.id: {"exemptions": [EXEMPTION]}}
    with start_pack(ROOT / "policies", stack="elsewhere", policy_config=settings) as pack:
        exempt, violation = analyzed(pack, state(BUCKET, {}, "models"), state(BUCKET, {}, "data"))
    assert (exempt.level, exempt.message.splitlines()[-1]) == (
        "advisory",
        "Exempt until 2999-12-31 (It is empty.): The bucket has no KMS key.",
    )
    assert (violation.level, violation.policy) == ("mandatory", KEY_RULE.id)


def test_the_stacks_own_file_sets_levels_and_what_is_given_wins() -> None:
    from policies import configuration

    content = configuration.read(configuration.stack_file("dev"))
    relaxed = next(name for name, value in content.items() if value == "advisory")
    with start_pack(ROOT / "policies", stack="dev") as pack:
        assert {policy.name: policy.level for policy in pack.policies}[relaxed] == "advisory"
    with start_pack(ROOT / "policies", stack="dev", policy_config={relaxed: "disabled"}) as pack:
        assert {policy.name: policy.level for policy in pack.policies}[relaxed] == "disabled"


def test_secrets_are_seen_as_such_and_not_told(pack: PolicyPack) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:alias/aws/s3"
    assert analyzed(pack, state(BUCKET, {"key_arn": Secret(KEY_ARN)})) == []
    [violation] = analyzed(pack, state(BUCKET, {"key_arn": Secret(key)}))
    assert violation.policy == KEY_RULE.id
    assert key not in violation.message

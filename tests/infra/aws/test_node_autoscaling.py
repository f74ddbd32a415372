"""What starts and ends nodes: which of its parts there are by setting, and what each may do."""

from typing import Any

import pytest

from tests.infra.recorder import Resources, provision

ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"
GROUP = "aws:eks/nodeGroup:NodeGroup"
RULE = "aws:cloudwatch/eventRule:EventRule"

pytestmark = pytest.mark.xdist_group("aws platforms")


def with_autoscaler(name: str, **changes: Any) -> Resources:
    return provision("dev", {"kubernetes.addons.node_autoscaler": name, **changes})


def test_the_cluster_autoscaler_changes_the_size_of_this_clusters_groups_only() -> None:
    policy = with_autoscaler("cluster_autoscaler").one(ROLE_POLICY, "autoscaler")
    scale = policy.statement("ScaleOwnGroups")
    end = policy.statement("EndOwnNodes")
    for statement in (scale, end):
        assert statement["Condition"]["StringEquals"] == {
            "aws:ResourceTag/k8s.io/cluster-autoscaler/enabled": "true",
            "aws:ResourceTag/k8s.io/cluster-autoscaler/trainyard-dev": "owned",
        }
    changing = [
        action
        for statement in policy.document()["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if not action.split(":")[1].startswith(("Describe", "Get"))
    ]
    assert changing == [scale["Action"], end["Action"]]
    assert changing == ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]


def test_its_pod_takes_the_role_by_its_own_service_account() -> None:
    association = with_autoscaler("cluster_autoscaler").one(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation", "autoscaler"
    )
    assert association.inputs["namespace"] == "kube-system"
    assert association.inputs["serviceAccount"] == "cluster-autoscaler"


def test_with_karpenter_no_managed_group_has_gpus_and_its_nodes_may_join() -> None:
    resources = with_autoscaler("karpenter")
    assert [group.name for group in resources.all(GROUP)] == ["system"]
    assert not resources.all("aws:ec2/placementGroup:PlacementGroup")
    (entry,) = (each for each in resources.all("aws:eks/accessEntry:AccessEntry") if each.inputs["type"] == "EC2_LINUX")
    assert entry.inputs["principalArn"] == "arn:aws:mock:::karpenter-node"
    profile = resources.one("aws:iam/instanceProfile:InstanceProfile", "karpenter-node")
    assert profile.inputs["name"] == "trainyard-dev_karpenter-node"
    assert resources.one("aws:iam/role:Role", "karpenter-node").inputs["name"] == "trainyard-dev_karpenter-node"
    assert not [each for each in resources.registered if each.name == "autoscaler"]


def test_karpenter_hands_on_one_role_and_changes_only_what_is_its_own() -> None:
    policy = with_autoscaler("karpenter").one(ROLE_POLICY, "karpenter-controller")
    passed = policy.statement("PassNodeRole")
    assert passed["Resource"] == "arn:aws:iam::123456789012:role/trainyard-dev_karpenter-node"
    for sid in ("StartByOwnTemplate", "EndOwn", "NameOwn"):
        condition = policy.statement(sid)["Condition"]
        assert condition["StringEquals"] == {"aws:ResourceTag/kubernetes.io/cluster/trainyard-dev": "owned"}
    for sid in ("StartTagged", "TagMade"):
        condition = policy.statement(sid)["Condition"]["StringEquals"]
        assert condition["aws:RequestTag/kubernetes.io/cluster/trainyard-dev"] == "owned"
    for sid in ("UseKeyOfVolumes", "GrantKeyOfVolumes"):
        statement = policy.statement(sid)
        assert statement["Resource"] == "arn:aws:mock:::keys-volumes"
        assert statement["Condition"]["StringEquals"] == {"kms:ViaService": "ec2.eu-west-1.amazonaws.com"}
    makes_profiles = {"iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"}
    assert not [each for each in policy.document()["Statement"] if makes_profiles & {*each["Action"]}]


@pytest.mark.parametrize(
    ("changes", "handler", "karpenter"),
    [
        ({}, True, False),
        ({"kubernetes.addons.termination_handler.enabled": False}, False, False),
        ({"kubernetes.addons.node_autoscaler": "karpenter"}, False, True),
        ({"kubernetes.addons.node_autoscaler": "karpenter", "interruptions.enabled": False}, False, False),
        ({"interruptions.enabled": False}, False, False),
    ],
)
def test_the_queue_is_read_by_whom_it_is_for(changes: dict[str, Any], handler: bool, karpenter: bool) -> None:
    resources = provision("dev", changes)
    policies = {each.name: each.document() for each in resources.all(ROLE_POLICY)}
    readers = {
        name
        for name, policy in policies.items()
        for statement in policy["Statement"]
        if "sqs:ReceiveMessage" in statement["Action"]
    }
    expected = {"interruptions-handler"} if handler else {"karpenter-controller"} if karpenter else set()
    assert readers == expected


def rules(resources: Resources) -> set[str]:
    return {rule.name.removeprefix("interruptions-") for rule in resources.all(RULE)}


def test_each_reader_is_told_what_it_acts_on() -> None:
    by_default = {"spot-interruption", "state-change", "capacity-block", "scheduled-change", "termination"}
    assert rules(provision("dev")) == by_default
    drained = provision("dev", {"kubernetes.addons.termination_handler.rebalance": "drain"})
    assert rules(drained) == by_default | {"rebalance"}
    assert rules(with_autoscaler("karpenter")) == by_default - {"termination"}


def test_without_an_autoscaler_nobody_may_change_groups() -> None:
    resources = with_autoscaler("none")
    for policy in resources.all(ROLE_POLICY):
        assert "SetDesiredCapacity" not in policy.inputs["policy"], policy.name
    assert {group.name for group in resources.all(GROUP)} == {"system", "gpu-training"}

"""What Karpenter's controller may do: start and end instances of this cluster, with one role and no other, and read the
queue of notices.

After the policies that Karpenter publishes for its version 1.14 ("Getting Started with Karpenter",
cloudformation.yaml), with what this platform knows put in: the node role's own name instead of rights to make instance
profiles, the account's own resources, the node volumes' key. What it makes carries the cluster's tag from its first
moment, and it changes only what does. When the stack has expired it ends instances and starts none.
"""

from typing import Any

from infra.aws.expiry_moment import until
from infra.aws.interruptions import QUEUE
from infra.aws.naming import Names

SERVICE_ACCOUNT = "karpenter"
NODES = "karpenter-node"
"""Purpose of the role, and of the instance profile, of the nodes that it starts."""

NODE_POOL_TAG = "karpenter.sh/nodepool"
"""The tag by which Karpenter says of which pool an instance is."""
_MADE = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")


def controller_policy(names: Names, volumes_key_arn: str, *, queue: bool, expires_at: str = "") -> dict[str, Any]:
    """The policy of the controller's pod.

    :param volumes_key_arn: The key that the volumes of nodes are encrypted with.
    :param queue: Whether there is a queue of notices of interruption.
    :param expires_at: The moment from which on no instance is started; empty: never.
    """
    statements = [
        *_instances(names, until(expires_at)),
        *_tags(names),
        *_volumes(names, volumes_key_arn),
        _allow(
            "PassNodeRole",
            ["iam:PassRole"],
            names.role_arn(NODES),
            {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}},
        ),
        _allow("DescribeCluster", ["eks:DescribeCluster"], names.cluster_arn),
        *_lookups(names),
    ]
    if queue:
        read = ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"]
        statements.append(_allow("ReadNotices", read, names.arn("sqs", names.queue(QUEUE))))
    return {"Version": "2012-10-17", "Statement": statements}


def own_instances(names: Names) -> dict[str, dict[str, Any]]:
    """On condition that something carries the tags of what Karpenter made for this cluster."""
    return {
        "StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{names.cluster}": "owned"},
        "StringLike": {f"aws:ResourceTag/{NODE_POOL_TAG}": "*"},
    }


def _instances(names: Names, in_time: dict[str, Any]) -> list[dict[str, Any]]:
    start = ["ec2:RunInstances", "ec2:CreateFleet"]
    given = ("security-group", "subnet", "capacity-reservation", "placement-group")
    return [
        _allow(
            "StartFrom",
            start,
            [
                *(f"arn:{names.partition}:ec2:{names.region}::{kind}/*" for kind in ("image", "snapshot")),
                *(names.arn("ec2", f"{kind}/*") for kind in given),
            ],
            in_time,
        ),
        _allow("StartByOwnTemplate", start, names.arn("ec2", "launch-template/*"), own_instances(names) | in_time),
        _allow("StartTagged", [*start, "ec2:CreateLaunchTemplate"], _made(names), _asks_for_own(names) | in_time),
        _allow(
            "EndOwn",
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            [names.arn("ec2", f"{kind}/*") for kind in ("instance", "launch-template")],
            own_instances(names),
        ),
    ]


def _tags(names: Names) -> list[dict[str, Any]]:
    created = _asks_for_own(names)
    created["StringEquals"]["ec2:CreateAction"] = ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]
    own = own_instances(names)
    return [
        _allow("TagMade", ["ec2:CreateTags"], _made(names), created),
        _allow(
            "NameOwn",
            ["ec2:CreateTags"],
            names.arn("ec2", "instance/*"),
            {
                **own,
                "StringEqualsIfExists": {"aws:RequestTag/eks:eks-cluster-name": names.cluster},
                "ForAllValues:StringEquals": {
                    "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"]
                },
            },
        ),
    ]


def _volumes(names: Names, key_arn: str) -> list[dict[str, Any]]:
    # Amazon EBS user guide, "Requirements for Amazon EBS encryption": who starts an instance needs these, through EC2.
    through_ec2 = {"kms:ViaService": f"ec2.{names.region}.{names.dns_suffix}"}
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom"]
    return [
        _allow("UseKeyOfVolumes", [*use, "kms:ReEncryptTo"], key_arn, {"StringEquals": through_ec2}),
        _allow(
            "GrantKeyOfVolumes",
            ["kms:CreateGrant"],
            key_arn,
            {"StringEquals": through_ec2, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def _lookups(names: Names) -> list[dict[str, Any]]:
    describe = [
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeImages",
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribePlacementGroups",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSpotPriceHistory",
        "ec2:DescribeSubnets",
    ]
    return [
        _allow("Describe", describe, "*", {"StringEquals": {"aws:RequestedRegion": names.region}}),
        _allow("Images", ["ssm:GetParameter"], f"arn:{names.partition}:ssm:{names.region}::parameter/aws/service/*"),
        # The service of prices is in few regions.
        _allow("Prices", ["pricing:GetProducts"], "*"),
        # It looks for profiles of its own making, of which there are none here.
        _allow("Profiles", ["iam:ListInstanceProfiles"], "*"),
    ]


def _made(names: Names) -> list[str]:
    return [names.arn("ec2", f"{kind}/*") for kind in _MADE]


def _asks_for_own(names: Names) -> dict[str, dict[str, Any]]:
    return {
        "StringEquals": {
            f"aws:RequestTag/kubernetes.io/cluster/{names.cluster}": "owned",
            "aws:RequestTag/eks:eks-cluster-name": names.cluster,
        },
        "StringLike": {f"aws:RequestTag/{NODE_POOL_TAG}": "*"},
    }


def _allow(
    sid: str, actions: list[str], resource: str | list[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    stated = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
    return stated | ({"Condition": condition} if condition else {})

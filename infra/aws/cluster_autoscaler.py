"""What the cluster autoscaler may do: look at everything that a decision needs, and change the size of this cluster's
groups of nodes, until the stack expires.

EKS tags the Auto Scaling groups of managed node groups for the autoscaler by itself, which is also how it finds them.
Sources: Kubernetes autoscaler, its guide for AWS, "IAM Policy" and "Auto-Discovery Setup"; Amazon EKS user guide,
"Simplify node lifecycle with managed node groups".
"""

from typing import Any

from infra.aws.expiry_moment import until
from infra.aws.naming import Names

SERVICE_ACCOUNT = "cluster-autoscaler"
DISCOVERY_TAG = "k8s.io/cluster-autoscaler"


def autoscaler_policy(names: Names, expires_at: str = "") -> dict[str, Any]:
    """The policy of the autoscaler's pod. What only describes knows no single resources.

    :param expires_at: The moment from which on no group is given another size; empty: never.
    """
    groups = names.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/*")
    describe = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeScalingActivities",
        "autoscaling:DescribeTags",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
    ]
    own = {
        f"aws:ResourceTag/{DISCOVERY_TAG}/enabled": "true",
        f"aws:ResourceTag/{DISCOVERY_TAG}/{names.cluster}": "owned",
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Describe", "Effect": "Allow", "Action": describe, "Resource": "*"},
            {
                "Sid": "ScaleOwnGroups",
                "Effect": "Allow",
                "Action": "autoscaling:SetDesiredCapacity",
                "Resource": groups,
                "Condition": {"StringEquals": own, **until(expires_at)},
            },
            {
                "Sid": "EndOwnNodes",
                "Effect": "Allow",
                "Action": "autoscaling:TerminateInstanceInAutoScalingGroup",
                "Resource": groups,
                "Condition": {"StringEquals": own},
            },
            # The labels and taints of a group that has no nodes.
            {
                "Sid": "DescribeOwnGroups",
                "Effect": "Allow",
                "Action": "eks:DescribeNodegroup",
                "Resource": names.arn("eks", f"nodegroup/{names.cluster}/*"),
            },
        ],
    }

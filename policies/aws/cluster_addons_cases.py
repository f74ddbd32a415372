"""Cases of the rules for what EKS puts into a cluster."""

from typing import Any

from policies.aws import cluster_addons
from policies.aws.cluster_addons import ADDON, ASSOCIATION
from policies.cases import Cases, made
from policies.resources import Resource

ROLE = "arn:aws:iam::123456789012:role/vpc-cni"


def _addon(name: str, **properties: Any) -> Resource:
    return made(ADDON, name, {"addonName": name, "clusterName": "serving", **properties})


def _association(account: str) -> Resource:
    return made(ASSOCIATION, account, {"namespace": "kube-system", "serviceAccount": account, "roleArn": ROLE})


CASES = (
    Cases(
        cluster_addons.addon_own_role,
        passing=[
            _addon("kube-proxy"),
            _addon("coredns"),
            _addon("vpc-cni", podIdentityAssociations=[{"serviceAccount": "aws-node", "roleArn": ROLE}]),
            _addon("aws-ebs-csi-driver", serviceAccountRoleArn=ROLE),
            made(
                ADDON,
                "made",
                {"addonName": "vpc-cni"},
                refers={"serviceAccountRoleArn": made("aws:iam/role:Role", "r")},
            ),
            [_addon("vpc-cni"), _association("aws-node")],
        ],
        failing=[
            (_addon("vpc-cni"), "The pods of vpc-cni use the role of the nodes."),
            (_addon("vpc-cni", podIdentityAssociations=[]), "The pods of vpc-cni use the role of the nodes."),
            ([_addon("aws-ebs-csi-driver"), _association("aws-node")], "The pods of aws-ebs-csi-driver use the role"),
        ],
    ),
)

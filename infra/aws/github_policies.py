"""What workflows on GitHub may do: read the stack's configuration to preview it, or deploy this stack and no other.

Operations that know single resources are limited to this stack's names. Those of EC2 that do not are limited to its
region, and what they change to what has the stack's tags. Names and conditions: AWS service authorization reference.

A deployer makes roles, and could make one with more rights than its own; a permissions boundary, which then every role
that it makes has to have, is what prevents that. Without one, trust the deploy role as an administrator of the account.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.aws.naming import Names
from infra.aws.storage import ACCESS_LOGS, PURPOSES

PREVIEW, DEPLOY = "github-preview", "github-deploy"
"""Purposes of the two roles."""


def preview_policies(names: Names, state_bucket: str) -> dict[str, dict[str, Any]]:
    """Reads what is configured, and none of the data: no object but Pulumi's state, no use of a key, no secret."""
    configuration = [
        _allow("Describe", _DESCRIBE, "*", _in_region(names)),
        _allow("Iam", _READ_IAM, _iam(names)),
        _allow("Oidc", ("iam:GetOpenIDConnectProvider",), names.iam_arn("oidc-provider/*")),
        _allow("Buckets", _READ_BUCKETS, _buckets(names)),
        _allow(
            "Keys",
            ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
            names.arn("kms", "key/*"),
        ),
        _allow("Cluster", ("eks:Describe*", "eks:List*"), _cluster(names)),
        _allow(
            "Repositories",
            ("ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:ListTagsForResource"),
            _repositories(names),
        ),
        _allow("Queue", ("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"), _queues(names)),
        _allow(
            "Rules", ("events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"), _rules(names)
        ),
        _allow("Budget", ("budgets:ListTagsForResource", "budgets:ViewBudget"), _budget(names)),
        *_state(names, state_bucket, ("s3:GetObject",)),
    ]
    return {"configuration": _document(configuration)}


def deploy_policies(names: Names, boundary_arn: str, state_bucket: str) -> dict[str, dict[str, Any]]:
    """Everything that `up` and `destroy` of this stack do, in policies that are each short enough for IAM.

    :param boundary_arn: Boundary that every role has to have which it makes; empty: none is demanded.
    """
    return {
        "configuration": preview_policies(names, "")["configuration"],
        "network": _document(_network(names)),
        "identity": _document(_identity(names, boundary_arn)),
        "data": _document(
            [*_data(names), *_state(names, state_bucket, ("s3:DeleteObject", "s3:GetObject", "s3:PutObject"))]
        ),
        "cluster": _document(_cluster_and_around(names)),
    }


_DESCRIBE = (
    "autoscaling:Describe*",
    "ec2:Describe*",
    "ec2:GetLaunchTemplateData",
    "eks:DescribeAddonVersions",
    "eks:ListClusters",
    "kms:ListAliases",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
)
"""Operations that know no single resources."""
_READ_IAM = (
    "iam:GetInstanceProfile",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListPolicyVersions",
    "iam:ListRolePolicies",
    "iam:ListRoleTags",
)
_READ_BUCKETS = (
    "s3:GetAccelerateConfiguration",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
)


def _network(names: Names) -> list[dict[str, Any]]:
    makes = ("ec2:AllocateAddress", "ec2:Create*", "ec2:RunInstances")
    changes = (
        "ec2:AssociateRouteTable",
        "ec2:AttachInternetGateway",
        "ec2:Authorize*",
        "ec2:Delete*",
        "ec2:DetachInternetGateway",
        "ec2:DisassociateAddress",
        "ec2:DisassociateRouteTable",
        "ec2:Modify*",
        "ec2:MonitorInstances",
        "ec2:ReleaseAddress",
        "ec2:ReplaceRoute",
        "ec2:Revoke*",
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ec2:TerminateInstances",
    )
    tagged = {"StringEquals": {f"aws:ResourceTag/{tag}": value for tag, value in _own_tags(names).items()}}
    own = names.arn("ec2", "*")
    return [
        # What is made carries the stack's tags, or belongs to something that does.
        _allow("MakeInRegion", makes, [own, f"arn:{names.partition}:ec2:{names.region}::*"], _in_region(names)),
        _allow("ChangeOwn", changes, own, tagged),
        # Rules and associations of what has just been made carry no tags at that moment.
        _allow("TagOwn", ("ec2:CreateTags", "ec2:DeleteTags"), own, _in_region(names)),
    ]


def _identity(names: Names, boundary_arn: str) -> list[dict[str, Any]]:
    roles = names.role_arn("*")
    own = [names.role_arn(purpose) for purpose in (PREVIEW, DEPLOY)]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn}} if boundary_arn else None
    services = [f"{service}.amazonaws.com" for service in ("ec2", "eks", "pods.eks", "vpc-flow-logs")]
    grants = (
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePolicy",
    )
    cares = (
        "iam:DeleteRole",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:UpdateRoleDescription",
        "iam:ListInstanceProfilesForRole",
    )
    profiles = (
        "iam:AddRoleToInstanceProfile",
        "iam:CreateInstanceProfile",
        "iam:DeleteInstanceProfile",
        "iam:RemoveRoleFromInstanceProfile",
        "iam:TagInstanceProfile",
        "iam:UntagInstanceProfile",
    )
    changes = (*grants, *cares, "iam:DeleteRolePermissionsBoundary", "iam:PutRolePermissionsBoundary")
    return [
        _allow("GrantToRoles", grants, roles, bounded),
        _allow("CareForRoles", cares, roles),
        _allow("Profiles", profiles, names.iam_arn(f"instance-profile/{names.role('*')}")),
        _allow("PassRoles", ("iam:PassRole",), roles, {"StringEquals": {"iam:PassedToService": services}}),
        _allow(
            "LinkedRoles",
            ("iam:CreateServiceLinkedRole",),
            names.iam_arn("role/aws-service-role/*"),
            {
                "StringEquals": {
                    "iam:AWSServiceName": [
                        "autoscaling.amazonaws.com",
                        "eks.amazonaws.com",
                        "eks-nodegroup.amazonaws.com",
                        "spot.amazonaws.com",
                    ]
                }
            },
        ),
        # A workflow that could change its own role could do anything.
        {"Sid": "NotItself", "Effect": "Deny", "Action": [*changes], "Resource": own},
    ]


def _data(names: Names) -> list[dict[str, Any]]:
    keys = (
        "kms:CreateAlias",
        "kms:DeleteAlias",
        "kms:DisableKeyRotation",
        "kms:EnableKeyRotation",
        "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:UpdateAlias",
        "kms:UpdateKeyDescription",
    )
    tagged = {"StringEquals": {f"aws:ResourceTag/{tag}": value for tag, value in _own_tags(names).items()}}
    asked = {"StringEquals": {f"aws:RequestTag/{tag}": value for tag, value in _own_tags(names).items()}}
    for_resource = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        _allow(
            "Buckets",
            (
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:DeleteBucketPolicy",
                "s3:PutBucket*",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:ListBucketVersions",
            ),
            _buckets(names),
        ),
        # To empty a bucket before it is deleted, where the settings allow that.
        _allow("Empty", ("s3:DeleteObject", "s3:DeleteObjectVersion"), [f"{bucket}/*" for bucket in _buckets(names)]),
        _allow("MakeKeys", ("kms:CreateKey",), "*", asked),
        _allow("CareForKeys", keys, names.arn("kms", "key/*"), tagged),
        _allow(
            "NameKeys",
            ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
            names.arn("kms", names.key_alias("*")),
        ),
        _allow("LetServicesUseKeys", ("kms:CreateGrant",), names.arn("kms", "key/*"), {**tagged, **for_resource}),
        _allow(
            "UseKeysOfVolumes",
            ("kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
            names.arn("kms", "key/*"),
            {"StringEquals": {**tagged["StringEquals"], "kms:ViaService": f"ec2.{names.region}.{names.dns_suffix}"}},
        ),
        _allow(
            "Logs",
            (
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:DisassociateKmsKey",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ),
            [names.arn("logs", f"log-group:{group}*") for group in (names.log_group(""), names.cluster_log_group)],
        ),
    ]


def _cluster_and_around(names: Names) -> list[dict[str, Any]]:
    return [
        _allow(
            "Cluster",
            (
                "eks:AssociateAccessPolicy",
                "eks:Create*",
                "eks:Delete*",
                "eks:DisassociateAccessPolicy",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:Update*",
            ),
            _cluster(names),
        ),
        _allow(
            "Repositories",
            (
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchDeleteImage",
                "ecr:CompleteLayerUpload",
                "ecr:CreateRepository",
                "ecr:DeleteLifecyclePolicy",
                "ecr:DeleteRepository",
                "ecr:InitiateLayerUpload",
                "ecr:ListImages",
                "ecr:PutImage",
                "ecr:PutImageScanningConfiguration",
                "ecr:PutImageTagMutability",
                "ecr:PutLifecyclePolicy",
                "ecr:TagResource",
                "ecr:UntagResource",
                "ecr:UploadLayerPart",
            ),
            _repositories(names),
        ),
        _allow("RegistryToken", ("ecr:GetAuthorizationToken",), "*"),
        _allow(
            "Queue",
            ("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"),
            _queues(names),
        ),
        _allow(
            "Rules",
            (
                "events:DeleteRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
                "events:TagResource",
                "events:UntagResource",
            ),
            _rules(names),
        ),
        _allow("Budget", ("budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource"), _budget(names)),
    ]


def _state(names: Names, bucket: str, objects: Sequence[str]) -> list[dict[str, Any]]:
    if not bucket:
        return []
    arn = f"arn:{names.partition}:s3:::{bucket}"
    return [
        _allow("ListState", ("s3:GetBucketLocation", "s3:ListBucket"), arn),
        _allow("State", objects, f"{arn}/*"),
    ]


def _own_tags(names: Names) -> dict[str, str]:
    return {"project": names.project, "stack": names.stack}


def _in_region(names: Names) -> dict[str, Any]:
    return {"StringEquals": {"aws:RequestedRegion": names.region}}


def _buckets(names: Names) -> list[str]:
    return [names.bucket_arn(purpose) for purpose in (*PURPOSES, ACCESS_LOGS)]


def _iam(names: Names) -> list[str]:
    return [names.iam_arn(f"{kind}/{names.role('*')}") for kind in ("instance-profile", "policy", "role")]


def _cluster(names: Names) -> list[str]:
    kinds = ("access-entry", "addon", "nodegroup", "podidentityassociation")
    return [names.cluster_arn, *(names.arn("eks", f"{kind}/{names.cluster}/*") for kind in kinds)]


def _repositories(names: Names) -> str:
    return names.arn("ecr", f"repository/{names.repository('*')}")


def _queues(names: Names) -> str:
    return names.arn("sqs", names.queue("*"))


def _rules(names: Names) -> str:
    return names.arn("events", f"rule/{names.event_rule('*')}")


def _budget(names: Names) -> str:
    return names.iam_arn(f"budget/{names.prefix}").replace(":iam:", ":budgets:")


def _allow(
    sid: str, actions: Sequence[str], resource: str | list[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    stated = {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": resource}
    return stated | ({"Condition": condition} if condition else {})


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}

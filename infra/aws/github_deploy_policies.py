"""What a workflow on GitHub that deploys may do: `up` and `destroy` of this stack, and of no other.

Operations that know single resources are limited to this stack's names. EC2's resources have none beforehand: what is
made there has to carry the stack's tags, and only what carries them is changed.

A deployer makes roles, and could make one with more rights than its own; a permissions boundary, which then every role
that it makes has to have, is what prevents that. Without one, trust the deploy role as an administrator of the account.
"""

from typing import Any

from infra.aws.github_policies import (
    DEPLOY,
    ISSUER,
    PREVIEW,
    allow,
    buckets,
    budget,
    cluster,
    document,
    in_region,
    preview_policies,
    queues,
    repositories,
    rules,
    schedules,
    state,
)
from infra.aws.naming import Names


def deploy_policies(
    names: Names, boundary_arn: str, state_bucket: str, *, pull_through: bool = False
) -> dict[str, dict[str, Any]]:
    """Everything that `up` and `destroy` of this stack do, in policies that are each short enough for IAM.

    :param boundary_arn: Boundary that every role has to have which it makes; empty: none is demanded.
    :param pull_through: Whether images of others are pulled through the account's registry.
    """
    return {
        "configuration": preview_policies(names, "")["configuration"],
        "network": document(_network(names)),
        "identity": document(_identity(names, boundary_arn)),
        "data": document(
            [*_data(names), *state(names, state_bucket, ("s3:DeleteObject", "s3:GetObject", "s3:PutObject"))]
        ),
        "cluster": document([*_cluster_and_around(names), *(_image_cache(names) if pull_through else [])]),
        "expiry": document(_expiry(names)),
    }


_MAKE = (
    "ec2:AllocateAddress",
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateFlowLogs",
    "ec2:CreateInternetGateway",
    "ec2:CreateLaunchTemplate",
    "ec2:CreateNatGateway",
    "ec2:CreatePlacementGroup",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateVpc",
    "ec2:CreateVpcEndpoint",
    "ec2:RunInstances",
)
"""What makes something that has tags from its first moment on, in or of something that may be there already."""
_CHANGE = (
    "ec2:AssociateRouteTable",
    "ec2:AttachInternetGateway",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:CreateRoute",
    "ec2:Delete*",
    "ec2:DetachInternetGateway",
    "ec2:DisassociateAddress",
    "ec2:DisassociateRouteTable",
    "ec2:Modify*",
    "ec2:MonitorInstances",
    "ec2:ReleaseAddress",
    "ec2:ReplaceRoute",
    "ec2:ReplaceRouteTableAssociation",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:TerminateInstances",
    "ec2:UnmonitorInstances",
)


def _network(names: Names) -> list[dict[str, Any]]:
    own, tagged, asked = names.arn("ec2", "*"), _has_own_tags(names), _asks_for_own_tags(names)
    created = [action.removeprefix("ec2:") for action in _MAKE]
    return [
        # What is made carries the stack's tags, and so does what it is made in.
        allow("MakeTagged", _MAKE, own, asked),
        allow("MakeInOwn", _MAKE, own, tagged),
        allow("FromImages", ("ec2:RunInstances",), f"arn:{names.partition}:ec2:{names.region}::image/*"),
        allow("ChangeOwn", (*_CHANGE, "ec2:CreateTags"), own, tagged),
        allow("TagMade", ("ec2:CreateTags",), own, {"StringEquals": {"ec2:CreateAction": created}}),
        # A network's default group comes without tags. It gets the stack's before its rules are taken away.
        allow(
            "AdoptDefaultGroup",
            ("ec2:CreateTags",),
            names.arn("ec2", "security-group/*"),
            {**asked, "Null": {"aws:ResourceTag/stack": "true"}},
        ),
        # For the private names of endpoints: EC2 makes hosted zones of its own, which have no tags.
        allow(
            "NameEndpoints", ("route53:AssociateVPCWithHostedZone",), f"arn:{names.partition}:route53:::hostedzone/*"
        ),
    ]


_ROLES_GO_TO = ("ec2", "ecr", "eks", "pods.eks", "scheduler", "states", "vpc-flow-logs")
"""The services that act by roles of the stack."""


def _identity(names: Names, boundary_arn: str) -> list[dict[str, Any]]:
    roles = names.role_arn("*")
    own = [names.role_arn(purpose) for purpose in (PREVIEW, DEPLOY)]
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary_arn}} if boundary_arn else None
    services = [f"{service}.amazonaws.com" for service in _ROLES_GO_TO]
    if names.partition == "aws-cn":
        services.append("ec2.amazonaws.com.cn")
    grants = (
        "iam:AttachRolePolicy",
        "iam:CreateRole",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
    )
    cares = (
        "iam:DeleteRole",
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
    tags = ("iam:TagPolicy", "iam:TagRole", "iam:UntagPolicy", "iam:UntagRole")
    issuer_tags = ("iam:TagOpenIDConnectProvider", "iam:UntagOpenIDConnectProvider")
    github = names.iam_arn(f"oidc-provider/{ISSUER}")
    issuers = names.iam_arn(f"oidc-provider/oidc.eks.{names.region}.{names.dns_suffix}/*")
    changes = (*grants, *cares, "iam:DeleteRolePermissionsBoundary")
    return [
        allow("GrantToRoles", grants, roles, bounded),
        allow("CareForRoles", cares, roles),
        # Its own role and policies too: when the stack expires is a tag of everything.
        allow("Tags", tags, [roles, names.iam_arn(f"policy/{names.role('*')}")]),
        allow("IssuerTags", issuer_tags, [issuers, github]),
        allow("Issuers", ("iam:CreateOpenIDConnectProvider", "iam:DeleteOpenIDConnectProvider"), issuers),
        allow("Profiles", profiles, names.iam_arn(f"instance-profile/{names.role('*')}")),
        allow("PassRoles", ("iam:PassRole",), roles, {"StringEquals": {"iam:PassedToService": services}}),
        allow(
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
    tagged, asked = _has_own_tags(names), _asks_for_own_tags(names)
    through_ec2 = {"kms:ViaService": f"ec2.{names.region}.{names.dns_suffix}"}
    return [
        allow(
            "Buckets",
            (
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:DeleteBucketPolicy",
                "s3:ListTagsForResource",
                "s3:PutBucket*",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:ListBucketVersions",
                "s3:TagResource",
                "s3:UntagResource",
            ),
            buckets(names),
        ),
        # To empty a bucket before it is deleted, where the settings allow that.
        allow("Empty", ("s3:DeleteObject", "s3:DeleteObjectVersion"), [f"{bucket}/*" for bucket in buckets(names)]),
        allow("MakeKeys", ("kms:CreateKey",), "*", asked),
        # A key gets its tags while it is made. One that belongs to another stack keeps those that it has.
        allow("TagKeys", ("kms:TagResource",), "*", {**asked, "Null": {"aws:ResourceTag/stack": "true"}}),
        allow("CareForKeys", keys, names.arn("kms", "key/*"), tagged),
        allow(
            "NameKeys",
            ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"),
            names.arn("kms", names.key_alias("*")),
        ),
        # Not on condition that the grant is for a resource of AWS's, with which EKS cannot create a cluster.
        allow("LetServicesUseKeys", ("kms:CreateGrant", "kms:RetireGrant"), names.arn("kms", "key/*"), tagged),
        allow(
            "UseKeysOfVolumes",
            ("kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
            names.arn("kms", "key/*"),
            {"StringEquals": {**tagged["StringEquals"], **through_ec2}},
        ),
        allow(
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
        allow(
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
            cluster(names),
        ),
        allow(
            "Repositories",
            (
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchDeleteImage",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:CreateRepository",
                "ecr:DeleteLifecyclePolicy",
                "ecr:DeleteRepository",
                "ecr:GetDownloadUrlForLayer",
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
            repositories(names),
        ),
        allow("RegistryToken", ("ecr:GetAuthorizationToken",), "*"),
        allow(
            "Queue",
            ("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue"),
            queues(names),
        ),
        allow(
            "Rules",
            (
                "events:DeleteRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
                "events:TagResource",
                "events:UntagResource",
            ),
            rules(names),
        ),
        allow("Budget", ("budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource"), budget(names)),
    ]


def _expiry(names: Names) -> list[dict[str, Any]]:
    """What ends the stack's nodes when it expires. Whoever makes a schedule uses its key through the service."""
    through_scheduler = {"kms:ViaService": f"scheduler.{names.region}.{names.dns_suffix}"}
    tags = ("TagResource", "UntagResource")
    group = [f"scheduler:{each}" for each in ("CreateScheduleGroup", "DeleteScheduleGroup", *tags)]
    schedule = [f"scheduler:{each}" for each in ("CreateSchedule", "DeleteSchedule", "UpdateSchedule")]
    machine = [f"states:{each}" for each in ("CreateStateMachine", "DeleteStateMachine", "UpdateStateMachine", *tags)]
    return [
        allow("Schedules", [*group, *schedule], schedules(names)),
        allow("StateMachines", machine, names.state_machine_arn("*")),
        allow(
            "UseKeyOfSchedules",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            names.arn("kms", "key/*"),
            {"StringEquals": {**_has_own_tags(names)["StringEquals"], **through_scheduler}},
        ),
    ]


def _image_cache(names: Names) -> list[dict[str, Any]]:
    """Rules and templates know no single resources, so those of others in the account are within reach."""
    care = [
        f"ecr:{operation}{kind}"
        for kind in ("PullThroughCacheRule", "RepositoryCreationTemplate")
        for operation in ("Create", "Delete", "Update")
    ]
    return [
        allow("CacheRules", care, "*", in_region(names)),
        # Who makes a template needs what ECR will do by it.
        allow(
            "CachedRepositories",
            ("ecr:CreateRepository", "ecr:PutLifecyclePolicy", "ecr:TagResource"),
            names.arn("ecr", f"repository/{names.cached_repository('*')}"),
        ),
    ]


def _has_own_tags(names: Names) -> dict[str, Any]:
    return {"StringEquals": {f"aws:ResourceTag/{tag}": value for tag, value in _own_tags(names).items()}}


def _asks_for_own_tags(names: Names) -> dict[str, Any]:
    return {"StringEquals": {f"aws:RequestTag/{tag}": value for tag, value in _own_tags(names).items()}}


def _own_tags(names: Names) -> dict[str, str]:
    return {"project": names.project, "stack": names.stack}

"""What a workflow on GitHub that previews may do: read the stack's configuration, and none of its data.

Also the ways to say in a policy what belongs to a stack, which the policies of deploying share
(`github_deploy_policies`). Names of operations and conditions: AWS service authorization reference, which a test holds
every policy against.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.aws.naming import Names
from infra.aws.storage import ACCESS_LOGS, PURPOSES

PREVIEW, DEPLOY = "github-preview", "github-deploy"
"""Purposes of the two roles."""
ISSUER = "token.actions.githubusercontent.com"
"""Who signs the tokens of GitHub's workflows."""


def preview_policies(names: Names, state_bucket: str) -> dict[str, dict[str, Any]]:
    """Reads what is configured, and none of the data: no object but Pulumi's state, no use of a key, no secret."""
    configuration = [
        allow("Describe", _DESCRIBE, "*", in_region(names)),
        allow("Iam", _READ_IAM, iam(names)),
        # EKS asks in the caller's name whether the roles are there by which it starts nodes.
        allow("LinkedRoles", ("iam:GetRole",), names.iam_arn("role/aws-service-role/*")),
        # The names of machine images, which launch templates refer to.
        allow(
            "ImageParameters",
            ("ssm:GetParameters",),
            f"arn:{names.partition}:ssm:{names.region}::parameter/aws/service/*",
        ),
        allow("Oidc", ("iam:GetOpenIDConnectProvider",), names.iam_arn("oidc-provider/*")),
        allow("Buckets", _READ_BUCKETS, buckets(names)),
        allow(
            "Keys",
            ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"),
            names.arn("kms", "key/*"),
        ),
        allow("Cluster", ("eks:Describe*", "eks:List*"), cluster(names)),
        allow(
            "Repositories",
            ("ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:ListTagsForResource"),
            repositories(names),
        ),
        allow("Queue", ("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags"), queues(names)),
        allow("Rules", ("events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"), rules(names)),
        allow(
            "Schedules",
            ("scheduler:GetSchedule", "scheduler:GetScheduleGroup", "scheduler:ListTagsForResource"),
            schedules(names),
        ),
        allow(
            "StateMachines",
            (
                "states:DescribeStateMachine",
                "states:ListStateMachineVersions",
                "states:ListTagsForResource",
            ),
            names.state_machine_arn("*"),
        ),
        allow("Budget", ("budgets:ListTagsForResource", "budgets:ViewBudget"), budget(names)),
        *state(names, state_bucket, ("s3:GetObject",)),
    ]
    return {"configuration": document(configuration)}


_DESCRIBE = (
    "autoscaling:Describe*",
    "ec2:Describe*",
    "ec2:GetLaunchTemplateData",
    "ecr:DescribePullThroughCacheRules",
    "ecr:DescribeRepositoryCreationTemplates",
    "eks:DescribeAddonVersions",
    "eks:ListClusters",
    "kms:ListAliases",
    "logs:DescribeLogGroups",
    "logs:ListTagsForResource",
    "states:ValidateStateMachineDefinition",
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


def state(names: Names, bucket: str, objects: Sequence[str]) -> list[dict[str, Any]]:
    """Pulumi's state in a bucket, as far as `objects` says; nothing where it is elsewhere."""
    if not bucket:
        return []
    arn = f"arn:{names.partition}:s3:::{bucket}"
    return [
        allow("ListState", ("s3:GetBucketLocation", "s3:ListBucket"), arn),
        allow("State", objects, f"{arn}/*"),
    ]


def in_region(names: Names) -> dict[str, Any]:
    """On condition that a request is for the stack's region."""
    return {"StringEquals": {"aws:RequestedRegion": names.region}}


def buckets(names: Names) -> list[str]:
    """ARNs of the stack's buckets."""
    return [names.bucket_arn(purpose) for purpose in (*PURPOSES, ACCESS_LOGS)]


def iam(names: Names) -> list[str]:
    """ARNs of the stack's roles, policies and profiles."""
    return [names.iam_arn(f"{kind}/{names.role('*')}") for kind in ("instance-profile", "policy", "role")]


def cluster(names: Names) -> list[str]:
    """ARNs of the stack's cluster and of what is part of it."""
    kinds = ("access-entry", "addon", "nodegroup", "podidentityassociation")
    return [names.cluster_arn, *(names.arn("eks", f"{kind}/{names.cluster}/*") for kind in kinds)]


def repositories(names: Names) -> str:
    """ARN of all repositories of the stack."""
    return names.arn("ecr", f"repository/{names.repository('*')}")


def queues(names: Names) -> str:
    """ARN of all queues of the stack."""
    return names.arn("sqs", names.queue("*"))


def rules(names: Names) -> str:
    """ARN of all rules of the stack."""
    return names.arn("events", f"rule/{names.event_rule('*')}")


def schedules(names: Names) -> list[str]:
    """ARNs of the stack's schedules and of their group."""
    return [names.schedule_group_arn, names.schedule_arn("*")]


def budget(names: Names) -> str:
    """ARN of the stack's budget."""
    return names.iam_arn(f"budget/{names.prefix}").replace(":iam:", ":budgets:")


def allow(
    sid: str, actions: Sequence[str], resource: str | list[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A statement that allows."""
    stated = {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": resource}
    return stated | ({"Condition": condition} if condition else {})


def document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    """A policy of statements."""
    return {"Version": "2012-10-17", "Statement": statements}

"""The KMS keys: one for each purpose, so that whoever may use one may not use another.

data encrypts the buckets and wraps the keys of envelope encryption; secrets encrypts Kubernetes secrets and what the
schedules of the stack's expiry send; logs the log groups; volumes the disks of nodes; images the registry. Each rotates
every year, has an alias, and can be rescued for some days after it was deleted.

Every key's policy is written out: operations by name, no principal or operation is a wildcard. `Resource` is `*` as in
every key policy, where it means the key itself (AWS KMS developer guide, "Key policies in AWS KMS"). The account
administers a key and cannot use it; the stack's own roles use it, as far as their own policies allow. Naming them in a
condition instead of as principals lets a key come before its roles: KMS refuses principals that do not exist.

Teams beside the program's own have a key each for envelope encryption (`teams`), and use that of the buckets through S3
only: what is encrypted under the one key of the buckets is kept apart by who may read which object. The key of buckets
that other stacks use (`shared`) is used by the roles of every stack of the project.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pulumi
import pulumi_aws as aws

from infra.aws.naming import Names
from infra.aws.settings import KeySettings
from infra.platform import Identity

Purpose = Literal["data", "secrets", "logs", "volumes", "images"]

ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
"""What is needed to look after a key. Without PutKeyPolicy KMS refuses a policy, for nobody could ever change it."""
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext")
"""What is needed to encrypt and decrypt."""
RE_ENCRYPT = ("kms:ReEncryptFrom", "kms:ReEncryptTo")

_DESCRIPTIONS: Mapping[Purpose, str] = {
    "data": "buckets, and the keys of envelope encryption",
    "secrets": "Kubernetes secrets and schedules",
    "logs": "log groups",
    "volumes": "volumes of nodes and machines",
    "images": "container images",
}


def key_policy(names: Names, purpose: Purpose, *, shared: bool = False) -> dict[str, Any]:
    """Who may do what with the key of a purpose. Sources: the guides named beside each statement.

    :param shared: Whether the data of this stack is for the other stacks of the project, too.
    """
    statements = {
        "data": _shared_data_statements if shared else _data_statements,
        "secrets": _secrets_statements,
        "logs": _logs_statements,
        "volumes": _volumes_statements,
        "images": _images_statements,
    }[purpose](names)
    return _policy(names, statements)


def team_key_policy(names: Names, team: str) -> dict[str, Any]:
    """A team's key: its roles and no others wrap keys of envelope encryption with it."""
    wrap = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt")
    own = {"ArnEquals": {"aws:PrincipalArn": names.team_role_arns(team, Identity)}}
    return _policy(names, [_account(names, "WrapByRolesOfTheTeam", wrap, own)])


def through_s3(names: Names) -> dict[str, str]:
    """That S3 asks in the name of a role. Source: AWS KMS developer guide, "kms:ViaService"."""
    return {"kms:ViaService": f"s3.{names.region}.{names.dns_suffix}"}


def _policy(names: Names, statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_account(names, "Administer", ADMINISTRATION), *statements]}


def _data_statements(names: Names) -> list[dict[str, Any]]:
    return _data_use(names, "UseByRolesOfTheStack", names.role_arn("*"), names.every_team_role_arn)


def _shared_data_statements(names: Names) -> list[dict[str, Any]]:
    return _data_use(names, "UseByRolesOfTheProject", names.project_role_arn("*"), names.project_role_arn("team-*"))


def _data_use(names: Names, sid: str, roles: str, team_roles: str) -> list[dict[str, Any]]:
    teams = {"aws:PrincipalArn": team_roles}
    s3_needs = ("kms:Decrypt", "kms:GenerateDataKey")
    return [
        _account(names, sid, USE, {"ArnLike": {"aws:PrincipalArn": roles}, "ArnNotLike": teams}),
        _account(names, "UseByTeamsThroughS3", s3_needs, {"ArnLike": teams, "StringEquals": through_s3(names)}),
    ]


def _secrets_statements(names: Names) -> list[dict[str, Any]]:
    # Amazon EKS user guide, "Encrypt Kubernetes secrets with KMS": the cluster's role uses the key, and whoever creates
    # the cluster makes the grant for it. Not on condition that the grant is for a resource of AWS's: the guide's page
    # "Security considerations for Amazon EKS" says that EKS then cannot create the cluster.
    # EventBridge Scheduler user guide, "Using identity-based policies": whoever makes or changes a schedule.
    schedules = {
        "StringEquals": {"kms:ViaService": f"scheduler.{names.region}.{names.dns_suffix}"},
        "ArnLike": {"kms:EncryptionContext:aws:scheduler:schedule:arn": names.schedule_arn("*")},
    }
    return [
        _account(names, "UseByRolesOfTheStack", USE, {"ArnLike": _roles_of_stack(names)}),
        _account(names, "GrantToEks", ("kms:CreateGrant",)),
        _account(names, "UseThroughScheduler", ("kms:Decrypt", "kms:GenerateDataKey"), schedules),
    ]


def _logs_statements(names: Names) -> list[dict[str, Any]]:
    # CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS KMS".
    groups = [names.arn("logs", f"log-group:{group}") for group in (names.log_group("*"), names.cluster_log_group)]
    return [
        {
            "Sid": "UseByLogGroupsOfTheStack",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{names.region}.{names.dns_suffix}"},
            "Action": [*USE, *RE_ENCRYPT],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        }
    ]


def _volumes_statements(names: Names) -> list[dict[str, Any]]:
    # EC2 Auto Scaling user guide, "Required AWS KMS key policy for use with encrypted volumes".
    scaling = {"AWS": autoscaling_role_arn(names)}
    through_ec2 = {"StringEquals": {"kms:ViaService": f"ec2.{names.region}.{names.dns_suffix}"}}
    for_resource = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        _statement("UseByAutoScaling", scaling, (*USE, *RE_ENCRYPT)),
        _statement("GrantByAutoScaling", scaling, ("kms:CreateGrant",), for_resource),
        _account(names, "UseThroughEc2", (*USE, *RE_ENCRYPT), through_ec2),
        _account(names, "GrantThroughEc2", ("kms:CreateGrant",), {**for_resource, **through_ec2}),
    ]


def _images_statements(names: Names) -> list[dict[str, Any]]:
    # Amazon ECR user guide, "Encryption at rest": ECR makes grants in the name of whoever creates a repository.
    through_ecr = {"StringEquals": {"kms:ViaService": f"ecr.{names.region}.{names.dns_suffix}"}}
    return [_account(names, "UseThroughEcr", (*USE, "kms:CreateGrant", "kms:RetireGrant"), through_ecr)]


def autoscaling_role_arn(names: Names) -> str:
    """The service-linked role by which EC2 Auto Scaling starts instances."""
    return names.iam_arn("role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling")


def _roles_of_stack(names: Names) -> dict[str, str]:
    return {"aws:PrincipalArn": names.role_arn("*")}


def _account(
    names: Names, sid: str, actions: Sequence[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return _statement(sid, {"AWS": names.iam_arn("root")}, actions, condition)


def _statement(
    sid: str, principal: Mapping[str, Any], actions: Sequence[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    stated = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": [*actions], "Resource": "*"}
    return stated | ({"Condition": condition} if condition else {})


@dataclass(frozen=True, kw_only=True)
class KeysArguments:
    """What the keys are made from."""

    names: Names
    settings: KeySettings
    production: bool
    """Whether Pulumi refuses to delete them."""
    purposes: tuple[Purpose, ...] = get_args(Purpose)
    """What there is a key for."""
    shared: bool = False
    """Whether the data of this stack is for the other stacks of the project, too."""


class Keys(pulumi.ComponentResource):
    """A key and its alias for each purpose."""

    arns: Mapping[Purpose, pulumi.Output[str]]
    """ARN of each key that was made."""

    def __init__(self, name: str, args: KeysArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Keys", name, None, opts)
        self._args = args
        first = self._make_autoscaling_role(name)
        self.arns = {purpose: self._make_key(name, purpose, first) for purpose in args.purposes}
        self.register_outputs({"arns": self.arns})

    def _make_autoscaling_role(self, name: str) -> list[pulumi.Resource]:
        if not self._args.settings.create_autoscaling_role or "volumes" not in self._args.purposes:
            return []
        role = aws.iam.ServiceLinkedRole(
            f"{name}-autoscaling",
            aws_service_name="autoscaling.amazonaws.com",
            # Other Auto Scaling groups of the account may depend on it by then.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        return [role]

    def _make_key(self, name: str, purpose: Purpose, first: list[pulumi.Resource]) -> pulumi.Output[str]:
        return make_key(
            f"{name}-{purpose}",
            self._args,
            alias=purpose,
            description=_DESCRIPTIONS[purpose],
            policy=key_policy(self._args.names, purpose, shared=self._args.shared),
            opts=pulumi.ResourceOptions(parent=self, depends_on=first if purpose == "volumes" else []),
        )


def make_key(
    name: str,
    args: KeysArguments,
    *,
    alias: str,
    description: str,
    policy: dict[str, Any],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """A key that rotates, and its alias: its ARN."""
    names = args.names
    key = aws.kms.Key(
        name,
        description=f"{names.prefix}: {description}",
        policy=json.dumps(policy),
        enable_key_rotation=True,
        deletion_window_in_days=args.settings.deletion_window_days,
        tags={"Name": f"{names.prefix}-{alias}"},
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=args.production)),
    )
    aws.kms.Alias(
        name,
        name=names.key_alias(alias),
        target_key_id=key.key_id,
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    return pulumi.Output.from_input(key.arn)

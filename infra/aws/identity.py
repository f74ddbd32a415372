"""The identities of a team's workloads: a role each, with a policy made from what its work needs and nothing more.

What a workload may do is told by `infra.workload_grants`, as for every cloud. A policy comes down to single operations
on one prefix of single buckets, and on one or two keys: the key of the buckets through S3, and the key that wraps those
of envelope encryption directly.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.aws.keys import through_s3
from infra.aws.naming import Names
from infra.aws.pod_role import OidcIssuer, PodRole, PodRoleArguments
from infra.aws.settings import IdentitySettings
from infra.platform import Identity
from infra.s3_grants import KEY_GRANTS, WRAPPING, object_actions
from infra.workload_grants import GRANTS, Use


def workload_policy(
    identity: Identity,
    prefix: str,
    bucket_arns: Mapping[str, str],
    *,
    data_key_arn: str,
    envelope_key_arn: str,
    s3_condition: Mapping[str, str],
    others_in_buckets: bool = False,
) -> dict[str, Any]:
    """The policy of an identity.

    :param prefix: Where in every bucket the workload may work, such as `digits/`.
    :param bucket_arns: ARN of each bucket by its purpose.
    :param data_key_arn: The key that the buckets are encrypted with.
    :param envelope_key_arn: The key that wraps the keys of envelope encryption.
    :param s3_condition: How a condition says that S3 uses a key in the role's name.
    :param others_in_buckets: Whether the names of objects elsewhere in the buckets are not this identity's business.
    """
    grants = GRANTS[identity.value]
    objects = [
        _allow(
            f"{grant.bucket}{index}".title(),
            object_actions(grant),
            f"{bucket_arns[grant.bucket]}/{prefix}{grant.objects}",
        )
        for index, grant in enumerate(grants)
    ]
    # To list is a right on the bucket, and without it a missing object is told as a forbidden one. Only a request to
    # list names a prefix, which then has to be the workload's; one for an object does not. But neither does one that
    # lists the whole bucket: to hide the names of others' objects, a missing object has to look like a forbidden one.
    operator = "StringLike" if others_in_buckets else "StringLikeIfExists"
    listed = sorted({grant.bucket for grant in grants if Use.READ in grant.uses})
    lists = [
        _allow(f"List{bucket.title()}", ("s3:ListBucket",), bucket_arns[bucket])
        | {"Condition": {operator: {"s3:prefix": [prefix, f"{prefix}*"]}}}
        for bucket in listed
    ]
    used_by_s3 = tuple(action for action in KEY_GRANTS[identity.value] if action != "kms:Encrypt")
    keys = [_allow("KeyThroughS3", used_by_s3, data_key_arn) | {"Condition": {"StringEquals": dict(s3_condition)}}]
    if identity.value in WRAPPING:
        keys.append(_allow("WrapKeys", WRAPPING[identity.value], envelope_key_arn))
    return {"Version": "2012-10-17", "Statement": [*objects, *lists, *keys]}


def _allow(sid: str, actions: tuple[str, ...], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": resource}


@dataclass(frozen=True, kw_only=True)
class IdentitiesArguments:
    """What the identities are made from."""

    names: Names
    settings: IdentitySettings
    namespace: str
    """The Kubernetes namespace of the service accounts."""
    prefix: str
    """Where in every bucket they may work, such as `digits/`."""
    bucket_arns: Mapping[str, str]
    data_key_arn: pulumi.Input[str]
    """The key that the buckets are encrypted with."""
    envelope_key_arn: pulumi.Input[str]
    """The key that wraps the keys of envelope encryption."""
    team: str = ""
    """The team that they are of, where it is not the program's own."""
    cluster_name: pulumi.Input[str]
    oidc: OidcIssuer | None = None
    """The cluster's issuer, where the mechanism is IRSA."""


class Identities(pulumi.ComponentResource):
    """A role for each identity; its service account has the identity's name."""

    role_arns: Mapping[Identity, pulumi.Output[str]]
    policies: Mapping[Identity, pulumi.Output[str]]
    """What each may do, a policy as JSON."""

    def __init__(self, name: str, args: IdentitiesArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Identities", name, None, opts)
        self.policies = {identity: _policy(identity, args) for identity in Identity}
        self.role_arns = {identity: self._make_role(name, identity, args) for identity in Identity}
        self.register_outputs({})

    def _make_role(self, name: str, identity: Identity, args: IdentitiesArguments) -> pulumi.Output[str]:
        role = PodRole(
            f"{name}-{identity.value}",
            PodRoleArguments(
                names=args.names,
                settings=args.settings,
                purpose=args.names.team_role(args.team, identity.value) if args.team else identity.value,
                namespace=args.namespace,
                service_account=identity.value,
                cluster_name=args.cluster_name,
                policy=self.policies[identity],
                oidc=args.oidc,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return role.arn


def _policy(identity: Identity, args: IdentitiesArguments) -> pulumi.Output[str]:
    return pulumi.Output.all(args.data_key_arn, args.envelope_key_arn).apply(
        lambda arns: json.dumps(
            workload_policy(
                identity,
                args.prefix,
                args.bucket_arns,
                data_key_arn=arns[0],
                envelope_key_arn=arns[1],
                s3_condition=through_s3(args.names),
                others_in_buckets=bool(args.team),
            )
        )
    )

"""The identities of the workloads: a role each, with a policy made from what its work needs and nothing more.

What a workload may do is told by `infra.workload_grants`, as for every cloud. A policy comes down to single operations
on one prefix of single buckets, and on one key.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.aws.naming import Names
from infra.aws.pod_role import OidcIssuer, PodRole, PodRoleArguments
from infra.aws.settings import IdentitySettings
from infra.platform import Identity
from infra.workload_grants import GRANTS, KEY_GRANTS


def workload_policy(identity: Identity, prefix: str, bucket_arns: Mapping[str, str], key_arn: str) -> dict[str, Any]:
    """The policy of an identity.

    :param prefix: Where in every bucket the workload may work, such as `digits/`.
    :param bucket_arns: ARN of each bucket by its purpose.
    """
    grants = GRANTS[identity.value]
    objects = [
        _allow(f"{grant.bucket}{index}".title(), grant.actions, f"{bucket_arns[grant.bucket]}/{prefix}{grant.objects}")
        for index, grant in enumerate(grants)
    ]
    # To list is a right on the bucket, and without it a missing object is told as a forbidden one. Only a request to
    # list names a prefix, which then has to be the workload's; one for an object does not.
    listed = sorted({grant.bucket for grant in grants if "s3:GetObject" in grant.actions})
    lists = [
        _allow(f"List{bucket.title()}", ("s3:ListBucket",), bucket_arns[bucket])
        | {"Condition": {"StringLikeIfExists": {"s3:prefix": [prefix, f"{prefix}*"]}}}
        for bucket in listed
    ]
    key = _allow("Key", KEY_GRANTS[identity.value], key_arn)
    return {"Version": "2012-10-17", "Statement": [*objects, *lists, key]}


def _allow(sid: str, actions: tuple[str, ...], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": resource}


@dataclass(frozen=True, kw_only=True)
class IdentitiesArguments:
    """What the identities are made from."""

    names: Names
    settings: IdentitySettings
    workload: str
    """Name of what runs: the prefix in every bucket."""
    bucket_arns: Mapping[str, str]
    data_key_arn: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    oidc: OidcIssuer | None = None
    """The cluster's issuer, where the mechanism is IRSA."""


class Identities(pulumi.ComponentResource):
    """A role for each workload; its service account has the identity's name."""

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
                purpose=identity.value,
                namespace=args.settings.namespace,
                service_account=identity.value,
                cluster_name=args.cluster_name,
                policy=self.policies[identity],
                oidc=args.oidc,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return role.arn


def _policy(identity: Identity, args: IdentitiesArguments) -> pulumi.Output[str]:
    return pulumi.Output.from_input(args.data_key_arn).apply(
        lambda key_arn: json.dumps(workload_policy(identity, f"{args.workload}/", args.bucket_arns, key_arn))
    )

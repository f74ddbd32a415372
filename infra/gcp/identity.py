"""The identities of a team's workloads: a service account each, with what its work needs and nothing more.

What a workload may do is told by `infra.workload_grants`, as for every cloud, and in roles by `workload_roles`. Each
role is granted on a single bucket or key, and on buckets for one prefix, but for the names of a bucket's objects, which
nobody can be shown a part of (`workload_roles`); on the project as a whole these accounts have none.

No account has a key. A Kubernetes service account of the identity's name acts as it, by Workload Identity Federation
for GKE: the cluster vouches for its pods, and the grant names the namespace and the account. It cannot name the
cluster: the pool of identities is the project's, so the same namespace in any other cluster of the project is let in as
well, if its pods ask for this account. Keep stacks that do not trust each other in projects of their own. Source: GKE,
"About Workload Identity Federation for GKE", identity sameness.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gcp as gcp

from infra.gcp.naming import Names
from infra.gcp.workload_roles import BucketRole, bucket_roles, condition, key_roles
from infra.platform import Identity


@dataclass(frozen=True, kw_only=True)
class IdentitiesArguments:
    """What the identities are made from."""

    names: Names
    namespace: str
    """The Kubernetes namespace of the service accounts."""
    prefix: str
    """Where in every bucket they may work, such as `digits/`."""
    bucket_names: Mapping[str, pulumi.Input[str]]
    """Name of each bucket by its purpose, which the grants wait for."""
    envelope_key_id: pulumi.Input[str]
    """The key that wraps the keys of envelope encryption."""
    team: str = ""
    """The team that they are of, where it is not the program's own."""
    cluster_name: pulumi.Input[str]
    """The cluster, whose being there makes the project's pool of identities."""


class Identities(pulumi.ComponentResource):
    """A service account for each identity; the Kubernetes service account that acts as it has the identity's name."""

    emails: Mapping[Identity, pulumi.Output[str]]
    """E-mail address of each, known when it may do what it may, and pods may act as it."""

    def __init__(self, name: str, args: IdentitiesArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Identities", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.emails = {identity: self._make_account(f"{name}-{identity.value}", identity) for identity in Identity}
        self.register_outputs({})

    def _make_account(self, name: str, identity: Identity) -> pulumi.Output[str]:
        names, team = self._args.names, self._args.team
        account = gcp.serviceaccount.Account(
            name,
            account_id=names.service_account_id(names.team_purpose(team, identity.value) if team else identity.value),
            project=names.project_id,
            display_name=f"{names.prefix}: {team} {identity.value}" if team else f"{names.prefix}: {identity.value}",
            description=f"Pods of {self._args.namespace}/{identity.value} in {names.cluster}",
            opts=self._child,
        )
        granted = [
            *(self._grant_bucket(name, account, number, role) for number, role in enumerate(bucket_roles(identity))),
            *(self._grant_key(name, account, role) for role in key_roles(identity)),
            self._let_pods_act(name, account, identity),
        ]
        # Whoever is given the account waits for what it may do.
        return pulumi.Output.all(account.email, *granted).apply(lambda known: str(known[0]))

    def _grant_bucket(
        self, name: str, account: gcp.serviceaccount.Account, number: int, role: BucketRole
    ) -> pulumi.Output[str]:
        args, bucket = self._args, self._args.bucket_names[role.purpose]
        expression = pulumi.Output.from_input(bucket).apply(lambda bucket: condition(role, bucket, args.prefix))
        member = gcp.storage.BucketIAMMember(
            f"{name}-{role.purpose}{number}" if role.objects else f"{name}-{role.purpose}-list",
            bucket=bucket,
            role=role.role,
            member=account.member,
            condition=gcp.storage.BucketIAMMemberConditionArgs(
                title=role.title,
                description=f"Below {args.prefix}" if role.objects else "Their names, and none of their contents",
                expression=expression,
            ),
            opts=self._child,
        )
        return member.id

    def _grant_key(self, name: str, account: gcp.serviceaccount.Account, role: str) -> pulumi.Output[str]:
        member = gcp.kms.CryptoKeyIAMMember(
            f"{name}-{role.rpartition('.')[2]}",
            crypto_key_id=self._args.envelope_key_id,
            role=role,
            member=account.member,
            opts=self._child,
        )
        return member.id

    def _let_pods_act(self, name: str, account: gcp.serviceaccount.Account, identity: Identity) -> pulumi.Output[str]:
        args = self._args
        pods = args.names.workload_member(args.namespace, identity.value)
        member = gcp.serviceaccount.IAMMember(
            name,
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=pulumi.Output.from_input(args.cluster_name).apply(lambda _: pods),
            opts=self._child,
        )
        return member.id

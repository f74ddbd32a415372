"""The teams beside the program's own: identities, a place in the buckets and a key of its own for each.

A team is a namespace of the cluster. Its service accounts take roles that work below `TEAM/` in the buckets and nowhere
else, and wrap keys of envelope encryption with a key that no other role may use. The key of the buckets they use
through S3 only, so that who may read an object is who may decrypt it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.aws.identity import Identities, IdentitiesArguments
from infra.aws.keys import KeysArguments, make_key, team_key_policy
from infra.aws.pod_role import OidcIssuer
from infra.aws.settings import IdentitySettings
from infra.platform import Identity


@dataclass(frozen=True, kw_only=True)
class TeamsArguments:
    """What the teams are made from."""

    teams: Sequence[str]
    """Teams beside the program's own."""
    keys: KeysArguments
    """How their keys are made."""
    identity: IdentitySettings
    bucket_arns: Mapping[str, str]
    data_key_arn: pulumi.Input[str]
    """The key that the buckets are encrypted with."""
    cluster_name: pulumi.Input[str]
    oidc: OidcIssuer | None = None
    """The cluster's issuer, where the mechanism is IRSA."""


class Teams(pulumi.ComponentResource):
    """A key and identities for each team."""

    key_arns: Mapping[str, pulumi.Output[str]]
    """ARN of each team's key."""
    role_arns: Mapping[str, Mapping[Identity, pulumi.Output[str]]]
    """ARNs of each team's roles."""

    def __init__(self, name: str, args: TeamsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:aws:Teams", name, None, opts)
        self.key_arns = {team: self._make_key(f"{name}-{team}", team, args) for team in args.teams}
        self.role_arns = {team: self._make_identities(f"{name}-{team}", team, args) for team in args.teams}
        self.register_outputs({})

    def _make_key(self, name: str, team: str, args: TeamsArguments) -> pulumi.Output[str]:
        return make_key(
            name,
            args.keys,
            alias=f"team-{team}",
            description=f"keys of envelope encryption of the team {team}",
            policy=team_key_policy(args.keys.names, team),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _make_identities(self, name: str, team: str, args: TeamsArguments) -> Mapping[Identity, pulumi.Output[str]]:
        identities = Identities(
            name,
            IdentitiesArguments(
                names=args.keys.names,
                settings=args.identity,
                namespace=team,
                prefix=f"{team}/",
                team=team,
                bucket_arns=args.bucket_arns,
                data_key_arn=args.data_key_arn,
                envelope_key_arn=self.key_arns[team],
                cluster_name=args.cluster_name,
                oidc=args.oidc,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return identities.role_arns

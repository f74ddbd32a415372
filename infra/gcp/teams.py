"""The teams beside the program's own: identities, a place in the buckets and a key of its own for each.

A team is a namespace of the cluster. Its service accounts work below `TEAM/` in the buckets and nowhere else, and wrap
keys of envelope encryption with a key that no other account may use. They have no right on the key of the buckets:
Cloud Storage uses it, for whoever may read an object.

They see the names of all objects in the buckets that they read, those of other teams among them, and none of their
contents: Cloud Storage lists a bucket whole or not at all (`workload_roles`). Who has to hide names gives the team a
stack of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.gcp.identity import Identities, IdentitiesArguments
from infra.gcp.keys import KeysArguments, make_key
from infra.platform import Identity


@dataclass(frozen=True, kw_only=True)
class TeamsArguments:
    """What the teams are made from."""

    teams: Sequence[str]
    """Teams beside the program's own."""
    keys: KeysArguments
    """How their keys are made."""
    key_ring_id: pulumi.Input[str]
    """Where."""
    bucket_names: Mapping[str, pulumi.Input[str]]
    """Name of each bucket by its purpose, which the grants wait for."""
    cluster_name: pulumi.Input[str]


class Teams(pulumi.ComponentResource):
    """A key and identities for each team."""

    key_ids: Mapping[str, pulumi.Output[str]]
    """Resource name of each team's key."""
    emails: Mapping[str, Mapping[Identity, pulumi.Output[str]]]
    """E-mail addresses of each team's service accounts."""

    def __init__(self, name: str, args: TeamsArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("trainyard:gcp:Teams", name, None, opts)
        self.key_ids = {team: self._make_key(f"{name}-{team}", team, args) for team in args.teams}
        self.emails = {team: self._make_identities(f"{name}-{team}", team, args) for team in args.teams}
        self.register_outputs({})

    def _make_key(self, name: str, team: str, args: TeamsArguments) -> pulumi.Output[str]:
        return make_key(
            name,
            args.keys,
            args.key_ring_id,
            description=f"envelope-encryption-of-{team}"[:63],
            # Its own identities alone use it.
            agents={},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _make_identities(self, name: str, team: str, args: TeamsArguments) -> Mapping[Identity, pulumi.Output[str]]:
        identities = Identities(
            name,
            IdentitiesArguments(
                names=args.keys.names,
                namespace=team,
                prefix=f"{team}/",
                team=team,
                bucket_names=args.bucket_names,
                envelope_key_id=self.key_ids[team],
                cluster_name=args.cluster_name,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        return identities.emails

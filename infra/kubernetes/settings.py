"""The settings of a Kubernetes cluster: its teams, and what is installed before any workload."""

from typing import Annotated

from pydantic import Field, field_validator

from infra.kubernetes.addon_settings import AddonSettings
from infra.setting_types import Group, Real, Truth, Whole, pattern, refuse

TeamName = Annotated[
    str,
    pattern(
        r"(?!kube-|default$|trainyard-)[a-z]([a-z0-9-]{0,18}[a-z0-9])?",
        "named with 1 to 20 of a-z, 0-9 and -, and not default, kube-… or trainyard-…, which are taken",
        required=True,
    ),
]
"""A team, and its namespace."""


class TeamSettings(Group):
    """What a team may have at once, over all its pods. 0: as much as the cluster's pools have at their largest."""

    gpus: Whole = Field(default=0, ge=0, le=100_000)
    """GPUs."""
    cpus: Real = Field(default=0, ge=0, le=1_000_000)
    """CPUs."""
    memory_gib: Real = Field(default=0, ge=0, le=10_000_000)
    """Memory in GiB."""
    pods: Whole = Field(default=500, ge=1, le=100_000)
    """Pods."""


class KubernetesSettings(Group):
    """A Kubernetes cluster, whatever cloud it is in."""

    team: TeamName = "trainyard"
    """The team, and so the namespace, that this program's own workloads run in."""
    teams: dict[TeamName, TeamSettings] = Field(default_factory=dict)
    """Teams by name, each with a namespace, identities and a key of its own. `team` need not be among them."""
    spot_borrows_on_demand: Truth = False
    """Whether jobs that ask for spot nodes may use idle on-demand nodes, at their price."""
    addons: AddonSettings = AddonSettings()
    """What is installed before any workload."""

    @property
    def all_teams(self) -> dict[str, TeamSettings]:
        """Every team with what it may have, that of the program's own workloads first."""
        return {self.team: self.teams.get(self.team, TeamSettings()), **self.teams}

    @field_validator("teams")
    @classmethod
    def _few_enough(cls, teams: dict[str, TeamSettings]) -> dict[str, TeamSettings]:
        if len(teams) > 50:
            raise refuse(f"{len(teams)} teams are too many for one cluster; must be 50 or fewer")
        return teams

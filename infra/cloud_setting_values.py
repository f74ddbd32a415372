"""The values that settings of every cloud are made of, and what is valid of each."""

from typing import Annotated, Any

from pydantic import AfterValidator, ValidationInfo

from infra.setting_types import pattern, refuse


def context(info: ValidationInfo, name: str) -> Any:
    """What the validation was told beside the value itself, or None."""
    return (info.context or {}).get(name)


def needs_cluster(info: ValidationInfo, cloud: str) -> bool:
    """Whether the stack has a network and a cluster on that cloud."""
    return bool(context(info, "cloud") == cloud and context(info, "part") != "data")


def at_least_the_fewest(most: int, info: ValidationInfo) -> int:
    """The most nodes of a pool, which are not less than its fewest."""
    fewest = info.data.get("min_nodes", 0)
    if most < fewest:
        raise refuse(f"must be min_nodes ({fewest}) or more")
    return most


def _zone_of_network(zone: str, info: ValidationInfo) -> str:
    zones = context(info, "zones")
    if zone and zones and zone not in zones:
        raise refuse(f"must be a zone of the network, which has {', '.join(map(str, zones))}")
    return zone


def _team_of_cluster(team: str, info: ValidationInfo) -> str:
    teams = context(info, "teams")
    if teams and team not in teams:
        raise refuse(f"must be a team of the cluster, which has {', '.join(sorted(teams))}")
    return team


TeamOfCluster = Annotated[str, AfterValidator(_team_of_cluster)]
ZoneOfNetwork = Annotated[str, AfterValidator(_zone_of_network)]
PoolName = Annotated[
    str,
    pattern(
        r"(?!system$)[a-z]([a-z0-9-]{0,18}[a-z0-9])?",
        "named with 1 to 20 of a-z, 0-9 and -, and not system",
        required=True,
    ),
]
Digest = Annotated[str, pattern(r"sha256:[0-9a-f]{64}", "an image digest: sha256: and 64 hexadecimal digits")]
EmailAddress = Annotated[str, pattern(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")]

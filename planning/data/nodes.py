"""What holds shards: storage nodes or buckets, with weight, failure domain, room and availability."""

from collections.abc import Sequence
from dataclasses import dataclass

from planning.errors import PlanningError
from planning.quantities import between, problems_of, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageNode:
    """A node or a bucket."""

    name: str
    weight: float = 1.0
    """How much it gets, against the others: its disk space or its bandwidth, in any unit that all share."""
    domain: str = ""
    """What fails with it: a rack, a zone, a region. Empty: it fails alone."""
    capacity: int | None = None
    """How many replicas it holds at most; None: as many as come."""
    availability: float = 1.0
    """Probability that it can be read at a given time, while its domain is up."""

    @property
    def failure_domain(self) -> "FailureDomain":
        """What fails with it: its domain, or the node itself."""
        return (self.domain, "") if self.domain else ("", self.name)


_WEIGHTS = (1e-9, 1e9)
FailureDomain = tuple[str, str]
"""A domain's name; or nothing and the name of a node that fails alone."""


def check_nodes(nodes: Sequence[StorageNode]) -> None:
    """Raises PlanningError naming every node that makes no sense."""
    problems = [] if nodes else ["nodes = none: must be one or more"]
    names = [node.name for node in nodes]
    problems += [f"node {name!r}: is there more than once" for name in sorted({n for n in names if names.count(n) > 1})]
    problems += ["node = '': must have a name"] if "" in names else []
    for node in nodes:
        checks = [
            lambda node=node: between(f"weight of node {node.name}", node.weight, *_WEIGHTS),
            lambda node=node: between(f"availability of node {node.name}", node.availability, 0.0, 1.0),
            lambda node=node: node.capacity is None or whole(f"capacity of node {node.name}", node.capacity, 0),
        ]
        problems += problems_of(checks)
    if problems:
        raise PlanningError.of(problems)


def domains_of(nodes: Sequence[StorageNode]) -> tuple[FailureDomain, ...]:
    """The failure domains, each once, sorted."""
    return tuple(sorted({node.failure_domain for node in nodes}))

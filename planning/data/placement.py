"""Places the shards of a data set on nodes: balanced by weight, replicas in different failure domains, and stable.

A shard goes to the domains with the smallest draws, and in each to the node with the smallest (`rendezvous` says what
is drawn). A domain draws as one node with the weight of all its nodes would: the smallest of exponential draws is one
with the sum of their rates. So a node that joins takes at most one replica of a shard, from one node, and moves
nothing else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planning.data.nodes import FailureDomain, StorageNode, check_nodes, domains_of
from planning.data.rendezvous import NEAR, Draws, Hashes, draw, exact_draw, hash_names, pair_hashes
from planning.errors import PlanningError
from planning.quantities import whole

_PAIRS_AT_ONCE = 1 << 20
"""How many draws are made at a time: about what a processor's cache holds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placement:
    """Which nodes hold which shard."""

    nodes: tuple[StorageNode, ...]
    chosen: NDArray[np.int32]
    """For every shard (row) the places of its nodes in `nodes`, the first choice first."""

    @property
    def replicas(self) -> int:
        """How many nodes hold each shard."""
        return int(self.chosen.shape[1])

    def counts(self) -> NDArray[np.int64]:
        """How many replicas each node holds."""
        return np.bincount(self.chosen.ravel(), minlength=len(self.nodes))

    def holders(self, shard: int) -> tuple[str, ...]:
        """The names of the nodes that hold a shard, the first choice first."""
        return tuple(self.nodes[int(place)].name for place in self.chosen[shard])


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What has to be copied to get from one placement to another of the same shards."""

    moved: int
    """Replicas that a node gets which did not hold the shard before."""
    least: int
    """What any way must copy to end with the same number of replicas on each node: what each gains, summed up."""
    total: int
    """All replicas."""


def number_shards(count: int) -> tuple[str, ...]:
    """Names for so many shards: their numbers from 0 on, in decimal digits. Raises PlanningError below 1."""
    return tuple(str(number) for number in range(whole("shards", count, 1)))


def place(shards: Sequence[str], nodes: Sequence[StorageNode], *, replicas: int = 1) -> Placement:
    """Places every shard on as many nodes as it has replicas, no two in one failure domain.

    The same on every machine, in every process, for every order of the nodes. Capacities are not looked at; see
    `bounded_placement`. Raises PlanningError where there are fewer domains than replicas, and for nodes that make no
    sense.
    """
    check_nodes(nodes)
    check_replicas(nodes, replicas)
    chosen = np.empty((len(shards), replicas), dtype=np.int32)
    domains = _Domains(nodes)
    for start, hashes, draws in drawn_in_parts(shards, nodes):
        chosen[start : start + len(draws)] = domains.choose(hashes, draws, replicas)
    return Placement(nodes=tuple(nodes), chosen=chosen)


def movement(before: Placement, after: Placement) -> Movement:
    """Compares two placements of the same shards; nodes are the same if their names are. Raises PlanningError."""
    if len(before.chosen) != len(after.chosen):
        raise PlanningError(f"shards = {len(before.chosen)} before, {len(after.chosen)} after: must be the same")
    names = sorted({node.name for node in (*before.nodes, *after.nodes)})
    place_of = {name: place for place, name in enumerate(names)}
    old = np.array([place_of[node.name] for node in before.nodes], dtype=np.int32)[before.chosen]
    new = np.array([place_of[node.name] for node in after.nodes], dtype=np.int32)[after.chosen]
    kept = (new[:, :, None] == old[:, None, :]).any(axis=2)
    gains = np.bincount(new.ravel(), minlength=len(names)) - np.bincount(old.ravel(), minlength=len(names))
    return Movement(moved=int((~kept).sum()), least=int(gains[gains > 0].sum()), total=int(new.size))


def check_replicas(nodes: Sequence[StorageNode], replicas: int) -> None:
    """Raises PlanningError where there are fewer failure domains than replicas."""
    domains = domains_of(nodes)
    if whole("replicas", replicas, 1) > len(domains):
        raise PlanningError(f"replicas = {replicas}: must be at most {len(domains)}, the number of failure domains")


def drawn_in_parts(shards: Sequence[str], nodes: Sequence[StorageNode]) -> Iterator[tuple[int, Hashes, Draws]]:
    """For runs of shards: where the run begins, and hash and draw of every shard (row) with every node (column)."""
    node_hashes = hash_names([node.name for node in nodes])
    weights = np.array([node.weight for node in nodes], dtype=np.float64)
    rows = max(1, _PAIRS_AT_ONCE // len(nodes))
    for start in range(0, len(shards), rows):
        hashes = pair_hashes(hash_names(shards[start : start + rows]), node_hashes)
        yield start, hashes, draw(hashes, weights)


class _Domains:
    """Chooses domains and their nodes for many shards at once."""

    def __init__(self, nodes: Sequence[StorageNode]) -> None:
        self._weights = [node.weight for node in nodes]
        members: dict[FailureDomain, list[int]] = {name: [] for name in domains_of(nodes)}
        for place, node in enumerate(nodes):
            members[node.failure_domain].append(place)
        # Within a domain by name, so that the order in which nodes are given changes nothing.
        self._members = [np.array(sorted(places, key=lambda at: nodes[at].name)) for places in members.values()]

    def choose(self, hashes: Hashes, draws: Draws, replicas: int) -> NDArray[np.int32]:
        best = np.empty((len(draws), len(self._members)))
        holder = np.empty((len(draws), len(self._members)), dtype=np.int32)
        for domain, places in enumerate(self._members):
            if len(places) == 1:
                best[:, domain] = draws[:, places[0]]
                holder[:, domain] = places[0]
            else:
                within = draws[:, places]
                first = within.argmin(axis=1)
                best[:, domain] = within[np.arange(len(draws)), first]
                holder[:, domain] = places[first]
        candidates = min(replicas + 1, best.shape[1])
        order = _smallest(best, candidates)
        ranked = np.take_along_axis(best, order, axis=1)
        chosen = np.take_along_axis(holder, order[:, :replicas], axis=1)
        for row in self._close_rows(draws, ranked):
            chosen[row] = self._exactly(hashes[row], replicas)
        return chosen

    def _close_rows(self, draws: Draws, ranked: Draws) -> NDArray[np.intp]:
        """Rows in which two draws that decide something are nearly the same."""
        close = (np.diff(ranked, axis=1) <= NEAR * ranked[:, 1:]).any(axis=1)
        for places in self._members:
            if len(places) > 1:
                two = np.partition(draws[:, places], 1, axis=1)[:, :2]
                close |= two[:, 1] - two[:, 0] <= NEAR * two[:, 1]
        return np.flatnonzero(close)

    def _exactly(self, hashes: Hashes, replicas: int) -> list[int]:
        """What `choose` does for one shard, in exact arithmetic; what is still the same goes by the order of names."""
        firsts = []
        for domain, places in enumerate(self._members):
            drawn = [(exact_draw(int(hashes[at]), self._weights[at]), rank) for rank, at in enumerate(places)]
            smallest, rank = min(drawn)
            firsts.append((smallest, domain, int(places[rank])))
        return [at for _, _, at in sorted(firsts)[:replicas]]


def _smallest(values: Draws, count: int) -> NDArray[np.intp]:
    """Where the smallest values of each row are, in their order."""
    if count == 1:
        return values.argmin(axis=1)[:, None]
    if count < values.shape[1]:
        part = np.argpartition(values, count - 1, axis=1)[:, :count]
        within = np.argsort(np.take_along_axis(values, part, axis=1), axis=1, kind="stable")
        return np.take_along_axis(part, within, axis=1)
    return np.argsort(values, axis=1, kind="stable")

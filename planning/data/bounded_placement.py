"""Places shards on nodes that hold only so many: each goes to its best nodes that have room left.

Shards come in the order of their hashes, not of their names, so that a full node's shards are a fair sample. A shard is
never turned away while a valid placement exists: before the rest could no longer be given different domains, it takes
the domains that are roomiest. In exchange more moves than without capacities when nodes come and go: what a full node
frees or loses runs on to others. The idea is that of Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with
Bounded Loads" (2018).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planning.data.nodes import StorageNode, check_nodes, domains_of
from planning.data.placement import Placement, check_replicas, drawn_in_parts
from planning.data.rendezvous import hash_names
from planning.errors import PlanningError
from planning.quantities import at_least


def bound_by_weight(
    nodes: Sequence[StorageNode], shards: int, *, replicas: int, headroom: float
) -> tuple[StorageNode, ...]:
    """The nodes with the capacity that their weight gives them, times 1 + headroom, rounded up.

    Raises PlanningError for a negative headroom.
    """
    at_least("headroom", headroom, 0.0)
    check_nodes(nodes)
    total = sum(node.weight for node in nodes)
    wanted = shards * replicas * (1 + headroom)
    return tuple(replace(node, capacity=int(-(-wanted * node.weight // total))) for node in nodes)


def place_within_capacity(shards: Sequence[str], nodes: Sequence[StorageNode], *, replicas: int = 1) -> Placement:
    """Places every shard as `place` does, but on no node more than it holds.

    Raises PlanningError where no placement exists, saying how much room is missing.
    """
    check_nodes(nodes)
    check_replicas(nodes, replicas)
    # The order of names decides between equal draws, as it does without capacities.
    order = sorted(range(len(nodes)), key=lambda at: nodes[at].name)
    names = domains_of(nodes)
    domain_of = np.array([names.index(nodes[at].failure_domain) for at in order])
    room = np.array([_room(nodes[at], len(shards)) for at in order], dtype=np.int64)
    domain_room = np.bincount(domain_of, weights=room, minlength=len(names)).astype(np.int64)
    fits = int(np.minimum(domain_room, len(shards)).sum())
    if fits < replicas * len(shards):
        raise PlanningError(
            f"capacity = {fits} replicas, at most one of a shard in each domain: must be {replicas * len(shards)} or "
            f"more for {len(shards)} shards with {replicas} replicas each"
        )
    sequence = np.lexsort((np.arange(len(shards)), hash_names(shards)))
    chosen = np.empty((len(shards), replicas), dtype=np.int32)
    left = len(shards)
    for start, _, draws in drawn_in_parts([shards[at] for at in sequence], [nodes[at] for at in order]):
        for row, preferences in enumerate(np.argsort(draws, axis=1, kind="stable")):
            tight_choices = _tight_choices(domain_room, left, replicas)
            taken = _choose(preferences, domain_of, room, domain_room < left, replicas, tight_choices)
            room[taken] -= 1
            domain_room[domain_of[taken]] -= 1
            left -= 1
            chosen[sequence[start + row]] = [order[at] for at in taken]
    return Placement(nodes=tuple(nodes), chosen=chosen)


def _room(node: StorageNode, shards: int) -> int:
    return shards if node.capacity is None else min(node.capacity, shards)


def _tight_choices(domain_room: NDArray[np.int64], left: int, replicas: int) -> int:
    """How many replicas of the next of `left` shards may go to domains that have less room than shards are left.

    The others lose nothing by it: they can take a replica of every shard to come in any case. What all domains can
    still take must not fall below what the shards to come need.
    """
    after = left - 1
    still = np.where(domain_room >= left, after, domain_room).sum()
    return int(min(replicas, still - replicas * after))


def _choose(
    preferences: NDArray[np.intp],
    domain_of: NDArray[np.intp],
    room: NDArray[np.int64],
    tight: NDArray[np.bool_],
    replicas: int,
    tight_choices: int,
) -> list[int]:
    """The best nodes with room, in different domains, no more than so many in tight ones."""
    taken: list[int] = []
    used: set[int] = set()
    for at in preferences.tolist():
        domain = int(domain_of[at])
        if room[at] <= 0 or domain in used or (tight[domain] and tight_choices <= 0):
            continue
        tight_choices -= int(tight[domain])
        taken.append(at)
        used.add(domain)
        if len(taken) == replicas:
            break
    return taken

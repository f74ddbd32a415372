"""P(D) of a given placement, whose shards share nodes: exact where that can be counted, else bounds and a simulation.

Exact: every state of nodes and domains is looked at, which goes up to 20 of them. Bounds: P(D) is at least the product
of P(d) (see `availability`) and at least 1 - S1, at most 1 - S1 + S2 (Bonferroni), where S1 sums the probabilities of
losing each set of nodes that some shard needs, and S2 those of losing two of them. Simulation: states are drawn with a
fixed seed, and the interval is Clopper and Pearson's (1934).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from planning.data.availability import ALWAYS_UP, DomainAvailability, holder_availability, product_availability
from planning.data.nodes import FailureDomain, domains_of
from planning.data.placement import Placement
from planning.errors import PlanningError
from planning.quantities import whole

Method = Literal["exact", "bounds", "simulated"]

MOST_EXACT_PARTS = 20
"""Nodes and domains whose every state is looked at: 2^20 states."""
MOST_SETS_IN_PAIRS = 3000
TRIALS = 200_000
SEED = 20260105
_MOST_SETS = 2_000_000
_CLOSE_BOUNDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class JointAvailability:
    """What is known of P(D)."""

    probability: float
    """Exact; or the lower bound; or the share of drawn states in which all could be read."""
    at_least: float
    at_most: float
    """Bounds that hold for certain; of a simulation, those of its interval with a confidence of 95 % where they are
    closer."""
    method: Method
    trials: int
    """States drawn; 0 without a simulation."""


def joint_availability(
    placement: Placement,
    *,
    needed: int = 1,
    domains: DomainAvailability = ALWAYS_UP,
    trials: int = TRIALS,
    seed: int = SEED,
) -> JointAvailability:
    """P(D) with what the shards share. Raises PlanningError for what is no probability, and for too many erasure
    sets."""
    whole("trials", trials, 0)
    product = product_availability(placement, needed=needed, domains=domains)
    fatal = _fatal_sets(placement, needed)
    fallible = [name for name in domains_of(placement.nodes) if domains.of(name) < 1]
    if len(placement.nodes) + len(fallible) <= MOST_EXACT_PARTS:
        exact = _exact(placement, fatal, fallible, domains)
        return JointAvailability(probability=exact, at_least=exact, at_most=exact, method="exact", trials=0)
    low, high = _bounds(placement, fatal, domains, needed, product)
    if trials == 0 or (1 - low) - (1 - high) <= _CLOSE_BOUNDS * (1 - low):
        return JointAvailability(probability=low, at_least=low, at_most=high, method="bounds", trials=0)
    good = _simulate(placement, fatal, domains, trials, seed)
    narrow = _interval(good, trials)
    return JointAvailability(
        probability=min(high, max(low, good / trials)),
        at_least=max(low, narrow[0]),
        at_most=min(high, narrow[1]),
        method="simulated",
        trials=trials,
    )


def _fatal_sets(placement: Placement, needed: int) -> NDArray[np.int32]:
    """The sets of nodes, each once, whose failure together loses a shard: of n parts any n - needed + 1."""
    width = placement.replicas - needed + 1
    stripes = np.unique(np.sort(placement.chosen, axis=1), axis=0)
    picks = np.array(list(combinations(range(placement.replicas), width)))
    if len(stripes) * len(picks) > _MOST_SETS:
        raise PlanningError(
            f"needed parts = {needed}: with {placement.replicas} parts that makes {len(stripes) * len(picks):,} sets "
            f"of nodes, more than the {_MOST_SETS:,} that can be looked at"
        )
    return np.unique(stripes[:, picks].reshape(-1, width), axis=0)


def _exact(
    placement: Placement, fatal: NDArray[np.int32], fallible: list[FailureDomain], domains: DomainAvailability
) -> float:
    count = len(placement.nodes)
    lost = np.zeros(1 << count, dtype=bool)
    lost[(1 << fatal).sum(axis=1)] = True
    for bit in range(count):
        # A state in which more is down loses what this one loses.
        pairs = lost.reshape(-1, 2, 1 << bit)
        pairs[:, 1] |= pairs[:, 0]
    chance = np.ones(1)
    for node in placement.nodes:
        chance = np.concatenate([chance * node.availability, chance * (1 - node.availability)])
    states = np.arange(1 << count)
    members = [
        sum(1 << at for at, node in enumerate(placement.nodes) if node.failure_domain == name) for name in fallible
    ]
    unreadable = 0.0
    for down in range(1 << len(fallible)):
        weight, forced = 1.0, 0
        for bit, name in enumerate(fallible):
            weight *= 1 - domains.of(name) if down >> bit & 1 else domains.of(name)
            forced |= members[bit] if down >> bit & 1 else 0
        unreadable += weight * float(chance[lost[states | forced]].sum())
    return 1.0 - unreadable


def _bounds(
    placement: Placement, fatal: NDArray[np.int32], domains: DomainAvailability, needed: int, product: float
) -> tuple[float, float]:
    names = domains_of(placement.nodes)
    domain_of = np.array([names.index(node.failure_domain) for node in placement.nodes])
    domain_up = np.array([domains.of(name) for name in names])
    node_down = 1 - np.array([node.availability for node in placement.nodes])
    # No two nodes of one set share a domain: their failures, with those of their domains, are independent.
    each = (1 - holder_availability(placement, domains))[fatal].prod(axis=1)
    low = max(product, 1 - float(each.sum()))
    if len(fatal) > MOST_SETS_IN_PAIRS:
        return low, 1 - float(each.max())
    both = 0.0
    for first in range(len(fatal) - 1):
        both += _down_together(fatal[first], fatal[first + 1 :], domain_of, domain_up, node_down)
    return low, min(1 - float(each.max()), 1 - float(each.sum()) + both)


def _down_together(
    first: NDArray[np.int32],
    others: NDArray[np.int32],
    domain_of: NDArray[np.intp],
    domain_up: NDArray[np.float64],
    node_down: NDArray[np.float64],
) -> float:
    """The probabilities of one set being down together with each of others, summed up."""
    nodes_down = np.ones((len(others), len(domain_up)))
    concerned = np.zeros((len(others), len(domain_up)), dtype=bool)
    for node in first:
        nodes_down[:, domain_of[node]] *= node_down[node]
        concerned[:, domain_of[node]] = True
    rows = np.arange(len(others))
    for column in range(others.shape[1]):
        node = others[:, column]
        new = ~(node[:, None] == first[None, :]).any(axis=1)
        nodes_down[rows[new], domain_of[node[new]]] *= node_down[node[new]]
        concerned[rows, domain_of[node]] = True
    in_domain = (1 - domain_up) + domain_up * nodes_down
    return float(np.where(concerned, in_domain, 1.0).prod(axis=1).sum())


def _simulate(
    placement: Placement, fatal: NDArray[np.int32], domains: DomainAvailability, trials: int, seed: int
) -> int:
    """In how many of so many drawn states everything can be read."""
    generator = np.random.Generator(np.random.PCG64(seed))
    names = domains_of(placement.nodes)
    domain_of = np.array([names.index(node.failure_domain) for node in placement.nodes])
    domain_up = np.array([domains.of(name) for name in names])
    node_up = np.array([node.availability for node in placement.nodes])
    good = 0
    for size in _batches(trials, max(1, 20_000_000 // max(1, fatal.size))):
        up = generator.random((size, len(node_up))) < node_up
        up &= (generator.random((size, len(names))) < domain_up)[:, domain_of]
        readable = np.asarray(up[:, fatal].any(axis=2))
        good += int(readable.all(axis=1).sum())
    return good


def _batches(total: int, most: int) -> Iterator[int]:
    for start in range(0, total, most):
        yield min(most, total - start)


def _interval(good: int, trials: int) -> tuple[float, float]:
    from scipy.stats import beta

    low = 0.0 if good == 0 else float(beta.ppf(0.025, good, trials - good + 1))
    high = 1.0 if good == trials else float(beta.ppf(0.975, good + 1, trials - good))
    return low, high

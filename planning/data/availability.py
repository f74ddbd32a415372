"""The probability that all of a data set can be read while nodes and their domains fail independently of each other.

A shard with replicas on nodes that are down with probability p each can be read with P(d) = 1 - product of p; with
erasure coding, if enough of its nodes are up. Over all shards P(D) = product of P(d) is right for shards that share no
node. Shards that do share nodes fail together, which helps: P(D) is then never less than the product, since the events
"shard can be read" all grow with the set of nodes that are up and are positively correlated (Harris 1960; Fortuin,
Kasteleyn and Ginibre 1971). So the product is a bound that can be relied on; what is exact is in `joint_availability`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planning.data.nodes import FailureDomain, domains_of
from planning.data.placement import Placement
from planning.errors import PlanningError
from planning.quantities import above, between, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainAvailability:
    """How likely failure domains are up, apart from their nodes."""

    others: float = 1.0
    """That of every domain that has no figure of its own."""
    own: tuple[tuple[str, float], ...] = ()
    """Domain and its probability."""

    def of(self, domain: FailureDomain) -> float:
        """Probability that a domain is up; 1 for that of a node that fails alone, which has its own figure."""
        return dict(self.own).get(domain[0], self.others) if domain[0] else 1.0


ALWAYS_UP = DomainAvailability()


def shard_availability(up: Sequence[float], *, needed: int = 1) -> float:
    """Probability that at least `needed` of independent holders are up, each with its own probability.

    1: replicas. k of n: erasure coding, any k of whose n parts give the shard back. By dynamic programming over the
    holders (the Poisson binomial distribution). Raises PlanningError for what is no probability.
    """
    for value in up:
        between("availability", value, 0.0, 1.0)
    if whole("needed parts", needed, 1) > len(up):
        raise PlanningError(f"needed parts = {needed}: must be at most {len(up)}, the parts of a shard")
    # The chance that too few are up, summed from what is small: 1 - 1e-20 would be 1.
    return 1.0 - _too_few(np.array([up]), needed)[0]


def product_availability(placement: Placement, *, needed: int = 1, domains: DomainAvailability = ALWAYS_UP) -> float:
    """P(D) as the product of P(d) over all shards, each once: exact for shards that share no node, else a lower bound.

    Raises PlanningError for what is no probability.
    """
    lost = shard_unavailability(placement, needed=needed, domains=domains)
    if (lost >= 1.0).any():
        return 0.0
    return math.exp(float(np.log1p(-lost).sum()))


def shard_unavailability(
    placement: Placement, *, needed: int = 1, domains: DomainAvailability = ALWAYS_UP
) -> NDArray[np.float64]:
    """For every shard the probability that it cannot be read. Raises PlanningError for what is no probability."""
    if whole("needed parts", needed, 1) > placement.replicas:
        raise PlanningError(f"needed parts = {needed}: must be at most {placement.replicas}, the parts of a shard")
    return _too_few(holder_availability(placement, domains)[placement.chosen], needed)


def holder_availability(placement: Placement, domains: DomainAvailability = ALWAYS_UP) -> NDArray[np.float64]:
    """For every node the probability that it and its domain are up. Raises PlanningError for what is no probability."""
    for domain in domains_of(placement.nodes):
        between(f"availability of domain {domain[0]}", domains.of(domain), 0.0, 1.0)
    return np.array([node.availability * domains.of(node.failure_domain) for node in placement.nodes])


def least_replicas(shards: int, availability: float, target: float, *, most: int) -> tuple[int | None, float]:
    """The fewest replicas with which so many shards on equal nodes reach a target by the product formula.

    :param availability: Of a node, its domain included.
    :param most: Replicas that there are different domains for.

    Returns None, and what `most` replicas reach, where even they do not suffice. Raises PlanningError for what is no
    probability; a target of 1 is one that only nodes which never fail reach.
    """
    whole("shards", shards, 1)
    whole("replicas at most", most, 1)
    between("availability", availability, 0.0, 1.0)
    between("target", above("target", target, 0.0), 0.0, 1.0)
    reached = 0.0
    for replicas in range(1, most + 1):
        lost = (1 - availability) ** replicas
        logarithm = shards * math.log1p(-lost) if lost < 1 else -math.inf
        reached = math.exp(logarithm)
        if logarithm >= math.log(target):
            return replicas, reached
    return None, reached


def _too_few(up: NDArray[np.float64], needed: int) -> NDArray[np.float64]:
    """For every row of holders' probabilities that of fewer than `needed` being up."""
    few = np.zeros((len(up), needed))
    few[:, 0] = 1.0
    for holder in range(up.shape[1]):
        share = up[:, holder, None]
        grown = few * (1 - share)
        grown[:, 1:] += few[:, :-1] * share
        few = grown
    return few.sum(axis=1)

"""What a plan costs: a pricer for each type of resource, and the totals of what they say.

A type that nobody prices is listed as unpriced, and a part that nobody knows as unknown: neither is ever nothing. Each
resource is priced by itself. Tiers of a price begin anew with each, and free quantities of an account are not taken
off, since other stacks use them too: both make a cost an upper bound where they matter.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from planning.cost import (
    price_aws_compute,
    price_aws_network,
    price_aws_operation,
    price_aws_storage,
    price_gcp_compute,
    price_gcp_network,
    price_gcp_operation,
    price_gcp_storage,
    price_karpenter,
    price_kubernetes,
)
from planning.cost.free_types import free_type
from planning.cost.lines import Context, Kind, Line
from planning.cost.node_parts import Pool
from planning.cost.plan import Plan, PlannedResource, cloud_of, cloud_of_stack, read_plan, region_of
from planning.cost.runs import Run, run_on
from planning.cost.usage import Usage
from planning.prices.book import PriceBook

Pricer = Callable[[Context], list[Line]]

PRICERS: Mapping[str, Pricer] = {
    **price_aws_compute.PRICERS,
    **price_aws_network.PRICERS,
    **price_aws_storage.PRICERS,
    **price_aws_operation.PRICERS,
    **price_gcp_compute.PRICERS,
    **price_gcp_network.PRICERS,
    **price_gcp_storage.PRICERS,
    **price_gcp_operation.PRICERS,
    **price_karpenter.PRICERS,
    **price_kubernetes.PRICERS,
}
"""The pricer of each type that can cost something."""

_POOLS: Mapping[str, Callable[[Context], Pool]] = {
    **price_aws_compute.POOLS,
    **price_gcp_compute.POOLS,
    **price_karpenter.POOLS,
}
_MACHINES: Mapping[str, Callable[[Context], Pool]] = {**price_aws_compute.MACHINES, **price_gcp_compute.MACHINES}


@dataclass(frozen=True)
class PlanCost:
    """What a plan costs in US dollars, before tax and discounts, line by line.

    Totals are sums of what is known. `complete` tells whether that is everything.
    """

    lines: tuple[Line, ...]
    unpriced: Mapping[str, int]
    """Types that nobody prices, and how many resources of each there are."""
    runs: tuple[Run, ...]
    """What one run of a job costs on each pool that has GPUs."""
    pools: tuple[str, ...]
    """Names of the pools of nodes, as `pools` of the assumptions has them."""
    unseen: int
    """Resources that the document leaves out because they stay as they are."""
    usage: Usage
    region: str
    """Where the stack is, by `aws:region` or `gcp:region`; empty: nothing says."""

    @cached_property
    def idle_usd_per_hour(self) -> float:
        """An hour in which nothing is used."""
        return sum(line.idle_usd_per_hour or 0.0 for line in self.lines)

    @cached_property
    def full_usd_per_hour(self) -> float:
        """An hour in which every node that may run does: the ceiling of what is billed by the hour."""
        return sum(line.full_usd_per_hour or 0.0 for line in self.lines)

    @cached_property
    def usd_per_month(self) -> float:
        """A month of 730 hours, with the assumptions."""
        return sum(line.usd_per_month or 0.0 for line in self.lines)

    @property
    def fixed_usd_per_month(self) -> float:
        """The part of a month that is there whatever is used."""
        return sum(line.usd_per_month or 0.0 for line in self.of_kind("fixed"))

    @property
    def usage_usd_per_month(self) -> float:
        """The part of a month that rests on assumptions."""
        return sum(line.usd_per_month or 0.0 for line in self.of_kind("usage"))

    @property
    def complete(self) -> bool:
        """Whether everything has a price."""
        return not self.unpriced and not self.unseen and not self.of_kind("unknown")

    @property
    def oldest_price(self) -> datetime.date | None:
        """Day of the oldest price that was used; None where none was."""
        return min((line.as_of for line in self.lines if line.as_of), default=None)

    @property
    def newest_price(self) -> datetime.date | None:
        """Day of the newest price that was used; None where none was."""
        return max((line.as_of for line in self.lines if line.as_of), default=None)

    def of_kind(self, kind: Kind) -> tuple[Line, ...]:
        """The lines of one kind."""
        return tuple(line for line in self.lines if line.kind == kind)

    def by_resource(self) -> dict[str, list[Line]]:
        """The lines of each resource, by its URN."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.urn, []).append(line)
        return found


def price_plan(
    document: object, book: PriceBook, usage: Usage | None = None, *, when: Literal["before", "after"] = "after"
) -> PlanCost:
    """What a stack costs by a preview of it.

    :param document: The document of `yard preview --json` or `pulumi preview --json`: a mapping, JSON text, or a
        plan that was read of one.
    :param usage: Assumptions; by default those in the document's configuration.
    :param when: Whether to price what will be there, or what is there now.

    Raises PlanningError for what is no such document and for assumptions that are wrong.
    """
    plan = document if isinstance(document, Plan) else read_plan(document)
    usage = usage if usage is not None else Usage.from_config(plan.config)
    return price_resources(getattr(plan, when), book, usage, config=plan.config, unseen=plan.unseen)


def price_resources(
    resources: Sequence[PlannedResource],
    book: PriceBook,
    usage: Usage,
    *,
    config: Mapping[str, Any] | None = None,
    unseen: int = 0,
) -> PlanCost:
    """What resources cost, wherever they are known from.

    :param config: The stack's configuration, of which `aws:region` or `gcp:region` is read.
    """
    config = config or {}
    own_cloud = cloud_of_stack((each.type for each in resources), config)
    by_urn = {resource.urn: resource for resource in resources}
    below: defaultdict[tuple[str, str], list[PlannedResource]] = defaultdict(list)
    for resource in resources:
        below[resource.parent, resource.type].append(resource)
    lines: list[Line] = []
    runs: list[Run] = []
    pools: list[str] = []
    unpriced: Counter[str] = Counter()
    for resource in resources:
        if not resource.custom:
            continue
        cloud = cloud_of(resource.type, own_cloud)
        context = Context(
            resource=resource,
            resources=resources,
            below=below,
            book=book,
            cloud=cloud,
            region=region_of(resource, by_urn, config, cloud),
            usage=usage,
        )
        pricer, free = PRICERS.get(resource.type), free_type(resource.type)
        if pricer is not None:
            lines += pricer(context)
        elif free is not None:
            lines.append(context.free(free.reason, free.source))
        else:
            unpriced[resource.type] += 1
        pool_of = _POOLS.get(resource.type) or _MACHINES.get(resource.type)
        if pool_of is None:
            continue
        pool = pool_of(context)
        if resource.type in _POOLS:
            pools.append(pool.name)
        if run := run_on(pool, usage):
            runs.append(run)
    return PlanCost(
        lines=tuple(lines),
        unpriced=dict(sorted(unpriced.items())),
        runs=tuple(runs),
        pools=tuple(dict.fromkeys(pools)),
        unseen=unseen,
        usage=usage,
        region=_text(config.get(f"{own_cloud}:region")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""

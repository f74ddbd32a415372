"""The answer as a document for machines: plain values only."""

import math
from collections.abc import Sequence
from typing import Any

from planning.fleet.baseline import Baselines
from planning.fleet.explanation import Alternative, Explanation
from planning.fleet.plan import Breakdown, FleetPlan, Pool
from planning.fleet.uniform import Aim
from planning.prices.book import PriceBook

PARTS = {
    "compute": "compute",
    "rework": "rework after interruptions",
    "starting": "nodes while they start",
    "unused": "prepaid and not used",
    "volumes": "volumes of the nodes",
    "storage": "object storage",
    "transfer": "data transfer",
    "control_plane": "control plane",
}
"""The parts of a cost, in words."""


def plan_document(plan: FleetPlan) -> dict[str, Any]:
    """A plan alone."""
    return {
        "usd": _number(plan.usd),
        "hours": _number(plan.hours),
        "bound": _number(plan.bound),
        "gap": _number(plan.gap),
        "pools": [_pool(pool) for pool in plan.pools],
        "breakdown_usd": breakdown_document(plan.breakdown),
        "assumed": list(plan.assumed),
        "unknown": list(plan.unknown),
    }


def breakdown_document(breakdown: Breakdown) -> dict[str, float | None]:
    """US dollars, part by part."""
    return {name: _number(getattr(breakdown, name)) for name in PARTS}


def answer_document(
    plan: FleetPlan, explanation: Explanation, compared: Baselines, book: PriceBook, *, aim: Aim, dated: int
) -> dict[str, Any]:
    """A plan with its reasons, what it is compared with, and what was left out.

    :param dated: How many prices were left out because they are too old.
    """
    return {
        "aim": aim,
        "prices_as_of": book.as_of.isoformat(),
        **plan_document(plan),
        "why": list(explanation.why),
        "next_best": [_alternative(each) for each in explanation.next_best],
        "binding_limits": [_alternative(each) for each in explanation.binding],
        "single_type": compared.single_type and _short(compared.single_type),
        "on_demand_only": compared.on_demand and _short(compared.on_demand),
        "left_out": [
            *({"reason": "price too old", "offers": dated, "types": []} for _ in range(1) if dated),
            *({"reason": each.reason, "offers": each.offers, "types": list(each.types)} for each in plan.left_out),
        ],
    }


def front_document(plans: Sequence[FleetPlan], book: PriceBook) -> dict[str, Any]:
    """The Pareto front, the earliest plan first."""
    return {"prices_as_of": book.as_of.isoformat(), "front": [plan_document(plan) for plan in plans]}


def pools_in_words(plan: FleetPlan) -> str:
    """Such as `2 x p4d.24xlarge spot in aws:us-east-1`."""
    return ", ".join(
        f"{pool.nodes} x {pool.candidate.kind.name} {pool.candidate.price.capacity.replace('_', ' ')} in "
        f"{pool.candidate.price.cloud}:{pool.candidate.price.zone or pool.candidate.price.region}"
        for pool in plan.pools
    )


def _pool(pool: Pool) -> dict[str, Any]:
    kind, price = pool.candidate.kind, pool.candidate.price
    return {
        "cloud": price.cloud,
        "region": price.region,
        "zone": price.zone,
        "instance_type": kind.name,
        "capacity": price.capacity,
        "nodes": pool.nodes,
        "gpu": kind.gpu,
        "gpus_per_node": kind.gpu_count,
        "working_hours": _number(pool.node_hours),
        "paid_hours": _number(pool.paid_hours),
        "usd_per_hour": _number(price.usd_per_hour),
        "usd": _number(pool.usd),
        "interruptions_per_hour": _number(pool.candidate.interruptions_per_hour),
        "rework_multiplier": _number(pool.rework_multiplier),
        "checkpoint_interval_hours": _number(pool.checkpoint_interval_hours),
        "throughput": pool.candidate.throughput.source,
        "price_source": price.source,
        "price_basis": price.basis,
        "price_as_of": price.as_of.isoformat(),
    }


def _alternative(each: Alternative) -> dict[str, Any]:
    return {"what": each.what, "plan": each.plan and _short(each.plan)}


def _short(plan: FleetPlan) -> dict[str, Any]:
    return {"usd": _number(plan.usd), "hours": _number(plan.hours), "fleet": pools_in_words(plan)}


def _number(value: float) -> float | None:
    """Rounded to what anybody can use; None where it is infinite."""
    return round(float(value), 6) if math.isfinite(value) else None

"""Costs and their differences as JSON: every line with its quantity, price, assumption, source and date."""

from typing import Any

from planning.cost.difference import CostDifference
from planning.cost.estimate import PlanCost
from planning.cost.lines import Line


def cost_document(cost: PlanCost) -> dict[str, Any]:
    """A cost. Money is US dollars; null: unknown."""
    return {
        "currency": "USD",
        "region": cost.region,
        "prices": {"newest": _day(cost.newest_price), "oldest": _day(cost.oldest_price)},
        "complete": cost.complete,
        "totals": {
            "idle_usd_per_hour": cost.idle_usd_per_hour,
            "full_usd_per_hour": cost.full_usd_per_hour,
            "usd_per_month": cost.usd_per_month,
            "fixed_usd_per_month": cost.fixed_usd_per_month,
            "usage_usd_per_month": cost.usage_usd_per_month,
            "unknown_parts": len(cost.of_kind("unknown")),
        },
        "runs": [
            {"pool": run.pool, "nodes": run.nodes, "hours": run.hours, "usd": run.usd, "note": run.note}
            for run in cost.runs
        ],
        "resources": [
            {"urn": urn, "type": lines[0].type, "name": lines[0].name, "lines": [_line(line) for line in lines]}
            for urn, lines in cost.by_resource().items()
        ],
        "unpriced": dict(cost.unpriced),
        "unseen_resources": cost.unseen,
        "usage": cost.usage.as_dict(),
    }


def difference_document(found: CostDifference) -> dict[str, Any]:
    """A difference. Money is US dollars, more is positive; null: unknown."""
    return {
        "currency": "USD",
        "complete": found.complete,
        "difference": {
            "idle_usd_per_hour": found.idle_usd_per_hour,
            "full_usd_per_hour": found.full_usd_per_hour,
            "usd_per_month": found.usd_per_month,
        },
        "resources": [
            {
                "key": each.key,
                "type": each.type,
                "name": each.name,
                "kind": each.kind,
                "before_usd_per_month": each.before_usd_per_month,
                "after_usd_per_month": each.after_usd_per_month,
                "usd_per_month": each.usd_per_month,
                "unknown": list(each.unknown),
            }
            for each in found.resources
        ],
        "unpriced": {type_: {"before": old, "after": new} for type_, (old, new) in found.unpriced.items()},
        "before": cost_document(found.before),
        "after": cost_document(found.after),
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "what": line.what,
        "kind": line.kind,
        "quantity": line.quantity,
        "unit": line.unit,
        "usd_per_unit": line.usd_per_unit,
        "idle_usd_per_hour": line.idle_usd_per_hour,
        "full_usd_per_hour": line.full_usd_per_hour,
        "usd_per_month": line.usd_per_month,
        "assumption": line.assumption,
        "note": line.note,
        "source": line.source,
        "basis": line.basis,
        "as_of": _day(line.as_of),
    }


def _day(day: Any) -> str | None:
    return day.isoformat() if day else None

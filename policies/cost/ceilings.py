"""Rules on what a stack may cost: an hour, a month, and a run of a job, by the model and the prices of `yard cost`.

A total that is at its limit is kept. Where a preview does not know something that could add to it, a total below its
limit is undecided. The model has no pricers for Auto Scaling groups, fleets, groups of machines on Google Cloud
and node pools that are written within a cluster. Of them the machines count that the book has prices of.
"""

import datetime
import math
from collections.abc import Iterator

from planning.cost.lines import Line
from planning.cost.words import at_least, dollars
from planning.quantities import HOURS_PER_MONTH
from policies.cost.google_pools import CLUSTER as GKE_CLUSTER
from policies.cost.guides import well_architected
from policies.cost.jobs import CRON_JOB, JOB, Job, gpu_job
from policies.cost.pools import (
    MACHINE_TYPES,
    POOL_TYPES,
    UNMODELLED,
    Pool,
    pools_of,
    undescribed,
    unmodelled_usd_per_hour,
    unmodelled_usd_per_month,
)
from policies.cost.pricing import PRICED_TYPES, Priced, is_above, priced
from policies.dates import today
from policies.resources import Resource, Stack
from policies.rules import Objection, Parameter, related_rule, stack_rule

_COUNTED_TYPES = tuple(dict.fromkeys((*PRICED_TYPES, *UNMODELLED)))
_SHOWN = 3
"""How many of the dearest resources, or of those without a price, a message names."""


@stack_rule(
    *_COUNTED_TYPES,
    id="cost-hour-ceiling",
    title="An hour in which every node that may run does run costs no more than the stack's limit.",
    severity="high",
    frameworks=well_architected("COST02-BP02", "COST02-BP05"),
    wrong="A job in a loop, or a mistake in a queue, can run up this bill by itself until somebody looks.",
    mend="lower scalingConfig.maxSize or totalMaxNodeCount, take smaller types, or raise maximum_usd for this stack.",
    topic="cost",
    parameters={"maximum_usd": Parameter(100, "US dollars that an hour at full size may cost.")},
)
def hour_ceiling(stack: Stack, *, maximum_usd: float) -> Iterator[Objection]:
    """The ceiling of what is billed by the hour, each pool at its dearest type; traffic and requests come on top."""
    found = priced(stack)
    usd = found.cost.full_usd_per_hour
    usd = usd if usd > maximum_usd else usd + unmodelled_usd_per_hour(stack)
    if is_above(usd, maximum_usd, found):
        yield Objection(
            f"An hour at full size costs {at_least(found.cost)}{dollars(usd)}, {dollars(usd - maximum_usd)} more than "
            f"the limit of {dollars(maximum_usd)}: {_dearest(found, 'full', stack)}."
        )


@stack_rule(
    *_COUNTED_TYPES,
    id="cost-idle-month-ceiling",
    title="A month in which nothing is used costs no more than the stack's limit.",
    severity="medium",
    frameworks=well_architected("COST02-BP02", "COST09-BP03"),
    wrong="This is paid for all month, nights and holidays included, though nobody uses it.",
    mend="let pools begin at no node, stop machines and share gateways, or raise maximum_usd for this stack.",
    topic="cost",
    parameters={"maximum_usd": Parameter(3000, "US dollars that an idle month of 730 hours may cost.")},
)
def idle_month_ceiling(stack: Stack, *, maximum_usd: float) -> Iterator[Objection]:
    """What is there whatever is used: the fewest nodes, gateways, endpoints, the control plane, keys."""
    found = priced(stack)
    usd = found.cost.fixed_usd_per_month
    usd = usd if usd > maximum_usd else usd + unmodelled_usd_per_month(stack)
    if is_above(usd, maximum_usd, found):
        yield Objection(
            f"An idle month costs {at_least(found.cost)}{dollars(usd)}, {dollars(usd - maximum_usd)} more than the "
            f"limit of {dollars(maximum_usd)}: {_dearest(found, 'idle', stack)}."
        )


@stack_rule(
    *_COUNTED_TYPES,
    id="cost-month-ceiling",
    title="A month with the use that is assumed costs no more than the stack's limit.",
    severity="high",
    frameworks=well_architected("COST02-BP02", "COST02-BP05"),
    wrong="This is the bill that is to be expected, and more than was agreed on.",
    mend="use less (`yard cost --lines` shows what), or correct trainyard:usage, or raise maximum_usd for this stack.",
    topic="cost",
    parameters={"maximum_usd": Parameter(6000, "US dollars that an expected month of 730 hours may cost.")},
)
def month_ceiling(stack: Stack, *, maximum_usd: float) -> Iterator[Objection]:
    """The month of `yard cost`, with the assumptions of the stack's `trainyard:usage`.

    Of what the model has no pricers for, the machines that are always there.
    """
    found = priced(stack)
    usd = found.cost.usd_per_month
    usd = usd if usd > maximum_usd else usd + unmodelled_usd_per_month(stack)
    if is_above(usd, maximum_usd, found):
        yield Objection(
            f"A month as assumed costs {at_least(found.cost)}{dollars(usd)}, {dollars(usd - maximum_usd)} more than "
            f"the limit of {dollars(maximum_usd)}: {_dearest(found, 'month', stack)}."
        )


@related_rule(
    JOB,
    CRON_JOB,
    id="cost-run-ceiling",
    title="A run of a job on GPUs, as long as its deadline lets it, costs no more than the stack's limit.",
    severity="high",
    frameworks=(*well_architected("COST02-BP02", "COST02-BP05"), "NIST SC-5"),
    wrong="A run that does not converge is paid for until its deadline.",
    mend="lower activeDeadlineSeconds or parallelism, or name a cheaper pool, or raise maximum_usd for this stack.",
    topic="cost",
    parameters={"maximum_usd": Parameter(1000, "US dollars that one run may cost.")},
)
def run_ceiling(job: Resource, stack: Stack, *, maximum_usd: float) -> Iterator[str]:
    """Hours to the deadline, times the nodes that its pods need, at the dearest type of the pool that they may get.

    A job that has no deadline is another rule's business, as is one for whose GPUs the stack has no pool.
    """
    run = gpu_job(job)
    if run is None or run.deadline_seconds is None:
        return
    hours = run.deadline_seconds / 3600
    dearest = 0.0
    for pool in _pools_for(run, stack):
        each, nodes = pool.gpus(), pool.most()
        usd = pool.node_usd_per_hour()
        if not each or usd is None:
            continue
        needed = math.ceil(run.pods * run.gpus_of_pod / each)
        needed = needed if nodes is None else min(needed, math.ceil(nodes))
        if needed * usd * hours > max(dearest, maximum_usd):
            dearest = needed * usd * hours
            told = (
                f"A run of {hours:g} hours on {needed} nodes of {pool.resource.name} at {dollars(usd)} an hour costs "
                f"{dollars(dearest)}, {dollars(dearest - maximum_usd)} more than the limit of {dollars(maximum_usd)}."
            )
    if dearest:
        yield told


@stack_rule(
    *_COUNTED_TYPES,
    id="cost-everything-priced",
    title="Where GPUs are bought, everything has a price in the price book.",
    severity="low",
    level="advisory",
    frameworks=well_architected("COST06-BP01"),
    wrong="The limits on what the stack costs do not see it, so the stack may cost more than they allow.",
    mend="run `yard prices refresh`, take what the price book knows, or see the cloud's price list.",
    topic="cost",
)
def everything_priced(stack: Stack) -> Iterator[Objection]:
    """Of a stack without GPUs too much is cheap for the book to have a price of it; with GPUs a gap may be large.

    Machines that nothing in the stack describes may have GPUs.
    """
    for starting in undescribed(stack):
        yield Objection("Nothing in this stack tells what machines it starts: their price is unknown.", starting)
    pools = [pool for pool in pools_of(stack, *MACHINE_TYPES) if _has_gpus(pool)]
    if not pools:
        return
    found = priced(stack)
    for pool in pools:
        with stack.apart():
            if pool.told_by.type in UNMODELLED and pool.node_usd_per_hour() is None:
                machines = ", ".join(filter(None, pool.types())) or f"machines with {', '.join(pool.models())}"
                yield Objection(f"The price of {machines} in {pool.region or 'its region'} is unknown.", pool.told_by)
    known = dollars(found.cost.full_usd_per_hour)
    by_urn = {resource.urn: resource for resource in stack.resources}
    for line in found.cost.of_kind("unknown"):
        resource = by_urn.get(line.urn)
        if not found.hidden:
            yield Objection(
                f"What the {line.what} of this {line.type.rpartition(':')[2]} costs is unknown: {line.note}. What is "
                f"known, {known} for an hour at full size, leaves it out.",
                resource,
            )
    if found.hidden and found.cost.of_kind("unknown"):
        stack.undecided.extend(found.hidden)


@stack_rule(
    *PRICED_TYPES,
    id="cost-prices-fresh",
    title="No large part of a bill is calculated with old prices.",
    severity="low",
    level="advisory",
    frameworks=well_architected("COST06-BP01"),
    wrong="Prices of GPUs have moved by up to 45 % within a year, so the limits may mean something else by now.",
    mend="run `yard prices refresh`, or raise maximum_days for this stack.",
    topic="cost",
    parameters={
        "maximum_days": Parameter(180, "Days that a price may be old."),
        "minimum_usd": Parameter(500, "US dollars a month at full size that may rest on older prices."),
    },
)
def prices_fresh(stack: Stack, *, maximum_days: float, minimum_usd: float) -> Iterator[Objection]:
    """Ages are counted from today: a book that nobody refreshes does not know how old it is. See `pricing.today`."""
    found = priced(stack)
    oldest = today() - datetime.timedelta(days=maximum_days)
    lines = [line for line in found.cost.lines if line.as_of is not None and line.as_of < oldest]
    usd = sum(_full_month(line) for line in lines)
    if is_above(usd, minimum_usd, found):
        first = min(lines, key=lambda line: line.as_of or today())
        yield Objection(
            f"{dollars(usd)} a month at full size rest on prices that are older than {maximum_days:g} days, the oldest "
            f"of {first.as_of} ({first.what} of {first.name}); up to {dollars(minimum_usd)} may."
        )


def _dearest(found: Priced, which: str, stack: Stack) -> str:
    """The resources that make up most of a total, and pools that the model has no pricers for."""

    def usd(line: Line) -> float:
        if which == "full":
            return line.full_usd_per_hour or 0.0
        if which == "idle" and line.kind != "fixed":
            return 0.0
        return line.usd_per_month or 0.0

    totals: dict[str, float] = {}
    for line in found.cost.lines:
        totals[line.name] = totals.get(line.name, 0.0) + usd(line)
    for pool in pools_of(stack, *UNMODELLED):
        with stack.apart():
            amount = pool.usd_per_hour() if which == "full" else pool.fixed_usd_per_month()
            totals[pool.resource.name] = totals.get(pool.resource.name, 0.0) + amount
    largest = sorted(totals.items(), key=lambda item: -item[1])[:_SHOWN]
    return ", ".join(f"{name} {dollars(amount)}" for name, amount in largest if amount)


def _full_month(line: Line) -> float:
    return max((line.full_usd_per_hour or 0.0) * HOURS_PER_MONTH, line.usd_per_month or 0.0)


def _pools_for(run: Job, stack: Stack) -> list[Pool]:
    """The pools that a job names; every one with GPUs, where it names none of the stack's."""
    pools = [pool for pool in pools_of(stack, *POOL_TYPES, GKE_CLUSTER) if pool.gpus()]
    named = [pool for pool in pools if pool.label() in run.pools]
    return named or pools


def _has_gpus(pool: Pool) -> bool:
    with pool.stack.apart():
        return pool.gpus() > 0
    return False


RULES = (hour_ceiling, idle_month_ceiling, month_ceiling, run_ceiling, everything_priced, prices_fresh)

"""Rules on how GPU capacity is bought: which, how much, and how cheaply."""

from collections.abc import Callable, Iterator, Sequence

from planning.cost.price_aws_compute import NODE_GROUP
from planning.cost.words import dollars
from planning.quantities import HOURS_PER_MONTH
from policies.cost.guides import well_architected
from policies.cost.pools import KARPENTER_POOL, MACHINE_TYPES, POOL_TYPES, Pool, pools_in, pools_of, undescribed
from policies.resources import Resource, Stack
from policies.rules import Objection, Parameter, related_rule, stack_rule
from policies.values import Undecided, as_list, is_text, known

ALLOWED = ("T4", "T4g", "L4", "L40S", "A10G", "V100", "A100", "RTX PRO 4500", "RTX PRO 6000", "Radeon Pro V520")
"""Models of GPUs up to the A100: an hour of eight H100 or B200 is dear enough to be asked for by name."""


@related_rule(
    *MACHINE_TYPES,
    id="cost-gpu-models-allowed",
    title="Machines have GPUs of the models that the stack may buy.",
    severity="medium",
    frameworks=well_architected("COST02-BP02", "COST06-BP02"),
    wrong="A large GPU that a small one could stand in for costs ten times as much an hour.",
    mend="take a type (instanceTypes, machineType) with an allowed GPU, or add its model to allowed_gpus.",
    topic="cost",
    parameters={"allowed_gpus": Parameter(ALLOWED, "Models of GPUs, as the price book calls them.")},
)
def gpu_models_allowed(machine: Resource, stack: Stack, *, allowed_gpus: Sequence[str]) -> Iterator[str]:
    """A GPU that the price book does not know is called by its machine's type, and is not allowed by a model's name.

    Machines that nothing in the stack describes are told by cost-gpu-count-ceiling.
    """
    allowed = {each.casefold() for each in allowed_gpus}
    for pool in pools_in(machine, stack):
        with machine.apart():
            if pool.may_have_any_gpu():
                yield f"It may get machines with any GPU; allowed are {', '.join(allowed_gpus)}."
            refused = [model for model in pool.models() if model.casefold() not in allowed]
            if refused:
                usd = _or_none(pool.node_usd_per_hour)
                price = (
                    "at a price that the price book does not know" if usd is None else f"{dollars(usd)} an hour a node"
                )
                yield f"It may get {', '.join(refused)} ({price}); allowed are {', '.join(allowed_gpus)}."


@stack_rule(
    *MACHINE_TYPES,
    id="cost-gpu-count-ceiling",
    title="All pools at full size have no more GPUs than the stack's limit.",
    severity="high",
    frameworks=well_architected("COST02-BP02", "COST02-BP05"),
    wrong="Whoever can submit a job can then make the stack grow to this size.",
    mend="lower scalingConfig.maxSize, autoscaling.totalMaxNodeCount or, with Karpenter, spec.limits, or raise "
    "maximum_gpus for this stack.",
    topic="cost",
    parameters={"maximum_gpus": Parameter(64, "GPUs that all pools may have together.")},
)
def gpu_count_ceiling(stack: Stack, *, maximum_gpus: float) -> Iterator[Objection]:
    """Of a pool with several types those with the most GPUs count, since the pool may get them.

    A pool of Karpenter that may take any machine has as many as its limits say.
    """
    for starting in undescribed(stack):
        yield Objection("Nothing in this stack tells what machines it starts: they may have any GPUs.", starting)
    total, usd, unpriced = 0.0, 0.0, ""
    for pool in pools_of(stack, *MACHINE_TYPES):
        with stack.apart():
            if pool.may_have_any_gpu():
                limit = pool.gpu_limit()
                if limit is None:
                    yield Objection("Nothing limits how many GPUs this pool may have, of any model.", pool.told_by)
                total += limit or 0.0
                unpriced = "at least "
                continue
            each = pool.gpus()
            if not each:
                continue
            nodes, most = pool.most(), pool.most_gpus()
            if nodes is None or most is None:
                yield Objection("Nothing limits how many nodes with GPUs this pool may have.", pool.told_by)
                continue
            total += most
            price = _or_none(pool.node_usd_per_hour)
            usd += nodes * (price or 0.0)
            unpriced = unpriced if price is not None else "at least "
    if total > maximum_gpus:
        yield Objection(
            f"All pools together may have {total:g} GPUs, {total - maximum_gpus:g} more than the limit of "
            f"{maximum_gpus:g}; their nodes then cost {unpriced}{dollars(usd)} an hour."
        )


@related_rule(
    *POOL_TYPES,
    id="cost-training-on-spot",
    title="Pools of GPUs for training are bought on spot, unless they say why not.",
    severity="medium",
    frameworks=well_architected("COST07-BP01"),
    wrong="Training that writes checkpoints loses minutes to an interruption, and costs a fraction on spot.",
    mend="set capacityType SPOT, or nodeConfig.spot, or say in the tag on-demand-reason why it may not be interrupted.",
    topic="cost",
    parameters={"reason_tag": Parameter("on-demand-reason", "The tag, label or annotation that says why.")},
)
def training_on_spot(resource: Resource, stack: Stack, *, reason_tag: str) -> Iterator[str]:
    """A pool is for training where its name, its pool label, or a tag such as `role` or `workload` says so.

    A capacity block or a reservation is paid for already, and no fault of the pool.
    """
    pool = Pool(resource, stack)
    if pool.capacity() != "on_demand" or not pool.gpus() or pool.role() != "training":
        return
    if is_text(pool.mark(reason_tag)):
        return
    now, spot = pool.node_usd_per_hour("on_demand"), pool.node_usd_per_hour("spot")
    if now is None or spot is None:
        yield "It trains on demand; the price book does not know what it would cost on spot."
        return
    nodes = _or_none(pool.most) or 1.0
    yield (
        f"It trains on demand, at {dollars(now)} an hour a node instead of {dollars(spot)} on spot: "
        f"{dollars((now - spot) * nodes)} an hour more at full size ({nodes:g} nodes)."
    )


@related_rule(
    *POOL_TYPES,
    id="cost-gpu-pool-from-zero",
    title="Pools of GPUs for training, and those on spot, begin at no node.",
    severity="medium",
    frameworks=well_architected("COST09-BP03"),
    wrong="Nodes that wait for the next job cost as much as nodes that work.",
    mend="set scalingConfig.minSize or autoscaling.totalMinNodeCount to 0; the node autoscaler starts the first node.",
    topic="cost",
)
def gpu_pool_from_zero(resource: Resource, stack: Stack) -> Iterator[str]:
    """A pool that serves is to have a node ready; what serving keeps at least is judged by its replicas."""
    pool = Pool(resource, stack)
    if not pool.fewest() or not pool.gpus():
        return
    role = pool.role()
    if role == "training" or (role == "" and pool.capacity() == "spot"):
        nodes, usd = pool.fewest(), _or_none(pool.node_usd_per_hour)
        cost = f" for {dollars(usd * nodes * HOURS_PER_MONTH)} a month" if usd is not None else ""
        yield f"It keeps {nodes:g} node{'' if nodes == 1 else 's'} when there is nothing to do{cost}."


@related_rule(
    NODE_GROUP,
    KARPENTER_POOL,
    id="cost-spot-pool-several-types",
    title="Pools of GPUs on spot take several types of machine.",
    severity="medium",
    frameworks=well_architected("COST07-BP01"),
    wrong="When the one type runs out, jobs wait, or are moved to capacity on demand at twice the price and more.",
    mend="name more types with enough GPUs and memory in instanceTypes, the preferred one first.",
    topic="cost",
    parameters={"minimum_types": Parameter(2, "Types that a pool on spot takes at least.", minimum=1)},
)
def spot_pool_several_types(resource: Resource, stack: Stack, *, minimum_types: float) -> Iterator[str]:
    """Not where a placement group holds its nodes together: jobs that synchronise at each step want equal machines.

    A pool of Karpenter that names no types may take any. A pool of GKE has one type by its nature.
    """
    pool = Pool(resource, stack)
    types = pool.types()
    if not types or len(set(types)) >= minimum_types or pool.capacity() != "spot" or not pool.gpus():
        return
    template = pool.template()
    if template is not None and _placed_together(template):
        return
    spot, on_demand = pool.node_usd_per_hour("spot"), pool.node_usd_per_hour("on_demand")
    cost = (
        f" When spot runs out, a node costs {dollars(on_demand)} an hour instead of {dollars(spot)}."
        if spot is not None and on_demand is not None
        else ""
    )
    yield f"It takes {', '.join(types)} only, and at least {minimum_types:g} types are wanted.{cost}"


def _placed_together(template: Resource) -> bool:
    """Whether a launch template puts its machines into a placement group or on a fabric. Raises Undecided."""
    if is_text(template.get("placement", "groupName")) or is_text(template.get("placement", "groupId")):
        return True
    interfaces = as_list(template.get("networkInterfaces"))
    return any(str(known(known(each).get("interfaceType")) or "").startswith("efa") for each in interfaces)


def _or_none(ask: Callable[[], float | None]) -> float | None:
    """A number for the message, or None where this preview does not know it: what is wrong is told all the same."""
    try:
        return ask()
    except Undecided:
        return None


RULES = (gpu_models_allowed, gpu_count_ceiling, training_on_spot, gpu_pool_from_zero, spot_pool_several_types)

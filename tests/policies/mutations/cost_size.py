"""What breaks each rule on what a stack costs, how its GPUs are bought, and who is told."""

from typing import Any

from policies.cost import capacity, ceilings, ownership
from policies.cost.jobs import JOB
from policies.cost.pools import NODE_GROUP
from policies.rules import Rule
from tests.policies.mutations.change import Change, Mutation, changing, removing, setting, without

SERVING, TRAINING, SYSTEM = "gpu-serving", "gpu-training", "system"


def pool(name: str, value: Any, *path: str | int) -> Change:
    """A property of a node group."""
    return setting(NODE_GROUP, value, *path, name=name)


def larger_system(types: list[str], most: int) -> Change:
    """More nodes for the cluster's own pods, of other types."""

    def edit(properties: dict[str, Any]) -> None:
        properties["instanceTypes"] = types
        properties["scalingConfig"]["maxSize"] = most

    return changing(NODE_GROUP, edit, name=SYSTEM)


def longer_run(properties: dict[str, Any]) -> None:
    """Eight pods for a week."""
    properties["spec"] |= {"activeDeadlineSeconds": 168 * 3600, "parallelism": 8, "completions": 8}


MUTATIONS: dict[Rule, Mutation] = {
    # Taken for the cheap type, and at most of the dear one: the hour grows, the expected month hardly does.
    ceilings.hour_ceiling: Mutation("prod", larger_system(["m7i.large", "m7i.4xlarge"], 80)),
    ceilings.idle_month_ceiling: Mutation("prod", pool(SERVING, 3, "scalingConfig", "minSize")),
    ceilings.month_ceiling: Mutation("prod", larger_system(["m7i.large"], 400)),
    ceilings.run_ceiling: Mutation("prod", changing(JOB, longer_run, name="trainyard-training")),
    ceilings.everything_priced: Mutation("prod", pool(SYSTEM, ["m9i.large"], "instanceTypes")),
    ceilings.prices_fresh: Mutation("prod", pool(SYSTEM, ["m5.2xlarge"], "instanceTypes")),
    capacity.gpu_models_allowed: Mutation(
        "prod", pool(SERVING, ["p5.4xlarge"], "instanceTypes"), also=[ceilings.everything_priced.id]
    ),
    capacity.gpu_count_ceiling: Mutation("prod", pool(TRAINING, 12, "scalingConfig", "maxSize")),
    capacity.training_on_spot: Mutation("prod", pool("gpu-distributed", "ON_DEMAND", "capacityType")),
    capacity.gpu_pool_from_zero: Mutation("prod", pool(TRAINING, 1, "scalingConfig", "minSize")),
    capacity.spot_pool_several_types: Mutation("dev", pool(TRAINING, ["g4dn.xlarge"], "instanceTypes")),
    ownership.stack_has_owner: Mutation("dev", without("aws:sqs/queue:Queue", "tags", "owner")),
    ownership.budget_alarm: Mutation("prod", removing(ownership.AWS_BUDGET)),
    ownership.budget_fits: Mutation("prod", setting(ownership.AWS_BUDGET, "30000.00", "limitAmount")),
}

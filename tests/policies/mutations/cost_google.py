"""What breaks rules on cost on Google Cloud: of `ON_GOOGLE`, what breaks them on AWS is beside this file."""

from typing import Any

from policies.cases import made
from policies.cost import capacity, ceilings, lifetime, ownership, storage_waste, waste
from policies.cost.jobs import JOB
from policies.cost.pools import GKE_POOL
from policies.rules import Rule
from tests.policies.mutations.change import Change, Mutation, adding, changing, removing, setting, without

SERVING, TRAINING, SYSTEM = "gpu-serving", "gpu-training", "system"


def pool(name: str, value: Any, *path: str | int) -> Change:
    """A property of a pool of nodes."""
    return setting(GKE_POOL, value, *path, name=name)


def longer_run(properties: dict[str, Any]) -> None:
    """A week of eight pods."""
    properties["spec"] |= {"activeDeadlineSeconds": 168 * 3600, "parallelism": 8, "completions": 8}


def on_demand(properties: dict[str, Any]) -> None:
    """A pool that was on spot."""
    del properties["nodeConfig"]["spot"]


def other_gpus(properties: dict[str, Any]) -> None:
    """A P4 that is attached, which is no dearer."""
    gpus = [{"type": "nvidia-tesla-p4", "count": 1}]
    properties["nodeConfig"] |= {"machineType": "n1-standard-4", "guestAccelerators": gpus}


def without_removal(properties: dict[str, Any]) -> None:
    """Leaves the rules for unfinished uploads and old versions."""
    properties["lifecycleRules"] = [
        each
        for each in properties["lifecycleRules"]
        if each["action"]["type"] != "Delete" or "daysSinceNoncurrentTime" in each["condition"]
    ]


MUTATIONS: dict[Rule, Mutation] = {
    storage_waste.soft_delete_short: Mutation(
        "gcp-dev",
        setting(storage_waste.GCS_BUCKET, 90 * 86_400, "softDeletePolicy", "retentionDurationSeconds"),
    ),
}
ON_GOOGLE: dict[Rule, Mutation] = {
    ceilings.hour_ceiling: Mutation("gcp-prod", pool(SYSTEM, 72, "autoscaling", "totalMaxNodeCount")),
    ceilings.idle_month_ceiling: Mutation(
        "gcp-prod", pool(SERVING, 4, "autoscaling", "totalMinNodeCount"), also=[ceilings.month_ceiling.id]
    ),
    ceilings.month_ceiling: Mutation("gcp-prod", pool(SERVING, 3, "autoscaling", "totalMinNodeCount")),
    ceilings.run_ceiling: Mutation("gcp-prod", changing(JOB, longer_run, name="trainyard-training")),
    ceilings.everything_priced: Mutation("gcp-prod", pool(SYSTEM, "n9-standard-4", "nodeConfig", "machineType")),
    capacity.gpu_models_allowed: Mutation("gcp-dev", changing(GKE_POOL, other_gpus, name=TRAINING)),
    capacity.training_on_spot: Mutation(
        "gcp-prod",
        changing(GKE_POOL, on_demand, name=TRAINING),
        also=[ceilings.hour_ceiling.id, ceilings.month_ceiling.id],
    ),
    capacity.gpu_pool_from_zero: Mutation(
        "gcp-prod", pool(TRAINING, 1, "autoscaling", "totalMinNodeCount"), also=[ceilings.month_ceiling.id]
    ),
    lifetime.stack_expires: Mutation("gcp-dev", without(lifetime.GKE_CLUSTER, "resourceLabels", "expires_at")),
    lifetime.spot_pool_teardown: Mutation("gcp-dev", removing(lifetime.GCP_SCHEDULE)),
    waste.nat_gateways: Mutation("gcp-prod", adding(made(waste.CLOUD_NAT, "second", {"logConfig": {"enable": True}}))),
    waste.serving_rests: Mutation("gcp-prod", setting(waste.AUTOSCALERS[0], 4, "spec", "minReplicas")),
    storage_waste.logs_forgotten: Mutation("gcp-prod", setting(storage_waste.LOG_BUCKET, 3650, "retentionDays")),
    storage_waste.checkpoints_expire: Mutation(
        "gcp-prod", changing(storage_waste.GCS_BUCKET, without_removal, name="storage-checkpoints")
    ),
    storage_waste.registry_forgets: Mutation(
        "gcp-prod", setting(storage_waste.GCP_REPOSITORY, True, "cleanupPolicyDryRun")
    ),
    ownership.stack_has_owner: Mutation("gcp-prod", without(storage_waste.GCS_BUCKET, "labels", "owner")),
    ownership.budget_alarm: Mutation("gcp-prod", removing(ownership.GCP_BUDGET)),
    ownership.budget_fits: Mutation(
        "gcp-prod", setting(ownership.GCP_BUDGET, "30000", "amount", "specifiedAmount", "units")
    ),
}

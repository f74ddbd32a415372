"""What breaks each rule on when something ends, and on what is paid for and not used."""

from typing import Any

from policies.cases import made
from policies.cost import ceilings, lifetime, storage_waste, waste
from policies.cost.jobs import JOB
from policies.cost.pools import LAUNCH_TEMPLATE, NODE_GROUP
from policies.local.types import JOB as LOCAL_JOB
from policies.rules import Rule
from tests.policies.mutations.change import Mutation, adding, changing, removing, setting, without

TAGS = {"project": "trainyard", "stack": "prod", "owner": "ml-platform@example.com", "cost_centre": "inference"}
KEY = "arn:aws:kms:eu-west-1:123456789012:key/0123abcd-0123-0123-0123-0123456789ab"


def without_expiry(properties: dict[str, Any]) -> None:
    """Leaves the rules for unfinished uploads and old versions."""
    properties["rules"] = [rule for rule in properties["rules"] if "days" not in rule.get("expiration", {})]


MUTATIONS: dict[Rule, Mutation] = {
    lifetime.stack_expires: Mutation("dev", without(NODE_GROUP, "tags", "expires_at", name="gpu-training")),
    lifetime.spot_pool_teardown: Mutation("dev", removing(lifetime.SCHEDULE)),
    lifetime.gpu_job_deadline: Mutation(
        "prod", without(JOB, "spec", "activeDeadlineSeconds", name="trainyard-training")
    ),
    lifetime.local_job_deadline: Mutation("local", without(LOCAL_JOB, "deadline_seconds")),
    lifetime.reservation_ends: Mutation(
        "prod",
        adding(
            made(lifetime.RESERVATION, "held", {"instanceType": "g5.xlarge", "instanceCount": 1, "tags": TAGS}),
        ),
    ),
    waste.nat_gateways: Mutation("prod", adding(made(waste.NAT, "fourth", {"tags": TAGS}))),
    waste.interface_endpoints: Mutation(
        "prod", setting(waste.ENDPOINT, [f"subnet-{number}" for number in range(20)], "subnetIds", name="endpoints-ec2")
    ),
    waste.address_used: Mutation("prod", without(waste.NAT, "allocationId")),
    waste.load_balancer_used: Mutation(
        "prod",
        adding(
            made(
                waste.LOAD_BALANCERS[0],
                "idle",
                {
                    "loadBalancerType": "network",
                    "internal": True,
                    "enableDeletionProtection": True,
                    "enableCrossZoneLoadBalancing": True,
                    "accessLogs": {"enabled": True, "bucket": "logs"},
                    "tags": TAGS,
                },
            )
        ),
    ),
    waste.serving_rests: Mutation("prod", setting(waste.AUTOSCALERS[0], 4, "spec", "minReplicas")),
    storage_waste.volume_gp3: Mutation(
        "prod",
        setting(LAUNCH_TEMPLATE, "gp2", "blockDeviceMappings", 0, "ebs", "volumeType"),
        also=[ceilings.everything_priced.id],
    ),
    storage_waste.logs_forgotten: Mutation("prod", setting(storage_waste.LOG_GROUP, 3653, "retentionInDays")),
    storage_waste.checkpoints_expire: Mutation(
        "prod", changing(storage_waste.LIFECYCLES[0], without_expiry, name="storage-checkpoints")
    ),
    storage_waste.registry_forgets: Mutation(
        "prod", setting(storage_waste.REPOSITORY_LIFECYCLE, '{"rules": []}', "policy")
    ),
    storage_waste.bucket_key: Mutation(
        "prod", setting(storage_waste.ENCRYPTIONS[0], False, "rules", 0, "bucketKeyEnabled", name="storage-models")
    ),
    storage_waste.volume_attached: Mutation(
        "prod",
        adding(
            made(
                storage_waste.VOLUME,
                "forgotten",
                {"type": "gp3", "size": 200, "encrypted": True, "kmsKeyId": KEY, "tags": TAGS},
            )
        ),
    ),
}

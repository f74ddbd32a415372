"""Cases of the rules on what a stack may cost."""

from policies.cases import Cases, made
from policies.cost import ceilings
from policies.cost.examples import (
    fleet,
    gke_cluster,
    gke_pool,
    job,
    karpenter_pool,
    machine_group,
    machine_template,
    node_group,
    provisioning,
    scaling_group,
    template,
    written_pool,
)
from policies.cost.google_pools import FROM_IMAGE, FROM_TEMPLATE
from policies.cost.pools import GKE_POOL, SPOT_REQUEST
from policies.resources import Resource

PLACED = template()
SMALL = [PLACED, node_group(started_from=PLACED)]
NATS = [made("aws:ec2/natGateway:NatGateway", f"nat-{number}") for number in range(3)]
DEAR = ("p4d.24xlarge",)
THERE = {**written_pool(nodes=8, name="own"), "managedInstanceGroupUrls": ["projects/p/instanceGroupManagers/own"]}
DEFAULT_POOL = written_pool("e2-medium", name="default-pool")
H100_TEMPLATE = machine_template()
SPOT_TEMPLATE = machine_template("a2-highgpu-1g", scheduling={"provisioningModel": "SPOT"})
SCALER = made(
    "gcp:compute/autoscaler:Autoscaler",
    "scaler",
    {"autoscalingPolicy": {"minReplicas": 0, "maxReplicas": 2}},
    refers={"target": machine_group(H100_TEMPLATE)},
)


def nightly(hours: float, pods: int) -> Resource:
    """The same job every night."""
    template_ = {"spec": job(hours=hours, pods=pods).properties["spec"]}
    return made("kubernetes:batch/v1:CronJob", "nightly", {"spec": {"jobTemplate": template_}})


CASES = (
    Cases(
        ceilings.hour_ceiling,
        passing=[
            SMALL,
            [],
            # 4 x $21.957642, without volumes that the plan does not tell.
            node_group(DEAR, capacity="ON_DEMAND"),
            made("aws:kms/key:Key", "data"),
            gke_pool(),
            gke_cluster(nodePools=[written_pool("a2-highgpu-1g", nodes=2)]),
            gke_cluster(removeDefaultNodePool=False, initialNodeCount=3),
            gke_cluster(nodePools=[written_pool(nodes=0)]),
            # Once it is there, a cluster tells pools of their own as well, and those that have gone since.
            gke_cluster(nodePools=[THERE]),
            gke_cluster(removeDefaultNodePool=False, nodePools=[THERE, {**THERE, **DEFAULT_POOL}]),
            [
                gke_cluster(removeDefaultNodePool=False, nodePools=[THERE]),
                made(GKE_POOL, "own", {**gke_pool().properties, "name": "own"}),
            ],
            [SPOT_TEMPLATE, machine_group(SPOT_TEMPLATE, nodes=4)],
            fleet("g5.xlarge", capacity=4),
        ],
        failing=[
            (gke_cluster(nodePools=[written_pool(nodes=8)]), "more than the limit of $100.00: gpus $"),
            (
                gke_cluster(
                    removeDefaultNodePool=False, initialNodeCount=8, nodeConfig={"machineType": "a3-highgpu-8g"}
                ),
                "more than the limit of $100.00: default-pool $",
            ),
            (gke_cluster(removeDefaultNodePool=False, nodePools=[THERE]), "more than the limit of $100.00: own $"),
            ([H100_TEMPLATE, machine_group(H100_TEMPLATE, nodes=16)], "more than the limit of $100.00: group $"),
            ([H100_TEMPLATE, machine_group(H100_TEMPLATE, nodes=0), SCALER], "more than the limit of $100.00: group $"),
            (
                [
                    H100_TEMPLATE,
                    *(
                        made(FROM_TEMPLATE, name, {"zone": "us-central1-a"}, refers={"sourceInstanceTemplate": of})
                        for name, of in (("one", H100_TEMPLATE), ("two", H100_TEMPLATE))
                    ),
                ],
                "more than the limit of $100.00: one $",
            ),
            (fleet("p4d.24xlarge", capacity=96 * 20, weight=96), "more than the limit of $100.00: fleet $"),
            (
                [made(SPOT_REQUEST, f"box-{number}", {"instanceType": DEAR[0]}) for number in range(20)],
                "more than the limit of $100.00: box-0 $",
            ),
            (node_group(DEAR, most=5, capacity="ON_DEMAND"), "at least $109.79, $9.79 more than the limit of $100.00"),
            ([PLACED, node_group(most=400, started_from=PLACED)], "An hour at full size costs $169.38"),
            (made("aws:ec2/instance:Instance", "box", {"instanceType": "p6-b200.48xlarge"}), "costs at least $113.93"),
            (gke_pool(most=400, machineType="a2-highgpu-1g"), "more than the limit of $100.00: training $"),
            (
                scaling_group(*DEAR, most=5, on_demand_percent=100),
                "$109.79, $9.79 more than the limit of $100.00: pool",
            ),
            (karpenter_pool(DEAR, nodes=20), "at least $144.92"),
        ],
    ),
    Cases(
        ceilings.idle_month_ceiling,
        passing=[
            SMALL,
            NATS,
            node_group(least=1, capacity="ON_DEMAND"),
            karpenter_pool(DEAR, nodes=20),
            scaling_group(*DEAR, most=20),
        ],
        failing=[
            (scaling_group(*DEAR, least=1, on_demand_percent=100), "more than the limit of $3,000.00: pool $"),
            (gke_cluster(nodePools=[written_pool()]), "more than the limit of $3,000.00: gpus $"),
            (node_group(least=5, most=5, capacity="ON_DEMAND"), "An idle month costs at least $3,671.90, $671.90 more"),
            ([*NATS, node_group(least=4, capacity="ON_DEMAND")], "pool $2,937.52, nat-0 $32.85"),
        ],
    ),
    Cases(
        ceilings.month_ceiling,
        passing=[SMALL, node_group(DEAR, most=4), [], gke_cluster(nodePools=[written_pool("e2-standard-4")])],
        failing=[
            (gke_cluster(nodePools=[written_pool()]), "more than the limit of $6,000.00: gpus $"),
            ([H100_TEMPLATE, machine_group(H100_TEMPLATE)], "more than the limit of $6,000.00: group $"),
            # A tenth of a month, as assumed.
            (node_group(DEAR, most=16, capacity="ON_DEMAND"), "A month as assumed costs at least $25,646.53"),
            (node_group(DEAR, least=1, most=1, capacity="ON_DEMAND"), "$10,029.08 more than the limit of $6,000.00"),
        ],
    ),
    Cases(
        ceilings.run_ceiling,
        passing=[
            [node_group(), job()],
            # No GPU, no deadline, no pool: other rules' business.
            [node_group(DEAR), job(gpus=0)],
            [node_group(DEAR), job(hours=None)],
            job(hours=1000, pods=64),
            # The dear pool is not the one that it names.
            [node_group(), node_group(DEAR, pool="large"), job(hours=100, pool="training")],
            [node_group(["m5.large"], pool="system"), job()],
        ],
        failing=[
            (
                [node_group(DEAR), job(hours=100, pods=16)],
                "A run of 100 hours on 2 nodes of pool at $7.25 an hour costs",
            ),
            ([node_group(DEAR), job(hours=100, pods=16)], "$1,449.20, $449.20 more than the limit of $1,000.00."),
            ([node_group(), node_group(DEAR, pool="large"), job(hours=150, pods=8, pool="large")], "$1,086.90"),
            ([node_group(), node_group(DEAR, pool="large"), job(hours=150, pods=8)], "on 1 nodes of pool at $7.25"),
            ([node_group(DEAR), nightly(hours=100, pods=16)], "$1,449.20, $449.20 more than the limit of $1,000.00."),
            # No more nodes than the pool may have.
            ([node_group(DEAR, most=2), job(hours=100, pods=800, gpus=8)], "on 2 nodes"),
            ([karpenter_pool(DEAR, nodes=9), job(hours=100, pods=2, gpus=8)], "on 2 nodes of training"),
        ],
    ),
    Cases(
        ceilings.everything_priced,
        passing=[
            SMALL,
            # Without GPUs a gap is small.
            node_group(["x9.large"], pool="system"),
            made("aws:ec2/vpcEndpoint:VpcEndpoint", "lake", {"vpcEndpointType": "GatewayLoadBalancer"}),
            gke_pool(),
            gke_pool(machineType="n1-standard-8", guestAccelerators=[{"type": "nvidia-tesla-t4", "count": 1}]),
            gke_pool(machineType="a3-highgpu-8g", flexStart=True),
            gke_cluster(removeDefaultNodePool=False),
            gke_cluster(enableAutopilot=True, clusterAutoscaling=provisioning()),
            gke_cluster(clusterAutoscaling={"enabled": True, "resourceLimits": [{"resourceType": "cpu"}]}),
            [H100_TEMPLATE, machine_group(H100_TEMPLATE)],
            fleet("g5.xlarge"),
        ],
        failing=[
            (
                gke_cluster(removeDefaultNodePool=False, nodeConfig={"machineType": "a3-highgpu-8g"}),
                "What the default node pool of this Cluster costs is unknown",
            ),
            (
                gke_cluster(clusterAutoscaling=provisioning()),
                "The price of machines with H100 in us-central1 is unknown",
            ),
            (
                gke_cluster(nodePools=[written_pool("a9-highgpu-8g"), written_pool("e2-small")]),
                "The price of a9-highgpu",
            ),
            (machine_group(None), "Nothing in this stack tells what machines it starts"),
            (
                machine_group(
                    H100_TEMPLATE,
                    instanceFlexibilityPolicy={"instanceSelections": [{"machineTypes": ["a3-megagpu-8g"]}]},
                ),
                "Nothing in this stack tells what machines it starts",
            ),
            (
                made(FROM_IMAGE, "copy", {"sourceMachineImage": "image"}),
                "Nothing in this stack tells what machines it starts",
            ),
            (fleet(), "Nothing in this stack tells what machines it starts"),
            (
                [PLACED, node_group(["p9.48xlarge"], started_from=PLACED)],
                "p9.48xlarge, spot,",
            ),
            (node_group(), "What the volumes of its nodes of this NodeGroup costs"),
            (
                gke_pool(machineType="n9-standard-8", guestAccelerators=[{"type": "nvidia-tesla-t4", "count": 1}]),
                "What the n9-standard-8, on demand of this NodePool costs is unknown",
            ),
        ],
    ),
    Cases(
        ceilings.prices_fresh,
        passing=[
            [],
            made("aws:kms/key:Key", "data"),
            # Old, and little.
            node_group(["m6i.large"], most=4, pool="system", capacity="ON_DEMAND"),
        ],
        failing=[
            (
                node_group(["m6i.large"], most=20, pool="system", capacity="ON_DEMAND"),
                "$1,401.60 a month at full size rest on prices that are older than 180 days, the oldest of 2026-04-30",
            ),
        ],
    ),
)

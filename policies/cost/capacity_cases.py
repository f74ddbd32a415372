"""Cases of the rules on how GPU capacity is bought."""

from policies.cases import Cases, made
from policies.cost import capacity
from policies.cost.examples import (
    TAGS,
    fleet,
    gke_cluster,
    gke_pool,
    karpenter_kinds,
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
from policies.cost.pools import GROUP, SPOT_FLEET, SPOT_REQUEST

SYSTEM = node_group(["m5.large"], pool="system", least=1, capacity="ON_DEMAND")
TOGETHER = template(placement={"groupName": "ring"})
FABRIC = template(networkInterfaces=[{"interfaceType": "interface"}, {"interfaceType": "efa-only"}])
P5_TEMPLATE = template(instanceType="p5.48xlarge")
BOX = "aws:ec2/instance:Instance"
L4_TEMPLATE, H100_TEMPLATE = machine_template("g2-standard-8"), machine_template()
T4 = {"type": "nvidia-tesla-t4", "count": 1}
PLAIN_TEMPLATE = made("aws:ec2/launchTemplate:LaunchTemplate", "plain", {"instanceType": "m5.large"})
BY_WEIGHT = made(
    GROUP,
    "weighed",
    {
        "maxSize": 2,
        "mixedInstancesPolicy": {
            "launchTemplate": {"launchTemplateSpecification": {}, "overrides": [{"weightedCapacity": "2"}]}
        },
    },
    refers={"mixedInstancesPolicy": PLAIN_TEMPLATE},
)
"""Its overrides leave the type to the template."""
CONFIGURED = made("aws:ec2/launchConfiguration:LaunchConfiguration", "old", {"instanceType": "p5.48xlarge"})

CASES = (
    Cases(
        capacity.gpu_models_allowed,
        passing=[
            SYSTEM,
            node_group(),
            node_group(["p4d.24xlarge"]),
            karpenter_pool(),
            gke_pool(),
            gke_pool(machineType="n1-standard-8", guestAccelerators=[{"type": "nvidia-tesla-t4", "count": 1}]),
            made(BOX, "box", {"instanceType": "g5.xlarge"}),
            [template(instanceType="g6.xlarge"), node_group(["g6.xlarge"])],
            karpenter_kinds("category", "c", "m", "r"),
            karpenter_kinds("gpu-name", "l4", "a10g"),
            karpenter_kinds("family", "m7i", "c7i", label="eks.amazonaws.com/instance"),
            scaling_group("g5.xlarge"),
            made(GROUP, "plain", {"minSize": 1, "maxSize": 2}),
            gke_cluster(nodePools=[written_pool("g2-standard-8"), written_pool("e2-standard-4")]),
            gke_cluster(
                removeDefaultNodePool=False, nodeConfig={"machineType": "n1-standard-4", "guestAccelerators": [T4]}
            ),
            gke_cluster(nodeConfig={"machineType": "a3-highgpu-8g"}),
            gke_cluster(clusterAutoscaling=provisioning("nvidia-l4")),
            gke_cluster(clusterAutoscaling={**provisioning(), "enabled": False}),
            [L4_TEMPLATE, machine_group(L4_TEMPLATE)],
            [PLAIN_TEMPLATE, BY_WEIGHT],
            machine_group(None),
            fleet("g5.xlarge", "g6.xlarge"),
        ],
        failing=[
            (
                gke_cluster(nodePools=[written_pool("e2-standard-4"), written_pool(name="h100")]),
                "It may get H100 ($88.49 an hour a node); allowed are T4, T4g",
            ),
            (gke_cluster(removeDefaultNodePool=False, nodeConfig={"machineType": "a3-highgpu-8g"}), "It may get H100"),
            (
                gke_cluster(clusterAutoscaling=provisioning()),
                "It may get H100 (at a price that the price book does not",
            ),
            ([H100_TEMPLATE, machine_group(H100_TEMPLATE)], "It may get H100"),
            (
                [
                    L4_TEMPLATE,
                    made(
                        FROM_TEMPLATE,
                        "other",
                        {"machineType": "zones/us-central1-a/machineTypes/a3-highgpu-8g"},
                        refers={"sourceInstanceTemplate": L4_TEMPLATE},
                    ),
                ],
                "It may get H100",
            ),
            (made(FROM_IMAGE, "copy", {"machineType": "a3-highgpu-8g"}), "It may get H100"),
            (fleet("g5.xlarge", "p5.48xlarge"), "It may get H100"),
            (
                made(
                    SPOT_FLEET,
                    "fleet",
                    {"launchSpecifications": [{"instanceType": "p5.48xlarge"}], "targetCapacity": 1},
                ),
                "It may get H100",
            ),
            (made(SPOT_REQUEST, "box", {"instanceType": "p5.48xlarge"}), "It may get H100"),
            (
                [CONFIGURED, made(GROUP, "old", {"maxSize": 1}, refers={"launchConfiguration": CONFIGURED})],
                "It may get H100",
            ),
            (node_group(["g5.xlarge", "p5.48xlarge"]), "It may get H100 ($26.42 an hour a node); allowed are T4, T4g"),
            (node_group(["p6-b200.48xlarge"], capacity="ON_DEMAND"), "B200 ($113.93 an hour a node)"),
            (node_group(["p9.48xlarge"]), "p9.48xlarge (at a price that the price book does not know)"),
            (karpenter_pool(["p5en.48xlarge"]), "H200"),
            (karpenter_kinds("category", "p"), "H100"),
            (karpenter_kinds("generation", "7"), "It may get machines with any GPU; allowed are T4"),
            (karpenter_kinds("gpu-name", "h100"), "H100"),
            (karpenter_kinds("category", "p", label="eks.amazonaws.com/instance"), "H100"),
            (scaling_group("g5.xlarge", "p5.48xlarge"), "It may get H100"),
            (
                [P5_TEMPLATE, made(GROUP, "fixed", {"maxSize": 1}, refers={"launchTemplate": P5_TEMPLATE})],
                "It may get H100",
            ),
            (gke_pool(machineType="a3-highgpu-8g"), "H100"),
            (
                gke_pool(machineType="n1-standard-8", guestAccelerators=[{"type": "nvidia-h100-80gb", "count": 1}]),
                "H100",
            ),
            (made(BOX, "box", {"instanceType": "p5.4xlarge"}), "H100 ($6.88 an hour a node)"),
        ],
    ),
    Cases(
        capacity.gpu_count_ceiling,
        passing=[
            [SYSTEM, node_group(most=64)],
            [node_group(["g5.48xlarge"], most=8)],
            karpenter_pool(nodes=10),
            karpenter_pool(capacity="spot", gpus=64),
            gke_pool(most=21, location="us-central1"),
            # 64 vCPUs are 16 nodes of the smallest type, or one of the largest, which has 8 GPUs.
            karpenter_kinds("family", "g5", cpu="64"),
            karpenter_kinds("family", "g5", cpu=1000, memory="256Gi"),
            karpenter_kinds("category", "c", "m"),
            karpenter_kinds("generation", "7", **{"nvidia.com/gpu": "64"}),
            scaling_group("g5.xlarge", most=64),
            [],
            gke_cluster(nodePools=[written_pool(nodes=8)]),
            gke_cluster(clusterAutoscaling=provisioning(most=64)),
            [H100_TEMPLATE, machine_group(H100_TEMPLATE, nodes=8)],
            # Its capacity is counted in GPUs.
            fleet("p5.48xlarge", capacity=64, weight=8),
        ],
        failing=[
            (gke_cluster(nodePools=[written_pool(nodes=8), written_pool(nodes=1)]), "72 GPUs, 8 more than the limit"),
            (gke_cluster(nodePools=[written_pool(nodes=3)], location="us-central1"), "72 GPUs"),
            (
                gke_cluster(
                    removeDefaultNodePool=False,
                    initialNodeCount=65,
                    nodeConfig={"machineType": "n1-standard-4", "guestAccelerators": [T4]},
                ),
                "65 GPUs",
            ),
            (gke_cluster(clusterAutoscaling=provisioning(most=65)), "65 GPUs"),
            ([H100_TEMPLATE, machine_group(H100_TEMPLATE, nodes=9)], "72 GPUs"),
            (
                machine_group(None),
                "Nothing in this stack tells what machines it starts",
            ),
            (
                made(GROUP, "elsewhere", {"maxSize": 1, "launchTemplate": {"name": "gpus"}}),
                "Nothing in this stack tells what machines it starts",
            ),
            (fleet("p5.48xlarge", capacity=72, weight=8), "72 GPUs"),
            (
                node_group(most=65),
                "All pools together may have 65 GPUs, 1 more than the limit of 64; their nodes then cost",
            ),
            (node_group(["g5.xlarge", "g5.48xlarge"], most=9), "72 GPUs, 8 more than the limit of 64"),
            ([node_group(most=60), karpenter_pool(nodes=6)], "66 GPUs"),
            (karpenter_pool(), "Nothing limits how many nodes with GPUs this pool may have."),
            (gke_pool(most=22, location="us-central1"), "66 GPUs"),
            (karpenter_kinds("family", "g5", cpu="1000"), "All pools together may have 250 GPUs"),
            (karpenter_kinds("category", "g"), "Nothing limits how many nodes with GPUs"),
            (karpenter_kinds("generation", "7", cpu="1000"), "Nothing limits how many GPUs this pool may have"),
            (karpenter_kinds("generation", "7", **{"nvidia.com/gpu": "65"}), "65 GPUs"),
            (scaling_group("g5.48xlarge", most=9), "72 GPUs"),
            (node_group(["p9.48xlarge"], most=100), "cost at least $0.00 an hour"),
        ],
    ),
    Cases(
        capacity.training_on_spot,
        passing=[
            node_group(),
            SYSTEM,
            node_group(capacity="ON_DEMAND", pool="serving"),
            node_group(capacity="ON_DEMAND", pool="trainyard-notebooks"),
            scaling_group("g5.xlarge"),
            node_group(capacity="CAPACITY_BLOCK"),
            node_group(capacity="ON_DEMAND", tags={**TAGS, "on-demand-reason": "A deadline on Friday."}),
            karpenter_pool(),
            gke_pool(spot=True),
            gke_pool(preemptible=True),
            gke_pool(resourceLabels={"on-demand-reason": "deadline"}),
        ],
        failing=[
            (
                node_group(["g5.xlarge"], capacity="ON_DEMAND"),
                "It trains on demand, at $1.01 an hour a node instead of $0.41 on spot: $2.37 an hour more",
            ),
            (node_group(["p6-b200.48xlarge"], capacity="ON_DEMAND"), "does not know what it would cost on spot."),
            (node_group(capacity="ON_DEMAND", tags={**TAGS, "on-demand-reason": ""}), "It trains on demand"),
            (node_group(capacity="ON_DEMAND", pool="large", tags={"workload": "fine-tuning"}), "It trains on demand"),
            (karpenter_pool(capacity="on-demand", nodes=2), "It trains on demand"),
            (scaling_group("g5.xlarge", on_demand_percent=100), "It trains on demand"),
            (node_group(capacity="ON_DEMAND", pool="reserved-training"), "It trains on demand"),
            (gke_pool(), "It trains on demand"),
        ],
    ),
    Cases(
        capacity.gpu_pool_from_zero,
        passing=[
            node_group(),
            SYSTEM,
            node_group(least=1, pool="serving", capacity="ON_DEMAND"),
            node_group(least=1, pool="serving"),
            # Nothing tells what it is for.
            node_group(least=1, pool="large", capacity="ON_DEMAND"),
            karpenter_pool(),
            gke_pool(),
        ],
        failing=[
            (node_group(["g5.xlarge"], least=1), "It keeps 1 node when there is nothing to do for $301.12 a month."),
            (node_group(least=2, capacity="ON_DEMAND"), "It keeps 2 nodes when there is nothing to do for $1,468.76"),
            (node_group(least=1, pool="large"), "It keeps 1 node"),
            (scaling_group("g5.xlarge", least=1), "It keeps 1 node"),
            (gke_pool(least=1, location="us-central1"), "It keeps 3 nodes"),
        ],
    ),
    Cases(
        capacity.spot_pool_several_types,
        passing=[
            node_group(),
            node_group(["g5.xlarge"], capacity="ON_DEMAND"),
            node_group(["m5.large"]),
            [TOGETHER, node_group(["g5.48xlarge"], started_from=TOGETHER)],
            [FABRIC, node_group(["g5.48xlarge"], started_from=FABRIC)],
            karpenter_pool(),
            karpenter_pool(["g5.xlarge"], capacity="on-demand"),
        ],
        failing=[
            (
                node_group(["g5.xlarge"]),
                "It takes g5.xlarge only, and at least 2 types are wanted. When spot runs out, a node costs $1.01 "
                "an hour instead of $0.41.",
            ),
            (node_group(["g5.xlarge", "g5.xlarge"]), "at least 2 types"),
            ([template(), node_group(["g5.xlarge"], started_from=template())], "It takes g5.xlarge only"),
            (karpenter_pool(["g5.xlarge"]), "It takes g5.xlarge only"),
        ],
    ),
)

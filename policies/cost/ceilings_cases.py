"""Cases of the rules on what a stack may cost."""

from policies.cases import Cases, made
from policies.cost import ceilings
from policies.cost.examples import gke_pool, job, karpenter_pool, node_group, scaling_group, template
from policies.resources import Resource

PLACED = template()
SMALL = [PLACED, node_group(started_from=PLACED)]
NATS = [made("aws:ec2/natGateway:NatGateway", f"nat-{number}") for number in range(3)]
DEAR = ("p4d.24xlarge",)


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
        ],
        failing=[
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
        passing=[SMALL, NATS, node_group(least=1, capacity="ON_DEMAND"), karpenter_pool(DEAR, nodes=20)],
        failing=[
            (node_group(least=5, most=5, capacity="ON_DEMAND"), "An idle month costs at least $3,671.90, $671.90 more"),
            ([*NATS, node_group(least=4, capacity="ON_DEMAND")], "pool $2,937.52, nat-0 $32.85"),
        ],
    ),
    Cases(
        ceilings.month_ceiling,
        passing=[SMALL, node_group(DEAR, most=4), []],
        failing=[
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
        ],
        failing=[
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

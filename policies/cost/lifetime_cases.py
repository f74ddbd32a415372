"""Cases of the rules on when what costs money ends."""

import json
from typing import Any

from policies.cases import Cases, made
from policies.cost import lifetime
from policies.cost.examples import CLUSTER, TAGS, gke_pool, job, node_group
from policies.local.types import JOB as LOCAL_JOB
from policies.resources import Resource

LARGE = ["g5.12xlarge", "g4dn.12xlarge"]
UNTAGGED = {name: value for name, value in TAGS.items() if name != "expires_at"}
EKS = "arn:aws:scheduler:::aws-sdk:eks:"
HOUR = 3600


def schedule(call: str = "deleteNodegroup", when: dict[str, Any] | None = None, **given: Any) -> Resource:
    """A schedule of EventBridge that calls EKS once, or as `when` says."""
    target = {"arn": f"{EKS}{call}", "input": json.dumps(given)}
    once = {"scheduleExpression": "at(2027-03-31T18:00:00)"}
    return made(lifetime.SCHEDULE, "teardown", {**(once if when is None else when), "target": target})


def repeated(start: str, **others: Any) -> Resource:
    """A schedule that empties the pool every quarter of an hour from a moment on."""
    when = {"scheduleExpression": "rate(15 minutes)", "startDate": start, **others}
    return schedule("updateNodegroupConfig", when, NodegroupName="pool")


def cron_job(hours: float | None) -> Resource:
    """The same job every night."""
    return made(
        "kubernetes:batch/v1:CronJob",
        "nightly",
        {"spec": {"jobTemplate": {"spec": job(hours=hours).properties["spec"]}}},
    )


def gke_cluster(expires_at: str) -> Resource:
    """A cluster of GKE with that label; empty: none."""
    labels = {"resourceLabels": {"expires_at": expires_at}} if expires_at else {}
    return made(lifetime.GKE_CLUSTER, "cluster", labels)


def gcp_job(**properties: Any) -> Resource:
    """A job of Cloud Scheduler that empties the pool of GKE."""
    return made(lifetime.GCP_SCHEDULE, "end", properties, refers={"httpTarget": gke_pool()})


def reservation(**properties: Any) -> Resource:
    """Capacity that is held ready."""
    return made(lifetime.RESERVATION, "held", {"instanceType": "g5.xlarge", "instanceCount": 2, **properties})


CASES = (
    Cases(
        lifetime.stack_expires,
        passing=[
            [CLUSTER, node_group(LARGE, most=8)],
            [CLUSTER, node_group(LARGE, most=8, tags={**UNTAGGED, "expires_at": "2027-03-31"})],
            [gke_cluster("2027-03-31t18-00-00z"), gke_pool(most=8)],
            [gke_cluster("2027-03-31t18-00-00-02-00"), gke_pool(most=8)],
            [gke_cluster("2027-03-31"), gke_pool(most=8)],
            # Small enough to be forgotten.
            [CLUSTER, node_group(["g5.xlarge"], most=2, tags=UNTAGGED)],
            [CLUSTER],
            made("aws:s3/bucket:Bucket", "models"),
        ],
        failing=[
            (
                [CLUSTER, node_group(LARGE, most=8, tags=UNTAGGED)],
                "It has no tag expires_at, in a stack that may",
            ),
            ([CLUSTER, node_group(LARGE, most=8, tags={})], "$13,985.05 a month"),
            (
                [CLUSTER, node_group(LARGE, most=8, tags={**TAGS, "expires_at": "2024-02-29"})],
                "It was to go by 2024-02-29, which is past, in a stack that may",
            ),
            (
                [CLUSTER, node_group(LARGE, most=8, tags={**TAGS, "expires_at": "soon"})],
                "Its tag expires_at is 'soon', which is no day or moment",
            ),
            (
                [made("aws:eks/cluster:Cluster", "bare"), node_group(LARGE, most=8)],
                "It has no tag expires_at",
            ),
            ([gke_cluster(""), gke_pool(most=8)], "It has no tag expires_at"),
            ([gke_cluster("2024-02-29t18-00-00z"), gke_pool(most=8)], "It was to go by 2024-02-29t18-00-00z, which is"),
            ([gke_cluster("at-the-end-of-march"), gke_pool(most=8)], "which is no day or moment"),
            (
                made("gcp:compute/instance:Instance", "box", {"machineType": "a2-highgpu-1g", "zone": "us-central1-a"}),
                "It has no tag expires_at",
            ),
        ],
    ),
    Cases(
        lifetime.spot_pool_teardown,
        passing=[
            [node_group(LARGE, most=8), schedule(ClusterName="dev", NodegroupName="pool")],
            [node_group(LARGE, most=8), schedule("updateNodegroupConfig", NodegroupName="pool")],
            [node_group(LARGE, most=8), schedule("deleteCluster", Name="dev")],
            [node_group(LARGE, most=8), repeated("2027-03-31T18:00:00Z")],
            [node_group(LARGE, most=8), repeated("2027-04-30T18:00:00Z"), repeated("2027-03-31T18:00:00Z")],
            [node_group(LARGE, most=8), schedule(when={}, NodegroupName="pool")],
            [node_group(LARGE, most=8, tags={**TAGS, "expires_at": "2027-03-31"}), repeated("2027-03-31T23:00:00Z")],
            [node_group(LARGE, most=8, tags=UNTAGGED), repeated("2099-03-31T18:00:00Z")],
            [
                node_group(LARGE, most=8),
                schedule(
                    when={
                        "scheduleExpression": "at(2027-03-31T20:30:00)",
                        "scheduleExpressionTimezone": "Europe/Berlin",
                    },
                    NodegroupName="pool",
                ),
            ],
            [
                node_group(LARGE, most=8),
                made(
                    lifetime.GROUP_SCHEDULE,
                    "teardown",
                    {"minSize": 0, "maxSize": 0, "desiredCapacity": 0},
                    refers={"autoscalingGroupName": node_group(LARGE, most=8)},
                ),
            ],
            [gke_pool(spot=True, most=8), gcp_job()],
            [gke_pool(flexStart=True, most=8, machineType="a3-highgpu-8g"), gke_cluster("2027-03-31"), gcp_job()],
            # To stay, and on demand or by flex-start.
            gke_pool(most=100),
            gke_pool(flexStart=True, most=8, machineType="a3-highgpu-8g"),
            # On demand and to stay, reserved, without GPUs, or small.
            node_group(LARGE, most=8, capacity="ON_DEMAND", tags=UNTAGGED),
            node_group(["p5.48xlarge"], most=8, capacity="CAPACITY_BLOCK"),
            node_group(["m5.large"], most=100),
            node_group(most=2),
        ],
        failing=[
            (node_group(LARGE, most=8), "No schedule ends this pool of up to 8 nodes at $19.06 an hour."),
            (node_group(LARGE, most=8, capacity="ON_DEMAND"), "No schedule ends this pool of up to 8 nodes at $"),
            ([node_group(LARGE, most=8), schedule(NodegroupName="other")], "No schedule ends this pool"),
            (
                [node_group(LARGE, most=8), repeated("2027-03-31T20:00:00Z")],
                "The schedule teardown begins on 2027-03-31 at 20:00 UTC, after the expiry, that ends this pool",
            ),
            (
                [
                    node_group(LARGE, most=8),
                    schedule(when={"scheduleExpression": "at(2027-04-30T18:00:00)"}, NodegroupName="pool"),
                ],
                "begins on 2027-04-30 at 18:00 UTC, after the expiry",
            ),
            (
                [node_group(LARGE, most=8), repeated("2027-03-31T18:00:00Z", state="DISABLED")],
                "The schedule teardown is disabled that ends this pool",
            ),
            ([node_group(LARGE, most=8), schedule("describeNodegroup", NodegroupName="pool")], "No schedule ends this"),
            (
                [
                    node_group(LARGE, most=8),
                    made(
                        lifetime.GROUP_SCHEDULE,
                        "day",
                        {"minSize": 1, "desiredCapacity": 4},
                        refers={"autoscalingGroupName": node_group(LARGE, most=8)},
                    ),
                ],
                "No schedule ends this pool",
            ),
            (gke_pool(spot=True, most=8), "No schedule ends this pool of up to 8 nodes"),
            ([gke_pool(spot=True, most=8), gcp_job(paused=True)], "The schedule end is paused that ends this pool"),
            (
                [gke_pool(most=8), gke_cluster("2027-03-31t18-00-00z")],
                "No schedule ends this pool of up to 8 nodes at $",
            ),
        ],
    ),
    Cases(
        lifetime.gpu_job_deadline,
        passing=[job(), job(hours=192), job(gpus=0, hours=None), cron_job(2)],
        failing=[
            (job(hours=None), "It asks for 2 GPUs and has no deadline."),
            (
                [job(hours=None), node_group(["g5.xlarge"])],
                "2 GPUs (from $0.82 an hour) and has no deadline.",
            ),
            (job(hours=193, gpus=8), "It asks for 16 GPUs, and its deadline of 193 hours is beyond 192 hours."),
            (cron_job(None), "has no deadline."),
        ],
    ),
    Cases(
        lifetime.local_job_deadline,
        passing=[
            made(LOCAL_JOB, "train", {"deadline_seconds": 900}),
            made(LOCAL_JOB, "train", {"deadline_seconds": 168 * HOUR}),
        ],
        failing=[
            (made(LOCAL_JOB, "train"), "The job has no deadline."),
            (made(LOCAL_JOB, "train", {"deadline_seconds": 0}), "The job has no deadline."),
            (
                made(LOCAL_JOB, "train", {"deadline_seconds": 169 * HOUR}),
                "The job's deadline of 169 hours is beyond 168 hours.",
            ),
        ],
    ),
    Cases(
        lifetime.reservation_ends,
        passing=[
            reservation(endDateType="limited", endDate="2027-03-31T18:00:00Z"),
            reservation(endDate="2027-03-31T18:00:00Z"),
            made(lifetime.GCP_RESERVATION, "held", {"deleteAtTime": "2027-03-31T18:00:00Z"}),
            made(lifetime.GCP_RESERVATION, "held", {"deleteAfterDuration": {"seconds": "3600"}}),
        ],
        failing=[
            (reservation(), "The reservation of 2 x g5.xlarge has no end, and costs $2.01 an hour, $1,468.76 a month."),
            (reservation(endDateType="unlimited"), "has no end"),
            (reservation(instanceType="p9.48xlarge"), "The reservation of 2 x p9.48xlarge has no end."),
            (made(lifetime.GCP_RESERVATION, "held", {"zone": "us-central1-a"}), "The reservation has no end."),
        ],
    ),
)

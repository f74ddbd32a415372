"""The resources that the cases of the rules on cost are made of. Prices are of us-east-1, since nothing says where."""

from collections.abc import Mapping, Sequence
from typing import Any

from policies.cases import UNKNOWN, made
from policies.cost import google_pools
from policies.cost.pools import FLEET, GKE_POOL, GROUP, KARPENTER_POOL, NVIDIA
from policies.resources import Resource

TAGS = {
    "project": "trainyard",
    "stack": "dev",
    "owner": "ada@example.com",
    "cost_centre": "research",
    "expires_at": "2027-03-31T18:00:00Z",
}
POOL = "trainyard.dev/pool"
CLUSTER = made("aws:eks/cluster:Cluster", "cluster", {"version": "1.35", "tags": TAGS})


def template(**properties: Any) -> Resource:
    """A launch template with one volume of 100 GiB."""
    return made(
        "aws:ec2/launchTemplate:LaunchTemplate",
        "pool",
        {
            "blockDeviceMappings": [{"ebs": {"volumeSize": 100, "volumeType": "gp3"}}],
            "instanceType": None,
            **properties,
        },
    )


def node_group(
    types: Sequence[str] = ("g5.xlarge", "g4dn.xlarge"),
    *,
    most: int = 4,
    least: int = 0,
    capacity: str = "SPOT",
    pool: str = "training",
    tags: Mapping[str, Any] = TAGS,
    started_from: Resource | None = None,
) -> Resource:
    """A managed node group."""
    return made(
        "aws:eks/nodeGroup:NodeGroup",
        "pool",
        {
            "capacityType": capacity,
            "instanceTypes": list(types),
            "scalingConfig": {"minSize": least, "maxSize": most},
            "labels": {POOL: pool},
            "tags": dict(tags),
            "nodeGroupName": "pool",
        },
        refers={"launchTemplate": started_from} if started_from else None,
    )


def karpenter_pool(
    types: Sequence[str] = ("g5.xlarge", "g6.xlarge"),
    *,
    capacity: str = "spot",
    nodes: int | None = None,
    gpus: int | None = None,
) -> Resource:
    """A node pool of Karpenter for training."""
    return made(
        KARPENTER_POOL,
        "training",
        {
            "metadata": {"name": "training"},
            "spec": {
                "limits": {key: limit for key, limit in (("nodes", nodes), (NVIDIA, gpus)) if limit is not None},
                "template": {
                    "metadata": {"labels": {POOL: "training"}},
                    "spec": {
                        "requirements": [
                            {"key": "karpenter.sh/capacity-type", "operator": "In", "values": [capacity]},
                            {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": list(types)},
                        ]
                    },
                },
            },
        },
    )


def karpenter_kinds(key: str, *values: str, label: str = "karpenter.k8s.aws/instance", **limits: Any) -> Resource:
    """A node pool of Karpenter on spot that takes types of a kind, by one of Karpenter's labels."""
    requirements = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]},
        {"key": f"{label}-{key}", "operator": "In", "values": list(values)},
    ]
    spec = {"limits": limits, "template": {"spec": {"requirements": requirements}}}
    return made(KARPENTER_POOL, "kinds", {"metadata": {"name": "kinds"}, "spec": spec})


def scaling_group(
    *types: str, most: int = 4, least: int = 0, on_demand_percent: int = 0, name: str = "pool"
) -> Resource:
    """An Auto Scaling group of several types."""
    return made(
        GROUP,
        name,
        {
            "minSize": least,
            "maxSize": most,
            "mixedInstancesPolicy": {
                "instancesDistribution": {"onDemandPercentageAboveBaseCapacity": on_demand_percent},
                "launchTemplate": {"overrides": [{"instanceType": each} for each in types]},
            },
            "tags": [{"key": "role", "value": "training", "propagateAtLaunch": True}],
        },
    )


def gke_pool(*, most: int = 4, least: int = 0, location: str = "us-central1-a", **node: Any) -> Resource:
    """A node pool of GKE, of machines with an L4 each."""
    return made(
        GKE_POOL,
        "training",
        {
            "location": location,
            "autoscaling": {"minNodeCount": least, "maxNodeCount": most},
            "nodeConfig": {"machineType": "g2-standard-8", **node},
        },
    )


def gke_cluster(**properties: Any) -> Resource:
    """A cluster of GKE in a zone, without a default pool unless told otherwise."""
    return made(
        google_pools.CLUSTER,
        "cluster",
        {"location": "us-central1-a", "resourceLabels": TAGS, "removeDefaultNodePool": True, **properties},
    )


def written_pool(machine: str = "a3-highgpu-8g", *, nodes: int = 1, name: str = "gpus") -> dict[str, Any]:
    """A node pool that is written within a cluster."""
    return {"name": name, "initialNodeCount": nodes, "nodeConfig": {"machineType": machine}}


def provisioning(kind: str = "nvidia-h100-80gb", *, most: int = 8) -> dict[str, Any]:
    """Node auto-provisioning that may make nodes with so many GPUs."""
    return {
        "enabled": True,
        "resourceLimits": [{"resourceType": "cpu", "maximum": 1000}, {"resourceType": kind, "maximum": most}],
    }


def machine_template(machine: str = "a3-highgpu-8g", **properties: Any) -> Resource:
    """A template of machines on Google Cloud."""
    return made("gcp:compute/instanceTemplate:InstanceTemplate", "gpus", {"machineType": machine, **properties})


def machine_group(template: Resource | None, *, nodes: int = 1, **properties: Any) -> Resource:
    """A group of machines on Google Cloud."""
    return made(
        google_pools.GROUPS[0],
        "group",
        {
            "zone": "us-central1-a",
            "targetSize": nodes,
            "versions": [{"instanceTemplate": UNKNOWN if template else "elsewhere"}],
            **properties,
        },
        refers={"versions": template} if template else None,
    )


def fleet(*types: str, capacity: int = 1, weight: int = 1) -> Resource:
    """A fleet on spot that may launch these types."""
    overrides = [{"instanceType": each, "weightedCapacity": weight} for each in types]
    return made(
        FLEET,
        "fleet",
        {
            "launchTemplateConfigs": [{"overrides": overrides}],
            "targetCapacitySpecification": {"defaultTargetCapacityType": "spot", "totalTargetCapacity": capacity},
        },
    )


def job(name: str = "train", *, hours: float | None = 8, pods: int = 2, gpus: int = 1, pool: str = "") -> Resource:
    """A job of Kubernetes on GPUs."""
    return made(
        "kubernetes:batch/v1:Job",
        name,
        {
            "spec": {
                **({"activeDeadlineSeconds": hours * 3600} if hours is not None else {}),
                "parallelism": pods,
                "template": {
                    "spec": {
                        **({"nodeSelector": {POOL: pool}} if pool else {}),
                        "containers": [{"name": "train", "resources": {"limits": {NVIDIA: str(gpus)}}}],
                    }
                },
            }
        },
    )

"""Pools of GPU nodes as Karpenter has them: a class that says how an instance is made, and a pool that says which, how
many, and when they go. Manifests only, all known before anything is: names stand for what has none yet.

A node that works is left alone: it goes when it is empty, and not because it could be had cheaper, has been there for
long, or has an older image. A newer image so reaches a pool as its nodes come and go. What is protected is what
`node_pool` protects: metadata by session token one hop away, an encrypted volume, no public address.

Sources: Karpenter 1.14, "NodeClasses", "NodePools" and "Disruption"; its schemas for karpenter.k8s.aws/v1 and
karpenter.sh/v1.
"""

from collections.abc import Mapping
from typing import Any

from infra.aws.instance_settings import GpuPoolSettings
from infra.aws.karpenter_policies import NODES
from infra.aws.naming import Names
from infra.aws.pool_facts import gpu_pool
from infra.aws.settings import AwsSettings
from infra.kubernetes.node_pools import GPU_RESOURCE, NodePool, taints_of
from infra.kubernetes.object import Manifest

CAPACITY_TYPES = {"on_demand": "on-demand", "spot": "spot", "reserved": "reserved"}
EMPTY_FOR = "10m"
"""How long a node has to be empty before it goes: the next job of a queue may come meanwhile. As the cluster
autoscaler, whose default it is as well."""


def karpenter_manifests(names: Names, settings: AwsSettings, tags: Mapping[str, str]) -> list[Manifest]:
    """The class and the pool of each pool of GPU nodes, in the order in which they are applied.

    :param tags: Tags of instances and volumes. None that changes while nodes work: Karpenter takes a node with other
        tags for one that has drifted.
    """
    manifests = []
    for name, pool in settings.gpu_pools.items():
        manifests.append(_node_class(names, name, pool, settings.cluster.node_image_release, tags))
        manifests.append(_node_pool(gpu_pool(name, pool, settings.network.zones), pool))
    return manifests


def _node_class(names: Names, name: str, pool: GpuPoolSettings, release: str, tags: Mapping[str, str]) -> Manifest:
    spec: dict[str, Any] = {
        # Of a type with NVIDIA GPUs Karpenter takes the release's image with NVIDIA's driver.
        "amiSelectorTerms": [{"alias": f"al2023@{release}"}],
        "instanceProfile": names.role(NODES),
        "subnetSelectorTerms": [{"tags": {"karpenter.sh/discovery": names.cluster}}],
        # The group that EKS makes for the cluster, and tags so.
        "securityGroupSelectorTerms": [{"tags": {"aws:eks:cluster-name": names.cluster}}],
        "associatePublicIPAddress": False,
        "detailedMonitoring": True,
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpProtocolIPv6": "disabled",
            "httpPutResponseHopLimit": 1,
            "httpTokens": "required",
        },
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "rootVolume": True,
                "ebs": {
                    "volumeType": "gp3",
                    "volumeSize": f"{pool.disk_gib}Gi",
                    "encrypted": True,
                    "kmsKeyID": names.arn("kms", names.key_alias("volumes")),
                    "deleteOnTermination": True,
                },
            }
        ],
        "tags": {**tags, "Name": f"{names.prefix}-{name}"},
    }
    if pool.scratch == "instance_store":
        spec["instanceStorePolicy"] = "RAID0"
    if pool.capacity == "reserved":
        spec["capacityReservationSelectorTerms"] = [{"id": pool.capacity_reservation_id}]
    return {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": name},
        "spec": spec,
    }


def _node_pool(offer: NodePool, pool: GpuPoolSettings) -> Manifest:
    requirements = {
        "karpenter.sh/capacity-type": [CAPACITY_TYPES[offer.capacity]],
        "kubernetes.io/arch": ["amd64"],
        "kubernetes.io/os": ["linux"],
        "node.kubernetes.io/instance-type": [*pool.instance_types],
        "topology.kubernetes.io/zone": [*offer.zones],
    }
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": offer.name},
        "spec": {
            "template": {
                "metadata": {"labels": dict(offer.labels)},
                "spec": {
                    "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": offer.name},
                    "requirements": [
                        {"key": key, "operator": "In", "values": values} for key, values in requirements.items()
                    ],
                    "taints": taints_of(offer),
                    "expireAfter": "Never",
                },
            },
            "limits": {"nodes": str(offer.max_nodes), GPU_RESOURCE: str(offer.most_gpus)},
            "disruption": {
                "consolidationPolicy": "WhenEmpty",
                "consolidateAfter": EMPTY_FOR,
                "budgets": [
                    {"nodes": "100%", "reasons": ["Empty"]},
                    {"nodes": "0", "reasons": ["Drifted", "Underutilized"]},
                ],
            },
        },
    }

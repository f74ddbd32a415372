"""What a cloud hands to the Kubernetes half of the platform: the way into the cluster, and what only the cloud knows.

The Kubernetes half knows nothing else of a cloud, and so is the same in each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.kubernetes.addon_settings import AddonName
from infra.kubernetes.charts.cluster_facts import AwsFacts
from infra.kubernetes.drain import DrainProvider
from infra.kubernetes.network_policies import IdentityAgent
from infra.kubernetes.node_pools import NodePool
from infra.kubernetes.object import Manifest
from infra.kubernetes.teams import Member


@dataclass(frozen=True, kw_only=True)
class CloudSide:
    """The cluster, as its Kubernetes half needs it. Text is known in a preview; an output is what it says it is."""

    provider: pulumi.ProviderResource
    """The provider of everything in the cluster. It comes after the cluster's network, its first nodes and the rights
    of whoever deploys, and goes before them."""
    kubeconfig: pulumi.Output[str]
    """The way into the cluster for a person or a program, as JSON: a secret, in which there is no credential."""
    cluster_id: pulumi.Output[str]
    """What the cloud knows the cluster by, whole: another one is another cluster. It waits for the cluster, so what it
    is an input of goes with a cluster that is replaced by one of the same name."""
    drain_provider: DrainProvider
    """Drains the cluster, and knows how to ask the cloud whether it is still there."""
    cluster_name: str
    kubernetes_version: str
    issuer_url: pulumi.Output[str]
    """Address of who signs the tokens of service accounts, known when the cluster is."""
    issuer_keys_path: str
    """Where its public keys are, below that address."""
    pools: tuple[NodePool, ...]
    """Every pool of nodes, that of the cluster's own pods first."""
    images: Mapping[str, pulumi.Output[str]]
    """Each image by its digest, by the name that entry points know it by. One that is neither built nor set is left
    out."""
    without_image: str
    """What to do about an image that is left out, in a sentence."""
    without_credentials_annotation: str
    """Annotation of a pod with the containers that get no credentials, divided by commas; empty: there is none."""
    environment: Mapping[str, str]
    """Environment variables of every pod that calls AWS."""
    service_accounts: Mapping[str, Mapping[str, Mapping[str, str]]]
    """Annotations of each service account of each team."""
    team_members: Mapping[str, Sequence[Member]]
    """People of each team by name, where the cloud does not put them into the team's group."""
    addon_annotations: Mapping[str, Mapping[str, str]]
    """Annotations of the service accounts of add-ons that call AWS, by the service account's name."""
    identity_agents: tuple[IdentityAgent, ...]
    """Where pods get their credentials from, on their own node."""
    registries: Mapping[str, str]
    """`HOST/PREFIX` by the host of the registry whose images are pulled from there instead."""
    provided: frozenset[AddonName]
    """Add-ons that the cloud's clusters bring by themselves."""
    critical_pods_by_quota: bool
    """Whether pods of the system's own priorities are refused in a namespace whose quota does not name them."""
    gpu_driver_folder: str
    """Folder of a node with NVIDIA's driver, where a container has to be shown it; empty: it need not be."""
    aws: AwsFacts | None
    """What add-ons of AWS have to know; None on another cloud."""
    storage_class: Manifest
    """The kind of volume that pods get which name none, encrypted by the stack's key."""
    load_balancer_annotations: Mapping[str, str]
    """Annotations of a service by which it is reached from the network, and not from beyond."""
    autoscaler_manifests: tuple[Manifest, ...]
    """Objects of kinds that the node autoscaler or the cloud has: Karpenter's pools, GKE's networks."""
    before_addons: Sequence[pulumi.Resource]
    """What add-ons wait for: their roles. It has to be there as long as they are."""
    before_workloads: Sequence[pulumi.Resource]
    """What workloads wait for: their roles, and the pools that they run on."""

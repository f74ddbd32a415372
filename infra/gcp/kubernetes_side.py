"""What only Google Cloud knows of a cluster, in the words of the Kubernetes half (`infra.kubernetes.cloud_side`).
Pure."""

from collections.abc import Mapping, Sequence

import pulumi

from infra.gcp.labels import labels_of
from infra.gcp.machine_settings import DiskType, GpuPoolSettings
from infra.gcp.naming import Names
from infra.kubernetes.addon_settings import AddonName, AddonSettings
from infra.kubernetes.network_policies import IdentityAgent
from infra.kubernetes.object import Manifest
from infra.kubernetes.teams import Member
from infra.platform import Identity

WITHOUT_IMAGE = (
    "set trainyard:gcp.images.training_digest and serving_digest to what was pushed, or build to true, "
    "with which `up` builds them"
)
"""What to do about an image that is not there."""
WITHOUT_CREDENTIALS_ANNOTATION = ""
"""GKE gives a pod's containers the same credentials, all or none."""
ISSUER_KEYS_PATH = "jwks"
"""Source: GKE API, `projects.locations.clusters.getJwks`."""
PROVIDED: frozenset[AddonName] = frozenset({"node_autoscaler", "device_plugin", "termination_handler"})
"""GKE scales pools itself, installs driver and device plugin on nodes with GPUs, and ends the pods of a spot node in
time. Sources: GKE, "About GKE cluster autoscaling", "Run GPUs in GKE Standard node pools", "Spot VMs"."""
GPU_DRIVER_FOLDER = "/home/kubernetes/bin/nvidia"
"""Source: GKE, "Run GPUs in GKE Standard node pools" (where the driver is installed)."""
IDENTITY_AGENTS = (IdentityAgent("169.254.169.254/32", 80), IdentityAgent("169.254.169.254/32", 8080))
"""GKE's metadata server, as Dataplane V2 sees it. Source: GKE, "Authenticate to Google Cloud APIs from GKE workloads"
(network policies)."""


def pod_environment(names: Names) -> dict[str, str]:
    """What every pod is told that calls Google Cloud. Source: Google Cloud SDK, "Application Default Credentials"
    (quota project), by which its client libraries know the project."""
    return {"GOOGLE_CLOUD_PROJECT": names.project_id}


def storage_class(names: Names, key_id: pulumi.Input[str], disk_type: DiskType) -> Manifest:
    """Disks as the system nodes' are: of their type, encrypted by the stack's key, made in the zone of the pod that is
    first, and labelled with the stack, by which an audit finds those that it has left.

    It is the newest of the classes that call themselves the default one, and so it is; GKE brings others.

    Sources: the Compute Engine persistent disk CSI driver, "StorageClass" (parameters); Kubernetes, "Storage Classes"
    (default StorageClass).
    """
    labels = labels_of({"project": names.project, "stack": names.stack})
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": f"encrypted-{disk_type}",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "pd.csi.storage.gke.io",
        "parameters": {
            "type": disk_type,
            "disk-encryption-kms-key": key_id,
            "labels": ",".join(f"{name}={value}" for name, value in labels.items()),
        },
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
    }


def load_balancer_annotations() -> dict[str, str]:
    """A passthrough load balancer with an address of the network. Source: GKE, "Create an internal load balancer"."""
    return {"networking.gke.io/load-balancer-type": "Internal"}


def account_annotations(email: str) -> dict[str, str]:
    """The annotations of the service account that acts as one of Google's. Source: GKE, "Authenticate to Google Cloud
    APIs from GKE workloads" (link Kubernetes service accounts to IAM)."""
    return {"iam.gke.io/gcp-service-account": email}


def service_account_annotations(
    names: Names, own_team: str, teams: Sequence[str]
) -> dict[str, dict[str, dict[str, str]]]:
    """Annotations of each service account of each team.

    :param own_team: The team of the program's own workloads.
    :param teams: The other teams.
    """
    own = {own_team: {each.value: account_annotations(names.service_account(each.value)) for each in Identity}}
    others = {
        team: {
            each.value: account_annotations(names.service_account(names.team_purpose(team, each.value)))
            for each in Identity
        }
        for team in teams
    }
    return own | others


def team_members(members: Mapping[str, Sequence[str]]) -> dict[str, list[Member]]:
    """Who is of each team, as GKE tells the API server: people and service accounts by their address, and groups by
    theirs where the cluster's security group holds them.

    Source: GKE, "Authorize actions in clusters using role-based access control".
    """
    return {team: [_member(each) for each in those] for team, those in members.items()}


def _member(member: str) -> Member:
    kind, _, address = member.partition(":")
    return Member("Group" if kind == "group" else "User", address)


def sharing_of_pools(addons: AddonSettings, pools: Mapping[str, GpuPoolSettings]) -> AddonSettings:
    """The add-ons' settings, with what the cluster's own device plugin does: pools say how their GPUs are shared, and
    what measures GPUs has to know."""
    sharing = [pool.sharing for pool in pools.values()]
    plugin = addons.device_plugin.model_copy(
        update={
            "time_slices": max((each.pods for each in sharing if each.strategy != "none"), default=1),
            "mig_strategy": "single" if any(each.partition for each in sharing) else "none",
        }
    )
    return addons.model_copy(update={"device_plugin": plugin})

"""What tells a stack's resources from all others in a project: labels, names, network, and the key that encrypts them.

Labels: the stack's own (`infra.gcp.labels`), which GKE puts on what it makes for the cluster, too; and those by which
GKE names the cluster on machines and disks. Source: GKE, "Get key spending insights", "View costs by cluster".

Names: a network, a service account and the like have no labels, and Google Cloud has no character that could end the
part of a name that is the stack's: trainyard-dev-2-nodes may be of the stack dev-2 or of dev. So nothing is known by
the beginning of its name: every name is one that `infra.gcp` gives to something of this very stack. A test holds both
equal.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lifecycle.teardown.gcp.found import Search, labels_of, name_of, path_of
from lifecycle.teardown.subject import Subject, fit

CLUSTER_LABEL, LOCATION_LABEL = "goog-k8s-cluster-name", "goog-k8s-cluster-location"
BUCKETS = ("datasets", "checkpoints", "models", "logs", "access")
"""What there is a bucket for, as their names say (`infra.gcp.storage`)."""
IDENTITIES = ("loader", "training", "serving")
"""The identities of workloads, of each team (`infra.platform.Identity`)."""
_GPU_NETWORKS = (*(f"gpu-{number}" for number in range(8)), "gvnic", "rdma")
_RESOURCE_LENGTH, _ACCOUNT_LENGTH, _BUCKET_LENGTH = 63, 30, 63


def label_value(text: str) -> str:
    """A text as the value of a label (`infra.gcp.labels.label_value`)."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:63]


def own_labels(subject: Subject) -> dict[str, str]:
    """The labels that tell the stack's resources."""
    return {name: label_value(value) for name, value in subject.tags.items()}


def mark_of(subject: Subject, labels: Mapping[str, str]) -> str:
    """By which labels a resource is known to be the stack's or its cluster's; empty: it is not, as far as they tell."""
    own = own_labels(subject)
    if all(labels.get(name) == value for name, value in own.items()):
        return "labels " + " ".join(f"{name}={value}" for name, value in own.items())
    if all(name in labels for name in own):
        # Another stack's, whatever else it says.
        return ""
    # A cluster of the same name may be in another region.
    location = labels.get(LOCATION_LABEL, subject.region)
    if labels.get(CLUSTER_LABEL) == subject.cluster_name and subject.holds(location):
        return f"label {CLUSTER_LABEL}={subject.cluster_name}"
    return ""


def resource_names(subject: Subject, parts: Iterable[str]) -> frozenset[str]:
    """What the stack's resources of these parts are called (`infra.gcp.naming.Names.resource`)."""
    return frozenset(fit(f"{subject.cluster_name}-{part}", _RESOURCE_LENGTH) for part in parts)


def bucket_names(subject: Subject) -> frozenset[str]:
    """The names of all buckets that the stack may have had (`Names.bucket`)."""
    end = subject.account_id
    return frozenset(fit(f"{subject.cluster_name}-{purpose}-{end}", _BUCKET_LENGTH) for purpose in BUCKETS)


def account_emails(subject: Subject, purposes: Iterable[str]) -> frozenset[str]:
    """The addresses of service accounts for these purposes (`Names.service_account`)."""
    names = (fit(f"{subject.cluster_name}-{purpose}", _ACCOUNT_LENGTH) for purpose in purposes)
    return frozenset(f"{name}@{subject.account_id}.iam.gserviceaccount.com" for name in names)


def stack_networks(search: Search) -> frozenset[str]:
    """The paths of the networks of the stack that are still there. Raises GoogleError."""
    names = network_names(search.subject)
    networks = search.calls.beyond_regions("networks")
    return frozenset(path_of(each["selfLink"]) for each in networks if each["name"] in names)


def network_names(subject: Subject) -> frozenset[str]:
    """The names of the network, and of those by which GPUs of a pool reach each other (`infra.gcp.gpu_networks`)."""
    of_gpus = (f"{pool}-{part}" for pool in subject.pools for part in _GPU_NETWORKS)
    return resource_names(subject, of_gpus) | {subject.cluster_name}


def stack_subnets(search: Search) -> frozenset[str]:
    """The paths of the subnets of those networks. Raises GoogleError."""
    networks = stack_networks(search)
    subnets = search.calls.everywhere("subnetworks")
    return frozenset(path_of(each["selfLink"]) for each in subnets if path_of(str(each.get("network"))) in networks)


def pool_names(subject: Subject) -> tuple[str, ...]:
    """What the pools of nodes are called, without the ends that the provider gives them (`infra.gcp.platform`)."""
    return ("system", *(f"gpu-{pool}" for pool in subject.pools))


def all_clusters(search: Search) -> Iterable[dict[str, Any]]:
    """Every GKE cluster of the project. Raises GoogleError."""
    return search.calls.all("container", f"projects/{search.project}/locations/-/clusters", "clusters")


def stack_keys(search: Search) -> frozenset[str]:
    """The resource names of the stack's keys, which have its labels. Raises GoogleError."""
    return frozenset(each["name"] for each in all_keys(search) if mark_of(search.subject, labels_of(each)))


def all_keys(search: Search) -> Iterable[dict[str, Any]]:
    """Every key in the stack's region. Raises GoogleError."""
    where = f"projects/{search.project}/locations/{search.subject.region}/keyRings"
    for ring in search.calls.all("cloudkms", where, "keyRings"):
        yield from search.calls.all("cloudkms", f"{ring['name']}/cryptoKeys", "cryptoKeys")


def network_mark(search: Search, resource: Mapping[str, Any]) -> str:
    """Whether a resource is in a network of the stack, in words; empty: it is not. Raises GoogleError.

    Everything in there is the stack's, whoever made it: nothing else can be. An internal address of a region names its
    subnet only. Source: Compute Engine API, Address.
    """
    if network := path_of(str(resource.get("network") or "")):
        return f"it is in the stack's network {name_of(network)}" if network in stack_networks(search) else ""
    subnet = path_of(str(resource.get("subnetwork") or ""))
    return f"it is in the stack's subnet {name_of(subnet)}" if subnet and subnet in stack_subnets(search) else ""


def machine_mark(search: Search, machine: dict[str, Any]) -> str:
    """Whether a machine is the stack's by its labels or networks, in words; empty: it is not. Raises GoogleError."""
    cards = machine.get("networkInterfaces") or ()
    why = mark_of(search.subject, labels_of(machine))
    return why or next((mark for card in cards if (mark := network_mark(search, card))), "")


def key_mark(search: Search, key: object) -> str:
    """Whether a key is the stack's, in words; empty: it is not. Raises GoogleError.

    :param key: The resource name of a key, or of a version of one.
    """
    name = str(key or "").partition("/cryptoKeyVersions/")[0]
    return f"it is encrypted with the stack's key {name_of(name)}" if name and name in stack_keys(search) else ""


def claim_of(description: object) -> str:
    """Which pod's volume a disk is, as the driver's own description of it tells; empty: it does not. Pure.

    Source: the PD CSI driver, `pkg/gce-cloud-provider/compute`, description of a disk.
    """
    try:
        found = json.loads(str(description or ""))
    except ValueError:
        return ""
    claim = found.get("kubernetes.io/created-for/pvc/name") if isinstance(found, dict) else None
    return f", claim {found.get('kubernetes.io/created-for/pvc/namespace', '')}/{claim}" if claim else ""

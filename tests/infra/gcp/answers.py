"""What Google Cloud answers when a resource is made: its identifier, and what the provider computes beyond the inputs.

Made up, but of the form that Google gives them, and always the same for the same inputs. The recorder's mocks and the
stand-in of the provider's plugin both answer so.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from tests.infra.joined import joined

PROJECT = "ml-platform-example"
NUMBER = "123456789012"
REGION = "europe-west4"
RANDOM_END = "1a2b3c4"
"""What the provider puts behind the name of a resource that has none of its own."""

NAMED_BY_THE_PROVIDER = frozenset(
    {
        "gcp:container/nodePool:NodePool",
        "gcp:kms/cryptoKey:CryptoKey",
        "gcp:kms/keyRing:KeyRing",
    }
)
"""Types that the program gives no name."""
NAMES_KEPT = frozenset(
    {
        "gcp:iam/workloadIdentityPool:WorkloadIdentityPool",
        "gcp:kms/cryptoKey:CryptoKey",
        "gcp:kms/keyRing:KeyRing",
        "gcp:logging/projectBucketConfig:ProjectBucketConfig",
        "gcp:projects/iAMCustomRole:IAMCustomRole",
    }
)
"""Types whose names are taken for ever, or for days, when their bearer is gone. Sources: Cloud KMS, "Cloud KMS
resources"; IAM, "Manage workload identity pools and providers" and "Create and manage custom roles"; Cloud Logging,
"Configure log buckets"."""
MADE_TWICE = ("projects/service:Service", "projects/serviceIdentity:ServiceIdentity", "IAMMember", "IamMember")
"""How types end that are there whether they are made once or twice: APIs that are on, and grants."""

Properties = Mapping[str, Any]


def _email(inputs: Properties) -> str:
    return f"{inputs['accountId']}@{PROJECT}.iam.gserviceaccount.com"


def _digits(text: str) -> int:
    return 1_000_000_000 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


PATHS: dict[str, Callable[[str, Properties], str]] = {
    "gcp:artifactregistry/repository:Repository": lambda _, of: (
        f"projects/{PROJECT}/locations/{of.get('location', REGION)}/repositories/{of['repositoryId']}"
    ),
    "gcp:compute/disk:Disk": lambda name, of: f"projects/{PROJECT}/zones/{of['zone']}/disks/{name}",
    "gcp:compute/firewall:Firewall": lambda name, _: f"projects/{PROJECT}/global/firewalls/{name}",
    "gcp:compute/globalAddress:GlobalAddress": lambda name, _: f"projects/{PROJECT}/global/addresses/{name}",
    "gcp:compute/instance:Instance": lambda name, of: f"projects/{PROJECT}/zones/{of['zone']}/instances/{name}",
    "gcp:compute/network:Network": lambda name, _: f"projects/{PROJECT}/global/networks/{name}",
    "gcp:compute/resourcePolicy:ResourcePolicy": lambda name, of: (
        f"projects/{PROJECT}/regions/{of.get('region', REGION)}/resourcePolicies/{name}"
    ),
    "gcp:compute/router:Router": lambda name, of: (
        f"projects/{PROJECT}/regions/{of.get('region', REGION)}/routers/{name}"
    ),
    "gcp:compute/subnetwork:Subnetwork": lambda name, of: (
        f"projects/{PROJECT}/regions/{of.get('region', REGION)}/subnetworks/{name}"
    ),
    "gcp:container/cluster:Cluster": lambda name, of: (
        f"projects/{PROJECT}/locations/{of.get('location', REGION)}/clusters/{name}"
    ),
    "gcp:container/nodePool:NodePool": lambda name, of: (
        f"projects/{PROJECT}/locations/{of.get('location', REGION)}/clusters/{of['cluster']}/nodePools/{name}"
    ),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": lambda _, of: (
        f"projects/{PROJECT}/locations/global/workloadIdentityPools/{of['workloadIdentityPoolId']}"
    ),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": lambda _, of: (
        f"projects/{PROJECT}/locations/global/workloadIdentityPools/{of['workloadIdentityPoolId']}"
        f"/providers/{of['workloadIdentityPoolProviderId']}"
    ),
    "gcp:kms/cryptoKey:CryptoKey": lambda name, of: f"{of['keyRing']}/cryptoKeys/{name}",
    "gcp:kms/keyRing:KeyRing": lambda name, of: f"projects/{PROJECT}/locations/{of['location']}/keyRings/{name}",
    "gcp:logging/projectBucketConfig:ProjectBucketConfig": lambda _, of: (
        f"projects/{PROJECT}/locations/{of['location']}/buckets/{of['bucketId']}"
    ),
    "gcp:monitoring/notificationChannel:NotificationChannel": lambda _, of: (
        f"projects/{PROJECT}/notificationChannels/{_digits(of['displayName'])}"
    ),
    "gcp:projects/iAMCustomRole:IAMCustomRole": lambda _, of: f"projects/{PROJECT}/roles/{of['roleId']}",
    "gcp:projects/service:Service": lambda _, of: f"{PROJECT}/{of['service']}",
    "gcp:serviceaccount/account:Account": lambda _, of: f"projects/{PROJECT}/serviceAccounts/{_email(of)}",
    "gcp:storage/bucket:Bucket": lambda name, _: name,
}
"""The identifier of a type, from its name and its inputs."""


def _computed(type_: str, identifier: str, name: str, inputs: Properties, salt: str) -> dict[str, Any]:
    match type_:
        case "gcp:container/cluster:Cluster":
            dns = f"gke-0123456789abcdef-{NUMBER}.{REGION}.gke.goog"
            return {
                "endpoint": "10.20.192.2",
                "masterAuth": {"clusterCaCertificate": "LS0tLS1CRUdJTg=="},
                "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": dns}},
                "privateClusterConfig": {"privateEndpoint": "10.20.192.2"},
                "masterVersion": "1.35.1-gke.1000000",
                "workloadIdentityConfig": {"workloadPool": f"{PROJECT}.svc.id.goog"},
            }
        case "gcp:serviceaccount/account:Account":
            email = _email(inputs)
            return {
                "email": email,
                "member": f"serviceAccount:{email}",
                "name": identifier,
                "uniqueId": f"{_digits(email + salt)}",
            }
        case "gcp:iam/workloadIdentityPool:WorkloadIdentityPool":
            return {"name": identifier.replace(PROJECT, NUMBER), "state": "ACTIVE"}
        case "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider":
            return {"name": identifier.replace(PROJECT, NUMBER), "state": "ACTIVE"}
        case "gcp:projects/iAMCustomRole:IAMCustomRole":
            return {"name": identifier}
        case "gcp:storage/bucket:Bucket":
            return {"url": f"gs://{name}", "selfLink": f"https://www.googleapis.com/storage/v1/b/{name}"}
        case "gcp:compute/address:Address" | "gcp:compute/globalAddress:GlobalAddress":
            return {"address": "10.20.255.2"}
        case "gcp:logging/projectSink:ProjectSink":
            return {"writerIdentity": f"serviceAccount:service-{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"}
        case "gcp:pubsub/topic:Topic":
            return {"name": name}
        case _:
            return {}


def name_of(type_: str, name: str, inputs: Properties) -> str:
    """The name that Google Cloud knows the resource by: its own, or Pulumi's with a random end."""
    return str(inputs.get("name") or f"{name}-{RANDOM_END}")


def identifier_of(type_: str, name: str, inputs: Properties) -> str:
    """The identifier that the provider gives it."""
    known = name_of(type_, name, inputs)
    path = PATHS.get(type_)
    return path(known, inputs) if path else f"projects/{PROJECT}/{type_.rpartition(':')[2]}/{known}"


def outputs_of(type_: str, name: str, inputs: Properties, *, salt: str = "") -> dict[str, Any]:
    """What the provider answers.

    :param salt: Keeps what is made anew apart from what was there before, where Google would.
    """
    identifier, known = identifier_of(type_, name, inputs), name_of(type_, name, inputs)
    computed: dict[str, Any] = {
        "name": known,
        "project": PROJECT,
        "selfLink": f"https://www.googleapis.com/compute/v1/{identifier}",
        "etag": "BwYAAAAAAAA=",
        **_computed(type_, identifier, known, inputs, salt),
    }
    return joined(computed, inputs)

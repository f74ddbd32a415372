"""What tests of draining plant in a cluster on the real control plane, and a stand-in for what would end it there.

The stand-in does what a cloud's controllers do: it lets go of a service that is deleted, deletes a volume whose claim
is gone, and ends Karpenter's nodes with their claims.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.controlplane.api import Api, Manifest
from tests.controlplane.control_plane import ControlPlane

LOAD_BALANCER = "service.kubernetes.io/load-balancer-cleanup"
INGRESS = "ingress.k8s.aws/resources"
DISK = "external-provisioner.volume.kubernetes.io/finalizer"
MACHINE = "karpenter.sh/termination"
_POLL_SECONDS = 0.05


@dataclass
class CloudControllers:
    """Ends what is deleted, in the order in which it finds it."""

    ended: list[str] = field(default_factory=list)
    """`KIND NAME` of each object, as it went."""

    def round(self, api: Api) -> None:
        """Looks once."""
        for kind, finalizer in (("Service", LOAD_BALANCER), ("Ingress", INGRESS)):
            for each in api.get(kind):
                self._let_go(api, kind, each, finalizer)
        for volume in api.get("PersistentVolume"):
            goes = volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete"
            if goes and volume["status"].get("phase") == "Released":
                api.delete("PersistentVolume", volume["metadata"]["name"])
            self._let_go(api, "PersistentVolume", volume, DISK)
        for claim in api.get("NodeClaim"):
            if "deletionTimestamp" in claim["metadata"]:
                api.delete("Node", claim["metadata"]["name"])
            self._let_go(api, "NodeClaim", claim, MACHINE)

    def _let_go(self, api: Api, kind: str, found: Manifest, finalizer: str) -> None:
        metadata = found["metadata"]
        if "deletionTimestamp" in metadata and finalizer in metadata.get("finalizers", []):
            left = [each for each in metadata["finalizers"] if each != finalizer]
            self.ended.append(f"{kind} {metadata['name']}")
            api.patch(kind, metadata["name"], {"metadata": {"finalizers": left}}, metadata.get("namespace"))


@contextmanager
def cloud_controllers(control_plane: ControlPlane) -> Iterator[CloudControllers]:
    """The stand-in, while the context lasts. What it raises, leaving raises."""
    controllers, stop = CloudControllers(), threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        with control_plane.new_api() as api:
            while not stop.wait(_POLL_SECONDS):
                try:
                    controllers.round(api)
                except Exception as error:
                    failures.append(error)
                    return

    thread = threading.Thread(target=work, name="cloud-controllers")
    thread.start()
    try:
        yield controllers
    finally:
        stop.set()
        thread.join()
    assert failures == []


def administrators_kubeconfig(control_plane: ControlPlane) -> str:
    """In JSON, with its key in a file, so that none is written where draining is killed."""
    document = yaml.safe_load(control_plane.kubeconfig.read_text())
    certificate, key = control_plane.admin_files
    document["users"][0]["user"] = {"client-certificate": str(certificate), "client-key": str(key)}
    return json.dumps(document)


def load_balancer(namespace: str, name: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "finalizers": [LOAD_BALANCER]},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], "selector": {"app": name}},
    }


def gateway(namespace: str, name: str) -> Manifest:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"gatewayClassName": "any", "listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}]},
    }


def plain_service(namespace: str, name: str) -> Manifest:
    service = load_balancer(namespace, name)
    service["metadata"].pop("finalizers")
    return {**service, "spec": {**service["spec"], "type": "ClusterIP"}}


def ingress(namespace: str, name: str) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": namespace, "finalizers": [INGRESS]},
        "spec": {"defaultBackend": {"service": {"name": name, "port": {"number": 80}}}},
    }


def disk(namespace: str, claim: str, *, policy: str = "Delete") -> list[Manifest]:
    """A claim, and the volume that it is bound to by hand."""
    volume = f"{namespace}-{claim}"
    common: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": volume, "finalizers": [DISK] if policy == "Delete" else []},
            "spec": {
                **common,
                "capacity": {"storage": "1Gi"},
                "persistentVolumeReclaimPolicy": policy,
                "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{volume}"},
                "claimRef": {"namespace": namespace, "name": claim},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim, "namespace": namespace},
            "spec": {**common, "volumeName": volume, "resources": {"requests": {"storage": "1Gi"}}},
        },
    ]


def pod_template(app: str, claim: str = "", node: str = "") -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": "main", "image": "example.com/image:1"}]}
    if claim:
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    return {"metadata": {"labels": {"app": app}}, "spec": spec}


def controller(kind: str, namespace: str, name: str, claim: str = "", node: str = "") -> Manifest:
    """A Deployment or a StatefulSet of one pod."""
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": name}},
        "template": pod_template(name, claim, node),
    }
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def job(namespace: str, name: str, node: str = "") -> Manifest:
    template = pod_template(name, node=node)
    template["spec"]["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": template},
    }


def node_pool(name: str) -> Manifest:
    node_class = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"}
    template = {"spec": {"nodeClassRef": node_class, "requirements": []}}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": name},
        "spec": {"template": template},
    }


def node_claim(pool: str, name: str) -> Manifest:
    spec = node_pool(pool)["spec"]["template"]["spec"]
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {"name": name, "labels": {"karpenter.sh/nodepool": pool}, "finalizers": [MACHINE]},
        "spec": spec,
    }

"""How each program of the control plane is called, and what a fake node looks like. Nothing here touches the world."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.controlplane.api import Manifest

_NO_PEERS = "http://127.0.0.1:2380"
_DEFAULT_ALLOCATABLE = {"cpu": "32", "memory": "128Gi", "ephemeral-storage": "500Gi", "pods": "110"}


def program_arguments(program: str, folder: Path, port: int, kubeconfig: Path, stages: Sequence[Path]) -> list[str]:
    """The arguments of a program whose files lie in this folder, for an API server on this port of 127.0.0.1.

    The folder holds ca.crt, apiserver.crt, apiserver.key and service-accounts.key; `stages` are kwok's.
    Raises ValueError where there is no such program.
    """
    etcd = f"unix://{folder}/etcd.sock"
    as_admin = f"--kubeconfig={kubeconfig}"
    match program:
        case "etcd":
            return [
                f"--data-dir={folder}/etcd",
                f"--listen-client-urls={etcd}",
                "--listen-peer-urls=unix://peer.sock",
                # It has to name a port to its peers; there are none, and nothing listens there.
                f"--advertise-client-urls={_NO_PEERS}",
                f"--initial-advertise-peer-urls={_NO_PEERS}",
                f"--initial-cluster=default={_NO_PEERS}",
                "--unsafe-no-fsync",
                "--log-level=error",
            ]
        case "kube-apiserver":
            return [
                f"--etcd-servers={etcd}",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={port}",
                f"--tls-cert-file={folder}/apiserver.crt",
                f"--tls-private-key-file={folder}/apiserver.key",
                f"--client-ca-file={folder}/ca.crt",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                # Or it refuses privileged pods by itself, before Pod Security is asked.
                "--allow-privileged=true",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-account-key-file={folder}/service-accounts.key",
                f"--service-account-signing-key-file={folder}/service-accounts.key",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--endpoint-reconciler-type=none",
                "--profiling=false",
            ]
        case "kube-controller-manager":
            return [
                as_admin,
                f"--root-ca-file={folder}/ca.crt",
                f"--service-account-private-key-file={folder}/service-accounts.key",
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=500",
                "--kube-api-burst=1000",
                # Every 15 seconds by default, for which no test should wait.
                "--horizontal-pod-autoscaler-sync-period=1s",
                f"--flex-volume-plugin-dir={folder}/flex",
            ]
        case "kube-scheduler":
            return [as_admin, "--leader-elect=false", "--secure-port=0"]
        case "kwok":
            return [
                as_admin,
                "--manage-all-nodes=true",
                "--node-lease-duration-seconds=40",
                *(f"--config={stage}" for stage in stages),
            ]
    raise ValueError(f"no program {program!r}")


def node_manifest(
    name: str,
    labels: Mapping[str, str],
    taints: Sequence[Mapping[str, str]],
    allocatable: Mapping[str, str],
    zone: str | None,
) -> Manifest:
    """The object of a fake node; `allocatable` adds to what every node has, or replaces it."""
    resources = _DEFAULT_ALLOCATABLE | dict(allocatable)
    known = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        **({"topology.kubernetes.io/zone": zone} if zone else {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": known | dict(labels)},
        "spec": {"taints": [dict(taint) for taint in taints]},
        "status": {"capacity": resources, "allocatable": resources},
    }

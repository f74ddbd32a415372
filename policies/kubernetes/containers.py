"""Rules for containers: what they ask for, how the cluster knows that they are well, and how they get secrets."""

from collections.abc import Iterator
from typing import Any

from policies.kubernetes.manifests import (
    POD,
    SERVERS,
    WORKLOADS,
    called,
    containers_of,
    pod_of,
)
from policies.resources import Resource
from policies.rules import resource_rule
from policies.values import any_holds, as_list, get, known

_WITH_RESOURCES = ("initContainers", "containers")
"""Ephemeral containers may not ask for anything."""


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-cpu-request",
    title="Containers say how much of a CPU they need.",
    severity="low",
    frameworks=("CKV_K8S_10", "NIST SC-6"),
    wrong="The scheduler then takes it for nothing, and the container starves on a full node.",
    mend="set resources.requests.cpu on each container.",
)
def container_cpu_request(workload: Resource) -> Iterator[str]:
    """A limit alone is a request as well. No limit is asked for (CKV_K8S_11): it slows down a container on an idle
    node, and a request alone keeps each its share of a busy one.
    """
    yield from _without_resource(workload, "cpu", ("requests", "limits"), "asks for no CPU")


@resource_rule(
    *WORKLOADS,
    id="kubernetes-container-memory-limit",
    title="Containers have a limit of memory.",
    severity="medium",
    frameworks=("CKV_K8S_12", "CKV_K8S_13", "NIST SC-6"),
    wrong="A leak in one container then takes the memory of the node, and the kernel ends some other pod.",
    mend="set resources.limits.memory on each container; the request is the same where it is left out.",
)
def container_memory_limit(workload: Resource) -> Iterator[str]:
    """A LimitRange of the namespace also gives one, which fits no container in particular."""
    yield from _without_resource(workload, "memory", ("limits",), "has no limit of memory")


def _without_resource(workload: Resource, resource: str, kinds: tuple[str, ...], wrong: str) -> Iterator[str]:
    """Pods can ask as a whole since Kubernetes 1.34 (Pod-level resources)."""
    pod = pod_of(workload)
    for container in containers_of(workload, *_WITH_RESOURCES):
        with workload.apart():
            holders = [get(each, "resources", kind, resource) for each in (container, pod) for kind in kinds]
            if not any_holds(lambda amount: known(amount) is not None, holders):
                yield f"{called(container)} {wrong}."


@resource_rule(
    POD,
    *SERVERS,
    id="kubernetes-container-readiness",
    title="Servers are sent requests when they say that they are ready.",
    severity="low",
    frameworks=("CKV_K8S_9", "NIST SC-5"),
    wrong="Requests then go to pods that are still starting, and a bad version replaces the good one.",
    mend="give each container with ports a readinessProbe.",
)
def container_readiness(workload: Resource) -> Iterator[str]:
    """A container with ports serves; one without is a worker, which nobody waits for."""
    yield from _without_probe(workload, "readinessProbe", "readiness")


@resource_rule(
    POD,
    *SERVERS,
    id="kubernetes-container-liveness",
    title="Servers that hang are started anew.",
    severity="low",
    frameworks=("CKV_K8S_8", "NIST SC-5"),
    wrong="A server that hangs stays until somebody notices.",
    mend="give each container with ports a livenessProbe that does not depend on other services.",
    level="advisory",
)
def container_liveness(workload: Resource) -> Iterator[str]:
    """A program that ends by itself when it cannot go on needs no probe. Source: Kubernetes, "Configure Liveness,
    Readiness and Startup Probes".
    """
    yield from _without_probe(workload, "livenessProbe", "liveness")


def _without_probe(workload: Resource, probe: str, kind: str) -> Iterator[str]:
    if not _is_server(workload):
        return
    for container in _running(workload):
        with workload.apart():
            if as_list(get(container, "ports")) and known(get(container, probe)) is None:
                yield f"{called(container)} has ports and no {kind} probe."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-secrets-as-files",
    title="Containers read secrets from files, not from environment variables.",
    severity="low",
    frameworks=("CKV_K8S_35", "CIS Kubernetes 1.8.0 5.4.1", "NIST SC-28"),
    wrong="Environment variables get into crash reports, logs and every child process.",
    mend="mount the Secret as a volume, and read the file.",
    level="advisory",
)
def secrets_as_files(workload: Resource) -> Iterator[str]:
    """Many programs read nothing else, therefore advisory."""
    for container in containers_of(workload):
        for path, reference in ((("env",), ("valueFrom", "secretKeyRef")), (("envFrom",), ("secretRef",))):
            with workload.apart():
                for variable in as_list(get(container, *path)):
                    with workload.apart():
                        if known(get(variable, *reference)) is not None:
                            name = get(variable, "name", default="all of a Secret")
                            yield f"{called(container)} has {name} in its environment."


def _is_server(workload: Resource) -> bool:
    """A pod of its own that is not started again has done what it was made for."""
    return workload.type != POD or known(workload.get("spec", "restartPolicy", default="Always")) == "Always"


def _running(workload: Resource) -> Iterator[Any]:
    """Containers that run as long as the pod: its own, and sidecars, which are started before them."""
    yield from containers_of(workload, "containers")
    for container in containers_of(workload, "initContainers"):
        with workload.apart():
            if known(get(container, "restartPolicy")) == "Always":
                yield container


RULES = (
    container_cpu_request,
    container_memory_limit,
    container_readiness,
    container_liveness,
    secrets_as_files,
)

"""Rules for pods and GPUs: who goes to GPU nodes, how steady what they ask for is, and in which queue they wait."""

from collections.abc import Iterator, Sequence
from typing import Any

from planning.cost.kubernetes_quantity import quantity_of
from policies.kubernetes.manifests import CRON_JOBS, DAEMON_SETS, JOBS, WORKLOADS, called, containers_of, pod_of
from policies.resources import Resource, Stack
from policies.rules import Parameter, related_rule, resource_rule
from policies.values import any_holds, as_list, get, known

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
LOCAL_QUEUES = tuple(f"kubernetes:kueue.x-k8s.io/{version}:LocalQueue" for version in ("v1beta2", "v1beta1"))
_ACCELERATORS = (
    "nvidia.com/gpu",
    "amd.com/gpu",
    "gpu.intel.com/i915",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "google.com/tpu",
)
_SHARES = ("nvidia.com/mig-", "nvidia.com/gpu.shared")
_NOT_ON_EVERY_NODE = tuple(type_ for type_ in WORKLOADS if type_ not in DAEMON_SETS)


@resource_rule(
    *_NOT_ON_EVERY_NODE,
    id="kubernetes-gpu-nodes-for-gpu-pods",
    title="Only pods that ask for a GPU tolerate what keeps others off GPU nodes.",
    severity="medium",
    frameworks=("NIST SC-6",),
    wrong="The pod then takes a CPU of a node that costs for its GPUs, and keeps the node alive.",
    mend="leave out the toleration, or ask for the GPU in resources.limits.",
    parameters={"taints": Parameter(_ACCELERATORS, "Keys of the taints that GPU nodes have.")},
)
def gpu_nodes_for_gpu_pods(workload: Resource, *, taints: Sequence[str]) -> Iterator[str]:
    """DaemonSets are what a node needs, GPU nodes among them. A toleration without a key is of every taint."""
    for toleration in as_list(get(pod_of(workload), "tolerations")):
        with workload.apart():
            key = known(get(toleration, "key", default=""))
            if key and key not in taints:
                continue
            if not key and known(get(toleration, "effect", default="")) not in ("", "NoSchedule"):
                continue
            # What a claim is for is told by its template, which another program may make.
            claims = as_list(get(pod_of(workload), "resourceClaims"))
            if not claims and not _asks_for_accelerators(workload):
                yield f"Its pods ask for no GPU and tolerate {key or 'every taint'}."


@resource_rule(
    *WORKLOADS,
    id="kubernetes-gpu-steady-resources",
    title="Containers with GPUs have as much memory as they may use.",
    severity="medium",
    frameworks=("NIST SC-5",),
    wrong="Such a pod is among the first that the node ends when memory is short, with hours of work.",
    mend="set resources.requests to the values of resources.limits.",
)
def gpu_steady_resources(workload: Resource) -> Iterator[str]:
    """Of GPUs, Kubernetes itself wants requests and limits to be the same. Source: "Configure Quality of Service"."""
    for container in containers_of(workload, "containers"):
        with workload.apart():
            if not _asks_for_accelerator(container):
                continue
            requested = known(get(container, "resources", "requests", "memory"))
            limit = known(get(container, "resources", "limits", "memory"))
            if requested is not None and limit is not None and quantity_of(requested) != quantity_of(limit):
                yield f"{called(container)} has GPUs, requests {requested} of memory and may use {limit}."


@related_rule(
    *JOBS,
    id="kubernetes-gpu-job-queued",
    title="Jobs with GPUs wait in a queue where there is one.",
    severity="medium",
    frameworks=("NIST SC-6",),
    wrong="The job then takes GPUs past every queue, and starts with a part of its pods.",
    mend=f"label the job {QUEUE_LABEL} with the name of a LocalQueue of its namespace.",
)
def gpu_job_queued(job: Resource, stack: Stack) -> Iterator[str]:
    """Kueue takes the label on the Job itself. Source: Kueue, "Run A Kubernetes Job"."""
    if stack.of(*LOCAL_QUEUES) and not queue_of(job) and _asks_for_accelerators(job):
        yield "It asks for GPUs and names no queue."


def queue_of(job: Resource) -> Any:
    """The queue that a job names. Raises Undecided where that is unknown."""
    if job.type in CRON_JOBS:
        return known(job.get("spec", "jobTemplate", "metadata", "labels", QUEUE_LABEL))
    return known(job.get("metadata", "labels", QUEUE_LABEL))


def _asks_for_accelerators(workload: Resource) -> bool:
    pod = pod_of(workload)
    return any_holds(
        lambda kind: any_holds(_asks_for_accelerator, as_list(get(pod, kind))), ("containers", "initContainers")
    )


def _asks_for_accelerator(container: Any) -> bool:
    for kind in ("limits", "requests"):
        for name, amount in known(get(container, "resources", kind, default={})).items():
            if (name in _ACCELERATORS or name.startswith(_SHARES)) and quantity_of(known(amount)):
                return True
    return False


RULES = (gpu_nodes_for_gpu_pods, gpu_steady_resources, gpu_job_queued)

"""Cases of the rules for pods and GPUs."""

from typing import Any

from policies.cases import Cases, made
from policies.kubernetes import scheduling
from policies.kubernetes.manifests import DAEMON_SETS
from policies.kubernetes.sample_workloads import GPU, container, cron_job, deployment, job, metadata
from policies.kubernetes.scheduling import LOCAL_QUEUES, QUEUE_LABEL
from policies.resources import Resource


def with_gpu(memory: str = "16Gi", requested: str | None = None) -> dict[str, Any]:
    """A container that asks for a GPU."""
    limits = {GPU: "1", "memory": memory}
    return container({"resources": {"requests": {"cpu": "4", "memory": requested or memory}, "limits": limits}})


def queue(name: str = "spot", namespace: str = "vision") -> Resource:
    """A way into Kueue's queues for a namespace."""
    return made(LOCAL_QUEUES[0], f"{namespace}-{name}", {"metadata": metadata(name, namespace)})


_GPU_TAINT = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
_ANY_TAINT = {"operator": "Exists"}

CASES = (
    Cases(
        scheduling.gpu_nodes_for_gpu_pods,
        passing=[
            deployment(),
            job(with_gpu(), tolerations=[_GPU_TAINT]),
            deployment(tolerations=[{"key": "dedicated", "operator": "Exists"}]),
            deployment(tolerations=[{"operator": "Exists", "effect": "NoExecute"}]),
            deployment(tolerations=[_ANY_TAINT], type_=DAEMON_SETS[0]),
            deployment(tolerations=[_GPU_TAINT], resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "gpu"}]),
            job(container({"resources": {"limits": {"nvidia.com/mig-1g.10gb": "1"}}}), tolerations=[_GPU_TAINT]),
        ],
        failing=[
            (deployment(tolerations=[_GPU_TAINT]), f"Its pods ask for no GPU and tolerate {GPU}."),
            (cron_job(tolerations=[_ANY_TAINT]), "Its pods ask for no GPU and tolerate every taint."),
            (
                job(container({"resources": {"limits": {GPU: "0"}}}), tolerations=[{"key": "x"}, _GPU_TAINT]),
                f"Its pods ask for no GPU and tolerate {GPU}.",
            ),
        ],
    ),
    Cases(
        scheduling.gpu_steady_resources,
        passing=[job(with_gpu()), job(with_gpu("16Gi", "16384Mi")), deployment()],
        failing=[
            (job(with_gpu("64Gi", "16Gi")), "has GPUs, requests 16Gi of memory and may use 64Gi."),
            (deployment(container(), with_gpu("64Gi", "1Gi")), "requests 1Gi of memory and may use 64Gi."),
        ],
    ),
    Cases(
        scheduling.gpu_job_queued,
        passing=[
            job(with_gpu()),
            [queue(), job(with_gpu(), labels={QUEUE_LABEL: "spot"})],
            [queue(), cron_job(with_gpu(), labels={QUEUE_LABEL: "spot"})],
            [queue(), job(), deployment(with_gpu())],
        ],
        failing=[
            ([queue(), job(with_gpu())], "It asks for GPUs and names no queue."),
            ([queue(), cron_job(with_gpu(), labels={"app": "training"})], "It asks for GPUs and names no queue."),
        ],
    ),
)

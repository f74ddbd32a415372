"""The Kubernetes objects of a job: an Indexed Job with a pod for each of its nodes, and what the pods need to meet.

An interruption costs nothing but time: a pod that is evicted, or that stopped with a checkpoint, is made anew elsewhere
and not counted. Code that cannot succeed fails the job at once. Everything ends at the deadline. The pods of one
job find each other by names of their own, and torchrun gathers their workers.

Sources: Kubernetes, "Jobs" (completion mode, pod failure policy, backoff limit per index); PyTorch, "torchrun"
(rendezvous); Kueue, "Run A Kubernetes Job".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.cluster import JobSpecification
from infra.kubernetes import quantities
from infra.kubernetes.network_policies import peers_policy
from infra.kubernetes.node_pools import GPU_RESOURCE, NodePool, node_affinity_of, tolerations_of
from infra.kubernetes.object import Manifest, namespaced
from infra.kubernetes.placement import need_of_job, pools_for
from infra.kubernetes.pod_security import container_security, pod_security
from infra.kubernetes.priority_classes import priority_class
from infra.kubernetes.queues import QUEUE_LABEL, queue_name
from infra.kubernetes.specification import DIGEST_ANNOTATION, document_text, text_digest

JOB_LABEL = "trainyard.dev/job"
SPECIFICATION_FILE = "specification.json"
SPECIFICATION_FOLDER = "/etc/trainyard"
SCRATCH_FOLDER = "/scratch"
RENDEZVOUS_PORT = 29500
RESTARTS = 100
"""Times that torchrun starts the workers anew when one of several nodes is lost."""
AWAITED = {
    # By itself Pulumi waits for success, and takes no notice of most ways to fail.
    "pulumi.com/waitFor": "jsonpath={.status.conditions[?@.type=='Complete' || @.type=='Failed'].status}=True",
    # A job that has failed is run again by the next `up`, with nothing changed. So is one that an interrupted `up` did
    # not see the end of: it writes a checkpoint, and goes on from there.
    "pulumi.com/replaceUnready": "true",
}
"""How long `up` waits for a job. Source: Pulumi Kubernetes provider, its annotations."""
START_MINUTES = 15
"""Minutes for a node to come and an image to be pulled, where no queue counts them."""
TEMPORARY_GIB = 0.25
"""Room in /tmp, which is in memory."""


@dataclass(frozen=True, kw_only=True)
class JobSurroundings:
    """What the jobs of a team share."""

    namespace: str
    pools: Sequence[NodePool]
    queued: bool
    """Whether jobs with GPUs wait in a queue."""
    ready_minutes: int
    """Minutes in which the pods of a job from the queue have to run, or it waits again."""
    environment: Mapping[str, str]
    """Environment variables of every pod; nothing secret."""
    labels: Mapping[str, str]


def job_manifests(
    name: str, job: JobSpecification, image: pulumi.Input[str], around: JobSurroundings
) -> list[Manifest]:
    """The objects of a job in apply order.

    :param image: The image by its digest.
    Raises pulumi.RunError where the pods fit on no pool of nodes.
    """
    text = pulumi.Output.from_input(job.document).apply(document_text)
    labels = {**around.labels, "app.kubernetes.io/name": name, JOB_LABEL: name}
    specification = namespaced("v1", "ConfigMap", around.namespace, name, labels, {"data": {SPECIFICATION_FILE: text}})
    meeting = []
    if job.pods.nodes > 1:
        meeting = [
            _headless_service(name, around.namespace, labels),
            peers_policy(around.namespace, f"{name}-peers", {JOB_LABEL: name}, labels),
        ]
    return [specification, *meeting, _job(name, job, image, around, labels, text)]


def deadline_seconds(job: JobSpecification, around: JobSurroundings) -> int:
    """Seconds after which a job ends, whatever it does.

    Kubernetes counts from when the job may have pods: nodes are yet to come, and images to be pulled. Source:
    Kubernetes, API of Job, activeDeadlineSeconds and status.startTime.
    """
    return job.deadline_seconds + 60 * (around.ready_minutes if _waits_in_a_queue(job, around) else START_MINUTES)


def _waits_in_a_queue(job: JobSpecification, around: JobSurroundings) -> bool:
    return around.queued and job.pods.gpus > 0


def _job(
    name: str,
    job: JobSpecification,
    image: pulumi.Input[str],
    around: JobSurroundings,
    labels: Mapping[str, str],
    text: pulumi.Output[str],
) -> Manifest:
    pods = job.pods
    pools = pools_for(need_of_job(pods), around.pools, f"{name}.pods")
    queued = _waits_in_a_queue(job, around)
    queue = {QUEUE_LABEL: queue_name(pools[0].capacity)} if queued else {}
    spec = {
        "completionMode": "Indexed",
        "completions": pods.nodes,
        "parallelism": pods.nodes,
        "activeDeadlineSeconds": deadline_seconds(job, around),
        "backoffLimitPerIndex": pods.retries,
        # One node that cannot go on is the end of all: the others cannot train without it.
        "maxFailedIndexes": 0,
        "podFailurePolicy": {"rules": _failure_rules(job)},
        # The default together with a failure policy, told because the two belong together.
        "podReplacementPolicy": "Failed",
        "ttlSecondsAfterFinished": pods.keep_finished_hours * 3600,
        "suspend": queued,
        "template": {
            "metadata": {
                "labels": dict(labels),
                "annotations": {
                    DIGEST_ANNOTATION: text.apply(text_digest),
                    # Moving a pod to save a node costs more than the node: only what has to end it may.
                    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                    "karpenter.sh/do-not-disrupt": "true",
                },
            },
            "spec": _pod(name, job, image, around, pools),
        },
    }
    return namespaced("batch/v1", "Job", around.namespace, name, {**labels, **queue}, {"spec": spec}, AWAITED)


def _failure_rules(job: JobSpecification) -> list[dict[str, Any]]:
    """The first rule that matches decides."""
    rules: list[dict[str, Any]] = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    for action, codes in (("Ignore", job.run_again_codes), ("FailJob", job.hopeless_codes)):
        if codes:
            rules.append({"action": action, "onExitCodes": {"operator": "In", "values": sorted(codes)}})
    return rules


def _pod(
    name: str,
    job: JobSpecification,
    image: pulumi.Input[str],
    around: JobSurroundings,
    pools: Sequence[NodePool],
) -> dict[str, Any]:
    pods = job.pods
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "serviceAccountName": job.identity,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": job.grace_seconds,
        "priorityClassName": priority_class(pods.priority),
        "securityContext": pod_security(),
        "affinity": _affinity(name, job, pools),
        "containers": [_container(name, job, image, around, pools)],
        "volumes": _volumes(name, job),
    }
    if pods.nodes > 1:
        # With the job's headless service, this gives each pod a name that the others find it by.
        pod["subdomain"] = name
    if tolerations := tolerations_of(pools):
        pod["tolerations"] = tolerations
    if pods.nodes > 1 and pods.zone == "spread":
        pod["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {JOB_LABEL: name}},
            }
        ]
    return pod


def _affinity(name: str, job: JobSpecification, pools: Sequence[NodePool]) -> dict[str, Any]:
    affinity = {"nodeAffinity": node_affinity_of(pools)}
    if job.pods.nodes > 1:
        affinity["podAntiAffinity"] = _beside_its_own(name, "kubernetes.io/hostname")
        if job.pods.zone == "one":
            affinity["podAffinity"] = _beside_its_own(name, "topology.kubernetes.io/zone")
    return affinity


def _beside_its_own(name: str, topology: str) -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {JOB_LABEL: name}}, "topologyKey": topology}
    return {"requiredDuringSchedulingIgnoredDuringExecution": [term]}


def _container(
    name: str,
    job: JobSpecification,
    image: pulumi.Input[str],
    around: JobSurroundings,
    pools: Sequence[NodePool],
) -> dict[str, Any]:
    pods = job.pods
    amounts = {
        "cpu": quantities.cpus(pods.cpus),
        "memory": quantities.gib(pods.memory_gib),
        "ephemeral-storage": quantities.gib(pods.scratch_gib),
        **({GPU_RESOURCE: str(pods.gpus)} if pods.gpus else {}),
        **_fabric(job, pools),
    }
    environment = {
        **around.environment,
        "HOME": "/tmp",  # noqa: S108  # a memory-backed volume of the pod's own
        "TMPDIR": "/tmp",  # noqa: S108
        "TRAINYARD_SCRATCH": SCRATCH_FOLDER,
        **({"TRAINYARD_GPUS": str(pods.gpus)} if pods.gpus else {}),
    }
    return {
        "name": "job",
        "image": image,
        "command": command(name, job),
        "env": [{"name": key, "value": value} for key, value in {**environment, **job.environment}.items()],
        "resources": {"requests": amounts, "limits": amounts},
        "securityContext": container_security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "specification", "mountPath": SPECIFICATION_FOLDER, "readOnly": True},
            {"name": "scratch", "mountPath": SCRATCH_FOLDER},
            {"name": "temporary", "mountPath": "/tmp"},  # noqa: S108
            {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108
        ],
    }


def command(name: str, job: JobSpecification) -> list[str]:
    """What a pod runs: the entry point by itself, or torchrun with a worker for each GPU."""
    document = f"{SPECIFICATION_FOLDER}/{SPECIFICATION_FILE}"
    entry = job.entry_point
    if job.processes is None:
        return ["python", "-m", entry.module, *job.arguments, document]
    gather = ["--standalone"]
    if job.pods.nodes > 1:
        gather = [
            f"--nnodes={job.pods.nodes}",
            f"--rdzv-id={name}",
            "--rdzv-backend=c10d",
            # The pod with index 0 keeps the meeting place, and knows by the name that it is the one.
            f"--rdzv-endpoint={name}-0.{name}:{RENDEZVOUS_PORT}",
            f"--max-restarts={RESTARTS}",
        ]
    workers = [f"--nproc-per-node={max(job.pods.gpus, 1)}", "-m", entry.module]
    return ["python", "-m", entry.launcher, *gather, *workers, *job.arguments, document]


def _fabric(job: JobSpecification, pools: Sequence[NodePool]) -> dict[str, str]:
    """The devices for traffic between nodes, where every pool that the job may go to has them."""
    if job.pods.nodes == 1:
        return {}
    shared = set.intersection(*(set(pool.fabric) for pool in pools))
    return {resource: str(min(pool.fabric[resource] for pool in pools)) for resource in sorted(shared)}


def _volumes(name: str, job: JobSpecification) -> list[dict[str, Any]]:
    def in_memory(size: float) -> dict[str, Any]:
        return {"emptyDir": {"medium": "Memory", "sizeLimit": quantities.gib(size)}}

    return [
        {"name": "specification", "configMap": {"name": name}},
        {"name": "scratch", "emptyDir": {"sizeLimit": quantities.gib(job.pods.scratch_gib)}},
        {"name": "temporary", **in_memory(TEMPORARY_GIB)},
        {"name": "shared-memory", **in_memory(job.pods.shared_memory_gib)},
    ]


def _headless_service(name: str, namespace: str, labels: Mapping[str, str]) -> Manifest:
    spec = {
        "clusterIP": "None",
        # Pods look for each other before any of them is ready.
        "publishNotReadyAddresses": True,
        "selector": {JOB_LABEL: name},
        "ports": [{"name": "rendezvous", "port": RENDEZVOUS_PORT, "targetPort": RENDEZVOUS_PORT}],
    }
    # Its pods come after it.
    return namespaced("v1", "Service", namespace, name, labels, {"spec": spec}, {"pulumi.com/skipAwait": "true"})

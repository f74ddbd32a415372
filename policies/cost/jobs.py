"""Jobs on GPUs as the rules on cost see them: how long they may run, and how many nodes they take."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from planning.cost.kubernetes_quantity import quantity_of
from policies.cost.pools import NVIDIA, POOL_LABEL
from policies.resources import Resource
from policies.values import as_list, get, known

JOB = "kubernetes:batch/v1:Job"
CRON_JOB = "kubernetes:batch/v1:CronJob"


@dataclass(frozen=True)
class Job:
    """A job whose pods ask for GPUs."""

    deadline_seconds: float | None
    """None: it has none."""
    pods: float
    """How many run at a time."""
    gpus_of_pod: float
    pools: frozenset[str]
    """Pools, by their label, that its pods may go to; empty: any."""


def gpu_job(resource: Resource) -> Job | None:
    """What a Kubernetes job asks for; None where its pods ask for no GPU. Raises Undecided where that is unknown.

    The deadline of a job holds for all its attempts together. Source: Kubernetes, "Jobs", Job termination.
    """
    spec = resource.get("spec", default={})
    if resource.type == CRON_JOB:
        spec = get(spec, "jobTemplate", "spec", default={})
    pod = get(spec, "template", "spec", default={})
    gpus = gpus_of_pod(pod)
    if not gpus:
        return None
    deadline = known(get(spec, "activeDeadlineSeconds"))
    of_pod = known(get(pod, "activeDeadlineSeconds"))
    given = [float(each) for each in (deadline, of_pod) if isinstance(each, int | float)]
    parallel = known(get(spec, "parallelism", default=1))
    return Job(
        deadline_seconds=deadline if deadline is not None else min(given, default=None),
        pods=float(parallel) if isinstance(parallel, int | float) else 1.0,
        gpus_of_pod=gpus,
        pools=frozenset(_pools_of(pod)),
    )


def gpus_of_pod(pod: Any) -> float:
    """GPUs that a pod's containers ask for together. Raises Undecided where that is unknown."""
    total = 0.0
    for container in as_list(get(pod, "containers")):
        asked = get(container, "resources", "limits", NVIDIA, default=get(container, "resources", "requests", NVIDIA))
        total += quantity_of(known(asked)) or 0.0
    return total


def _pools_of(pod: Any) -> Iterator[str]:
    selected = known(get(pod, "nodeSelector", POOL_LABEL))
    if isinstance(selected, str):
        yield selected
    terms = get(pod, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    for term in as_list(terms):
        for expression in as_list(get(term, "matchExpressions")):
            if isinstance(expression, Mapping) and expression.get("key") == POOL_LABEL:
                yield from (str(known(value)) for value in as_list(expression.get("values")))

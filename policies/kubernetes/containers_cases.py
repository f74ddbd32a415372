"""Cases of the rules for what containers ask for, how they tell that they are well, and how they get secrets."""

from typing import Any

from policies.cases import Cases
from policies.kubernetes import containers
from policies.kubernetes.sample_workloads import container, cron_job, deployment, job, pod

QUIET = {"ports": None, "readinessProbe": None, "livenessProbe": None}


def _asking(requests: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    return container({"resources": {"requests": requests, "limits": limits}})


CASES = (
    Cases(
        containers.container_cpu_request,
        passing=[
            deployment(),
            job(_asking({}, {"cpu": "500m"})),
            pod(container({"resources": None}), resources={"requests": {"cpu": "2"}}),
            pod(ephemeralContainers=[{"name": "debug"}]),
        ],
        failing=[
            (deployment(container({"resources": None})), "Container 'server' asks for no CPU."),
            (cron_job(_asking({"memory": "1Gi"}, {"memory": "1Gi"})), "asks for no CPU."),
            (deployment(initContainers=[{"name": "fetch"}]), "Container 'fetch' asks for no CPU."),
        ],
    ),
    Cases(
        containers.container_memory_limit,
        passing=[
            deployment(),
            job(_asking({}, {"memory": "1Gi"})),
            pod(container({"resources": None}), resources={"limits": {"memory": "2Gi"}}),
        ],
        failing=[
            (deployment(container({"resources": {}})), "Container 'server' has no limit of memory."),
            (job(_asking({"cpu": "1", "memory": "1Gi"}, {"cpu": "1"})), "has no limit of memory."),
            (pod(container(), _asking({"cpu": "1"}, {})), "has no limit of memory."),
        ],
    ),
    Cases(
        containers.container_readiness,
        passing=[
            deployment(),
            pod(container({"readinessProbe": None}), restartPolicy="Never"),
            job(container({"readinessProbe": None})),
            # A worker that nobody sends requests to.
            deployment(container(QUIET)),
        ],
        failing=[
            (deployment(container({"readinessProbe": None})), "Container 'server' has ports and no readiness probe."),
            (pod(container({"readinessProbe": None})), "has ports and no readiness probe."),
            (
                deployment(
                    initContainers=[container({"name": "proxy", "restartPolicy": "Always", "readinessProbe": None})]
                ),
                "Container 'proxy' has ports and no readiness probe.",
            ),
        ],
    ),
    Cases(
        containers.container_liveness,
        passing=[deployment(), deployment(container(QUIET)), job(container({"livenessProbe": None}))],
        failing=[
            (deployment(container({"livenessProbe": None})), "Container 'server' has ports and no liveness probe."),
            (pod(container({"livenessProbe": None})), "has ports and no liveness probe."),
        ],
    ),
    Cases(
        containers.secrets_as_files,
        passing=[
            deployment(container({"env": [{"name": "HOME", "value": "/tmp"}]})),  # noqa: S108
            pod(container({"envFrom": [{"configMapRef": {"name": "settings"}}]})),
            job(volumes=[{"name": "token", "secret": {"secretName": "token"}}]),
        ],
        failing=[
            (
                deployment(
                    container(
                        {
                            "env": [
                                {"name": "HOME", "value": "/home"},
                                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}},
                            ]
                        }
                    )
                ),
                "Container 'server' has TOKEN in its environment.",
            ),
            (
                cron_job(container({"envFrom": [{"secretRef": {"name": "hub"}}]})),
                "Container 'server' has all of a Secret in its environment.",
            ),
        ],
    ),
)

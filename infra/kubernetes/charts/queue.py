"""Kueue: jobs with a queue's label wait until the whole of them can run, and the more important go first.

Only Kubernetes' own Jobs are queued, in teams' namespaces. One without the label is none of Kueue's business, so a CPU
job starts at once. Which queues there are, what each may use and who makes way for whom is told by the queues
themselves: a lower priority for a higher one, and who has borrowed for whose it is.

While Kueue does not answer, no Job can be made in a team's namespace, and all others can: its webhook's policy is Fail
for what it queues, by the chart, and no setting.
"""

from typing import Any

import yaml

from infra.kubernetes.addon_settings import QueueSettings
from infra.kubernetes.charts.chart import QUEUE, Chart
from infra.kubernetes.charts.cluster_facts import SYSTEM_NODES, ClusterFacts
from infra.kubernetes.charts.pod_values import CRITICAL, of_release, resources, spread_over_nodes
from infra.kubernetes.teams import TEAM_LABEL

VERSION = "0.19.2"
RELEASE = "kueue"
METRICS_PORT = 8443
"""Where Kueue tells how long queues are, to whom its role lets."""


def chart(settings: QueueSettings, facts: ClusterFacts) -> Chart:
    """The chart of the controller."""
    return Chart(
        release=RELEASE,
        chart="oci://registry.k8s.io/kueue/charts/kueue",
        version=VERSION,
        namespace=QUEUE,
        values={
            "controllerManager": {
                "replicas": facts.replicas,
                "nodeSelector": dict(SYSTEM_NODES),
                "topologySpreadConstraints": spread_over_nodes(of_release(RELEASE)),
                "podDisruptionBudget": {"enabled": facts.replicas > 1, "minAvailable": 1},
                "manager": {
                    "priorityClassName": CRITICAL,
                    "image": {
                        "repository": facts.image("registry.k8s.io/kueue/kueue"),
                        "tag": f"v{VERSION}",
                        "pullPolicy": "IfNotPresent",
                    },
                    "resources": resources("200m", "512Mi", most_cpus="2", most_memory="1Gi"),
                },
            },
            "managerConfig": {
                "controllerManagerConfigYaml": yaml.safe_dump(controller_configuration(settings), sort_keys=False)
            },
        },
    )


def controller_configuration(settings: QueueSettings) -> dict[str, Any]:
    """What Kueue reads at its start, all of it: the chart takes it whole.

    Source: Kueue, API `config.kueue.x-k8s.io/v1beta2`. Ports, leader election, concurrency and rates are the chart's.
    """
    minutes = f"{settings.ready_minutes}m"
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "health": {"healthProbeBindAddress": ":8081"},
        "metrics": {"bindAddress": f":{METRICS_PORT}", "enableClusterQueueResources": True},
        "webhook": {"port": 9443},
        "leaderElection": {"leaderElect": True, "resourceName": "c1f6bfd2.kueue.x-k8s.io"},
        "controller": {
            "groupKindConcurrency": {
                "Job.batch": 5,
                "Workload.kueue.x-k8s.io": 10,
                "LocalQueue.kueue.x-k8s.io": 5,
                "ClusterQueue.kueue.x-k8s.io": 5,
                "ResourceFlavor.kueue.x-k8s.io": 1,
            }
        },
        "clientConnection": {"qps": 300, "burst": 500},
        "integrations": {"frameworks": ["batch/job"]},
        "manageJobsWithoutQueueName": False,
        "managedJobsNamespaceSelector": {"matchExpressions": [{"key": TEAM_LABEL, "operator": "Exists"}]},
        "waitForPodsReady": {
            # All of a job's pods, or none: one that got a part of its nodes does not hold them for ever.
            "timeout": minutes,
            # A pod whose spot node is gone has as long to find another one.
            "recoveryTimeout": minutes,
            "blockAdmission": False,
            "requeuingStrategy": {"timestamp": "Eviction", "backoffBaseSeconds": 60, "backoffMaxSeconds": 3600},
        },
    }

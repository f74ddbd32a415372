"""AWS Node Termination Handler in queue mode: drains a node that EC2 is about to take, so that its pods write a
checkpoint and end in time.

It reads the stack's queue of notices, and acts on nodes with the tag that the pools' launch templates give them. In
this mode a rebalance recommendation is acted on like a notice, whatever the chart's values for it say: they are for the
other mode. So whether one is acted on is decided by whether it gets into the queue (see `TerminationHandlerSettings`).

Source: aws-node-termination-handler v1.25.6, README, and `pkg/interruptionevent/draincordon/handler.go`.
"""

from infra.kubernetes.charts.chart import SYSTEM, Chart
from infra.kubernetes.charts.cluster_facts import SYSTEM_NODES, AwsFacts, ClusterFacts
from infra.kubernetes.charts.pod_values import CRITICAL, of_release, resources, scraped, spread_over_nodes

VERSION = "0.27.6"
IMAGE_TAG = "v1.25.6"
RELEASE = "aws-node-termination-handler"
SERVICE_ACCOUNT = "aws-node-termination-handler"
MANAGED_TAG = "aws-node-termination-handler/managed"
"""What instances are tagged with whose nodes it drains."""
NOTICE_SECONDS = 120
"""Seconds from the notice of a spot instance to its end."""
METRICS_PORT = 9092


def chart(facts: ClusterFacts, aws: AwsFacts) -> Chart:
    """The chart of the handler."""
    return Chart(
        release=RELEASE,
        chart="oci://public.ecr.aws/aws-ec2/helm/aws-node-termination-handler",
        version=VERSION,
        namespace=SYSTEM,
        values={
            "image": {
                "repository": facts.image("public.ecr.aws/aws-ec2/aws-node-termination-handler"),
                "tag": IMAGE_TAG,
            },
            "serviceAccount": {"name": SERVICE_ACCOUNT, "annotations": facts.annotations(SERVICE_ACCOUNT)},
            "rbac": {"pspEnabled": False},
            "awsRegion": aws.region,
            "enableSqsTerminationDraining": True,
            "queueURL": aws.interruption_queue_url,
            "checkTagBeforeDraining": True,
            "managedTag": MANAGED_TAG,
            # The queue is this stack's own, so nobody else waits for a message about a node that is not here.
            "deleteSqsMsgIfNodeNotFound": True,
            "taintNode": True,
            "emitKubernetesEvents": True,
            # Each pod's own grace holds.
            "podTerminationGracePeriod": -1,
            "nodeTerminationGracePeriod": drain_seconds(facts.grace_seconds),
            "replicas": facts.replicas,
            "podDisruptionBudget": {"maxUnavailable": 1},
            "priorityClassName": CRITICAL,
            "nodeSelector": dict(SYSTEM_NODES),
            "topologySpreadConstraints": spread_over_nodes(of_release(RELEASE)),
            "enablePrometheusServer": True,
            "prometheusServerPort": METRICS_PORT,
            "podAnnotations": scraped(METRICS_PORT),
            "podSecurityContext": {"fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 1000,
                "runAsGroup": 1000,
                "readOnlyRootFilesystem": True,
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
            "resources": resources("20m", "64Mi", most_cpus="200m", most_memory="256Mi"),
        },
    )


def drain_seconds(grace_seconds: int) -> int:
    """Seconds that draining a node may take, and how long before a planned end it starts.

    A spot instance's notice leaves 120, whatever the pods ask for. Maintenance is told of days before.
    """
    return max(NOTICE_SECONDS, grace_seconds + 30)

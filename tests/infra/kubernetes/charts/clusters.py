"""Clusters that charts are computed for, and the settings by which each add-on is there."""

from typing import Any

from infra.kubernetes.addon_settings import AddonSettings
from infra.kubernetes.charts.chart import Chart
from infra.kubernetes.charts.cluster_facts import AwsFacts, ClusterFacts
from infra.kubernetes.charts.selection import addons

AWS = AwsFacts(
    region="eu-west-1",
    interruption_queue="trainyard-prod-interruptions",
    interruption_queue_url="https://sqs.eu-west-1.amazonaws.com/123456789012/trainyard-prod-interruptions",
)
ROLE = "arn:aws:iam::123456789012:role/trainyard-prod_cluster-autoscaler"


def facts(**changes: Any) -> ClusterFacts:
    """A production cluster on AWS with two teams."""
    return ClusterFacts(
        **{
            "cluster_name": "trainyard-prod",
            "kubernetes_version": "1.35",
            "production": True,
            "team_namespaces": ("trainyard", "vision"),
            "storage_class": "encrypted-gp3",
            "load_balancer_annotations": {"service.beta.kubernetes.io/aws-load-balancer-type": "nlb"},
            "service_account_annotations": {"cluster-autoscaler": {"eks.amazonaws.com/role-arn": ROLE}},
            "aws": AWS,
            **changes,
        }
    )


def everything(**changes: Any) -> AddonSettings:
    """Every add-on that can be there at the same time."""
    return AddonSettings.model_validate(
        {
            "gateway": {"enabled": True},
            "scale_to_zero": {"enabled": True},
            "monitoring": {"disk_gib": 50},
            **changes,
        }
    )


def charts(settings: AddonSettings, cluster: ClusterFacts) -> dict[str, Chart]:
    """The charts by the names of their releases."""
    return {chart.release: chart for addon in addons(settings, cluster) for chart in addon.charts}

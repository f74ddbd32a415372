"""Envoy Gateway: a way into the cluster by the Gateway API, and the class of gateways that it makes.

A gateway's proxies run beside the controller, in its namespace, as ordinary pods under Pod Security `restricted`. How
the cloud's load balancer in front of them is made is told by annotations.

Source: Envoy Gateway v1.9, "Compatibility Matrix", and its API `gateway.envoyproxy.io/v1alpha1`.
"""

from typing import Any

from infra.kubernetes.charts.chart import GATEWAY, Chart
from infra.kubernetes.charts.cluster_facts import SYSTEM_NODES, ClusterFacts
from infra.kubernetes.charts.pod_values import CRITICAL, of_release, resources, spread_over_nodes
from infra.kubernetes.object import Manifest

VERSION = "v1.9.0"
RELEASE = "envoy-gateway"
CLASS = "trainyard"
"""What a Gateway names as its class."""
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
PROXY_IMAGE = "docker.io/envoyproxy/envoy:distroless-v1.39.0"
RATE_LIMIT_IMAGE = "docker.io/envoyproxy/ratelimit:17b1956c"
"""Those that the version was built with."""


def chart(facts: ClusterFacts) -> Chart:
    """The chart of the controller, with the kinds of the Gateway API."""
    return Chart(
        release=RELEASE,
        chart="oci://docker.io/envoyproxy/gateway-helm",
        version=VERSION,
        namespace=GATEWAY,
        values={
            "global": {
                "images": {
                    "envoyGateway": {
                        "image": facts.image(f"docker.io/envoyproxy/gateway:{VERSION}"),
                        "pullPolicy": "IfNotPresent",
                    },
                    "envoyProxy": {"image": facts.image(PROXY_IMAGE)},
                    "ratelimit": {"image": facts.image(RATE_LIMIT_IMAGE)},
                }
            },
            "deployment": {
                "replicas": facts.replicas,
                "priorityClassName": CRITICAL,
                "envoyGateway": {"resources": resources("100m", "256Mi", most_cpus="1", most_memory="1Gi")},
                "pod": {
                    "nodeSelector": dict(SYSTEM_NODES),
                    "topologySpreadConstraints": spread_over_nodes(of_release(RELEASE)),
                },
            },
            "podDisruptionBudget": {"maxUnavailable": 1} if facts.replicas > 1 else {},
            "certgen": {
                "job": {
                    "nodeSelector": dict(SYSTEM_NODES),
                    "resources": resources("10m", "64Mi", most_cpus="500m", most_memory="256Mi"),
                }
            },
            "config": {"envoyGateway": {"envoyProxy": proxy_specification(facts)}},
        },
    )


def proxy_specification(facts: ClusterFacts) -> dict[str, Any]:
    """How the proxies of every gateway run, where a gateway says nothing else."""
    proxies = {"app.kubernetes.io/name": "envoy", "app.kubernetes.io/component": "proxy"}
    kubernetes: dict[str, Any] = {
        "envoyDeployment": {
            "replicas": facts.replicas,
            "pod": {
                "nodeSelector": dict(SYSTEM_NODES),
                "priorityClassName": CRITICAL,
                "topologySpreadConstraints": spread_over_nodes(proxies),
            },
            "container": {"resources": resources("100m", "128Mi", most_cpus="2", most_memory="1Gi")},
        },
        "envoyService": {"annotations": dict(facts.load_balancer_annotations)},
    }
    if facts.replicas > 1:
        kubernetes["envoyPDB"] = {"maxUnavailable": 1}
    return {"provider": {"type": "Kubernetes", "kubernetes": kubernetes}}


def class_manifest() -> Manifest:
    """The class of gateways that the controller makes."""
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": CLASS},
        "spec": {"controllerName": CONTROLLER},
    }

"""Cases of the rules for namespaces."""

from dataclasses import replace
from typing import Any

from policies.cases import UNKNOWN, Cases, made
from policies.kubernetes import namespaces
from policies.kubernetes.manifests import NAMESPACE, RELEASE
from policies.kubernetes.namespaces import ENFORCED, LIMIT_RANGE, RESOURCE_QUOTA, TEAM_LABEL
from policies.kubernetes.sample_workloads import deployment, job, metadata, pod_spec
from policies.resources import Resource

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"


def space(name: str = "vision", **labels: Any) -> Resource:
    """A namespace with these labels; `team` is the label of teams."""
    written = {TEAM_LABEL if key == "team" else ENFORCED: value for key, value in labels.items()}
    return made(NAMESPACE, name, {"metadata": {"name": name, "labels": written}})


TEAM = space(team="vision")
_AUTO_NAMED = made(NAMESPACE, "auto", {"metadata": {"labels": {TEAM_LABEL: "vision"}}})


def _quota(hard: Any, namespace: Any = "vision", **made_of: Any) -> Resource:
    return made(RESOURCE_QUOTA, "quota", {"metadata": metadata("quota", namespace), "spec": {"hard": hard}}, **made_of)


def _limits(limit: dict[str, Any], namespace: str = "vision") -> Resource:
    return made(LIMIT_RANGE, "limits", {"metadata": metadata("limits", namespace), "spec": {"limits": [limit]}})


CASES = (
    Cases(
        namespaces.namespace_pod_security,
        passing=[space(enforce="restricted")],
        failing=[
            (space(), "It holds its pods to no level"),
            (made(NAMESPACE, "vision"), "It holds its pods to no level"),
            (space(enforce="baseline"), "It admits pods of level baseline."),
            (space(enforce="privileged"), "It admits pods of level privileged."),
        ],
    ),
    Cases(
        namespaces.namespace_of_its_own,
        passing=[
            deployment(),
            made(CONFIG_MAP, "aws-auth", {"metadata": metadata("aws-auth", "kube-system")}),
            made(RELEASE, "autoscaler", {"chart": "cluster-autoscaler", "namespace": "kube-system"}),
            made(RELEASE, "own", {"chart": "own"}, refers={"namespace": _AUTO_NAMED}),
            [job(namespace=UNKNOWN, refers={"metadata": _AUTO_NAMED}), _AUTO_NAMED],
            replace(job(namespace=None), provider={"namespace": "vision"}),
        ],
        failing=[
            (deployment(namespace="default"), "It is in namespace default."),
            (job(namespace=None), "It names no namespace, and is therefore in default."),
            (made("kubernetes:core/v1:Pod", "it", {"spec": pod_spec()}), "It names no namespace"),
            (made(CONFIG_MAP, "settings", {"metadata": {"name": "settings"}}), "It names no namespace"),
            (made(RELEASE, "redis", {"chart": "redis"}), "It names no namespace, and is therefore in default."),
            (deployment(namespace="kube-system"), "It is in kube-system."),
        ],
    ),
    Cases(
        namespaces.team_quota,
        passing=[
            [TEAM, _quota({"pods": "10"})],
            space("addons"),
            [_AUTO_NAMED, _quota({"pods": "10"}, UNKNOWN, refers={"metadata": _AUTO_NAMED})],
        ],
        failing=[
            (TEAM, "There is no ResourceQuota in this team's namespace."),
            ([TEAM, _quota(None)], "There is no ResourceQuota"),
            ([TEAM, _quota({"pods": "10"}, "other")], "There is no ResourceQuota"),
        ],
    ),
    Cases(
        namespaces.team_default_limits,
        passing=[
            [TEAM, _limits({"type": "Container", "default": {"memory": "1Gi"}})],
            [TEAM, _limits({"type": "Container", "max": {"memory": "8Gi"}})],
            space("addons"),
        ],
        failing=[
            (TEAM, "There is no LimitRange for containers"),
            ([TEAM, _limits({"type": "Pod", "max": {"memory": "8Gi"}})], "There is no LimitRange for containers"),
            ([TEAM, _limits({"type": "Container", "default": {"memory": "1Gi"}}, "other")], "There is no LimitRange"),
        ],
    ),
)

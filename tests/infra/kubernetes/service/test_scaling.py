"""How many pods there are: what an autoscaler is told, for one pod and more or for none."""

from typing import Any

import pytest

from infra.kubernetes.addon_settings import DevicePluginSettings
from infra.kubernetes.charts.metrics_adapter import rules
from tests.infra.kubernetes.service.settings_table import OUTSIDE, manifests, one_of


def metric_of(**scaling: Any) -> dict[str, Any]:
    pods = {"gpus": 1, "capacity": "spot", "memory_gib": 8}
    (metric,) = one_of(manifests(scaling=scaling, pods=pods), "HorizontalPodAutoscaler")["metrics"]
    return dict(metric)


def kinds(found: list[dict[str, Any]]) -> set[str]:
    return {each["kind"] for each in found} & {"HorizontalPodAutoscaler", "ScaledObject"}


def test_what_is_held_at_its_target_is_a_setting() -> None:
    served = {rule["name"]["as"] for rule in rules(DevicePluginSettings())}
    for metric, target in (("queue", "5000"), ("gpu", "60")):
        found = metric_of(metric=metric, target_queue_microseconds=5000, target_gpu_percent=60)
        assert found["pods"]["metric"]["name"] in served
        assert found["pods"]["target"] == {"type": "AverageValue", "averageValue": target}
    # The front's CPU is not the server's.
    assert metric_of(metric="cpu", target_cpu_percent=55)["containerResource"] == {
        "name": "cpu",
        "container": "server",
        "target": {"type": "Utilization", "averageUtilization": 55},
    }


def test_who_decides_on_the_number_of_pods_is_the_only_one_to_set_it() -> None:
    varying = manifests(scaling={"min_pods": 2, "max_pods": 5, "settle_minutes": 7})
    assert "replicas" not in one_of(varying, "Deployment")
    autoscaler = one_of(varying, "HorizontalPodAutoscaler")
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (2, 5)
    assert autoscaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 420
    fixed = manifests(scaling={"min_pods": 4, "max_pods": 4})
    assert one_of(fixed, "Deployment")["replicas"] == 4
    assert kinds(fixed) == set()


def test_a_budget_lets_nodes_be_renewed_one_pod_at_a_time() -> None:
    for scaling in ({}, {"min_pods": 3, "max_pods": 3}):
        assert one_of(manifests(scaling=scaling), "PodDisruptionBudget")["maxUnavailable"] == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exposure": {"kind": "gateway", **OUTSIDE}}, 'gateway_envoyproxy_io_owning_gateway_name="serving"'),
        ({"demand": "sum(rate(asked_total[1m]))"}, "sum(rate(asked_total[1m]))"),
    ],
)
@pytest.mark.parametrize("metric", ["queue", "cpu"])
def test_no_pod_is_left_when_nobody_asks(changes: dict[str, Any], told: str, metric: str) -> None:
    scaling = {"to_zero": True, "max_pods": 4, "idle_minutes": 3, "metric": metric}
    scaling |= {"demand_query": changes["demand"]} if "demand" in changes else {}
    exposure = {"exposure": changes["exposure"]} if "exposure" in changes else {}
    found = manifests(scaling=scaling, **exposure)
    assert kinds(found) == {"ScaledObject"}
    assert "replicas" not in one_of(found, "Deployment")
    scaled = one_of(found, "ScaledObject")
    assert [scaled[name] for name in ("idleReplicaCount", "minReplicaCount", "maxReplicaCount", "cooldownPeriod")] == [
        0, 1, 4, 180,
    ]  # fmt: skip
    demand, load = scaled["triggers"]
    assert told in demand["metadata"]["query"]
    # One wakes the service and never asks for a second pod; with the other it is the other way round.
    assert (demand["metadata"]["activationThreshold"], demand["metadata"]["threshold"]) == ("0", "1000000")
    assert load["type"] == ("cpu" if metric == "cpu" else "prometheus")
    assert load["metadata"].get("activationThreshold", "1000000") == "1000000"


def test_a_slice_of_a_gpu_is_measured_by_its_engine() -> None:
    _, load = one_of(manifests("slice"), "ScaledObject")["triggers"]
    assert load["metadata"]["query"].startswith("100 * avg(DCGM_FI_PROF_GR_ENGINE_ACTIVE{")
